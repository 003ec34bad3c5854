import { describe, expect, test } from "vitest";
import { CommittedRecords } from "../../ops/replay/committed-records.ts";
import type { FailureBucket } from "../../ops/replay/failure-bucket.ts";
import { neighbours } from "../../ops/replay/neighbours.ts";
import { Pace } from "../../ops/replay/pace.ts";
import { type ReplayRecord, replayRecord } from "../../ops/replay/replay-record.ts";
import type { Bound, StreamReader } from "../../ops/replay/stream-reader.ts";
import { family, mayHold, type StreamShard } from "../../ops/replay/stream-shards.ts";
import { failureStretch, type Lost, type Stretch } from "../../ops/replay/stretch.ts";
import { StretchReader } from "../../ops/replay/stretch-reader.ts";
import { kinesisEventRecord } from "../../wire/kinesis-event.ts";

const SHARD = "shardId-000000000000";
const HOUR_MS = 3_600_000;
const NOW = new Date("2026-11-21T10:00:00Z");
const hoursAgo = (hours: number): Date => new Date(NOW.getTime() - hours * HOUR_MS);
const at = (sequence: bigint): Bound => ({ sequence });

const record = (sequence: number, arrivedAt: Date): ReplayRecord =>
  replayRecord(
    kinesisEventRecord(
      {
        SequenceNumber: `${sequence}`,
        PartitionKey: "p",
        Data: Buffer.from("x"),
        ApproximateArrivalTimestamp: arrivedAt,
      },
      {
        shardId: SHARD,
        streamArn: "arn:aws:kinesis:us-east-1:1:stream/s",
        region: "us-east-1",
        invokeIdentityArn: "arn:aws:iam::1:root",
      },
    ),
  );

/** A shard that has records 50 and 60 left, of a stream that keeps them for a day. */
class TrimmedShard {
  createdAt = hoursAgo(1_000);
  parents: readonly string[] = [];
  readonly committed = new CommittedRecords();
  left = [record(50, hoursAgo(20)), record(60, hoursAgo(10))];

  async read(from: Bound, to: Bound): Promise<{ read: number[]; lost: Lost[] }> {
    const left = this.left;
    const reader = {
      async *read(_: string, begin: Bound, end: Bound) {
        yield* left.filter(
          ({ sequence, arrivedAt }) =>
            ("at" in begin ? arrivedAt >= begin.at : sequence >= begin.sequence) &&
            ("at" in end ? arrivedAt <= end.at : sequence <= end.sequence),
        );
      },
      oldest: async () => left[0],
    } as unknown as StreamReader;
    const shard: StreamShard = { shardId: SHARD, parents: this.parents, first: 5n, last: undefined };
    const parent: StreamShard = { ...shard, shardId: "shardId-000000000009", parents: [] };
    const stretches = new StretchReader({
      bucket: {} as FailureBucket,
      reader,
      stream: {
        retentionMs: 24 * HOUR_MS,
        createdAt: this.createdAt,
        shards: new Map([shard, parent].map((one) => [one.shardId, one])),
      },
      committed: this.committed,
      now: () => NOW,
    });
    const stretch: Stretch = { shardId: SHARD, from, to, failure: undefined, object: undefined };
    const remarks = { lost: [] as Lost[], notes: [] as string[] };
    const read = await Array.fromAsync(stretches.read(stretch, remarks));
    return { read: read.map(({ sequence }) => Number(sequence)), lost: remarks.lost };
  }
}

