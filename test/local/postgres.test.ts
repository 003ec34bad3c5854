import { chmod, mkdir, mkdtemp, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Postgres, removePostgres, startPostgres } from "../../local/warehouse/postgres.ts";

let dataDir: string;
let postgres: Postgres;

beforeAll(async () => {
  vi.stubEnv("WEIR_KEPT_CLUSTER", undefined);
  dataDir = await mkdtemp(join(tmpdir(), "weir-postgres-test-"));
  postgres = await startPostgres(dataDir);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await postgres.stop();
  await removePostgres(dataDir);
});

/** Rows of one SQL, by whoever logs in. @throws what PostgreSQL says */
async function query(sql: string, login: { user?: string; password?: string } = {}): Promise<unknown[]> {
  const { port, user, password } = postgres;
  const client = new Client({ host: "127.0.0.1", port, database: "postgres", user, password, ...login });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

test("who logs in has the password of this run", async () => {
  expect(await query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
  await expect(query("SELECT 1", { password: "" })).rejects.toThrow(/password/);
  await expect(query("SELECT 1", { password: "weir" })).rejects.toThrow("password authentication failed");
});

test("nobody else logs in, the superuser least of all", async () => {
  const others = await query(
    "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> current_user",
  );
  expect(others).toEqual([{ rolname: "postgres" }]);
  for (const password of [postgres.password, ""]) {
    await expect(query("SELECT 1", { user: "postgres", password })).rejects.toThrow("no pg_hba.conf entry");
  }
});

test("who logs in starts no program, touches no file and makes nobody a superuser", async () => {
  for (const sql of [
    "COPY (SELECT 1) TO PROGRAM 'id'",
    "COPY (SELECT 1) TO '/tmp/weir-test'",
    "SELECT pg_read_file('/etc/passwd')",
    "ALTER ROLE weir SUPERUSER",
    "SET ROLE postgres",
    "CREATE EXTENSION plperlu",
  ]) {
    await expect(query(sql), sql).rejects.toThrow(/permission denied|must be|not available/);
  }
});

test("the password stands in no file of the server, in no command and in no environment", async () => {
  const kept = async (path: string) =>
    (await readFile(path, "latin1").catch(() => "")).includes(postgres.password);
  const files = await readdir(dataDir, { recursive: true });
  const processes = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  const paths = [
    ...files.map((file) => join(dataDir, file)),
    ...processes.flatMap((pid) => [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`]),
  ];
  const found: string[] = [];
  for (const path of paths) if (await kept(path)) found.push(path);
  expect(found).toEqual([]);
  expect((await stat(join(dataDir, "pg_hba.conf"))).mode & 0o077).toBe(0);
});

test("a start has a password of its own, and closes a folder that let in everybody", async () => {
  await query("CREATE DATABASE kept");
  const before = postgres.password;
  await postgres.stop();
  await writeFile(join(dataDir, "pg_hba.conf"), "host all all 127.0.0.1/32 trust\n");
  postgres = await startPostgres(dataDir);
  await expect(query("SELECT 1", { password: before })).rejects.toThrow("password authentication failed");
  await expect(query("SELECT 1", { user: "postgres" })).rejects.toThrow("no pg_hba.conf entry");
  expect(await query("SELECT 1 FROM pg_database WHERE datname = 'kept'")).toHaveLength(1);
});

test.each([
  ["", undefined],
  [", copied from one that the first makes", "kept"],
])("servers that start at the same time do so, on folders of their own%s", async (_, name) => {
  const parent = await mkdtemp(join(tmpdir(), "weir-postgres-both-"));
  await chmod(parent, 0o755);
  vi.stubEnv("WEIR_KEPT_CLUSTER", name && join(parent, name));
  const dirs = ["a", "b"].map((name) => join(parent, name));
  for (const dir of dirs) await mkdir(dir);
  const both = await Promise.all(dirs.map((dir) => startPostgres(dir)));
  expect(new Set(both.map(({ port }) => port)).size).toBe(2);
  await Promise.all(both.map((server) => server.stop()));
  expect((await readdir(parent)).sort()).toEqual(["a", "b", ...(name ? [name] : [])]);
  await Promise.all([...dirs, parent].map(removePostgres));
});
