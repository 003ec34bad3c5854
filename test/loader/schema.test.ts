import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { CommandSession } from "../../lambdas/loader/commands/command.ts";
import { schema } from "../../lambdas/loader/commands/schema.ts";
import { DataApi } from "../../lambdas/loader/data-api.ts";
import { targetsOf } from "../../lambdas/loader/target.ts";
import { parseConfig, type WeirConfigInput } from "../../wire/config.ts";
import type { LoaderCommand, LoaderSchema, TableSchema } from "../../wire/loader-command.ts";
import { DATABASE, type Rig, startRig, WORKGROUP } from "../local/warehouse-fixture.ts";
import { batch } from "./lake-fixture.ts";
import { LoaderRig, logType, targets } from "./loader-fixture.ts";

/** Changes of a table: which are made and recorded, which a person has to make, and what readers get of it. */

let rig: Rig;
let loader: LoaderRig;
/** Past the life of the last test's ClientTokens. */
let hoursLater = 0;

beforeAll(async () => {
  rig = await startRig({ now: () => new Date(Date.now() + hoursLater * 3_600_000) });
});
afterAll(() => rig?.[Symbol.asyncDispose]());
beforeEach(async () => {
  hoursLater += 9;
  loader = new LoaderRig(rig, targets(logType("photo")));
  await loader.reset();
  await rig.warehouse.query("DROP SCHEMA IF EXISTS people CASCADE");
  await rig.warehouse.query("TRUNCATE redshift.table_attributes");
  for (const role of ["analysts", "bi team"]) {
    const there = await rig.warehouse.query("SELECT 1 FROM pg_roles WHERE rolname = $1", [role]);
    if (there.length > 0) await rig.warehouse.query(`DROP OWNED BY "${role}"; DROP ROLE "${role}"`);
  }
});

type Columns = NonNullable<Parameters<typeof logType>[1]>;
const photo = (...columns: Columns): LoaderRig["targets"] => targets(logType("photo", columns));

const NOTE = { name: "note", type: "varchar(8)" };

let sequence = 0;
async function load(fields: object = {}): Promise<void> {
  const n = ++sequence;
  await loader.commit(batch({ sequence: [n, n], sources: { a: [[n * 10, n * 10 + 10]] }, fields }));
  await loader.drain();
}

async function ask(
  command: Partial<Extract<LoaderCommand, { command: "schema" }>> = {},
): Promise<LoaderSchema> {
  const answer = await loader.command({ command: "schema", apply: false, ...command });
  if (!answer.ok) throw new Error(answer.error.message);
  return answer;
}

async function photoSchema(command: Parameters<typeof ask>[0] = {}): Promise<TableSchema> {
  const { tables } = await ask(command);
  expect(tables.map(({ table }) => table)).toEqual(["logs.photo"]);
  return tables[0]!;
}

const summary = ({ changes }: TableSchema): string[] =>
  changes.map(({ kind, subject }) => `${kind} ${subject}`);

const migrations = async (): Promise<string[]> =>
  (
    await rig.warehouse.query<{ row: string }>(
      "SELECT kind || ' ' || subject || ' by ' || applied_by AS row FROM weir.migrations WHERE target = 'logs.photo' ORDER BY 1",
    )
  ).map(({ row }) => row);

