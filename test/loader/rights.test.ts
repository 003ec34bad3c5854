import { DescribeStatementCommand, ExecuteStatementCommand } from "@aws-sdk/client-redshift-data";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AdminSession } from "../../lambdas/grants/admin-session.ts";
import { grantLoader } from "../../lambdas/grants/grant.ts";
import { createLedgerTableSql, ledgerTables } from "../../lambdas/loader/ledger/ledger-tables.ts";
import { createTableSql } from "../../lambdas/loader/table-ddl.ts";
import { type GrantsRequest, grantsScript, loaderGrants } from "../../wire/loader-grants.ts";
import { databaseUser, loaderRoleName } from "../../wire/loader-role.ts";
import { DATABASE, type Rig, startRig, TARGET, WORKGROUP } from "../local/warehouse-fixture.ts";
import { batch, offsets } from "./lake-fixture.ts";
import { LoaderRig, logType, targets } from "./loader-fixture.ts";
import { EVENT_MS } from "../time-limits.ts";

/** The whole of the loader's work with the rights that it is granted, and no more. */

const USER = databaseUser(loaderRoleName("Weir", "eu-west-1"));
const REQUEST: GrantsRequest = {
  user: USER,
  database: DATABASE,
  tables: [{ schema: "logs", table: "photo" }],
};

let rig: Rig;
let loader: LoaderRig;
/** Past the life of the last test's ClientTokens. */
let hoursLater = 0;

