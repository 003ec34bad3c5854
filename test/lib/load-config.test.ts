import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadConfig } from "../../lib/load-config.ts";
import { ConfigError } from "../../wire/config.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "weir-config-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function refused(name: string, text?: string): Promise<ConfigError> {
  const file = join(folder, name);
  if (text !== undefined) await writeFile(file, text);
  const error: unknown = await loadConfig(file).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(ConfigError);
  expect((error as ConfigError).file).toBe(file);
  return error as ConfigError;
}

test("the configuration of this repository is read, its defaults filled in", async () => {
  const config = await loadConfig(fileURLToPath(new URL("../../weir.config.ts", import.meta.url)));
  expect(config.types.map(({ name }) => name)).toEqual(["access", "photo", "user"]);
  expect(config.router.batchSize).toBe(1_000);
});

test("JSON says the same as TypeScript", async () => {
  const ts = join(folder, "weir.config.ts");
  const json = join(folder, "weir.config.json");
  const value = {
    types: [{ name: "app", parse: { format: "json" }, columns: [{ name: "n", type: "bigint" }] }],
  };
  await writeFile(ts, `export default ${JSON.stringify(value)};`);
  await writeFile(json, JSON.stringify(value));
  expect(await loadConfig(json)).toEqual(await loadConfig(ts));
});

test("a wrong field is named with its file", async () => {
  const value = {
    types: [{ name: "app", parse: { format: "json" }, columns: [{ name: "n", type: "int8" }] }],
  };
  const { message, problems } = await refused("wrong.json", JSON.stringify(value));
  expect(problems).toHaveLength(1);
  expect(message).toMatch(
    /wrong\.json:\n {2}line 1, column \d+: types\[0\] "app" columns\[0\] "n" type: not a column type: write bigint/,
  );
});

test("a missing file, bad JSON, bad TypeScript and a missing export are each said plainly", async () => {
  expect((await refused("absent.json")).message).toContain("no such file");
  expect((await refused("absent.ts")).message).toContain("absent.ts");
  expect((await refused("bad.json", "{")).message).toContain("JSON");
  expect((await refused("bad.ts", "export default {{;")).problems).toHaveLength(1);
  expect((await refused("empty.ts", "export const config = {};")).message).toContain("no default export");
});
