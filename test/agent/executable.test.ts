import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Metafile } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeBillOfMaterials } from "../../packaging/bill-of-materials.ts";
import { bundleAgent, VERSION } from "../../packaging/bundle.ts";
import { makeBlob, makeExecutable } from "../../packaging/executable.ts";
import { type NodeBinary, nodeFor, verify } from "../../packaging/node-for.ts";
import { AgentChild } from "./agent-child.ts";
import { AgentFixture, lines } from "./agent-fixture.ts";
import { bySource, reassemble } from "./event.ts";

const HERE = `${process.platform}-${process.arch}`;
/** e_machine, two bytes at offset 18 of an ELF file. */
const ELF_AARCH64 = 183;
const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:";

let folder: string;
let executable: string;
let bundled: Metafile;
let node: NodeBinary;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "weir-executable-"));
  executable = join(folder, "weir-agent");
  bundled = await bundleAgent(join(folder, "weir-agent.cjs"));
  node = nodeFor(HERE, folder);
  makeExecutable(join(folder, "weir-agent.cjs"), node.path, HERE, executable);
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

test("an executable and its bill of materials are the same bytes whenever they are made", async () => {
  const made = await Promise.all(
    ["first", "second"].map(async (name) => {
      const directory = await mkdtemp(join(folder, name));
      const bundle = join(directory, "agent.cjs");
      const bill = join(directory, "bill.json");
      const metafile = await bundleAgent(bundle);
      const blob = makeBlob(bundle, HERE, directory);
      writeBillOfMaterials(metafile, node, HERE, bill);
      return Promise.all([readFile(blob), readFile(bill)]);
    }),
  );
  const [[blob, bill] = [], [blobAgain, billAgain] = []] = made;
  expect([blob!.equals(blobAgain!), bill!.equals(billAgain!)]).toEqual([true, true]);
});

test("the bill of materials names the packages in the bundle, and Node by its hash", async () => {
  const file = join(folder, "bill.cdx.json");
  writeBillOfMaterials(bundled, node, HERE, file);
  const { bomFormat, components } = JSON.parse(await readFile(file, "utf8")) as {
    bomFormat: string;
    components: { name: string; version: string; hashes?: { content: string }[] }[];
  };
  expect(bomFormat).toBe("CycloneDX");
  expect(components.map(({ name }) => name)).toEqual(expect.arrayContaining(["zod", "pino", "smol-toml"]));
  // What only builds or tests it is not in it.
  expect(components.map(({ name }) => name)).not.toContain("esbuild");
  const hashes = [{ content: node.sha256 }];
  expect(components.at(-1)).toMatchObject({ name: "node", version: node.version, hashes });
});

test("another Node than the one whose sum is kept goes into no executable", async () => {
  const other = join(folder, "node");
  await writeFile(other, "not Node");
  const name = `node-v${node.version}-${HERE}/bin/node`;
  expect(() => verify(other, name)).toThrow(/has the SHA-256 \w{64}, and .*NODE_SHA256SUMS says \w{64}/);
  expect(() => verify(other, "node-v1.2.3-linux-x64/bin/node")).toThrow(/knows no such file/);
});

test("the other platform's executable is one of that platform, with the agent in it", async () => {
  const arm = join(folder, "weir-agent-arm64");
  makeExecutable(join(folder, "weir-agent.cjs"), nodeFor("linux-arm64", folder).path, "linux-arm64", arm);
  const bytes = await readFile(arm);
  expect(bytes.subarray(0, 4).toString("latin1")).toBe("\x7fELF");
  expect(bytes.readUInt16LE(18)).toBe(ELF_AARCH64);
  // Node looks for a script in itself when the fuse is 1.
  expect(bytes.toString("latin1", bytes.indexOf(FUSE)).slice(FUSE.length, FUSE.length + 1)).toBe("1");
  expect(bytes.includes(await readFile(join(folder, "weir-agent.cjs")))).toBe(true);
});
