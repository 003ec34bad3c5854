import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { shellWord, writeShellEnvironment } from "../../local/run/shell-environment.ts";
import type { Warehouse } from "../../local/warehouse/warehouse.ts";

let dir: string;
beforeAll(() => void (dir = mkdtempSync(join(tmpdir(), "weir-it's $HOME-"))));
afterAll(() => rmSync(dir, { recursive: true }));

test("a shell that reads it reaches everything, nobody else reads the password, and it goes with the cloud", async () => {
  writeFileSync(join(dir, "pgpass"), "an earlier run's", { mode: 0o644 });
  const warehouse = {
    port: 5432,
    database: "weir",
    postgres: { user: "u", password: "secret" },
  } as Warehouse;
  const written = await writeShellEnvironment(dir, { AWS_REGION: "eu-west-1", ODD: "a'b $HOME" }, warehouse);
  const script = `. "$1" && printf '%s|' "$AWS_REGION" "$ODD" "$PGHOST" "$PGPORT" "$PGUSER" "$PGDATABASE" "$PGPASSFILE" "$AWS_PROFILE"`;
  const env = { AWS_PROFILE: "work", PATH: process.env["PATH"] };
  const said = execFileSync("sh", ["-c", script, "sh", written.path], { encoding: "utf8", env });
  expect(said).toBe(`eu-west-1|a'b $HOME|127.0.0.1|5432|u|weir|${join(dir, "pgpass")}||`);
  expect(readFileSync(written.path, "utf8")).not.toContain("secret");
  expect(readFileSync(join(dir, "pgpass"), "utf8")).toBe("127.0.0.1:5432:*:u:secret\n");
  for (const file of readdirSync(dir)) expect(statSync(join(dir, file)).mode & 0o077).toBe(0);
  await written.stop();
  expect(readdirSync(dir)).toEqual([]);
});

test("a line that tells of the file can be pasted, whatever the folder is called", () => {
  const folder = join(dir, "a b");
  const said = execFileSync("sh", ["-c", `printf %s ${shellWord(folder)}`], { encoding: "utf8" });
  expect(said).toBe(folder);
  expect(shellWord("/tmp/weir-1/env")).toBe("/tmp/weir-1/env");
});