describe("additive changes", () => {
  test("are made before the next load, and recorded with their SQL and who asked", async () => {
    await load({ note: "x" });
    loader.targets = photo({ name: "note", type: "varchar(64)" }, { name: "size", type: "integer" });
    await load({ note: "longer than eight", size: 7 });
    expect(await migrations()).toEqual([
      "add-column size by loader",
      "create-table logs.photo by loader",
      "widen-column note by loader",
    ]);
    const [row] = await rig.warehouse.query("SELECT * FROM weir.migrations WHERE kind = 'add-column'");
    expect(row).toMatchObject({
      target: "logs.photo",
      statement: 'ALTER TABLE "logs"."photo" ADD COLUMN "size" integer',
      configuration: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
      applied_at: expect.any(Date) as Date,
    });
    await load();
    expect(await migrations()).toHaveLength(3);
  });

  test("are shown by a diff that changes nothing, and made when they are applied", async () => {
    expect(summary(await photoSchema())).toEqual(["create-table logs.photo"]);
    expect(await rig.warehouse.query("SELECT 1 FROM pg_tables WHERE schemaname IN ('logs', 'weir')")).toEqual(
      [],
    );
    expect(summary(await photoSchema({ apply: true, by: "ada@laptop" }))).toEqual([
      "create-table logs.photo",
    ]);
    expect(await photoSchema()).toEqual({ table: "logs.photo", changes: [], refused: [] });

    loader.targets = photo({ name: "note", type: "varchar(64)" }, { name: "size", type: "integer" });
    const wanted = ["widen-column note", "add-column size"];
    expect(summary(await photoSchema())).toEqual(wanted);
    expect(summary(await photoSchema())).toEqual(wanted);
    expect(summary(await photoSchema({ apply: true, by: "ada@laptop" }))).toEqual(wanted);
    expect(await photoSchema({ apply: true })).toEqual({ table: "logs.photo", changes: [], refused: [] });
    expect(await migrations()).toEqual([
      "add-column size by ada@laptop",
      "create-table logs.photo by ada@laptop",
      "widen-column note by ada@laptop",
    ]);
    await load({ note: "longer than eight", size: 7 });
    expect(await loader.rows()).toHaveLength(1);
  });

  test("of a configuration that is not deployed are shown, and not made", async () => {
    await load();
    const config = {
      warehouse: { kind: "new-serverless" },
      types: [logType("photo", [NOTE, { name: "size", type: "integer" }])],
    };
    expect(summary(await photoSchema({ config }))).toEqual(["add-column size"]);
    expect(await photoSchema()).toMatchObject({ changes: [] });
    await expect(ask({ config, apply: true })).rejects.toThrow("config: only what is deployed is applied");
    const broken = { ...config, types: [{ ...config.types[0], columns: [{ name: "oid", type: "bigint" }] }] };
    await expect(ask({ config: broken })).rejects.toThrow(/types\[0\]\.columns\[0\]\.name: Redshift keeps/);
  });
});

test("a loader compares a configuration with the tables of its own warehouse", async () => {
  const to = (warehouse: string) => ({ to: "redshift" as const, schema: "logs", warehouse });
  const config = {
    warehouse: { kind: "new-serverless" },
    warehouses: { archive: { kind: "new-serverless" } },
    types: [
      { ...logType("photo"), destinations: [to("main")] },
      { ...logType("user"), destinations: [to("archive")] },
    ],
  };
  const api = new DataApi(rig.redshift, { workgroup: WORKGROUP, database: DATABASE });
  const of = async (warehouse: string): Promise<string[]> => {
    const session = { parts: { api, targets: [], warehouse } } as unknown as CommandSession;
    const { tables } = await schema({ command: "schema", apply: false, config }, session);
    return tables.map(({ table }) => table);
  };
  expect(await of("main")).toEqual(["logs.photo"]);
  expect(await of("archive")).toEqual(["logs.user"]);
});

