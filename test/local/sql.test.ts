import { existsSync } from "node:fs";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LEDGER_TABLES, createLedgerTableSql } from "../../lambdas/loader/ledger/ledger-tables.ts";
import { createTableSql } from "../../lambdas/loader/table-ddl.ts";
import { targetsOf } from "../../lambdas/loader/target.ts";
import { startConsole, type Console } from "../../local/console/console.ts";
import { sqlRoutes } from "../../local/console/sql.ts";
import { csvText } from "../../local/console/sql-csv.ts";
import { sqlExamples } from "../../local/console/sql-examples.ts";
import { runSql, type SqlBounds } from "../../local/console/sql-query.ts";
import { translate } from "../../local/warehouse/dialect.ts";
import { removePostgres } from "../../local/warehouse/postgres.ts";
import { startWarehouse, type Warehouse } from "../../local/warehouse/warehouse.ts";
import { loadConfig } from "../../lib/load-config.ts";
import { scriptedSnapshot } from "./console-script.ts";
import { EVENT_MS } from "../time-limits.ts";

const config = await loadConfig(fileURLToPath(new URL("../../weir.config.ts", import.meta.url)));
const { types } = config;
let dataDir: string;
let main: Warehouse;
let other: Warehouse;
let page: Console;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "weir-sql-test-"));
  const s3 = { endpoint: "http://127.0.0.1:9" };
  main = await startWarehouse({ dataDir, s3, workgroup: "main", database: "weir" });
  const { postgres } = main;
  other = await startWarehouse({ dataDir, s3, workgroup: "other", database: "weir2", postgres });
  await main.query("CREATE ROLE loader");
  await main.query("GRANT CREATE ON DATABASE weir TO loader");
  await main.query("CREATE SCHEMA logs AUTHORIZATION loader");
  await main.query("CREATE SCHEMA weir AUTHORIZATION loader");
  await asLoader("CREATE TABLE logs.before (n bigint); INSERT INTO logs.before VALUES (9007199254740993)");
  await other.query("CREATE TABLE public.there AS SELECT 1 AS here");
  const routes = sqlRoutes({
    types,
    warehouses: new Map([
      ["main", main],
      ["second", other],
    ]),
    lake: { endpoint: "http://127.0.0.1:1", bucket: "lake" },
  });
  page = await startConsole({ port: 0, everyMs: 60_000, snapshot: () => scriptedSnapshot(0), routes });
});
afterAll(async () => {
  await page.stop();
  await other.stop();
  await main.stop();
  await removePostgres(dataDir);
});

const asLoader = (sql: string) => main.query(`BEGIN; SET LOCAL ROLE loader; ${sql}; COMMIT`);

