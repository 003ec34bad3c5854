import { crc32 } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commitMinutePrefix } from "../../wire/keys.ts";
import { type Rig, startRig } from "../local/warehouse-fixture.ts";
import type { Target } from "../../lambdas/loader/target.ts";
import { TICK_LIMITS } from "../../lambdas/loader/tick.ts";
import { type Batch, batch, batchOfVersion1, type BatchSpec, LINE_BYTES, offsets } from "./lake-fixture.ts";
import { LoaderRig, logType, targets } from "./loader-fixture.ts";
import { endErasures, eraseSome } from "./erase-step.ts";
import { stateOfVersion1 } from "./state-fixture.ts";
import { snapshot } from "./warehouse-snapshot.ts";

let rig: Rig;
/** Of the warehouse: each run begins past the life of the last one's ClientTokens. */
let hoursLater = 0;

beforeAll(async () => {
  rig = await startRig({ now: () => new Date(Date.now() + hoursLater * 3_600_000) });
});
afterAll(() => rig?.[Symbol.asyncDispose]());

/** Few sources, lines and sequence numbers, so that what is random overlaps a lot. */
const range = fc
  .tuple(fc.nat(12), fc.integer({ min: 1, max: 6 }))
  .map(([from, lines]) => [from * LINE_BYTES, (from + lines) * LINE_BYTES] as const);
const commit = fc.record({
  kind: fc.constant("commit" as const),
  shard: fc.nat(1),
  first: fc.nat(12),
  records: fc.integer({ min: 1, max: 4 }),
  source: fc.constantFrom("a", "b"),
  range,
  foreign: fc.boolean(),
  /** What the lines hold: other bytes at the same places are other rows. */
  content: fc.constantFrom("", "", "", "other"),
  minutesAgo: fc.nat(15),
  /** Unreadable when the log gets it. */
  isSpoilt: fc.oneof(
    { weight: 5, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
  version: fc.constantFrom(1, 2),
});
const FOUND = ["listing", "sweep"] as const;
const step = fc.oneof(
  { weight: 4, arbitrary: commit },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("tick" as const), scheduled: fc.boolean() }) },
  // Dies at the nth call to the lake or the warehouse.
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("crash" as const), at: fc.nat(24) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("pass" as const), minutes: fc.integer({ min: 1, max: 600 }) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "forget" as const }) },
  // What the log gets next was found by a sweep, or by a listing again.
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("found" as const), by: fc.constantFrom(...FOUND) }) },
  // The state is what a loader would have left that listed commits for itself.
  { weight: 1, arbitrary: fc.constant({ kind: "upgrade" as const }) },
  // The configuration has one more column, and room for longer texts.
  { weight: 1, arbitrary: fc.constant({ kind: "columns" as const }) },
  // Somebody erases a few rows, and dies, or does not wait for the end.
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("erase" as const),
      source: fc.constantFrom("a", "b"),
      range,
      at: fc.oneof(fc.nat(30), fc.constant(Infinity)),
    }),
  },
  // The warehouse is copied, or the last copy is restored.
  { weight: 1, arbitrary: fc.constantFrom({ kind: "copy" as const }, { kind: "restore" as const }) },
  // Somebody takes the rows out of a table, and loads them again from the lake in the end.
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      { kind: "damage" as const, sql: "DROP TABLE IF EXISTS logs.photo" },
      { kind: "damage" as const, sql: "DELETE FROM logs.photo" },
      { kind: "damage" as const, sql: "DELETE FROM logs.photo WHERE _off > 30" },
    ),
  },
  // Two loaders at once, of which one may find the state saved by the other.
  { weight: 1, arbitrary: fc.constant({ kind: "two" as const }) },
  // The configuration has lost a column, which all rows have a value for.
  { weight: 1, arbitrary: fc.constant({ kind: "removed" as const }) },
  // Somebody adds a column to the table that fills itself, and is called as the loader's own might be.
  { weight: 1, arbitrary: fc.constant({ kind: "altered" as const }) },
  // One more table of the type, which begins with the log's first commit.
  { weight: 1, arbitrary: fc.constant({ kind: "table" as const }) },
);

