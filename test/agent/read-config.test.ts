import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { interpolate } from "../../agent/config/interpolate.ts";
import { readAgentConfig } from "../../agent/config/read-config.ts";

let directory: string;
beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), "weir-config-"))));
afterAll(() => rm(directory, { recursive: true }));

const files = '[[files]]\ntag = "a"\npath = "/var/log/a.log"\n';

/** Reads a file with this text. */
async function read(toml: string, environment = {}, name = "agent.toml") {
  await writeFile(join(directory, name), toml);
  return readAgentConfig(join(directory, name), environment);
}

test("variables of the environment and the host name are put in, in any text", async () => {
  const toml = `stream = "\${STAGE}-logs"\nhost = "\${hostname}.\${ZONE}"\n
    [[files]]\ntag = "a"\npath = ["/var/log/\${APP}/*.log", "/srv/$\${APP}/x"]`;
  const config = await read(toml, { STAGE: "prod", ZONE: "b", APP: "web" });
  expect(config).toMatchObject({ stream: "prod-logs", host: `${hostname()}.b` });
  expect(config.files[0]!.path).toEqual(["/var/log/web/*.log", "/srv/${APP}/x"]);
});

test("a name without a value is an error that names it and its field, every one of them", async () => {
  const toml = `stream = "\${STAGE}"\n[[files]]\ntag = "a"\npath = ["/x", "/\${no such}/\${}"]`;
  await expect(read(toml, {})).rejects.toMatchObject({
    problems: [
      "stream: ${STAGE} has no value",
      "files[0].path[1]: ${no such} has no value",
      "files[0].path[1]: ${} has no value",
    ],
  });
});

test.each([`"${"é".repeat(200)}"`, '"web\\n1"'])(
  "a host name that readers refuse is refused here: %s",
  async (host) => {
    await expect(read(`stream = "logs"\nhost = ${host}\n${files}`)).rejects.toMatchObject({
      problems: ["line 2: host: at most 255 bytes, without control characters"],
    });
  },
);

test("a value that looks like a reference stays as it is, and texts without one do too", () =>
  fc.assert(
    fc.property(fc.string(), fc.string(), (text, value) => {
      const never = () => expect.unreachable();
      expect(interpolate([`\${A}`], () => value, never)).toEqual([value]);
      const plain = text.replaceAll("${", "");
      expect(interpolate({ a: { b: plain } }, () => undefined, never)).toEqual({ a: { b: plain } });
    }),
  ));

test("included files add their [[files]], in the order of their names", async () => {
  const include = join(directory, "conf.d");
  await mkdir(include);
  await writeFile(join(include, "20-b.toml"), files.replace('"a"', '"b"'));
  await writeFile(join(include, "10-c.toml"), `[[files]]\ntag = "\${TAG}"\npath = "/c"\n`);
  await writeFile(join(include, "notes.txt"), "not TOML");
  const toml = `stream = "s"\ninclude = "${include}"\n`;
  const tags = async (toml: string) => (await read(toml, { TAG: "c" })).files.map(({ tag }) => tag);
  expect(await tags(toml)).toEqual(["c", "b"]);
  expect(await tags(toml + files)).toEqual(["a", "c", "b"]);
  await writeFile(join(include, "30-d.toml"), `stream = "other"\n${files}`);
  await expect(read(toml, { TAG: "c" })).rejects.toMatchObject({
    file: join(include, "30-d.toml"),
    problems: [expect.stringContaining('"stream"')],
  });
});

test.each([
  ["nothing to follow", 'stream = "s"\n', "files: "],
  ["an include that is not there", `stream = "s"\ninclude = "/no/such/dir"\n${files}`, "include: ENOENT"],
  ["an include that is no path", `stream = "s"\ninclude = 5\n${files}`, "include: "],
  ["files that are no array", 'stream = "s"\nfiles = 5\n', "files: "],
])("%s is named", async (_, toml, problem) => {
  await expect(read(toml)).rejects.toMatchObject({ problems: [expect.stringContaining(problem)] });
});
