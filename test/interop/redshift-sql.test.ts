import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { recordErasure } from "../loader/erasure-fixture.ts";
import { batch } from "../loader/lake-fixture.ts";
import { LoaderRig, logType, targets } from "../loader/loader-fixture.ts";
import { type Rig, startRig } from "../local/warehouse-fixture.ts";
import { here, run } from "./program.ts";

const PYTHON = process.env["PYTHON"] ?? "python3";
const hasSqlglot = spawnSync(PYTHON, ["-c", "import sqlglot"]).status === 0;
if (!hasSqlglot) console.warn(`skipped: ${PYTHON} has no sqlglot; PYTHON names an interpreter that has`);

/** What sqlglot 30 keeps as text in this dialect, and Redshift has. LOCK reference, read 2026-11 */
const NOT_PARSED = new Set(["LOCK"]);

/** Every statement that has been sent to the warehouse, by its text. */
const sent = new Set<string>();
let rig: Rig;
let loader: LoaderRig;
let hoursLater = 0;

beforeAll(async () => {
  if (!hasSqlglot) return;
  rig = await startRig({ now: () => new Date(Date.now() + hoursLater * 3_600_000) });
  rig.redshift.middlewareStack.add(
    (next) => (args) => {
      const { Sql, Sqls = [] } = args.input as { Sql?: string; Sqls?: string[] };
      for (const sql of Sql === undefined ? Sqls : [Sql]) sent.add(sql);
      return next(args);
    },
    { step: "initialize" },
  );
  loader = new LoaderRig(rig, []);
});
afterAll(() => rig?.[Symbol.asyncDispose]());

const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 21, 10, minute));
const photo = logType("photo", [
  { name: "note", type: "varchar(8)" },
  { name: "taken_at", type: "timestamp" },
  { name: "doc", type: "super" },
  { name: "size", type: "decimal(12,2)", encode: "az64" },
]);

/** Loads by every path that there is, into a table that is made, changed, refused, erased from and loaded again. */
async function everything(): Promise<void> {
  await loader.reset();
  hoursLater += 9;
  const first = batch({ sequence: [1, 1], sources: { a: [[0, 50]] }, foreign: [8], fields: { note: "x" } });
  loader.targets = targets(photo);
  await loader.commit(first);
  await loader.drain();
  const overlapping = batch({
    sequence: [2, 2],
    sources: { a: [[20, 90]] },
    codec: "gzip",
    writtenAt: at(1),
  });
  await loader.commit(overlapping);
  await loader.drain();
  loader.targets = targets({
    ...photo,
    columns: [
      { name: "note", type: "varchar(16)" },
      { name: "more", type: "integer" },
    ],
  });
  await loader.command({ command: "schema", apply: true });
  await loader.commit(
    batch({
      sequence: [3, 3],
      sources: { b: [[0, 10]] },
      fields: { note: "longer than there is room for" },
      writtenAt: at(2),
    }),
    batch({ sequence: [4, 4], sources: { b: [[10, 20]] }, writtenAt: at(3) }),
  );
  await loader.drain();
  await recordErasure(rig, { batches: [first], erased: ({ _off }) => _off === 10 });
  await loader.drain();
  await loader.command({ command: "status" });
  await loader.command({ command: "reload", table: "logs.photo" });
  await loader.drain();
}

test.skipIf(!hasSqlglot)(
  "each statement that a loader sends is one of Redshift's (needs a python with sqlglot)",
  async () => {
    await everything();
    const names = [...sent].map((sql) => /^\/\* weir: ([a-z-]+) \*\//.exec(sql)?.[1]);
    // Both paths have been taken, a table was changed, and rows were refused, erased and loaded again.
    for (const part of ["no-overlap", "fresh", "insert-rows", "leave-out-erased"])
      expect(names).toContain(part);
    for (const table of ["migrations", "set_aside", "erasures"])
      expect([...sent].some((sql) => sql.includes(`INSERT INTO weir.${table}`))).toBe(true);
    const input = JSON.stringify([...sent]);
    const refused = JSON.parse(await run(PYTHON, [here("redshift_sql.py")], { input })) as {
      readonly sql: string;
      readonly why: string;
      readonly command: string | null;
    }[];
    expect(refused.filter(({ command }) => command === null || !NOT_PARSED.has(command))).toEqual([]);
  },
);
