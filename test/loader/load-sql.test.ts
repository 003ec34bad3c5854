import fc from "fast-check";
import { expect, test } from "vitest";
import { loadSql, statementName } from "../../lambdas/loader/load-sql.ts";
import { probeSql } from "../../lambdas/loader/set-aside/probe-sql.ts";
import { readOutcome } from "../../lambdas/loader/outcome.ts";
import type { OpenLoad } from "../../lambdas/loader/open-load.ts";
import { createTableSql, prepareSql } from "../../lambdas/loader/table-ddl.ts";
import { schemaChanges, type TableColumn, typeName } from "../../lambdas/loader/table-schema.ts";
import type { Target } from "../../lambdas/loader/target.ts";
import { DATA_API_BATCH_MAX_STATEMENTS, DATA_API_SQL_MAX_BYTES } from "../../wire/limits.ts";
import { quoteText } from "../../lambdas/loader/target.ts";
import { batch } from "./lake-fixture.ts";
import { logType, planned, targets } from "./loader-fixture.ts";

/** Set before every load's own statements. */
const TIMEOUT_SQL = "/* weir: timeout */ SET statement_timeout TO 86400000";

const STORAGE = { bucket: "lake", copyRoleArn: "arn:aws:iam::000000000000:role/copy" };
const [photo] = targets(logType("photo"));

function load(path: OpenLoad["path"], target = photo!): OpenLoad {
  const batches = (["zstd", "gzip"] as const).map((codec, i) =>
    batch({ sequence: [i, i], sources: { [codec]: [[0, 10]] }, codec, type: target.type }),
  );
  return { ...planned(target, batches).load, path };
}

test.each(["fast", "slow"] as const)(
  "a %s load fits the Data API with 700 columns and two codecs",
  (path) => {
    const columns = Array.from({ length: 700 }, (_, i) => ({
      name: `a_column_with_a_rather_long_name_of_its_own_${i}`,
      type: "bigint",
    }));
    const [wide] = targets(logType("photo", columns));
    const sqls = loadSql(load(path, wide), wide!, STORAGE);
    expect(sqls.length).toBeLessThanOrEqual(DATA_API_BATCH_MAX_STATEMENTS);
    expect(Buffer.byteLength(sqls.join(""))).toBeLessThanOrEqual(DATA_API_SQL_MAX_BYTES);
  },
);

/** With all that a load may have besides, each at its longest. */
function fullLoad(load: OpenLoad): OpenLoad {
  const file = { key: `${"k".repeat(200)}.ndjson`, rows: 1_000_000 };
  const search = { parts: [], refused: [], probe: load.manifests } as unknown as OpenLoad["search"];
  return { ...load, resume: "r".repeat(3_500), number: 9_999_999, retries: file, refused: file, search };
}

test("whatever columns a configuration may have, its statements fit the Data API", () => {
  const name = fc.integer({ min: 8, max: 63 });
  const type = fc.constantFrom("bigint", "varchar(65535)", "double precision", "decimal(38,10)");
  const columns = fc
    .tuple(fc.integer({ min: 300, max: 1_580 }), name, type, fc.boolean())
    .map(([count, length, type, isEncoded]) =>
      Array.from({ length: count }, (_, i) => ({
        name: `c${i}_`.padEnd(length, "x"),
        type,
        ...(isEncoded && { encode: "zstd" as const }),
      })),
    );
  const long = "t".repeat(63);
  fc.assert(
    fc.property(columns, fc.nat(400), (columns, sorted) => {
      const sort = columns.slice(0, sorted).map(({ name }) => name);
      const type = {
        ...logType(long, columns),
        destinations: [{ to: "redshift", schema: long, sort }],
      } as const;
      const [wide] = targets({ ...type, destinations: [...type.destinations] }) as [Target];
      const storage = {
        bucket: "b".repeat(63),
        copyRoleArn: `arn:aws:iam::000000000000:role/${"r".repeat(64)}`,
      };
      const calls = [
        prepareSql(wide),
        ...(["fast", "slow"] as const).flatMap((path) => {
          const full = fullLoad(load(path, wide));
          return [loadSql(full, wide, storage), probeSql(full, wide, storage)];
        }),
      ];
      for (const sqls of calls.map((sqls) => [TIMEOUT_SQL, ...sqls])) {
        expect(Buffer.byteLength(sqls.join(";"))).toBeLessThanOrEqual(DATA_API_SQL_MAX_BYTES);
        expect(sqls.length).toBeLessThanOrEqual(DATA_API_BATCH_MAX_STATEMENTS);
      }
    }),
    { numRuns: 60 },
  );
});