test("whatever overlaps and wherever the loader dies, the table is the set of rows that were committed", () =>
  fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
      hoursLater += 10;
      const loader = new LoaderRig(rig, targets(PHOTO));
      await loader.reset();
      await rig.warehouse.query("DROP SCHEMA IF EXISTS archive CASCADE; CREATE SCHEMA archive");
      loader.log.maxCommits = 2;
      loader.limits = { ...TICK_LIMITS, maxCommits: 3, maxSegments: 3 };
      const committed = new Places();
      const spoilt = new Map<string, Batch>();
      let [restore, isDamaged]: [(() => Promise<void>) | undefined, boolean] = [undefined, false];
      for (const [n, step] of steps.entries()) {
        if (step.kind === "commit") {
          const spec = specOf(step, new Date(loader.now.getTime() - step.minutesAgo * 60_000));
          const made = step.version === 1 ? batchOfVersion1(spec) : batch(spec);
          await loader.commit(made);
          spoilt.delete(made.commitKey);
          if (step.isSpoilt && !loader.log.has(made.commitKey)) {
            await rig.put(made.commitKey, "{");
            spoilt.set(made.commitKey, made);
          }
          for (const place of placesOf(spec)) committed.add(place, step.version === 1 ? ANY : spec.content!);
        } else if (step.kind === "tick") await loader.tick(step.scheduled);
        else if (step.kind === "crash") await crash(loader, step.at);
        else if (step.kind === "found") loader.log.found = step.by;
        else if (step.kind === "upgrade") await upgrade(loader, spoilt);
        else if (step.kind === "erase") await eraseSome(loader, step);
        else if (step.kind === "copy") restore = await snapshot(rig.warehouse);
        else if (step.kind === "restore") {
          await restore?.();
          isDamaged ||= restore !== undefined;
        } else if (step.kind === "damage") isDamaged = await damage(step.sql);
        else if (step.kind === "two") await Promise.allSettled([loader.tick(), loader.tick()]);
        else if (step.kind === "table") loader.targets = targets(ARCHIVED);
        else if (step.kind === "removed") loader.targets = loader.targets.map(shrunk);
        else if (step.kind === "altered") await alter(loader.targets, n);
        else if (step.kind === "columns") loader.targets = loader.targets.map((target) => grown(target, n));
        else if (step.kind === "pass") loader.now = new Date(loader.now.getTime() + step.minutes * 60_000);
        // Somebody removes the state, or the Data API has forgotten its tokens.
        else if (n % 2 === 0) await rig.put("loads/state.json", JSON.stringify({ version: 1, tables: {} }));
        else hoursLater += 9;
      }
      await loader.commit(...spoilt.values());
      await loader.settle();
      if (isDamaged) {
        for (const { name } of loader.targets) await loader.command({ command: "reload", table: name });
        await loader.settle();
      }
      await endErasures(loader);
      await loader.settle();
      if (committed.size === 0) return;
      const tables = loader.targets.map(({ name }) => name);
      let there = 0;
      for (const table of tables) {
        const erased = await erasedFrom(table);
        const rows = await rig.warehouse.query<{ place: string; crc: string | null; gone: string | null }>(
          `SELECT _src || '@' || _off AS place, _crc AS crc,
             coalesce(to_jsonb(t) ->> 'gone', _extra::jsonb ->> 'gone') AS gone FROM ${table} t`,
        );
        there += rows.length;
        committed.expectThese(rows, erased);
        // A column that is gone from the configuration keeps its values, there or in _extra.
        expect(rows.filter(({ gone }) => gone !== "g")).toEqual([]);
        const told = await rig.warehouse.query(`SELECT 1 FROM weir.conflicts WHERE target = '${table}'`);
        if (erased.size === 0 && !isDamaged) expect(told).toHaveLength(rows.length - committed.size);
      }
      if (isDamaged || (await loader.keys("erasures/")).length > 0) return; // their rows were loaded, perhaps
      const inserted = (await loader.loads()).reduce((sum, load) => sum + Number(load.rows_inserted), 0);
      expect(inserted).toBe(there);
    }),
    { numRuns: Number(process.env["MODEL_RUNS"] ?? 15), endOnFailure: true },
  ));

const PHOTO = logType("photo", [
  { name: "note", type: "varchar(8)" },
  { name: "gone", type: "varchar(8)" },
]);

function shrunk(target: Target): Target {
  return { ...target, columns: target.columns.filter(({ name }) => name !== "gone") };
}

async function alter(tables: readonly Target[], n: number): Promise<void> {
  const name = ["_nth", "src", `"a column"`][n % 3]!;
  for (const { name: table } of tables) {
    await rig.warehouse.query(
      `ALTER TABLE IF EXISTS ${table} ADD COLUMN IF NOT EXISTS ${name} integer NOT NULL DEFAULT 7`,
    );
  }
}

/** @returns true, once it is done; a table that is not there yet has nothing to lose */
async function damage(sql: string): Promise<true> {
  await rig.warehouse.query(sql).catch((error: Error) => expect(error.message).toMatch(/does not exist/));
  return true;
}

/** Contents that are not to be there, by place and the warehouse's own account. */
async function erasedFrom(table: string): Promise<Map<string, Set<string>>> {
  const rows = await rig.warehouse.query<{ place: string; crc: string | null }>(
    `SELECT src || '@' || "off" AS place, crc FROM weir.erased_rows WHERE target = '${table}'`,
  );
  const erased = new Map<string, Set<string>>();
  for (const { place, crc } of rows) {
    erased.set(place, (erased.get(place) ?? new Set()).add(crc ?? ANY));
  }
  return erased;
}

