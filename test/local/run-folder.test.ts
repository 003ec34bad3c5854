import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RunError } from "../../local/run/run-error.ts";
import { RunFolder } from "../../local/run/run-folder.ts";

let dir: string;
let folder: RunFolder;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "weir-run-folder-"));
  folder = await RunFolder.open(dir);
});
afterEach(async () => {
  await folder[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true });
});

test("what a part said of a full disk explains a failure, though it has left room since", async () => {
  folder.log("PostgreSQL", 'PANIC:  could not write to file "pg_wal/xlogtemp": No space left on device');
  const error = new Error("the warehouse: connection terminated");
  const reason = await folder.reasonOf(error);
  expect(reason).toBeInstanceOf(RunError);
  expect(reason).toMatchObject({ code: "DISK", cause: error });
  for (const told of ["no space left on device", error.message, `Make room where ${dir} is.`])
    expect(reason.message).toContain(told);
  expect(await folder.reasonOf(reason)).toBe(reason);
  expect(await folder.reasonOf(undefined)).toMatchObject({ code: "DISK" });
});

test.each([
  ["of its own", Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" })],
  [
    "of a program",
    new Error("Command failed: cp -Rp a b", { cause: "cp: error writing: No space left on device" }),
  ],
])("an error %s that comes from a full disk says what to do", async (_, error) => {
  expect(await folder.reasonOf(error)).toMatchObject({ code: "DISK", cause: error });
});

test("any other failure stays what it was, and a run that does not balance for another reason has none", async () => {
  folder.log("router", "127 lines routed");
  folder.log("agent", "ENOSPC: System limit for number of file watchers reached, watch '/var/log'");
  const error = new Error("ended with exit code 1 before it was ready");
  expect(await folder.reasonOf(error)).toBe(error);
  expect(await folder.reasonOf(undefined)).toBeUndefined();
});