test.each(["a first load", "one of a table without a ledger"])(
  "%s fits the Data API with all that a load may bring, refuse and have to compare",
  (what) => {
    const batches = (["zstd", "gzip"] as const).map((codec, i) =>
      batch({ sequence: [i, i], sources: { [codec]: [[0, 10]] }, codec, foreign: [i] }),
    );
    const file = { key: "loads/x", rows: 1 };
    for (const path of ["fast", "slow"] as const) {
      const sqls = loadSql(
        {
          ...planned(photo!, batches).load,
          path,
          ...(what === "a first load" ? {} : { seed: true }),
          last: { id: "", number: 0 },
          number: 1,
          retries: file,
          refused: file,
          erasures: { listed: 2, applied: 1 },
        },
        photo!,
        STORAGE,
      );
      expect([TIMEOUT_SQL, ...sqls].length).toBeLessThanOrEqual(DATA_API_BATCH_MAX_STATEMENTS);
    }
  },
);

test("the lock comes before anything that takes a snapshot, and the ledger last", () => {
  const names = loadSql(load("fast"), photo!, STORAGE).map(statementName);
  expect(names.join(" ")).toBe(
    "lock not-loaded last-load table-rows new-commits new-ranges copy-ranges count " +
      "no-overlap no-foreign-overlap no-erased copy-rows count copy-rows count " +
      "merged-ranges forget-ranges ledger-ranges ledger-load",
  );
});

test("a literal ends where it should, by Redshift's reading of backslashes as by the standard's", () => {
  const redshift = /^'(?:[^'\\]|''|\\[^])*'$/;
  const standard = /^'(?:[^']|'')*'$/;
  const hostile = fc.array(fc.constantFrom("'", "\\", "a", ";", "\n")).map((signs) => signs.join(""));
  fc.assert(
    fc.property(hostile, (text) => {
      expect(quoteText(text)).toMatch(redshift);
      expect(quoteText(text)).toMatch(standard);
    }),
  );
});

test("a load's id and files follow from its commits alone, however often it is planned", () => {
  const batches = [batch({ sequence: [1, 2], sources: { a: [[0, 10]] } })];
  const plans = [0, 1e12].map((at) => planned(photo!, batches, new Date(at)));
  expect(plans[1]!.load.id).toBe(plans[0]!.load.id);
  expect(plans[1]!.files).toEqual(plans[0]!.files);
  expect(plans[0]!.files.map(({ key }) => key.split("/").at(-1))).toEqual([
    "rows-zstd.manifest",
    "objects.ndjson",
    "commits.ndjson",
    "ranges.ndjson",
  ]);
});

test("a table is made with its encodings and keys, NOT NULL on Weir's own columns alone", () => {
  const type = logType("photo", [{ name: "user", type: "varchar(16)", nullable: false, encode: "bytedict" }]);
  const [keyed] = targets({
    ...type,
    destinations: [
      { to: "redshift", schema: "logs", distribution: { key: "user" }, sort: ["_time", "user"] },
    ],
  });
  expect(createTableSql(keyed!)).toBe(`CREATE TABLE IF NOT EXISTS "logs"."photo" (
  "_time" timestamp ENCODE az64 NOT NULL,
  "_src" varchar(160) ENCODE zstd NOT NULL,
  "_off" bigint ENCODE az64 NOT NULL,
  "_crc" bigint ENCODE az64,
  "_host" varchar(255) ENCODE zstd,
  "_arrived_at" timestamp ENCODE az64 NOT NULL,
  "_extra" super ENCODE zstd,
  "user" varchar(16) ENCODE bytedict
) DISTSTYLE KEY DISTKEY ("user") COMPOUND SORTKEY ("_time", "user")`);
  expect(prepareSql(keyed!).join("\n")).not.toMatch(/PRIMARY KEY|UNIQUE/);
});

const column = (name: string, dataType: string, more: Partial<TableColumn> = {}): TableColumn => ({
  name,
  dataType,
  length: undefined,
  precision: undefined,
  scale: undefined,
  ...more,
});
const META = [
  column("_time", "timestamp without time zone"),
  column("_src", "character varying", { length: 160 }),
  column("_off", "bigint", { precision: 64, scale: 0 }),
  column("_crc", "bigint", { precision: 64, scale: 0 }),
  column("_host", "character varying", { length: 255 }),
  column("_arrived_at", "timestamp without time zone"),
  column("_extra", "super"),
];
const changes = (type: string, ...found: TableColumn[]): string[] =>
  schemaChanges(targets(logType("photo", [{ name: "c", type }]))[0]!, [...META, ...found]);

test.each([
  ["varchar(8)", column("c", "character varying", { length: 64 })],
  ["decimal(12,2)", column("c", "numeric", { precision: 12, scale: 2 })],
  ["timestamptz", column("c", "timestamp with time zone")],
  ["double precision", column("c", "double precision", { precision: 53 })],
])("a table that holds %s, or more, is left as it is", (type, found) => {
  expect(changes(type, found, column("only_in_the_table", "integer"))).toEqual([]);
});