async function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(new URL(path, page.url), {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

interface Said {
  readonly columns?: readonly { name: string; type: string }[];
  readonly rows?: readonly (readonly (string | null)[])[];
  readonly cutBy?: string;
  readonly message?: string;
  readonly position?: number;
}

const ask = async (sql: string, warehouse = "main"): Promise<Said> =>
  (await (await post("/sql", { sql, warehouse })).json()) as Said;

describe("a statement", () => {
  test("has its rows as PostgreSQL writes them, and its columns as they are called, twice or not at all", async () => {
    const said = await ask(
      "SELECT n, 'ä' AS n, NULL::int, '2026-11-27 01:02:03.000004'::timestamp FROM logs.before;",
    );
    expect(said.rows).toEqual([["9007199254740993", "ä", null, "2026-11-27 01:02:03.000004"]]);
    expect(said.columns!.map(({ name, type }) => `${name} ${type}`)).toEqual([
      "n int8",
      "n text",
      "int4 int4",
      "timestamp timestamp",
    ]);
    expect(await ask("SELECT n FROM logs.before WHERE false")).toMatchObject({
      columns: [{ name: "n" }],
      rows: [],
    });
    expect(await ask("EXPLAIN SELECT 1")).toMatchObject({ rows: [[expect.stringContaining("Result")]] });
  });

  test("reads tables and views that were made before and since", async () => {
    await asLoader(
      "CREATE TABLE logs.since (n int); CREATE VIEW logs.seen AS SELECT 2 AS n; CREATE SCHEMA AUTHORIZATION loader; CREATE TABLE loader.t (n int)",
    );
    for (const table of ["logs.before", "logs.since", "logs.seen", "loader.t"])
      expect(await ask(`SELECT n FROM ${table}`), table).toMatchObject({ columns: [{ name: "n" }] });
  });

  test.each([
    "INSERT INTO logs.before VALUES (1)",
    "UPDATE logs.before SET n = 1",
    "DELETE FROM logs.before",
    "TRUNCATE logs.before",
    "DROP TABLE logs.before",
    "CREATE TABLE logs.mine (n int)",
    "CREATE TEMPORARY TABLE mine (n int)",
    "CREATE EXTENSION dblink",
    "WITH gone AS (DELETE FROM logs.before RETURNING n) SELECT n FROM gone",
    "SELECT n INTO public.mine FROM logs.before",
    "SELECT n FROM logs.before FOR UPDATE",
    "LOCK TABLE logs.before IN ACCESS EXCLUSIVE MODE",
    "COPY (SELECT 1) TO PROGRAM 'id'",
    "COPY (SELECT 1) TO '/tmp/weir-sql-test'",
    "COPY logs.before FROM '/etc/passwd'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_read_binary_file('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    "SELECT pg_stat_file('/etc/passwd')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_create(0)",
    "SELECT rolpassword FROM pg_authid",
    "SELECT current_setting('data_directory')",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'weir' AND pg_terminate_backend(pid)",
    "SET ROLE weir",
    "SET SESSION AUTHORIZATION weir",
    "SELECT set_config('role', 'loader', false)",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "ALTER ROLE weir_reader PASSWORD 'mine'",
    "ALTER ROLE weir_reader RESET temp_file_limit",
    "SET temp_file_limit = -1",
    "DO $$ BEGIN EXECUTE 'INSERT INTO logs.before VALUES (1)'; END $$",
    "DO $$ BEGIN SET TRANSACTION READ WRITE; ALTER ROLE weir_reader PASSWORD 'mine'; END $$",
    "SELECT redshift.alter_below_views('logs.before', 'DROP TABLE logs.before')",
    "SELECT query_to_xml('DELETE FROM logs.before', true, true, '')",
    "COMMIT; DROP TABLE logs.before",
    "SELECT 1; SELECT 2",
  ])("reads and does nothing else: %s", async (sql) => {
    const { message } = await ask(sql);
    if (!sql.includes("pg_terminate_backend"))
      expect(message).toMatch(
        /denied|read-only|must be|multiple commands|not available|not allowed|read-write mode/,
      );
  });

  test("leaves nothing of what it does or sets to the next", async () => {
    expect(await main.query("SELECT n::text FROM logs.before")).toEqual([{ n: "9007199254740993" }]);
    expect((await ask("SELECT 1")).rows).toEqual([["1"]]);
    await ask("SET statement_timeout = 0");
    await ask("SELECT set_config('search_path', 'nowhere', false)");
    expect((await ask("SHOW statement_timeout")).rows).toEqual([["10s"]]);
    expect((await ask("SHOW search_path")).rows![0]![0]).toContain("redshift");
  });

  test("has an end in rows, in bytes, and in time", async () => {
    const many = await ask("SELECT n FROM generate_series(1, 200000) AS n");
    expect(many).toMatchObject({ cutBy: "rows", columns: [{ name: "n", type: "int4" }] });
    expect(many.rows).toHaveLength(1_000);
    expect(await ask("SELECT repeat('x', 20000000)")).toMatchObject({ cutBy: "bytes", rows: [] });
    const wide = await ask("SELECT repeat('x', 100000) FROM generate_series(1, 100)");
    expect(wide.cutBy).toBe("bytes");
    expect(wide.rows!.length).toBeGreaterThan(30);

    const { port, user, password } = main.postgres;
    const login = { host: "127.0.0.1", port, user, password, database: "weir" };
    const short: SqlBounds = { rows: 1, bytes: 1_000, seconds: 1 };
    const signal = new AbortController().signal;
    await expect(runSql(login, "SELECT pg_sleep(60)", short, signal)).rejects.toThrow("more than 1 s");
    const long = { ...short, seconds: 60 };
    await expect(runSql(login, "SELECT pg_sleep(60)", long, AbortSignal.timeout(300))).rejects.toThrow(
      /timeout/,
    );
    const running =
      "SELECT 1 FROM pg_stat_activity WHERE application_name = 'weir console' AND query ~ 'pg_sleep'";
    await expect.poll(() => main.query(running)).toEqual([]);
  });

  test("of a table that is not there yet, or that would write, is told what to do", async () => {
    expect(await ask("SELECT 1 FROM logs.soon")).toMatchObject({
      hint: expect.stringContaining("first load"),
    });
    expect(await ask("DELETE FROM logs.before")).toMatchObject({ hint: expect.stringContaining("psql") });
  });

  test("that is wrong is told with its place, whatever letters come before it", async () => {
    const sql = "SELECT '😀ä' AS smile,\n  nothere FROM logs.before";
    const { message, position } = await ask(sql);
    expect(message).toBe('column "nothere" does not exist');
    expect(sql.slice(position)).toBe("nothere FROM logs.before");
    expect(await ask("SELECT 1; SELECT 2")).toMatchObject({
      message: expect.stringContaining("multiple commands"),
    });
    expect(await ask("")).toMatchObject({ rows: [], columns: [] });
  });
});

test("each warehouse answers by its name, and no other", async () => {
  expect((await ask("SELECT here FROM there", "second")).rows).toEqual([["1"]]);
  expect((await ask("SELECT here FROM there")).message).toContain("does not exist");
  expect((await post("/sql", { sql: "SELECT 1", warehouse: "third" })).status).toBe(404);
});

test("other sites in the same browser are not answered, nor is what only a form can send", async () => {
  const body = { sql: "SELECT 1", warehouse: "main" };
  expect((await post("/sql", body, { origin: page.url.slice(0, -1) })).status).toBe(200);
  for (const headers of [
    { origin: "https://weir.example" },
    { origin: "null" },
    { "sec-fetch-site": "cross-site" },
  ])
    expect((await post("/sql", body, headers)).status, JSON.stringify(headers)).toBe(403);
  expect((await post("/sql", body, { "content-type": "text/plain" })).status).toBe(415);
  expect((await post("/sql", { ...body, sql: "x".repeat(200_000) })).status).toBe(413);
  for (const wrong of [{}, { ...body, sql: 1 }, { ...body, more: 1 }])
    expect((await post("/sql", wrong)).status).toBe(400);
});

test("a file has more rows than the page, and tells NULL from an empty text", async () => {
  const body = {
    warehouse: "main",
    sql: "SELECT n AS a, NULL AS b, '' AS \"c,d\" FROM generate_series(1, 1500) AS n",
  };
  const response = await post("/sql.csv", body);
  expect(response.headers.get("content-disposition")).toContain("attachment");
  expect(response.headers.get("x-rows")).toBe("1500");
  expect((await response.text()).split("\r\n").slice(0, 2)).toEqual(['a,b,"c,d"', '1,,""']);
  const columns = [{ name: "a", type: "text" }];
  expect(csvText({ columns, rows: [["x\ny"], ['say "hi"'], ["=1+1"]] })).toBe(
    'a\r\n"x\ny"\r\n"say ""hi"""\r\n=1+1\r\n',
  );
});

test("every example of the project's own configuration runs", async () => {
  const targets = targetsOf(config);
  const tables = [...LEDGER_TABLES.map(createLedgerTableSql), ...targets.map(createTableSql)];
  for (const sql of tables) await asLoader(translate(sql));
  const examples = sqlExamples(types);
  expect(examples.map(({ title }) => title)).toContain("logs.user_events: most frequent event");
  for (const { sql, warehouse, title } of examples) {
    expect(warehouse).toBe("main");
    expect((await ask(sql)).message, title).toBeUndefined();
  }
});

test("without a warehouse there is no example, and the lake is named", async () => {
  const lake = { endpoint: "http://127.0.0.1:1", bucket: "lake" };
  const routes = sqlRoutes({ types: [], warehouses: new Map(), lake });
  const about = routes.find(({ method, path }) => method === "GET" && path === "/sql")!;
  const asked = { query: new URLSearchParams(), body: "", signal: new AbortController().signal };
  expect(await about.answer(asked)).toMatchObject({
    body: JSON.stringify({ warehouses: [], examples: [], lake }),
  });
});

const BROWSER = [
  process.env["CHROMIUM_PATH"],
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => path !== undefined && existsSync(path));

describe.skipIf(BROWSER === undefined)(
  `in a browser (${BROWSER ?? "skipped: no Chromium found; set CHROMIUM_PATH"})`,
  () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath: BROWSER!, args: ["--no-sandbox", "--disable-gpu"] });
    });
    afterAll(() => browser.close());

    async function opened({ url }: Console): Promise<Page> {
      const at = await browser.newPage({ viewport: { width: 420, height: 900 } });
      at.setDefaultTimeout(EVENT_MS);
      await at.goto(url);
      await at.locator("#sql summary").focus();
      await at.keyboard.press("Enter");
      return at;
    }

    test("keys alone ask, see rows, are led to what is wrong, and stop what takes long", async () => {
      const at = await opened(page);
      const statement = at.getByLabel("Statement");
      const said = at.locator("#sql-said");
      const run = async (sql: string): Promise<void> => {
        await statement.fill(sql);
        await at.keyboard.press("Control+Enter");
      };
      expect(await at.getByLabel("Example").locator("option").first().textContent()).toContain("access");
      await run("SELECT '<b>bold</b>' AS text, NULL AS nothing, 7 AS n");
      await said.getByText(/^1 row in /).waitFor();
      expect(await at.locator("#sql-result td").allTextContents()).toEqual(["<b>bold</b>", "NULL", "7"]);
      expect(await at.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
      await run("SELECT\n  'ü', nothere");
      await said.getByText('Line 2, column 8: column "nothere" does not exist').waitFor();
      expect(await at.evaluate("getSelection().toString()")).toBe("nothere");
      expect(await statement.getAttribute("aria-invalid")).toBe("true");
      expect(await at.locator("#sql-result").isVisible()).toBe(false);
      await run("SELECT pg_sleep(9)");
      await at.getByRole("button", { name: "Stop" }).press("Enter");
      await said.getByText("Stopped", { exact: true }).waitFor();
      await at.getByLabel("Warehouse", { exact: true }).selectOption("second");
      await run("SELECT here FROM there");
      await said.getByText(/^1 row in /).waitFor();
      const download = at.waitForEvent("download");
      await at.getByRole("button", { name: "Save as CSV" }).press("Enter");
      expect(await readFile(await (await download).path(), "utf8")).toBe("here\r\n1\r\n");
      await at.close();
    });

    test("a configuration without a warehouse leads to the lake", async () => {
      const lake = { endpoint: "http://127.0.0.1:1", bucket: "lake" };
      const routes = sqlRoutes({ types: [], warehouses: new Map(), lake });
      const bare = await startConsole({ port: 0, snapshot: () => scriptedSnapshot(0), routes });
      const at = await opened(bare);
      await at.getByText("lake at http://127.0.0.1:1").waitFor();
      expect(await at.getByLabel("Statement").isVisible()).toBe(false);
      await at.close();
      await bare.stop();
    });
  },
);
