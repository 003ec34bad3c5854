import { crc32, zstdDecompressSync } from "node:zlib";
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

/** Loads that another transaction is in the way of, from now on. */
let conflicts = 0;

beforeAll(async () => {
  rig = await startRig({
    now: () => new Date(Date.now() + hoursLater * 3_600_000),
    beforeCommit: async ({ options }) => {
      if (options.name && conflicts-- > 0) throw new Error("1023 Serializable isolation violation");
    },
  });
});
afterAll(() => rig?.[Symbol.asyncDispose]());

/** Lines with this have a note that is longer than its column. */
const POISON = "too long for it";
/** What the type is called, by turns. */
const NAMES = ["photo", "picture", "image"] as const;

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
  content: fc.constantFrom("", "", "", "other", POISON),
  minutesAgo: fc.nat(15),
  /** Unreadable when the log gets it. */
  isSpoilt: fc.oneof(
    { weight: 5, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
  version: fc.constantFrom(1, 2),
});
const FOUND = ["listing", "sweep"] as const;
const FAULTS = ["throttled", "unavailable", "too-many-sessions", "lost-request", "lost-answer"] as const;
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
  // What runs ends, and its event is lost, comes once or twice at once, and perhaps after what happens next.
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("end" as const), copies: fc.nat(2), isLate: fc.boolean() }),
  },
  // Something is wrong for a few loads, or a few calls, or until somebody mends it.
  {
    weight: 2,
    arbitrary: fc.oneof(
      fc.record({ kind: fc.constant("conflicts" as const), loads: fc.integer({ min: 1, max: 8 }) }),
      fc.record({
        kind: fc.constant("faults" as const),
        fault: fc.constantFrom(...FAULTS),
        calls: fc.integer({ min: 1, max: 6 }),
      }),
      fc.constant({ kind: "pause" as const }),
      fc.record({
        kind: fc.constant("refuse" as const),
        error: fc.constantFrom("permission denied for table photo", "nothing is taken"),
      }),
    ),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "mend" as const }) },
  // The type is renamed, and its former name is given, or not.
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("rename" as const),
      name: fc.constantFrom(...NAMES),
      isGiven: fc.boolean(),
    }),
  },
);

