import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { BatchOutcome } from "../../local/mapping/batch-outcome.ts";
import {
  BatchQueue,
  type Answer,
  type Batch,
  type GiveUpCondition,
} from "../../local/mapping/batch-queue.ts";
import { Shard } from "../../local/mapping/shard.ts";
import type { MappingSettings } from "../../local/mapping/settings.ts";
import type { StreamRecord } from "../../local/mapping/stream-record.ts";

const SETTINGS: MappingSettings = {
  batchSize: 10,
  windowSeconds: 0,
  bisect: false,
  retryAttempts: 2,
  maxRecordAgeSeconds: -1,
  reportBatchItemFailures: true,
  startingPosition: "TRIM_HORIZON",
};
const ANSWER: Answer = { requestId: "r", functionError: null };

function record(i: number, entryBytes = 500, arrivedAtMs = 0): StreamRecord {
  return { sequenceNumber: `${1_000 + i}`, arrivedAtMs, entry: "", entryBytes };
}
const records = (count: number): StreamRecord[] => Array.from({ length: count }, (_, i) => record(i));
const numbers = (batch: readonly StreamRecord[]): number[] =>
  batch.map(({ sequenceNumber }) => Number(sequenceNumber) - 1_000);

type Handler = (batch: Batch, nowMs: number, finished: ReadonlySet<number>) => BatchOutcome;

/** What a simulated shard did; `invocations[i]` names the records of the i-th invocation. */
interface History {
  readonly invocations: number[][];
  readonly succeeded: number[];
  readonly givenUp: {
    readonly numbers: number[];
    readonly condition: GiveUpCondition;
    readonly batch: Batch;
  }[];
  endedAtMs: number;
}

/** Runs a shard against a clock of its own until nothing is left to do. */
function simulate(shard: Shard, input: readonly StreamRecord[], handler: Handler, steps = 100_000): History {
  const history: History = { invocations: [], succeeded: [], givenUp: [], endedAtMs: 0 };
  const { batches } = shard;
  let nowMs = 0;
  shard.read(input, nowMs);
  while (!shard.idle) {
    if (steps-- === 0) throw new Error("no end in sight");
    const action = batches.next(nowMs);
    if (action.kind === "wait") {
      nowMs = Math.max(nowMs + 1, action.untilMs);
      continue;
    }
    const { batch } = action;
    if (action.kind === "give-up") {
      history.givenUp.push({ numbers: numbers(batch.records), condition: action.condition, batch });
      batches.on({ kind: "given-up" });
    } else {
      history.invocations.push(numbers(batch.records));
      const outcome = handler(batch, nowMs, finishedBy(history));
      history.succeeded.push(...numbers(doneOf(batch, outcome)));
      batches.on({ kind: "answered", outcome, answer: ANSWER, atMs: nowMs });
    }
    assertCheckpoint(shard, input, history);
    nowMs++;
  }
  history.endedAtMs = nowMs;
  return history;
}

function doneOf({ records }: Batch, outcome: BatchOutcome): readonly StreamRecord[] {
  if (outcome.kind === "succeeded") return records;
  return outcome.kind === "failed" ? records.slice(0, outcome.from) : [];
}

function finishedBy(history: History): ReadonlySet<number> {
  return new Set([...history.succeeded, ...history.givenUp.flatMap(({ numbers }) => numbers)]);
}

/** Every record up to the checkpoint is done or given up; the one after it is neither. */
function assertCheckpoint(shard: Shard, input: readonly StreamRecord[], history: History): void {
  const finished = finishedBy(history);
  const firstOpen = input.findIndex((_, i) => !finished.has(i));
  const prefix = firstOpen < 0 ? input.length : firstOpen;
  expect(shard.checkpoint).toBe(input[prefix - 1]?.sequenceNumber);
}

const run = (settings: Partial<MappingSettings>, input: readonly StreamRecord[], handler: Handler): History =>
  simulate(new Shard({ ...SETTINGS, ...settings }), input, handler);

const SUCCEEDED = { kind: "succeeded" } as const;
const failedFrom = (from: number) => ({ kind: "failed", from }) as const;
/** Fails, without a word, any batch that holds one of `poison`. */
const choke =
  (...poison: number[]): Handler =>
  ({ records }) =>
    numbers(records).some((n) => poison.includes(n)) ? failedFrom(0) : SUCCEEDED;
/** Reports the first of `poison`. */
const report =
  (...poison: number[]): Handler =>
  ({ records }) => {
    const from = numbers(records).findIndex((n) => poison.includes(n));
    return from < 0 ? SUCCEEDED : failedFrom(from);
  };