describe("a refused change says what a person can do, in SQL that does it", () => {
  async function follow(sql: readonly string[]): Promise<void> {
    for (const statement of sql) expect((await rig.execute(statement)).Error).toBeUndefined();
  }

  test("for another type, which stops the table until it is done", async () => {
    await load({ note: "12" });
    loader.targets = photo({ name: "note", type: "bigint" });
    const found = await photoSchema();
    expect(found).toMatchObject({
      changes: [],
      refused: [{ subject: "note", reason: /note is varchar\(8\) there and bigint/, stops: true }].map(
        (one) => ({
          ...one,
          reason: expect.stringMatching(one.reason) as string,
        }),
      ),
    });
    expect((await photoSchema({ apply: true })).refused).toEqual(found.refused);
    await load({ note: 13 }).catch(() => undefined);
    expect(JSON.stringify(loader.logged)).toContain("`weir schema diff` prints the SQL");
    await follow(found.refused[0]!.sql);
    expect(await photoSchema()).toMatchObject({ changes: [], refused: [] });
    loader.now = new Date(loader.now.getTime() + 61 * 60_000);
    await loader.drain();
    expect((await loader.rows()).map(({ note }) => note)).toEqual(["12", "13"]);
  });

  test("for a narrower one: nothing, since the table holds it", async () => {
    await load();
    loader.targets = photo({ name: "note", type: "varchar(4)" });
    expect(await photoSchema()).toEqual({ table: "logs.photo", changes: [], refused: [] });
  });

  test("for a column that has to have a value there", async () => {
    await load({ note: "x" });
    await rig.warehouse.query("ALTER TABLE logs.photo ALTER COLUMN note SET NOT NULL");
    const { refused } = await photoSchema();
    expect(refused).toMatchObject(
      [{ subject: "note", stops: false, reason: /NOT NULL/ }].map((one) => ({
        ...one,
        reason: expect.stringMatching(one.reason) as string,
      })),
    );
    await load({ note: "y" });
    await follow(refused[0]!.sql);
    expect(await photoSchema()).toMatchObject({ refused: [] });
    await load();
    expect((await loader.rows()).map(({ note }) => note)).toEqual(["x", "y", null]);
  });

  test("for another distribution, sort key and encoding, which keep nothing from being loaded", async () => {
    await load();
    const attributes = [
      ["_time", "az64", false, 0],
      ["note", "lzo", true, 1],
    ];
    for (const [column, encoding, distkey, sortkey] of attributes) {
      await rig.warehouse.query(
        "INSERT INTO redshift.table_attributes VALUES ('logs', 'photo', $1, $2, $3, $4, 1)",
        [column, encoding, distkey, sortkey],
      );
    }
    loader.targets = photo({ ...NOTE, encode: "zstd" });
    const { changes, refused } = await photoSchema();
    expect(changes).toEqual([]);
    expect(refused.map(({ reason, sql, stops }) => ({ reason, sql, stops }))).toEqual([
      {
        reason: "distribution is by note there and auto in the configuration",
        sql: ['ALTER TABLE "logs"."photo" ALTER DISTSTYLE AUTO'],
        stops: false,
      },
      {
        reason: "sort key is note there and _time in the configuration",
        sql: ['ALTER TABLE "logs"."photo" ALTER COMPOUND SORTKEY ("_time")'],
        stops: false,
      },
      {
        reason: "note is encoded by lzo there and by zstd in the configuration",
        sql: ['ALTER TABLE "logs"."photo" ALTER COLUMN "note" ENCODE zstd'],
        stops: false,
      },
    ]);
    await load();
    expect(await loader.rows()).toHaveLength(2);
  });
});

