import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noOverlapSql } from "../lambdas/loader/ledger/assertions-sql.ts";
import { createLedgerTableSql, ledgerTables } from "../lambdas/loader/ledger/ledger-tables.ts";
import { recordRangesSql } from "../lambdas/loader/ledger/ranges-sql.ts";
import type { OpenLoad } from "../lambdas/loader/open-load.ts";
import { rangesTableSql, type Target } from "../lambdas/loader/target.ts";
import { removePostgres } from "../local/warehouse/postgres.ts";
import { startWarehouse, type Warehouse } from "../local/warehouse/warehouse.ts";
import { type BenchRow, rounded } from "./cpu-time.ts";

const SOURCES = 10_000;
const TICK = "INTERVAL '5 minutes'";
/** Ranges that loads have brought when the check is measured. */
const INSERTED = (process.env["WEIR_BENCH_RANGES"] ?? "250000,1000000,4000000,10000000")
  .split(",")
  .map(Number);

const TARGET: Target = {
  type: "photo",
  schema: "logs",
  table: "photo",
  name: "logs.photo",
  columns: [],
  distribution: "auto",
  sort: [],
  ledgerDays: 90,
} as Partial<Target> as Target;

interface Plan {
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly "Relation Name"?: string;
  readonly "Rows Removed by Filter"?: number;
  readonly Plans?: readonly Plan[];
}

/**
 * What a load of ten thousand sources pays for a ledger that has had so many ranges: the sources are read on and on, a
 * load every five minutes. PostgreSQL stands in for Redshift, so that rows are the figure, and milliseconds a hint.
 */
export async function benchLedger(): Promise<BenchRow[]> {
  const dataDir = await mkdtemp(join(tmpdir(), "weir-ledger-"));
  const warehouse = await startWarehouse({
    s3: { endpoint: "http://127.0.0.1:1" },
    workgroup: "bench",
    database: "weir",
    dataDir,
  });
  try {
    await warehouse.query("CREATE SCHEMA weir");
    for (const table of ledgerTables(TARGET)) await warehouse.query(portable(createLedgerTableSql(table)));
    const rows: BenchRow[] = [];
    let loads = 0;
    let insertMs = 0;
    for (const inserted of INSERTED) {
      for (; loads * SOURCES < inserted; loads++) insertMs = await load(warehouse, loads);
      rows.push({
        name: `${inserted.toLocaleString("en-US")} inserted`,
        figures: await check(warehouse, loads, insertMs),
      });
    }
    return rows;
  } finally {
    await warehouse.stop();
    await removePostgres(dataDir);
  }
}

/** The ranges of one load, put into the ledger as a load does. @returns milliseconds */
async function load(warehouse: Warehouse, n: number): Promise<number> {
  await newRanges(warehouse, n);
  const started = performance.now();
  const open = { ranges: { key: "", rows: SOURCES } } as Partial<OpenLoad> as OpenLoad;
  for (const sql of recordRangesSql(open, TARGET)) await warehouse.query(sql);
  const ms = performance.now() - started;
  await warehouse.query("DROP TABLE merged_ranges");
  // What Redshift does by itself between loads.
  await warehouse.query(`VACUUM ${rangesTableSql(TARGET)}`);
  return ms;
}

async function newRanges(warehouse: Warehouse, n: number): Promise<void> {
  await warehouse.query(`DROP TABLE IF EXISTS new_ranges`);
  const at = `TIMESTAMP '2026-01-01 00:00' + ${n} * ${TICK}`;
  await warehouse.query(`CREATE TABLE new_ranges AS
SELECT 'src' || lpad(i::text, 9, '0') AS src, (${n} * 1000)::bigint AS from_off, (${n} * 1000 + 1000)::bigint AS to_off,
  ${at} AS arrived_from, ${at} + ${TICK} AS arrived_to FROM generate_series(1, ${SOURCES}) i`);
}

async function check(warehouse: Warehouse, n: number, insertMs: number): Promise<BenchRow["figures"]> {
  await newRanges(warehouse, n);
  await warehouse.query(`ANALYZE ${rangesTableSql(TARGET)}`);
  const [sql] = noOverlapSql(TARGET) as [string];
  const started = performance.now();
  await warehouse.query(sql);
  const ms = performance.now() - started;
  const [{ "QUERY PLAN": explained }] = (await warehouse.query(`EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`)) as [
    { "QUERY PLAN": readonly { Plan: Plan }[] },
  ];
  const [{ n: there }] = (await warehouse.query(`SELECT count(*) AS n FROM ${rangesTableSql(TARGET)}`)) as [
    { n: string },
  ];
  return {
    "rows of the ledger": Number(there),
    "rows read by the check": readOf(explained[0]!.Plan),
    "check ms": Math.round(ms),
    "merge ms": rounded(insertMs),
  };
}

/** Rows of the ledger's table that a plan's scans looked at. */
function readOf(plan: Plan): number {
  const isLedger = plan["Relation Name"]?.startsWith("ranges_") === true;
  const own = isLedger
    ? (plan["Actual Rows"] + (plan["Rows Removed by Filter"] ?? 0)) * plan["Actual Loops"]
    : 0;
  return (plan.Plans ?? []).reduce((sum, part) => sum + readOf(part), own);
}

/** PostgreSQL has neither distribution nor sort keys. */
const portable = (sql: string): string => sql.replace(/\) (?:DISTSTYLE|DISTKEY|COMPOUND|SORTKEY)[^;]*$/, ")");

if (import.meta.main) for (const { name, figures } of await benchLedger()) console.log(name, figures);