test("whatever the function does, each record succeeds or is given up, once, and in order", () => {
  const outcome = fc.oneof(
    { weight: 3, arbitrary: fc.constant(SUCCEEDED) },
    { weight: 3, arbitrary: fc.nat().map((at) => ({ kind: "failed", from: at }) as const) },
    { weight: 1, arbitrary: fc.constant({ kind: "throttled" } as const) },
  );
  const settings = fc.record({
    batchSize: fc.integer({ min: 1, max: 12 }),
    windowSeconds: fc.constantFrom(0, 5),
    bisect: fc.boolean(),
    retryAttempts: fc.integer({ min: 0, max: 4 }),
    maxRecordAgeSeconds: fc.constantFrom(-1, 60),
  });
  const input = fc
    .array(fc.constantFrom(500, 2e6, 7e6), { maxLength: 40 })
    .map((sizes) => sizes.map((bytes, i) => record(i, bytes)));

  fc.assert(
    fc.property(settings, input, fc.infiniteStream(outcome), (settings, input, outcomes) => {
      const attempts = new Map<number, number>();
      const history = run(settings, input, ({ records }) => {
        const outcome = outcomes.next().value as BatchOutcome;
        if (outcome.kind !== "failed") return outcome;
        for (const n of numbers(records)) attempts.set(n, (attempts.get(n) ?? 0) + 1);
        return failedFrom(outcome.from % records.length);
      });

      const givenUp = history.givenUp.flatMap(({ numbers }) => numbers);
      const finished = [...history.succeeded, ...givenUp];
      expect(finished.toSorted((a, b) => a - b)).toEqual(input.map((_, i) => i));

      expect(history.succeeded).toEqual(history.succeeded.toSorted((a, b) => a - b));
      // Each split makes a record's batch shorter; without them it fails as often as the settings allow.
      const splits = settings.bisect ? settings.batchSize - 1 : 0;
      expect(Math.max(0, ...attempts.values())).toBeLessThanOrEqual(settings.retryAttempts + 1 + splits);
      for (const batch of history.invocations) expect(batch.length).toBeLessThanOrEqual(settings.batchSize);
    }),
    { numRuns: 300 },
  );
});

test("a record is never sent while an earlier one is unfinished, nor when it is finished itself", () => {
  const count = fc.integer({ min: 1, max: 30 });
  fc.assert(
    fc.property(count, fc.boolean(), fc.infiniteStream(fc.nat(3)), (count, bisect, dice) => {
      run({ batchSize: 4, bisect }, records(count), (batch, _, finished) => {
        const [first = 0] = numbers(batch.records);
        expect(finished).toEqual(new Set(records(first).keys()));
        const roll = dice.next().value!;
        return roll === 0 ? SUCCEEDED : failedFrom((roll - 1) % batch.records.length);
      });
    }),
    { numRuns: 200 },
  );
});

describe("bisect", () => {
  test.each([
    ["chokes on", choke],
    ["reports", report],
  ])("gives up exactly the records that the function %s", (_, handler) => {
    const poison = fc.uniqueArray(fc.nat(49), { maxLength: 5 });
    fc.assert(
      fc.property(
        poison,
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 0, max: 3 }),
        (poison, batchSize, retryAttempts) => {
          const history = run({ bisect: true, batchSize, retryAttempts }, records(50), handler(...poison));
          expect(history.givenUp.map(({ numbers }) => numbers)).toEqual(
            poison.toSorted((a, b) => a - b).map((n) => [n]),
          );
          for (const n of poison) {
            const alone = history.invocations.filter((batch) => batch.length === 1 && batch[0] === n);
            expect(alone).toHaveLength(retryAttempts + 1);
          }
        },
      ),
    );
  });

  test("splits use up no retry, and wait for nothing", () => {
    const history = run({ bisect: true, batchSize: 8, retryAttempts: 0 }, records(8), choke(5));
    expect(history.invocations).toEqual([
      [0, 1, 2, 3, 4, 5, 6, 7],
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [4, 5],
      [4],
      [5],
      [6, 7],
    ]);
    expect(history.givenUp).toMatchObject([{ numbers: [5], batch: { invocations: 4, failures: 1 } }]);
    expect(history.endedAtMs).toBeLessThan(50);
  });

  test("a reported number is where the batch is cut", () => {
    const history = run({ bisect: true, batchSize: 8, retryAttempts: 0 }, records(8), report(5));
    expect(history.invocations).toEqual([[0, 1, 2, 3, 4, 5, 6, 7], [5, 6, 7], [5, 6], [5], [6], [7]]);
  });
});

