import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bareEnvironment } from "../bare-environment.ts";
import { type Cloud, removeCloud, startCloud } from "../../local/cloud.ts";
import { type SampleStack, sampleStack } from "../end-to-end/pipeline.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

let stack: SampleStack;
let cloud: Cloud;
let dir: string;

beforeAll(async () => {
  stack = await sampleStack();
  dir = await mkdtemp(join(tmpdir(), "weir-schema-"));
  cloud = await startCloud({ deployment: stack.deployment, dir, log: () => {} });
});
afterAll(async () => {
  await cloud?.stop();
  await removeCloud(dir);
  await stack?.[Symbol.asyncDispose]();
});

async function weir(...args: string[]) {
  const child = spawn(process.execPath, ["bin/weir.ts", "schema", ...args, "--local", dir], {
    cwd: ROOT,
    env: { ...bareEnvironment(), HOME: process.env["HOME"] },
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit") as Promise<[number]>,
  ]);
  return { code, stdout, stderr };
}

test("a new warehouse's tables are shown, made and recorded, and then nothing is left to do", async () => {
  const shown = await weir("diff");
  expect(shown).toMatchObject({ code: 2, stderr: "" });
  expect(shown.stdout).toMatch(
    /logs\.photo\n {2}\+ create table logs\.photo\n {6}CREATE TABLE IF NOT EXISTS/,
  );
  expect(shown.stdout).toMatch(/\n3 changes would be made, none refused\n$/);
  expect(await cloud.warehouse!.query("SELECT 1 FROM pg_tables WHERE schemaname = 'logs'")).toEqual([]);

  const made = await weir("apply");
  expect(made).toMatchObject({ code: 0, stderr: "" });
  expect(made.stdout).toMatch(/\n3 changes made, none refused\n$/);
  expect(await weir("diff")).toMatchObject({
    code: 0,
    stdout: `the laptop cloud of ${dir}\n\nevery table is as the configuration has it\n`,
  });
  const records = await cloud.warehouse!.query("SELECT kind, applied_by FROM weir.migrations");
  expect(records).toHaveLength(3);
  expect(records[0]).toMatchObject({
    kind: "create-table",
    applied_by: expect.stringMatching(/.@./) as string,
  });
});

test("what a configuration would change is shown before it is deployed, with the way out of what it cannot", async () => {
  await weir("apply");
  const file = join(ROOT, `schema-${process.pid}.config.ts`);
  await writeFile(
    file,
    `import sample from "./weir.config.ts";
const [access, photo, user] = sample.types;
const [id, ...columns] = photo.columns;
export default { ...sample, types: [access, user, { ...photo, columns: [
  { ...id, type: "varchar(32)" }, ...columns, { name: "size", type: "bigint" }] }] };
`,
  );
  try {
    const { code, stdout, stderr } = await weir("diff", "--config", file);
    expect({ code, stderr }).toEqual({ code: 2, stderr: "" });
    expect(stdout).toContain(`
logs.photo
  + add column size
      ALTER TABLE "logs"."photo" ADD COLUMN "size" bigint;
  ! photo_id is bigint there and varchar(32) in the configuration; nothing is loaded until this is gone
      give the column another name, and name the field it is filled from`);
    expect(stdout).toContain(
      `\n      ALTER TABLE "logs"."photo" RENAME COLUMN "photo_id_new" TO "photo_id";\n`,
    );
    expect(stdout).toMatch(/\n1 change would be made, 1 refused\n$/);
    const json = await weir("diff", "--config", file, "--json");
    expect(json.code).toBe(2);
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, tables: [{}, {}, { table: "logs.photo" }] });
  } finally {
    await rm(file);
  }
  expect(await weir("diff", "--config", "nowhere.config.ts")).toMatchObject({ code: 1, stdout: "" });
});