test("whatever overlaps and wherever the loader dies, the table is the set of rows that were committed", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 14 }),
      fc.boolean(),
      async (steps, isWidened) => {
        hoursLater += 10;
        const loader = new LoaderRig(rig, targets(PHOTO));
        await loader.reset();
        await rig.warehouse.query("DROP SCHEMA IF EXISTS archive CASCADE; CREATE SCHEMA archive");
        loader.log.maxCommits = 2;
        loader.limits = { ...TICK_LIMITS, maxCommits: 3, maxSegments: 3 };
        const committed = new Places();
        const made: Made[] = [];
        const spoilt = new Map<string, Batch>();
        let [restore, isDamaged]: [(() => Promise<void>) | undefined, boolean] = [undefined, false];
        let [events, isTroubled, isRenamed] = [0, false, false];
        await mend();
        for (const [n, step] of steps.entries()) {
          const late = events;
          events = 0;
          isTroubled ||= ["conflicts", "faults", "pause", "refuse"].includes(step.kind);
          if (step.kind === "commit") {
            const writtenAt = new Date(loader.now.getTime() - step.minutesAgo * 60_000);
            const spec = { ...specOf(step, writtenAt), type: loader.targets[0]!.type };
            const one = step.version === 1 ? batchOfVersion1(spec) : batch(spec);
            await loader.commit(one);
            spoilt.delete(one.commitKey);
            if (step.isSpoilt && !loader.log.has(one.commitKey)) {
              await rig.put(one.commitKey, "{");
              spoilt.set(one.commitKey, one);
            }
            const content = step.version === 1 ? ANY : spec.content!;
            const { type } = spec;
            made.push({ key: one.objects[0]!.key, type, places: placesOf(spec), content });
            committed.add(made.at(-1)!);
          } else if (step.kind === "tick") await loader.tick(step.scheduled);
          else if (step.kind === "crash") await crash(loader, step.at);
          else if (step.kind === "found") loader.log.found = step.by;
          else if (step.kind === "upgrade") await upgrade(loader, spoilt);
          else if (step.kind === "erase")
            await eraseSome(loader, step).catch((error: Error) => {
              if (!isTroubled) throw error;
            });
          else if (step.kind === "copy") restore = await snapshot(rig.warehouse);
          else if (step.kind === "restore") {
            await restore?.();
            isDamaged ||= restore !== undefined;
          } else if (step.kind === "damage") isDamaged = await damage(step.sql);
          else if (step.kind === "two") await Promise.allSettled([loader.tick(), loader.tick()]);
          else if (step.kind === "table") {
            const { type, formerNames } = loader.targets[0]!;
            loader.targets = targets(ARCHIVED).map((target) => ({ ...target, type, formerNames }));
          } else if (step.kind === "end") events = await end(loader, step);
          else if (step.kind === "conflicts") conflicts = step.loads;
          else if (step.kind === "faults") failCalls(step.fault, step.calls);
          else if (step.kind === "pause") rig.warehouse.conditions.pause();
          else if (step.kind === "refuse") await refuse(step.error);
          else if (step.kind === "mend") isTroubled = await mend();
          else if (step.kind === "rename") {
            isRenamed ||= !step.isGiven;
            loader.targets = loader.targets.map((target) => renamed(target, step));
          } else if (step.kind === "removed") loader.targets = loader.targets.map(shrunk);
          else if (step.kind === "altered") await alter(loader.targets, n);
          else if (step.kind === "columns") loader.targets = loader.targets.map((target) => grown(target, n));
          else if (step.kind === "pass") loader.now = new Date(loader.now.getTime() + step.minutes * 60_000);
          // Somebody removes the state, or the Data API has forgotten its tokens.
          else if (n % 2 === 0) await rig.put("loads/state.json", JSON.stringify({ version: 1, tables: {} }));
          else hoursLater += 9;
          await deliver(loader, late);
        }
        await mend();
        // What failed, and what a loader of before had submitted, is over by now, and due again.
        await end(loader, { copies: 1, isLate: false });
        loader.now = new Date(loader.now.getTime() + 2 * 3_600_000);
        await loader.commit(...spoilt.values());
        await loader.settle();
        if (isDamaged) {
          for (const { name } of loader.targets) await loader.command({ command: "reload", table: name });
          await loader.settle();
        }
        await endErasures(loader);
        await loader.settle();
        if (committed.size === 0) return;
        await expectHeld(loader, committed, made);
        loader.targets = loader.targets.map((target) =>
          renamed(isWidened ? grown(target, steps.length) : target, { name: target.type, isGiven: true }),
        );
        await loader.settle();
        // A table that was new under one name has not read what had another.
        if (isRenamed && loader.targets.length > 1) {
          await loader.command({ command: "reload", table: "archive.photo" });
          await loader.settle();
        }
        const report = await loader.tick();
        expect(report).not.toHaveProperty("held");
        const waiting = await rig.warehouse.query("SELECT 1 FROM weir.set_aside WHERE state = 'waiting'");
        expect(report.refused !== undefined).toBe(waiting.length > 0);
        if (isWidened) expect(waiting).toEqual([]);
        const tables = loader.targets.map(({ name }) => name);
        let there = 0;
        for (const table of tables) {
          const erased = await erasedFrom(table);
          const rows = await rowsOf(table);
          there += rows.length;
          committed.expectThese(rows, erased, await lackOf(table, made));
          // A column that is gone from the configuration keeps its values, there or in _extra.
          expect(rows.filter(({ gone }) => gone !== "g")).toEqual([]);
          const told = await rig.warehouse.query(`SELECT 1 FROM weir.conflicts WHERE target = '${table}'`);
          if (erased.size === 0 && !isDamaged)
            expect(told).toHaveLength(rows.length - new Set(rows.map(({ place }) => place)).size);
        }
        if (isDamaged || (await loader.keys("erasures/")).length > 0) return; // their rows were loaded, perhaps
        const inserted = (await loader.loads()).reduce((sum, load) => sum + Number(load.rows_inserted), 0);
        expect(inserted).toBe(there);
      },
    ),
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

/** @returns true, once it is done */
async function damage(sql: string): Promise<true> {
  await unlessGone(sql);
  return true;
}

/** A table that is not there yet has nothing to lose. */
async function unlessGone(sql: string): Promise<void> {
  await rig.warehouse.query(sql).catch((error: Error) => expect(error.message).toMatch(/does not exist/));
}

/** Before all types have a place, the table that was there from the beginning lacks what is told as held. */
async function expectHeld(loader: LoaderRig, committed: Places, made: readonly Made[]): Promise<void> {
  const { held = [] } = await loader.tick();
  const types = held.map(({ type }) => type);
  expect(types).not.toContain(loader.targets[0]!.type);
  const [{ isThere } = {}] = await rig.warehouse.query<{ isThere: boolean }>(
    `SELECT to_regclass('logs.photo') IS NOT NULL AS "isThere"`,
  );
  if (!isThere) return expect(made.filter(({ type }) => !types.includes(type))).toEqual([]);
  const lack = await lackOf("logs.photo", made, types);
  committed.expectThese(await rowsOf("logs.photo"), await erasedFrom("logs.photo"), lack);
}

interface Row {
  readonly place: string;
  readonly crc: string | null;
  readonly gone: string | null;
}

const rowsOf = (table: string): Promise<Row[]> =>
  rig.warehouse.query(
    `SELECT _src || '@' || _off AS place, _crc AS crc,
       coalesce(to_jsonb(t) ->> 'gone', _extra::jsonb ->> 'gone') AS gone FROM ${table} t`,
  );