describe("readers", () => {
  const read = (readers: WeirConfigInput["readers"], ...columns: Columns): LoaderRig["targets"] =>
    targetsOf(
      parseConfig(
        {
          warehouse: { kind: "new-serverless" },
          readers,
          types: [logType("photo", columns.length > 0 ? columns : [NOTE])],
        },
        "test",
      ),
    );
  const viewColumns = async (): Promise<string> =>
    (
      await rig.warehouse.query<{ name: string }>(
        `SELECT column_name AS name FROM information_schema.columns
         WHERE table_schema = 'people' AND table_name = 'photo' ORDER BY ordinal_position`,
      )
    )
      .map(({ name }) => name)
      .join(" ");
  const may = async (role: string, table: string): Promise<boolean> => {
    const [row] = await rig.warehouse.query<{ may: boolean }>(
      "SELECT has_schema_privilege($1, split_part($2, '.', 1), 'USAGE') AND has_table_privilege($1, $2, 'SELECT') AS may",
      [role, table],
    );
    return row!.may;
  };
  const errors = (): string =>
    JSON.stringify(loader.logged.filter(({ message }) => /could not/.test(message)));

  beforeEach(async () => {
    await rig.warehouse.query("CREATE SCHEMA people");
    await rig.warehouse.query('CREATE ROLE analysts; CREATE ROLE "bi team"');
  });

  test("get a view of each table, its own columns first, and may read both, also once it has changed", async () => {
    loader.targets = read({ views: "people", groups: ["analysts"], roles: ["bi team"] });
    await load({ note: "x" });
    expect(errors()).toBe("[]");
    const weirs = "_time _src _off _crc _host _arrived_at _extra";
    expect(await viewColumns()).toBe(`note ${weirs}`);
    for (const role of ["analysts", "bi team"]) {
      expect([await may(role, "logs.photo"), await may(role, "people.photo")]).toEqual([true, true]);
    }
    const columns = [
      { name: "note", type: "varchar(64)" },
      { name: "size", type: "integer" },
    ];
    loader.targets = read({ views: "people", groups: ["analysts"], roles: ["bi team"] }, ...columns);
    expect(summary(await photoSchema())).toEqual([
      "widen-column note",
      "add-column size",
      "view people.photo",
      "grant group analysts",
      "grant role bi team",
    ]);
    await load({ note: "longer than eight", size: 1 });
    expect(errors()).toBe("[]");
    expect(await viewColumns()).toBe(`note size ${weirs}`);
    expect(await may("bi team", "people.photo")).toBe(true);
    expect(await rig.warehouse.query("SELECT note, size FROM people.photo ORDER BY _off")).toEqual([
      { note: "x", size: null },
      { note: "longer than eight", size: 1 },
    ]);
    expect(await photoSchema()).toEqual({ table: "logs.photo", changes: [], refused: [] });
  });

  test("that are not there are told of, keep no row from being loaded, and are granted once they are", async () => {
    loader.targets = read({ groups: ["nobody", "analysts"] });
    await load();
    expect(await loader.rows()).toHaveLength(1);
    expect(errors()).toMatch(/"subject":"group nobody".*does not exist.*`weir schema apply`/);
    expect(await may("analysts", "logs.photo")).toBe(true);
    expect(summary(await photoSchema())).toEqual(["grant group nobody"]);
    expect((await photoSchema({ apply: true })).refused).toMatchObject([
      { subject: "group nobody", stops: false },
    ]);
    await rig.warehouse.query("CREATE ROLE nobody");
    expect(await photoSchema({ apply: true })).toMatchObject({ changes: [{ kind: "grant" }], refused: [] });
    expect(await photoSchema()).toMatchObject({ changes: [], refused: [] });
    await rig.warehouse.query("DROP OWNED BY nobody; DROP ROLE nobody");
  });

  test("get again what went with a view or a table that somebody dropped", async () => {
    loader.targets = read({ views: "people", groups: ["analysts"] });
    await load();
    await rig.warehouse.query("DROP VIEW people.photo");
    expect(summary(await photoSchema({ apply: true }))).toEqual([
      "view people.photo",
      "grant group analysts",
    ]);
    expect(await may("analysts", "people.photo")).toBe(true);
    await rig.warehouse.query("DROP TABLE logs.photo CASCADE");
    expect(summary(await photoSchema({ apply: true }))).toEqual([
      "create-table logs.photo",
      "view people.photo",
      "grant group analysts",
    ]);
    expect(await may("analysts", "logs.photo")).toBe(true);
  });

  test("come after the rows where there is no schema for views", async () => {
    loader.targets = read({ views: "elsewhere" });
    await load();
    expect(await loader.rows()).toHaveLength(1);
    expect(errors()).toMatch(/"subject":"elsewhere.photo".*`weir warehouse grants`/);
  });

  test.each([
    [{ views: "logs" }, /readers\.views: schema "logs" has the table logs\.photo: name another/],
    [{ views: "weir" }, /readers\.views: schema "weir" holds the loader's ledger/],
    [{ views: "pg_x" }, /readers\.views: Redshift keeps the schema name/],
    [{ groups: ['a"b'] }, /readers\.groups\[0\]: a name without quotes/],
    [{ roles: ["é".repeat(64)] }, /readers\.roles\[0\]: at most 127 bytes/],
  ])("%j are refused", (readers, message) => {
    expect(() => read(readers)).toThrow(message);
  });

  test("have no view of more columns than its SQL has room for", () => {
    const columns = Array.from({ length: 1_500 }, (_, i) => ({
      name: `c${i}_`.padEnd(63, "x"),
      type: "bigint",
    }));
    expect(() => read({ views: "people" }, ...columns)).toThrow(
      /the view of logs\.photo would name columns of 1\d{5} bytes/,
    );
  });
});