describe("without bisect", () => {
  test("a batch is retried from the reported number on, as often as allowed, then given up whole", () => {
    const history = run({ batchSize: 4, retryAttempts: 2 }, records(6), report(1));
    expect(history.invocations).toEqual([
      [0, 1, 2, 3],
      [1, 2, 3],
      [1, 2, 3],
      [4, 5],
    ]);
    expect(history.givenUp).toMatchObject([{ numbers: [1, 2, 3], condition: "RetryAttemptsExhausted" }]);
  });

  test("retries wait longer each time, up to half a minute", () => {
    const times: number[] = [];
    run({ retryAttempts: 10 }, records(1), (_, nowMs) => {
      times.push(nowMs);
      return failedFrom(0);
    });
    const waits = times.slice(1).map((time, i) => time - times[i]!);
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  test("throttled invocations use up no retry, and are no invocations", () => {
    let throttles = 20;
    const history = run({ retryAttempts: 0 }, records(3), () =>
      throttles-- > 0 ? { kind: "throttled" } : failedFrom(0),
    );
    expect(history.invocations).toHaveLength(21);
    expect(history.givenUp).toMatchObject([{ numbers: [0, 1, 2], batch: { invocations: 1 } }]);
  });

  test("with retries without end a batch is never given up", () => {
    let left = 1_000;
    const history = run({ retryAttempts: -1 }, records(3), () => (left-- > 0 ? failedFrom(0) : SUCCEEDED));
    expect(history.givenUp).toEqual([]);
    expect(history.succeeded).toEqual([0, 1, 2]);
  });
});

describe("age", () => {
  test("records too old at first sight are given up without an invocation; younger ones are sent", () => {
    const input = [record(0, 500, -70_000), record(1, 500, -61_000), record(2, 500, -1_000)];
    const history = run({ maxRecordAgeSeconds: 60 }, input, () => SUCCEEDED);
    expect(history.invocations).toEqual([[2]]);
    expect(history.givenUp).toMatchObject([
      { numbers: [0, 1], condition: "RecordAgeExceeded", batch: { invocations: 0, answer: undefined } },
    ]);
  });

  test("a batch that keeps failing is given up as it ages, though it has retries left", () => {
    const input = [record(0, 500, 0), record(1, 500, 0)];
    const history = run({ maxRecordAgeSeconds: 60, retryAttempts: -1 }, input, () => failedFrom(0));
    expect(history.givenUp).toMatchObject([{ numbers: [0, 1], condition: "RecordAgeExceeded" }]);
    expect(history.givenUp[0]!.batch.answer).toEqual(ANSWER);
    expect(history.endedAtMs).toBeGreaterThan(60_000);
  });
});

describe("a batch", () => {
  const queue = (settings: Partial<MappingSettings>): BatchQueue =>
    new BatchQueue({ ...SETTINGS, ...settings }, () => {});
  const read = (queue: BatchQueue, records: readonly StreamRecord[], atMs: number): void =>
    queue.on({ kind: "read", records, atMs });
  const sent = (queue: BatchQueue, nowMs: number): number[] | number => {
    const action = queue.next(nowMs);
    return action.kind === "wait" ? action.untilMs : numbers(action.batch.records);
  };

  test("waits for its window, and no longer than from its first record", () => {
    const waiting = queue({ windowSeconds: 30 });
    expect(sent(waiting, 0)).toBe(Infinity);
    read(waiting, [record(0)], 1_000);
    expect(sent(waiting, 1_000)).toBe(31_000);
    read(waiting, [record(1)], 20_000);
    expect(sent(waiting, 30_999)).toBe(31_000);
    expect(sent(waiting, 31_000)).toEqual([0, 1]);
  });

  test("does not wait when it is full, by count or by bytes, or when there is a hurry", () => {
    const full = queue({ windowSeconds: 30, batchSize: 2 });
    read(full, records(3), 0);
    expect(sent(full, 0)).toEqual([0, 1]);

    const heavy = queue({ windowSeconds: 30 });
    read(heavy, [record(0, 3e6), record(1, 3e6), record(2, 3e6)], 0);
    expect(sent(heavy, 0)).toEqual([0, 1]);

    const hurried = queue({ windowSeconds: 30 });
    read(hurried, records(1), 0);
    hurried.on({ kind: "hurry", on: true });
    expect(sent(hurried, 0)).toEqual([0]);
  });

  test("fills the 6 MB of an invocation to the byte, commas and frame counted", () => {
    const frame = `{"Records":[]}`.length;
    const half = (6 * 2 ** 20 - frame - 1) / 2;
    const first = Math.floor(half);
    const fits = queue({});
    read(fits, [record(0, first), record(1, 6 * 2 ** 20 - frame - 1 - first)], 0);
    expect(sent(fits, 0)).toEqual([0, 1]);
    const over = queue({});
    read(over, [record(0, first), record(1, 6 * 2 ** 20 - frame - first)], 0);
    expect(sent(over, 0)).toEqual([0]);
  });

  test("of one record over 6 MB is never sent, and those after it are", () => {
    const input = [record(0), record(1, 7e6), record(2)];
    const history = run({}, input, () => SUCCEEDED);
    expect(history.invocations).toEqual([[0], [2]]);
    expect(history.givenUp).toMatchObject([{ numbers: [1], batch: { invocations: 0 } }]);
  });

  test("under way holds up everything behind it", () => {
    const busy = queue({ batchSize: 1 });
    read(busy, records(2), 0);
    expect(sent(busy, 0)).toEqual([0]);
    expect(sent(busy, 1e9)).toBe(Infinity);
  });
});

test("reading stops once two invocations' worth is read ahead, and goes on when one is done", () => {
  const shard = new Shard(SETTINGS);
  shard.read([record(0, 5e6), record(1, 5e6)], 0);
  expect(shard.hasRoom).toBe(true);
  shard.read([record(2, 5e6)], 0);
  expect(shard.hasRoom).toBe(false);
  shard.batches.next(0);
  shard.batches.on({ kind: "answered", outcome: SUCCEEDED, answer: ANSWER, atMs: 0 });
  expect(shard.hasRoom).toBe(true);
});
