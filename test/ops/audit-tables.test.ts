import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Audit, type AuditResult } from "../../ops/audit/audit.ts";
import { readCommits } from "../../ops/commits/read-commits.ts";
import { readErasedRows } from "../../ops/audit/read-erased-rows.ts";
import { recordErasure } from "../loader/erasure-fixture.ts";
import { type Batch, batch } from "../loader/lake-fixture.ts";
import { LoaderRig, logType, targets } from "../loader/loader-fixture.ts";
import { BUCKET, type Rig, startRig } from "../local/warehouse-fixture.ts";

let rig: Rig;
let loader: LoaderRig;
let cacheRoot: string;
/** Past the life of the last test's ClientTokens: tests plan the same loads at the same minute. */
let hoursLater = 0;

beforeAll(async () => {
  cacheRoot = await mkdtemp(join(tmpdir(), "weir-cache-"));
  rig = await startRig({ now: () => new Date(Date.now() + hoursLater * 3_600_000) });
  loader = new LoaderRig(rig, []);
});
afterAll(async () => {
  await rig?.[Symbol.asyncDispose]();
  await rm(cacheRoot, { recursive: true });
});
beforeEach(async () => {
  await loader.reset();
  loader.targets = targets(logType("photo"));
  hoursLater += 9;
});

const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 21, 10, minute));
const lines = (n: number, from: number, to: number, more: Partial<Parameters<typeof batch>[0]> = {}): Batch =>
  batch({ sequence: [n, n], sources: { a: [[from, to]] }, writtenAt: at(n), ...more });

/** As the command has it: the loader is asked, then the log is read. */
async function audited(from?: { segment: number; index: number }): Promise<AuditResult> {
  const answer = await loader.command({ command: "audit", ...(from && { from }) });
  if (!answer.ok) throw new Error(answer.error.message);
  const place = { s3: rig.s3, bucket: BUCKET, title: "a rig" };
  const audit = new Audit({ now: at(600), tables: answer.tables });
  for await (const { type, rows } of readErasedRows(rig.s3, BUCKET)) audit.erase(type, rows);
  for await (const found of readCommits(place, { cacheRoot })) audit.add(found);
  return audit.end();
}

const kinds = ({ findings }: AuditResult): [string, number][] =>
  findings.map(({ kind, count }) => [kind, count]);

describe("a table balances", () => {
  test("before it is there, and while commits wait", async () => {
    await loader.commit(lines(1, 0, 50));
    const before = await audited();
    expect(before.findings).toEqual([]);
    expect(before.tables).toMatchObject([{ table: "logs.photo", lake: 5, waiting: 5, loaded: 0 }]);
    await loader.drain();
    await loader.commit(lines(2, 50, 80));
    const after = await audited();
    expect(after.balanced).toBe(true);
    expect(after.tables).toMatchObject([{ lake: 8, loaded: 5, waiting: 3, duplicates: 0, rows: 5 }]);
  });

  test("with batches that came twice, in one load and in two, and lines that were sent again", async () => {
    const twice = lines(1, 0, 50);
    const again = { ...twice, commitKey: twice.commitKey.replace("/10/01/", "/10/02/") };
    await loader.commit(twice, again, lines(3, 50, 90));
    await loader.drain();
    await loader.commit({ ...twice, commitKey: twice.commitKey.replace("/10/01/", "/10/09/") });
    await loader.commit(lines(10, 70, 120));
    await loader.drain();
    const result = await audited();
    expect(result.findings).toEqual([]);
    expect(result.tables).toMatchObject([{ lake: 24, loaded: 12, duplicates: 12, rows: 12 }]);
    expect(result.repeated).toBe(2);
    expect(result.types).toMatchObject([{ type: "photo", lines: 14, rows: 14, againMost: 5 }]);
  });

  test("with rows that the warehouse refuses, once they are skipped, and with those that it takes later", async () => {
    const bad = { fields: { note: "too long for it" } };
    await loader.commit(lines(1, 0, 50), lines(2, 50, 80, bad), lines(3, 80, 90, bad));
    await loader.drain();
    const refused = await audited();
    expect(refused.findings).toEqual([]);
    expect(refused.tables).toMatchObject([{ lake: 9, loaded: 5, setAside: 4, rows: 5 }]);
    const [skipped] = lines(3, 80, 90, bad).objects;
    await loader.command({ command: "skip", table: "logs.photo", object: skipped!.key });
    loader.targets = targets(logType("photo", [{ name: "note", type: "varchar(80)" }]));
    await loader.settle();
    const result = await audited();
    expect(result.findings).toEqual([]);
    expect(result.tables).toMatchObject([{ lake: 9, loaded: 8, setAside: 0, skipped: 1, rows: 8 }]);
  });

  test("with rows that were erased before they were loaded, and after", async () => {
    const [first, second] = [lines(1, 0, 50), lines(2, 50, 100)];
    await loader.commit(first);
    await loader.drain();
    await recordErasure(rig, { batches: [first], erased: ({ _off }) => _off < 20 });
    await loader.erased();
    await loader.commit(second, lines(3, 0, 30));
    await loader.drain();
    const result = await audited();
    expect(result.findings).toEqual([]);
    expect(result.tables).toMatchObject([{ lake: 13, loaded: 10, duplicates: 3, erased: 2, rows: 8 }]);
  });
});

