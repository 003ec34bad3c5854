import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Rig, startRig } from "../local/warehouse-fixture.ts";
import { batch, type BatchSpec, LINE_BYTES, offsets } from "./lake-fixture.ts";
import { LoaderRig, logType, targets } from "./loader-fixture.ts";

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
  minutesAgo: fc.nat(15),
});
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
);

test("whatever overlaps and wherever the loader dies, the table is the set of rows that were committed", () =>
  fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
      hoursLater += 10;
      const loader = new LoaderRig(rig, targets(logType("photo")));
      await loader.reset();
      const committed = new Set<string>();
      for (const [n, step] of steps.entries()) {
        if (step.kind === "commit") {
          const spec = specOf(step, new Date(loader.now.getTime() - step.minutesAgo * 60_000));
          const made = batch(spec);
          await loader.commit(made);
          for (const row of rowsOf(spec)) committed.add(row);
        } else if (step.kind === "tick") await loader.tick(step.scheduled);
        else if (step.kind === "crash") await crash(loader, step.at);
        else if (step.kind === "pass") loader.now = new Date(loader.now.getTime() + step.minutes * 60_000);
        // Somebody removes the state, or the Data API has forgotten its tokens.
        else if (n % 2 === 0) await rig.put("loads/state.json", JSON.stringify({ version: 1, tables: {} }));
        else hoursLater += 9;
      }
      await loader.drain();
      if (committed.size === 0) return;
      const rows = (await loader.rows()).map(({ _src, _off }) => `${_src}@${_off}`);
      expect(rows.sort()).toEqual([...committed].sort());
      const inserted = (await loader.loads()).reduce((sum, load) => sum + Number(load.rows_inserted), 0);
      expect(inserted).toBe(committed.size);
    }),
    { numRuns: Number(process.env["MODEL_RUNS"] ?? 15), endOnFailure: true },
  ));

type CommitStep = typeof commit extends fc.Arbitrary<infer T> ? T : never;

/**
 * What a batch holds follows from which batch it is, as with a router: the same sequence numbers bring
 * the same rows, and they arrived when they did.
 */
function specOf({ shard, first, records, source, range, foreign }: CommitStep, writtenAt: Date): BatchSpec {
  if (foreign) {
    const sequence = [first, first + records - 1] as const;
    const rows = Array.from({ length: records }, (_, i) => first + i);
    return { shard, sequence, foreign: rows, writtenAt, arrivedAt: arrival(first) };
  }
  const sequence = [range[0] + 1, range[1]] as const;
  const own = { shard: source === "a" ? 10 : 20, sequence, sources: { [source]: [range] } };
  return { ...own, writtenAt, arrivedAt: arrival(range[0]) };
}

const arrival = (sequence: number): Date => new Date(Date.UTC(2026, 10, 21, 9, 0, sequence % 60));

function rowsOf({ shard, sources, foreign }: BatchSpec): string[] {
  const shardId = `shardId-${String(shard).padStart(12, "0")}`;
  return [
    ...Object.entries(sources ?? {}).flatMap(([source, ranges]) =>
      ranges.flatMap(([from, to]) => offsets(from, to).map((offset) => `${source}@${offset}`)),
    ),
    ...(foreign ?? []).map((sequence) => `${shardId}:${sequence}@0`),
  ];
}

async function crash(loader: LoaderRig, at: number): Promise<void> {
  let calls = 0;
  loader.diesAt = () => calls++ === at;
  await loader.tick().catch((error: Error) => expect(error.message).toMatch(/died/));
  loader.diesAt = undefined;
}
