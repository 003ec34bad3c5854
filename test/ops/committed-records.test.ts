import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { batches } from "../../ops/replay/batches.ts";
import { CommittedRecords } from "../../ops/replay/committed-records.ts";
import { replayRecord, type ReplayRecord } from "../../ops/replay/replay-record.ts";
import { kinesisEventRecord } from "../../wire/kinesis-event.ts";

const SHARD = "shardId-000000000000";
const MAX = 40;
const origin = {
  shardId: SHARD,
  streamArn: "arn:aws:kinesis:us-east-1:1:stream/s",
  region: "us-east-1",
  invokeIdentityArn: "arn:aws:iam::1:root",
};

const record = (sequence: number, bytes = 1): ReplayRecord =>
  replayRecord(
    kinesisEventRecord(
      {
        SequenceNumber: `${sequence}`,
        PartitionKey: "p",
        Data: Buffer.alloc(bytes),
        ApproximateArrivalTimestamp: new Date(0),
      },
      origin,
    ),
  );

async function* inOrder(sequences: readonly number[]): AsyncGenerator<ReplayRecord> {
  for (const sequence of sequences) yield record(sequence);
}

/** A shard's records, and runs of it that are committed: each from one of its records to another. */
const histories = fc.uniqueArray(fc.integer({ min: 0, max: MAX }), { minLength: 1 }).chain((numbers) => {
  const sequences = numbers.toSorted((a, b) => a - b);
  const index = fc.nat({ max: sequences.length - 1 });
  const runs = fc.array(
    fc.tuple(index, index).map(([a, b]) => [sequences[Math.min(a, b)]!, sequences[Math.max(a, b)]!] as const),
    { maxLength: 6 },
  );
  return fc.record({ sequences: fc.constant(sequences), runs });
});

function committedOf(
  runs: readonly (readonly [number, number])[],
  sequences: readonly number[],
): CommittedRecords {
  const committed = new CommittedRecords();
  for (const [first, last] of runs) {
    const records = sequences.filter((one) => one >= first && one <= last).length;
    committed.add(SHARD, `${first}`, `${last}`, records);
    // As it is found again by its name alone.
    committed.has(SHARD, 0n);
    committed.add(SHARD, `${first}`, `${last}`);
  }
  return committed;
}

const isIn = (runs: readonly (readonly [number, number])[], one: number): boolean =>
  runs.some(([first, last]) => one >= first && one <= last);

describe("what commits cover", () => {
  test("is known record by record, whatever runs overlap", () => {
    fc.assert(
      fc.property(histories, ({ sequences, runs }) => {
        const committed = committedOf(runs, sequences);
        for (let one = 0; one <= MAX; one++) {
          expect(committed.has(SHARD, BigInt(one))).toBe(isIn(runs, one));
        }
        expect(committed.has("shardId-000000000001", 1n)).toBe(false);
        const gaps = committed.lacking(SHARD, { first: 0n, last: BigInt(MAX) });
        const lacking = gaps.flatMap(({ first, last }) =>
          Array.from({ length: Number(last - first) + 1 }, (_, i) => Number(first) + i),
        );
        expect(lacking).toEqual(
          Array.from({ length: MAX + 1 }, (_, one) => one).filter((one) => !isIn(runs, one)),
        );
      }),
    );
  });

  test("is all of a batch only where all of its records are", () => {
    fc.assert(
      fc.property(histories, fc.nat(), fc.nat(), ({ sequences, runs }, a, b) => {
        const [i, j] = [a % sequences.length, b % sequences.length];
        const batch = sequences.slice(Math.min(i, j), Math.max(i, j) + 1);
        const interval = { first: BigInt(batch[0]!), last: BigInt(batch.at(-1)!) };
        const isCovered = committedOf(runs, sequences).covers(SHARD, interval, batch.length);
        if (isCovered) expect(batch.filter((one) => !isIn(runs, one))).toEqual([]);
      }),
    );
  });

  test("a batch that was committed in pieces is, since the pieces have all of its records", () => {
    const committed = committedOf(
      [
        [1, 3],
        [5, 9],
      ],
      [1, 2, 3, 5, 9],
    );
    expect(committed.covers(SHARD, { first: 1n, last: 9n }, 5)).toBe(true);
    expect(committed.covers(SHARD, { first: 1n, last: 9n }, 6)).toBe(false);
    expect(committed.covers(SHARD, { first: 1n, last: 9n })).toBe(false);
  });
});

describe("batches", () => {
  test("are runs without holes of all that is not committed, within the limits", async () => {
    await fc.assert(
      fc.asyncProperty(histories, fc.integer({ min: 1, max: 5 }), async ({ sequences, runs }, most) => {
        const committed = committedOf(runs, sequences);
        const options = { shardId: SHARD, committed, limits: { records: most, bytes: 1_000_000 } };
        const cut = await Array.fromAsync(batches(inOrder(sequences), options));
        const numbers = cut.map((batch) => batch.map(({ sequence }) => Number(sequence)));
        expect(numbers.flat()).toEqual(sequences.filter((one) => !isIn(runs, one)));
        for (const batch of numbers) {
          expect(batch.length).toBeLessThanOrEqual(most);
          const within = sequences.filter((one) => one >= batch[0]! && one <= batch.at(-1)!);
          expect(within).toEqual(batch);
        }
      }),
    );
  });

  test("do not go over a committed record that was not read", async () => {
    const committed = committedOf([[4, 5]], [4, 5]);
    const options = { shardId: SHARD, committed, limits: { records: 10, bytes: 1_000_000 } };
    const cut = await Array.fromAsync(batches(inOrder([1, 2, 7, 8]), options));
    expect(cut.map((batch) => batch.map(({ sequence }) => Number(sequence)))).toEqual([
      [1, 2],
      [7, 8],
    ]);
  });

  test("have as many bytes as an invocation takes, and a larger record is alone", async () => {
    const [small, large] = [record(1), record(3, 2_000)];
    const limits = { records: 10, bytes: 2 * small.entryBytes + 20 };
    const options = { shardId: SHARD, committed: new CommittedRecords(), limits };
    const read = async function* (): AsyncGenerator<ReplayRecord> {
      yield* [small, record(2), large, record(4), record(5), record(6)];
    };
    const cut = await Array.fromAsync(batches(read(), options));
    expect(cut.map(({ length }) => length)).toEqual([2, 1, 2, 1]);
    for (const batch of cut.filter((one) => !one.includes(large))) {
      const event = JSON.stringify({ Records: batch.map(({ entry }) => entry) });
      expect(Buffer.byteLength(event)).toBeLessThanOrEqual(limits.bytes);
    }
  });
});