beforeAll(async () => {
  rig = await startRig({ user: USER, now: () => new Date(Date.now() + hoursLater * 3_600_000) });
});
afterAll(() => rig?.[Symbol.asyncDispose]());
beforeEach(async () => {
  hoursLater += 9;
  loader = new LoaderRig(rig, targets(logType("photo")));
  await loader.reset();
  for (const schema of ["logs", "weir", "secrets"]) await admin(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
  await forget(USER);
});

/** As the administrator, past the Data API. */
const admin = (sql: string): Promise<object[]> => rig.warehouse.query(sql);

async function forget(user: string): Promise<void> {
  const there = await rig.warehouse.query("SELECT 1 FROM pg_roles WHERE rolname = $1", [user]);
  if (there.length > 0) await admin(`DROP OWNED BY "${user}"; DROP ROLE "${user}"`);
}

const grant = (request = REQUEST): Promise<void> =>
  grantLoader(
    new AdminSession(
      rig.redshift,
      { workgroup: WORKGROUP, database: DATABASE, secret: "administrator" },
      AbortSignal.timeout(EVENT_MS),
    ),
    request,
  );

/** As the administrator, in Redshift's words. */
async function adminStatement(sql: string): Promise<void> {
  const { Id } = await rig.redshift.send(
    new ExecuteStatementCommand({ ...TARGET, Sql: sql, SecretArn: "administrator" }),
  );
  const command = new DescribeStatementCommand({ Id, WaitTimeSeconds: 30 });
  expect((await rig.redshift.send(command)).Error).toBeUndefined();
}

const failures = (): string[] =>
  loader.logged
    .filter(({ message }) => message === "load failed")
    .map(({ fields }) => JSON.stringify(fields));

describe("with its rights", () => {
  test("the loader makes tables, loads, compares what overlaps, and adds and widens columns", async () => {
    await grant();
    await loader.commit(batch({ sequence: [1, 2], sources: { a: [[0, 50]] }, fields: { note: "x" } }));
    await loader.drain();
    await loader.commit(batch({ sequence: [3, 4], sources: { a: [[20, 80]] }, fields: { note: "x" } }));
    await loader.drain();
    loader.targets = targets(
      logType("photo", [
        { name: "note", type: "varchar(16)" },
        { name: "size", type: "integer" },
      ]),
    );
    await loader.commit(batch({ sequence: [5, 5], sources: { a: [[80, 90]] }, fields: { size: 7 } }));
    await loader.drain();

    expect(failures()).toEqual([]);
    expect((await loader.rows()).map(({ _off }) => Number(_off))).toEqual(offsets(0, 90));
    expect((await loader.loads()).map(({ path }) => path).sort()).toEqual(["fast", "fast", "slow"]);
    expect(
      await admin("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname IN ('weir', 'logs')"),
    ).toEqual([{ tableowner: USER }]);
  });

  test("an object that is refused is set aside, with its line and column", async () => {
    await grant();
    await loader.commit(
      batch({ sequence: [1, 1], sources: { a: [[0, 10]] }, fields: { note: "longer than eight" } }),
    );
    await loader.drain();
    expect(await admin("SELECT object_key, error FROM weir.set_aside")).toEqual([
      {
        object_key: expect.stringMatching(/^data\/type=photo/),
        error: expect.stringMatching(/^line 1, note: /),
      },
    ]);
  });

  test("that user owns its schemas, and granting again changes nothing", async () => {
    await grant();
    const owners = (): Promise<object[]> =>
      admin(`SELECT nspname, nspowner::regrole::text AS owner, nspacl::text FROM pg_namespace
             WHERE nspname IN ('weir', 'logs') ORDER BY 1`);
    const before = await owners();
    expect(before).toMatchObject([
      { nspname: "logs", owner: `"${USER}"` },
      { nspname: "weir", owner: `"${USER}"` },
    ]);
    await loader.commit(batch({ sequence: [1, 1], sources: { a: [[0, 10]] } }));
    await loader.drain();
    await grant();
    expect(await owners()).toEqual(before);
    await loader.commit(batch({ sequence: [2, 2], sources: { a: [[10, 20]] } }));
    await loader.drain();
    expect(await loader.rows()).toHaveLength(2);
  });

  test.each([
    ["read another schema", "SELECT * FROM secrets.pay"],
    ["write there", "INSERT INTO secrets.pay VALUES (1)"],
    ["make tables there", "CREATE TABLE secrets.mine (n integer)"],
    ["drop what is there", "DROP TABLE secrets.pay"],
    ["read another table of its own schema", "SELECT * FROM logs.theirs"],
    ["make schemas", "CREATE SCHEMA more"],
    ["make users", "CREATE USER more PASSWORD DISABLE"],
    ["give rights to others", "GRANT USAGE ON SCHEMA secrets TO PUBLIC"],
    ["become the administrator", "CREATE TABLE public.mine (n integer)"],
  ])("it may not %s", async (_, sql) => {
    await grant();
    await admin("CREATE SCHEMA secrets; CREATE TABLE secrets.pay (n integer)");
    await admin("CREATE TABLE logs.theirs (n integer)");
    expect((await rig.execute(sql)).Error).toMatch(/permission denied|must be owner/);
  });
});

describe("without its rights", () => {
  test("a load is refused with the command that grants them, and done once they are granted", async () => {
    await loader.commit(batch({ sequence: [1, 1], sources: { a: [[0, 10]] } }));
    await loader.tick();
    expect(failures().join()).toMatch(/schema \\"weir\\" does not exist; .*`weir warehouse grants`/);
    await grant();
    loader.now = new Date(loader.now.getTime() + 61 * 60_000);
    await loader.drain();
    expect(await loader.rows()).toHaveLength(1);
  });

  /** Tables that somebody else has made, a former role of the loader's for one. */
  async function madeByAnother(): Promise<void> {
    const [photo] = loader.targets;
    await admin("CREATE SCHEMA weir; CREATE SCHEMA logs");
    const tables = [...ledgerTables(photo!).map(createLedgerTableSql), createTableSql(photo!)];
    for (const sql of tables) await adminStatement(sql);
  }

  test("the first load of all is tried again with the next tick where somebody says so", async () => {
    await loader.commit(batch({ sequence: [1, 1], sources: { a: [[0, 50]] } }));
    await loader.tick();
    await grant();
    const retry = { command: "retry", table: "logs.photo" } as const;
    const tables = [{ table: "logs.photo", objects: 0, rows: 0, load: true }];
    expect(await loader.command(retry)).toEqual({ ok: true, tables });
    await loader.tick();
    expect((await loader.state()).tables["logs.photo"]!.load!.statementId).toBeDefined();
  });

  test("tables of somebody else's are loaded with them", async () => {
    await madeByAnother();
    await grant();
    await loader.commit(batch({ sequence: [1, 1], sources: { a: [[0, 30]] } }));
    await loader.drain();
    await loader.commit(batch({ sequence: [2, 2], sources: { a: [[20, 40]] } }));
    await loader.drain();
    expect(failures()).toEqual([]);
    expect(await loader.rows()).toHaveLength(4);
  });

  const needed = loaderGrants(REQUEST)
    .map(({ sql }) => sql)
    .filter((sql) => sql.startsWith("GRANT"));

  test.each(needed)("each of them is needed: all but %s", async (left) => {
    await madeByAnother();
    for (const { sql } of loaderGrants(REQUEST)) if (sql !== left) await adminStatement(sql);
    await loader.commit(
      batch({ sequence: [1, 1], sources: { a: [[0, 30]] } }),
      batch({ sequence: [2, 2], sources: { a: [[20, 40]] } }),
    );
    await loader.drain().catch(() => undefined);
    expect(failures().join()).toMatch(/permission denied|must be owner/);
    expect(await admin("SELECT 1 FROM logs.photo")).toEqual([]);
  });
});

describe("readers", () => {
  const READER = "analysts";
  const readers = { views: "people", groups: [READER], roles: [] };

  beforeEach(async () => {
    await admin("DROP SCHEMA IF EXISTS people CASCADE");
    await forget(READER);
    await admin(`CREATE ROLE ${READER}`);
  });

  const told = (): string => JSON.stringify(loader.logged.filter(({ message }) => /could not/.test(message)));
  const mayRead = async (table: string): Promise<unknown> =>
    (
      await admin(`SELECT has_schema_privilege('${READER}', '${table.split(".")[0]}', 'USAGE')
        AND has_table_privilege('${READER}', '${table}', 'SELECT') AS may`)
    )[0];

  test("are given their rights by the loader, with no more rights than its own", async () => {
    await grant({ ...REQUEST, views: readers.views });
    loader.targets = loader.targets.map((target) => ({ ...target, readers }));
    await loader.commit(batch({ sequence: [1, 1], sources: { a: [[0, 10]] }, fields: { note: "x" } }));
    await loader.drain();
    expect(told()).toBe("[]");
    expect(await admin("SELECT note FROM people.photo")).toEqual([{ note: "x" }]);
    const may = await Promise.all(["people.photo", "logs.photo", "weir.loads"].map(mayRead));
    expect(may).toEqual([{ may: true }, { may: true }, { may: false }]);
    expect(await admin("SELECT viewowner FROM pg_views WHERE schemaname = 'people'")).toEqual([
      { viewowner: USER },
    ]);
  });
});

test("a new table of a schema that is there is granted, and what was granted before stays", async () => {
  await grant();
  const [user] = targets(logType("user"));
  await adminStatement(createTableSql(user!));
  await grant({ ...REQUEST, tables: [{ schema: "logs", table: "user" }] });
  expect((await rig.execute("SELECT * FROM logs.user")).Error).toBeUndefined();
  expect((await rig.execute("CREATE TABLE logs.photo (n integer)")).Error).toBeUndefined();
});

test("what is printed for a warehouse of one's own does the same", async () => {
  const script = grantsScript(REQUEST);
  const conditions = [...script.matchAll(/^-- only if: (SELECT .*);\n(.*);$/gm)];
  expect(conditions.map(([, , sql]) => sql!.split(" ").slice(0, 2).join(" "))).toEqual([
    "CREATE USER",
    "GRANT SELECT,",
  ]);
  for (const [, condition] of conditions) await adminStatement(condition!);
  const statements = script.split("\n").filter((line) => line !== "" && !line.startsWith("--"));
  for (const sql of statements) if (!sql.includes("ON TABLE")) await adminStatement(sql.replace(/;$/, ""));
  await loader.commit(batch({ sequence: [1, 1], sources: { a: [[0, 10]] } }));
  await loader.drain();
  expect(await loader.rows()).toHaveLength(1);
});