test.each([
  ["smallint", column("c", "integer", { precision: 32, scale: 0 })],
  ["integer", column("c", "bigint", { precision: 64, scale: 0 })],
  ["integer", column("c", "double precision", { precision: 53 })],
  ["smallint", column("c", "real", { precision: 24 })],
  ["bigint", column("c", "numeric", { precision: 19, scale: 0 })],
  ["integer", column("c", "numeric", { precision: 12, scale: 2 })],
  ["real", column("c", "double precision", { precision: 53 })],
  ["decimal(6,2)", column("c", "numeric", { precision: 18, scale: 4 })],
  ["varchar(255)", column("c", "character varying", { length: 500 })],
  ["char(2)", column("c", "character", { length: 4 })],
  ["char(2)", column("c", "character varying", { length: 2 })],
])("a table whose column is wider than %s fits as it is", (type, found) => {
  expect(changes(type, found)).toEqual([]);
});

test.each([
  ["bigint", column("c", "numeric", { precision: 18, scale: 0 }), "decimal(18,0)"],
  ["bigint", column("c", "double precision", { precision: 53 }), "double precision"],
  ["integer", column("c", "real", { precision: 24 }), "real"],
  ["integer", column("c", "smallint", { precision: 16, scale: 0 }), "smallint"],
  ["double precision", column("c", "real", { precision: 24 }), "real"],
  ["decimal(18,4)", column("c", "numeric", { precision: 18, scale: 2 }), "decimal(18,2)"],
  ["decimal(18,2)", column("c", "numeric", { precision: 18, scale: 4 }), "decimal(18,4)"],
  ["char(2)", column("c", "character varying", { length: 1 }), "varchar(1)"],
  ["varchar(4)", column("c", "character", { length: 4 }), "char(4)"],
  ["varchar(9)", column("c", "bigint", { precision: 64, scale: 0 }), "bigint"],
  ["super", column("c", "character varying", { length: 65_535 }), "varchar(65535)"],
  ["date", column("c", "timestamp without time zone"), "timestamp"],
  ["char(4)", column("c", "character", { length: 2 }), "char(2)"],
  ["decimal(14,2)", column("c", "numeric", { precision: 12, scale: 2 }), "decimal(12,2)"],
  ["bigint", column("c", "integer", { precision: 32, scale: 0 }), "integer"],
  ["timestamp", column("c", "timestamp with time zone"), "timestamptz"],
])("a change to %s is refused", (type, found, there) => {
  expect(typeName(found)).toBe(there);
  expect(() => changes(type, found)).toThrow(`c is ${there} there and ${type} in the configuration`);
});

const failed = (name: string, Error: string) =>
  readOutcome({
    Id: "1",
    Status: "FAILED",
    SubStatements: [
      { Id: "1:1", Status: "FINISHED", QueryString: "/* weir: lock */ LOCK" },
      { Id: "1:2", Status: "FAILED", QueryString: `/* weir: ${name} */ SELECT`, Error },
      { Id: "1:3", Status: "ABORTED", QueryString: "/* weir: count */ SELECT" },
    ],
  });

test.each(["ERROR: Divide by zero", "ERROR: division by zero"])(
  "%s is read by the statement it is in",
  (text) => {
    expect(failed("not-loaded", text)).toEqual({ kind: "loaded-before" });
    expect(failed("no-overlap", text)).toEqual({ kind: "overlap" });
    expect(failed("no-foreign-overlap", text)).toEqual({ kind: "overlap" });
    expect(failed("count", text)).toMatchObject({ kind: "failed", transient: false });
    expect(failed("copy-rows", text)).toMatchObject({ kind: "failed", error: `copy-rows: ${text}` });
  },
);

test.each([
  ["ERROR: 1023 DETAIL: Serializable isolation violation on table", true],
  ["ERROR: deadlock detected", true],
  ["ERROR: Load into table 'photo' failed.  Check 'sys_load_error_detail' system table for details.", false],
  ["ERROR: permission denied for schema logs", false],
])("%s is transient: %s", (text, transient) => {
  expect(failed("copy-rows", text)).toMatchObject({ kind: "failed", transient });
});

test("a statement that the service has forgotten or aborted is tried again", () => {
  expect(readOutcome(undefined)).toMatchObject({ kind: "failed", transient: true });
  expect(readOutcome({ Id: "1", Status: "ABORTED" })).toMatchObject({ kind: "failed", transient: true });
  expect(readOutcome({ Id: "1", Status: "STARTED" })).toEqual({ kind: "running" });
});