/** The rows of one object that was committed. */
interface Made {
  readonly key: string;
  readonly type: string;
  readonly places: readonly string[];
  readonly content: string;
}

/** What a table may lack: rows of the objects that it tells as set aside, and of types that are told as held. */
async function lackOf(
  table: string,
  made: readonly Made[],
  held: readonly string[] = [],
): Promise<Map<string, Set<string>>> {
  const lack = new Map<string, Set<string>>();
  const add = (place: string, crc: string): void =>
    void lack.set(place, (lack.get(place) ?? new Set()).add(crc));
  const waiting = await rig.warehouse.query<{ key: string; error: string }>(
    `SELECT object_key AS key, error FROM weir.set_aside WHERE target = '${table}' AND state = 'waiting'`,
  );
  for (const { key, error } of waiting) {
    expect(error).toMatch(/String length exceeds DDL length/);
    for (const { _src, _off, _crc, note } of await linesOf(key)) {
      expect(note).toBe(POISON);
      add(`${_src}@${_off}`, `${_crc}`);
    }
  }
  for (const { type, places, content } of made) {
    if (held.includes(type)) for (const place of places) add(place, crcOf(place, content));
  }
  return lack;
}

async function linesOf(key: string): Promise<{ _src: string; _off: number; _crc: number; note: string }[]> {
  const lines = zstdDecompressSync(await rig.get(key))
    .toString()
    .trimEnd()
    .split("\n");
  return lines.map((line) => JSON.parse(line) as { _src: string; _off: number; _crc: number; note: string });
}

/** Waits for what runs. @returns events that are still to come */
async function end(
  loader: LoaderRig,
  { copies, isLate }: { copies: number; isLate: boolean },
): Promise<number> {
  for (const { load, erasures } of Object.values((await loader.state()).tables)) {
    for (const id of [load?.statementId, erasures?.running?.statementId]) {
      if (id !== undefined) await rig.describe(id).catch(() => undefined);
    }
  }
  if (isLate) return copies;
  await deliver(loader, copies);
  return 0;
}

/** Events of one statement that come at once. */
async function deliver(loader: LoaderRig, copies: number): Promise<void> {
  await Promise.allSettled(Array.from({ length: copies }, () => loader.tick(false)));
}

function failCalls(fault: (typeof FAULTS)[number], calls: number): void {
  let left = calls;
  rig.warehouse.conditions.fault = () => (left-- > 0 ? fault : undefined);
}

/** The table that most goes into takes no row any more. */
async function refuse(error: string): Promise<void> {
  await unlessGone(`CREATE OR REPLACE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '${error}'; END $$;
CREATE OR REPLACE TRIGGER refuse BEFORE INSERT ON logs.photo FOR EACH ROW EXECUTE FUNCTION public.refuse()`);
}

/** @returns false: nothing is wrong with the warehouse any more */
async function mend(): Promise<false> {
  conflicts = 0;
  rig.warehouse.conditions.fault = () => undefined;
  rig.warehouse.conditions.wake();
  await rig.warehouse.query("DROP FUNCTION IF EXISTS public.refuse CASCADE");
  return false;
}

/** The type under another name, which takes the rows of all others, or of none. */
function renamed(target: Target, { name, isGiven }: { name: string; isGiven: boolean }): Target {
  return { ...target, type: name, formerNames: isGiven ? NAMES.filter((other) => other !== name) : [] };
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
  const fields = { gone: "g", ...(content === POISON && { note: POISON }) };
  const common = { content, fields, writtenAt };
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

  add({ places, content }: Pick<Made, "places" | "content">): void {
    for (const place of places) {
      this.#contents.set(place, (this.#contents.get(place) ?? new Set()).add(content));
    }
  }

  get size(): number {
    return this.#contents.size;
  }

  /** Every place has a row for each content, but for what was erased or is told, and unless one counts as any. */
  expectThese(
    rows: readonly { readonly place: string; readonly crc: string | null }[],
    erased: ReadonlyMap<string, ReadonlySet<string>>,
    lack: ReadonlyMap<string, ReadonlySet<string>>,
  ): void {
    const found = new Map<string, string[]>();
    for (const { place, crc } of rows) found.set(place, [...(found.get(place) ?? []), crc ?? ANY]);
    for (const place of found.keys()) expect(this.#contents.has(place), place).toBe(true);
    for (const [place, contents] of this.#contents) {
      const crcs = found.get(place) ?? [];
      const gone = erased.get(place) ?? new Set();
      const wanted = [...contents].map((content) => crcOf(place, content)).filter((crc) => !gone.has(crc));
      expect(new Set(crcs).size).toBe(crcs.length);
      const told = lack.get(place) ?? new Set();
      if (gone.size + told.size === 0) expect(found.has(place), place).toBe(true);
      expect(wanted, place).toEqual(expect.arrayContaining(crcs));
      if (contents.has(ANY) || gone.has(ANY)) continue;
      expect(crcs, place).toEqual(expect.arrayContaining(wanted.filter((crc) => !told.has(crc))));
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