describe("what an operator asks for and the stream has no more", () => {
  test("is named by its sequence numbers, up to the oldest record there is", async () => {
    const shard = new TrimmedShard();
    expect(await shard.read(at(40n), at(60n))).toMatchObject({
      read: [50, 60],
      lost: [{ shardId: SHARD, from: "40", to: "49", arrivedTo: hoursAgo(20).toISOString() }],
    });
    // The shard begins with 5.
    expect((await shard.read(at(1n), at(30n))).lost).toMatchObject([{ from: "5", to: "30" }]);
    shard.left = [];
    expect((await shard.read(at(40n), at(60n))).lost).toMatchObject([{ from: "40", to: "60" }]);
  });

  test("is less what is committed", async () => {
    const shard = new TrimmedShard();
    shard.committed.add(SHARD, "30", "44");
    expect((await shard.read(at(40n), at(60n))).lost).toMatchObject([{ from: "45", to: "49" }]);
    shard.committed.add(SHARD, "40", "49");
    expect((await shard.read(at(40n), at(60n))).lost).toEqual([]);
  });

  test("is told by when it arrived, where times are asked for", async () => {
    const shard = new TrimmedShard();
    expect(await shard.read({ at: hoursAgo(30) }, { at: NOW })).toMatchObject({
      read: [50, 60],
      lost: [{ arrivedFrom: hoursAgo(30).toISOString(), arrivedTo: hoursAgo(24).toISOString() }],
    });
    expect((await shard.read({ at: hoursAgo(30) }, { at: hoursAgo(26) })).lost).toMatchObject([
      { arrivedTo: hoursAgo(26).toISOString() },
    ]);
    expect((await shard.read({ at: hoursAgo(23) }, { at: NOW })).lost).toEqual([]);
  });

  test("is nothing where there was nothing: in a young stream, a young shard, or between two records", async () => {
    const young = new TrimmedShard();
    young.createdAt = hoursAgo(22);
    expect((await young.read(at(40n), at(60n))).lost).toEqual([]);
    expect((await young.read({ at: hoursAgo(30) }, { at: NOW })).lost).toEqual([]);
    const child = new TrimmedShard();
    child.parents = ["shardId-000000000009"];
    expect((await child.read(at(40n), at(60n))).lost).toEqual([]);
    const between = new TrimmedShard();
    expect((await between.read(at(55n), at(58n))).lost).toEqual([]);
    expect((await between.read(at(50n), at(60n))).lost).toEqual([]);
  });

  test("is proven by a commit of records that are gone, also where retention was raised since", async () => {
    const shard = new TrimmedShard();
    shard.createdAt = hoursAgo(22);
    shard.committed.add(SHARD, "10", "20");
    expect((await shard.read(at(30n), at(60n))).lost).toMatchObject([{ from: "30", to: "49" }]);
  });
});

describe("the family of a shard", () => {
  const shards = new Map(
    (
      [
        ["a", []],
        ["b", []],
        ["a1", ["a"]],
        ["a2", ["a"]],
        ["merged", ["a2", "b"]],
        ["last", ["merged"]],
      ] as const
    ).map(([shardId, parents], i) => [shardId, { shardId, parents, first: BigInt(i), last: undefined }]),
  );
  const names = (shardId: string): string[] => family(shards, shardId).map((one) => one.shardId);

  test("is what it came from and what came of it, through splits and merges", () => {
    expect(names("a")).toEqual(["a", "a1", "a2", "merged", "last"]);
    expect(names("a2")).toEqual(["a", "a2", "merged", "last"]);
    expect(names("last")).toEqual(["a", "b", "a2", "merged", "last"]);
    expect(names("a1")).toEqual(["a", "a1"]);
  });

  test("is read only where its sequence numbers may be", () => {
    const shard: StreamShard = { shardId: "a", parents: [], first: 10n, last: 20n };
    expect(mayHold(shard, at(1n), at(9n))).toBe(false);
    expect(mayHold(shard, at(21n), at(30n))).toBe(false);
    expect(mayHold(shard, at(20n), at(30n))).toBe(true);
    expect(mayHold(shard, at(1n), at(10n))).toBe(true);
    expect(mayHold(shard, { at: NOW }, { at: NOW })).toBe(true);
  });
});

test("small batches that were given up shortly after one another are neighbours", () => {
  const given = (sequence: number, arrivedAt: Date, records = 1): Stretch =>
    failureStretch({
      shardId: SHARD,
      firstSequenceNumber: `${sequence}`,
      lastSequenceNumber: `${sequence + records - 1}`,
      arrivedFrom: arrivedAt,
      arrivedTo: arrivedAt,
      records,
      streamArn: "",
      functionArn: "",
      condition: "",
      payload: undefined,
    });
  const many = (from: number, hours: number): Stretch[] =>
    Array.from({ length: 8 }, (_, i) => given(from + i, hoursAgo(hours)));
  // Too old, apart, too few, and one that is a batch by itself.
  const stretches = [
    ...many(100, 30),
    ...many(200, 10),
    given(210, hoursAgo(10), 50),
    ...many(300, 5),
    given(400, hoursAgo(1)),
  ];
  const found = neighbours(stretches, 100, hoursAgo(24));
  expect(found.map(({ interval }) => interval)).toEqual([
    { first: 200n, last: 207n },
    { first: 300n, last: 307n },
  ]);
});

test("a pace lets no more through than it should", async () => {
  const pace = new Pace(10_000);
  const startedAtMs = performance.now();
  for (let i = 0; i < 4; i++) {
    await pace.ready();
    pace.spend(500);
  }
  expect(performance.now() - startedAtMs).toBeGreaterThan(140);
});
