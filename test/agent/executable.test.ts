import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundleAgent, VERSION } from "../../packaging/bundle.ts";
import { makeBlob, makeExecutable } from "../../packaging/executable.ts";
import { nodeFor } from "../../packaging/node-for.ts";
import { AgentChild } from "./agent-child.ts";
import { AgentFixture, lines } from "./agent-fixture.ts";
import { bySource, reassemble } from "./event.ts";

const HERE = `${process.platform}-${process.arch}`;
/** e_machine, two bytes at offset 18 of an ELF file. */
const ELF_AARCH64 = 183;
const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:";

let folder: string;
let executable: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "weir-executable-"));
  executable = join(folder, "weir-agent");
  await bundleAgent(join(folder, "weir-agent.cjs"));
  makeExecutable(join(folder, "weir-agent.cjs"), nodeFor(HERE, folder), HERE, executable);
});
afterAll(() => rm(folder, { recursive: true }));

test("the executable knows its version, and has nothing else to say", () => {
  const { stdout, stderr } = spawnSync(executable, ["--version"], { encoding: "utf8" });
  expect([stdout, stderr]).toEqual([`${VERSION}\n`, ""]);
});

test("the executable delivers a file, with nothing of the repository beside it", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("a.log"), lines(100));
  await using child = await AgentChild.start(agent, ["run", "--until-drained"], {}, {}, [executable]);
  expect(await child.ended).toMatchObject({ code: 0 });
  expect(Array.from(bySource(agent.events).values(), reassemble)).toEqual([lines(100)]);
});

test("what is put into Node is the same bytes whenever it is made", async () => {
  const [first = "", second = ""] = await Promise.all(
    ["first", "second"].map(async (name) => {
      const directory = await mkdtemp(join(folder, name));
      const bundle = join(folder, `${name}.cjs`);
      await bundleAgent(bundle);
      return makeBlob(bundle, HERE, directory);
    }),
  );
  expect((await readFile(first)).equals(await readFile(second))).toBe(true);
});

test("the other platform's executable is one of that platform, with the agent in it", async () => {
  const arm = join(folder, "weir-agent-arm64");
  makeExecutable(join(folder, "weir-agent.cjs"), nodeFor("linux-arm64", folder), "linux-arm64", arm);
  const bytes = await readFile(arm);
  expect(bytes.subarray(0, 4).toString("latin1")).toBe("\x7fELF");
  expect(bytes.readUInt16LE(18)).toBe(ELF_AARCH64);
  // Node looks for a script in itself when the fuse is 1.
  expect(bytes.toString("latin1", bytes.indexOf(FUSE)).slice(FUSE.length, FUSE.length + 1)).toBe("1");
  expect(bytes.includes(await readFile(join(folder, "weir-agent.cjs")))).toBe(true);
});