describe("a table does not balance", () => {
  test("where rows were deleted by hand, until it is loaded again", async () => {
    await loader.commit(lines(1, 0, 50), lines(2, 50, 90));
    await loader.drain();
    await rig.warehouse.query("DELETE FROM logs.photo WHERE _off < 30");
    const gone = await audited();
    expect(kinds(gone)).toEqual([["rows-gone", 3]]);
    expect(gone.findings[0]!.fix).toEqual(["weir loads reload logs.photo"]);
    await loader.command({ command: "reload", table: "logs.photo" });
    await loader.settle();
    const mended = await audited();
    expect(mended.findings).toEqual([]);
    expect(mended.tables).toMatchObject([{ lake: 9, loaded: 3, duplicates: 6, rows: 9 }]);
  });

  test("where it was emptied, until it is loaded again", async () => {
    await loader.commit(lines(1, 0, 50));
    await loader.drain();
    await rig.warehouse.query("TRUNCATE logs.photo");
    expect(kinds(await audited())).toEqual([["rows-gone", 5]]);
    await loader.command({ command: "reload", table: "logs.photo" });
    await loader.settle();
    const mended = await audited();
    expect(mended.findings).toEqual([]);
    expect(mended.tables).toMatchObject([{ lake: 5, loaded: 5, duplicates: 0, rows: 5 }]);
  });

  test("where rows are there twice, and where the ledger lost a load", async () => {
    await loader.commit(lines(1, 0, 50));
    await loader.drain();
    await loader.commit(lines(2, 50, 90));
    await loader.drain();
    await rig.warehouse.query("INSERT INTO logs.photo SELECT * FROM logs.photo WHERE _off = 10");
    expect(kinds(await audited())).toEqual([["rows-unknown", 1]]);
    await rig.warehouse.query("DELETE FROM weir.loads WHERE number = 1");
    expect(kinds(await audited())).toEqual([
      ["not-loaded", 5],
      ["rows-unknown", 6],
    ]);
  });
});

test("from a place of the log on, what was loaded before is left aside", async () => {
  loader.log.maxCommits = 1;
  await loader.commit(lines(1, 0, 50));
  await loader.drain();
  await loader.commit(lines(2, 50, 90));
  await loader.drain();
  const result = await audited({ segment: 2, index: 0 });
  expect(result.tables).toMatchObject([{ lake: 4, loaded: 4, waiting: 0, rows: 9, isWhole: false }]);
  expect(kinds(result)).toEqual([]);
});

test("rows of some sources are counted", async () => {
  const other = batch({ sequence: [2, 2], sources: { b: [[0, 30]] }, writtenAt: at(2) });
  await loader.commit(lines(1, 0, 50), other);
  await loader.drain();
  const answer = await loader.command({ command: "audit", sources: ["b", "it's none"] });
  expect(answer).toMatchObject({ ok: true, tables: [{ table: "logs.photo", sources: { b: 3 } }] });
});
