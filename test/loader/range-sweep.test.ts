import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { loadSql, statementName } from "../../lambdas/loader/load-sql.ts";
import { rangesTableSql } from "../../lambdas/loader/target.ts";
import { type Range, RangeSet } from "../../wire/ranges.ts";
import { type Rig, startRig } from "../local/warehouse-fixture.ts";
import { batch } from "./lake-fixture.ts";
import { logType, planned, targets } from "./loader-fixture.ts";

let rig: Rig;
const TARGETS = targets(logType("photo"), logType("other"));
const [KNOWN, OTHER] = TARGETS.map(rangesTableSql) as [string, string];

beforeAll(async () => {
  rig = await startRig();
  const columns =
    "src varchar(160), from_off bigint, to_off bigint, arrived_from timestamp, arrived_to timestamp";
  await rig.warehouse.query("CREATE SCHEMA weir");
  for (const target of TARGETS)
    await rig.warehouse.query(`CREATE TABLE ${rangesTableSql(target)} (${columns})`);
  await rig.warehouse.query(`CREATE TABLE new_ranges (${columns})`);
});
afterAll(() => rig?.[Symbol.asyncDispose]());
beforeEach(async () => {
  await rig.warehouse.query(`TRUNCATE ${KNOWN}, new_ranges`);
});

/** The statement by which a load asserts that none of its ranges is in the ledger. */
function noOverlapSql(): string {
  const [target] = targets(logType("photo"));
  const { load } = planned(target!, [batch({ sequence: [1, 1], sources: { a: [[0, 10]] } })]);
  const storage = { bucket: "lake", copyRoleArn: "arn:aws:iam::000000000000:role/copy" };
  return loadSql(load, target!, storage).find((sql) => statementName(sql) === "no-overlap")!;
}

type Ranges = Readonly<Record<string, readonly Range[]>>;

async function insert(table: string, ranges: Ranges): Promise<void> {
  const rows = Object.entries(ranges).flatMap(([src, all]) => all.map(([from, to]) => ({ src, from, to })));
  await rig.warehouse.query(
    `INSERT INTO ${table} (src, from_off, to_off, arrived_from, arrived_to)
SELECT src, "from", "to", now(), now() FROM json_to_recordset($1) AS r (src text, "from" bigint, "to" bigint)`,
    [JSON.stringify(rows)],
  );
}

test("a load is stopped if, and only if, one of its ranges overlaps one of the ledger", async () => {
  const range = fc
    .tuple(fc.nat(30), fc.integer({ min: 1, max: 10 }))
    .map(([from, n]): Range => [from, from + n]);
  const ranges = fc.record({ a: fc.array(range, { maxLength: 4 }), b: fc.array(range, { maxLength: 4 }) });
  await fc.assert(
    fc.asyncProperty(ranges, ranges, async (known, added) => {
      await rig.warehouse.query(`TRUNCATE ${KNOWN}, new_ranges`);
      await insert(KNOWN, known);
      await insert(OTHER, { a: [[0, 100]], b: [[0, 100]] });
      await insert("new_ranges", added);
      const overlap = (["a", "b"] as const).some((src) =>
        added[src].some(([from, to]) => RangeSet.of(known[src]).overlaps(from, to)),
      );
      const stopped = await rig.warehouse.query(noOverlapSql()).then(
        () => false,
        () => true,
      );
      expect(stopped).toBe(overlap);
    }),
    { numRuns: 150 },
  );
});

interface Plan {
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly "Rows Removed by Filter"?: number;
  readonly "Rows Removed by Join Filter"?: number;
  readonly Plans?: readonly Plan[];
}

/** Rows that a statement's steps looked at. */
function work(plan: Plan): number {
  const removed = (plan["Rows Removed by Filter"] ?? 0) + (plan["Rows Removed by Join Filter"] ?? 0);
  const own = (plan["Actual Rows"] + removed) * plan["Actual Loops"];
  return (plan.Plans ?? []).reduce((sum, part) => sum + work(part), own);
}

test("thousands of ranges of one source are gone through once, not compared with each other", async () => {
  const count = 3_000;
  await insert(KNOWN, {
    a: Array.from({ length: count }, (_, i) => [i * 4, i * 4 + 1]),
  });
  await insert("new_ranges", {
    a: Array.from({ length: count }, (_, i) => [i * 4 + 2, i * 4 + 3]),
  });
  const [{ "QUERY PLAN": explained }] = (await rig.warehouse.query(
    `EXPLAIN (ANALYZE, FORMAT JSON) ${noOverlapSql()}`,
  )) as [{ "QUERY PLAN": readonly { Plan: Plan }[] }];
  expect(work(explained[0]!.Plan)).toBeLessThan(50 * count);
});