function grown(target: Target, n: number): Target {
  const columns = target.columns.map((column) =>
    column.name === "note" ? { ...column, type: `varchar(${100 + n})` } : column,
  );
  return { ...target, columns: [...columns, { name: `c${n}`, type: "bigint", nullable: true }] };
}

const ARCHIVED = {
  ...PHOTO,
  destinations: [...PHOTO.destinations!, { to: "redshift" as const, schema: "archive" }],
};

/**
 * What is read by now, a loader that listed commits for itself has claimed; what it could not read is set aside.
 * Its cursor is behind by the time in which commits may appear, and before all that some table has not claimed.
 */
async function upgrade(loader: LoaderRig, spoilt: ReadonlyMap<string, Batch>): Promise<void> {
  const state = await loader.state();
  const claimed = Object.values(state.tables).map(({ cursor }) => new Set(loader.log.before(cursor)));
  const unclaimed = (await loader.keys("commits/")).filter((key) => claimed.some((keys) => !keys.has(key)));
  const horizon = commitMinutePrefix(new Date(loader.now.getTime() - 20 * 60_000));
  const [cursor] = [horizon, ...unclaimed.map((key) => key.slice(0, horizon.length))].toSorted();
  const old = stateOfVersion1(state, loader.log, { cursor: cursor!, setAside: [...spoilt.keys()] });
  await rig.put("loads/state.json", JSON.stringify(old));
}

type CommitStep = typeof commit extends fc.Arbitrary<infer T> ? T : never;

/**
 * What a batch holds follows from which batch it is, as with a router: the same sequence numbers bring
 * the same rows, and they arrived when they did.
 */
function specOf(step: CommitStep, writtenAt: Date): BatchSpec {
  const { shard, first, records, source, range, foreign } = step;
  // Release 1 named its objects by the batch alone.
  const content = step.version === 1 ? "" : step.content;
  const common = { content, fields: { gone: "g" }, writtenAt };
  if (foreign) {
    const sequence = [first, first + records - 1] as const;
    const rows = Array.from({ length: records }, (_, i) => first + i);
    return { ...common, shard, sequence, foreign: rows, arrivedAt: arrival(first) };
  }
  const sequence = [range[0] + 1, range[1]] as const;
  const own = { shard: source === "a" ? 10 : 20, sequence, sources: { [source]: [range] } };
  return { ...common, ...own, arrivedAt: arrival(range[0]) };
}

const arrival = (sequence: number): Date => new Date(Date.UTC(2026, 10, 21, 9, 0, sequence % 60));

function placesOf({ shard, sources, foreign }: BatchSpec): string[] {
  const shardId = `shardId-${String(shard).padStart(12, "0")}`;
  return [
    ...Object.entries(sources ?? {}).flatMap(([source, ranges]) =>
      ranges.flatMap(([from, to]) => offsets(from, to).map((offset) => `${source}@${offset}`)),
    ),
    ...(foreign ?? []).map((sequence) => `${shardId}:${sequence}@0`),
  ];
}

/** The lines of release 1, which had no _crc: any line at their place counts as the same. */
const ANY = "any";

/** What was committed, by place: a row is known by its place and by what its line holds. */
class Places {
  readonly #contents = new Map<string, Set<string>>();

  add(place: string, content: string): void {
    this.#contents.set(place, (this.#contents.get(place) ?? new Set()).add(content));
  }

  get size(): number {
    return this.#contents.size;
  }

  /** Every place has a row for each content, but for what was erased, and unless one of them counts as any. */
  expectThese(
    rows: readonly { readonly place: string; readonly crc: string | null }[],
    erased: ReadonlyMap<string, ReadonlySet<string>>,
  ): void {
    const found = new Map<string, string[]>();
    for (const { place, crc } of rows) found.set(place, [...(found.get(place) ?? []), crc ?? ANY]);
    for (const place of found.keys()) expect(this.#contents.has(place), place).toBe(true);
    for (const [place, contents] of this.#contents) {
      const crcs = found.get(place) ?? [];
      const gone = erased.get(place) ?? new Set();
      const wanted = [...contents].map((content) => crcOf(place, content)).filter((crc) => !gone.has(crc));
      expect(new Set(crcs).size).toBe(crcs.length);
      if (gone.size === 0) expect(found.has(place), place).toBe(true);
      if (contents.has(ANY) || gone.has(ANY)) expect(wanted).toEqual(expect.arrayContaining(crcs));
      else expect(crcs.sort()).toEqual(wanted.sort());
    }
  }
}

/** As lake-fixture.ts has it. */
function crcOf(place: string, content: string): string {
  if (content === ANY) return ANY;
  const [src, off] = place.split("@");
  return `${crc32(`${src} ${off} ${content}`)}`;
}

async function crash(loader: LoaderRig, at: number): Promise<void> {
  let calls = 0;
  loader.diesAt = () => calls++ === at;
  await loader.tick().catch((error: Error) => expect(error.message).toMatch(/died/));
  loader.diesAt = undefined;
}
