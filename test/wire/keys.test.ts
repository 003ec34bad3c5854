import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { middleHashKey, owns } from "../../wire/hash-key.ts";
import {
  batchName,
  commitKey,
  commitMinutePrefix,
  dataKey,
  objectDigest,
  parseCommitKey,
  parseUnfiledKey,
  quarantineKey,
  rejectedKey,
  reparseBatch,
} from "../../wire/keys.ts";
import { compareSequenceNumbers, padSequenceNumber } from "../../wire/sequence-number.ts";

const at = new Date("2026-11-21T07:05:09.123Z");
const batch = { origin: "shardId-000000000003", firstSequenceNumber: "495", lastSequenceNumber: "4961" };
const sequenceNumber = fc.bigInt({ min: 0n, max: 2n ** 128n }).map(String);
const instant = fc.date({ min: new Date(0), max: new Date("2999-01-01"), noInvalidDate: true });
const origin = fc.oneof(
  fc.nat(10 ** 12 - 1).map((shard) => `shardId-${String(shard).padStart(12, "0")}`),
  fc
    .tuple(fc.constantFrom("fallback", "reparse", "window"), fc.stringMatching(/^[A-Za-z0-9_.]{1,40}$/))
    .map(([kind, name]) => `${kind}-${name}`),
);
const batchId = fc.record({
  origin,
  firstSequenceNumber: sequenceNumber,
  lastSequenceNumber: sequenceNumber,
});

describe("object keys", () => {
  test("are those of the documented grammar", () => {
    const digest = objectDigest(Buffer.from("bytes"));
    const name = `shardId-000000000003-495-4961-${digest}`;
    expect(digest).toMatch(/^[0-9a-f]{16}$/);
    expect(dataKey("access", at, batch, digest, "zstd")).toBe(
      `data/type=access/dt=2026-11-21/hr=07/${name}.ndjson.zst`,
    );
    expect(dataKey("access", at, batch, digest, "gzip")).toBe(
      `data/type=access/dt=2026-11-21/hr=07/${name}.ndjson.gz`,
    );
    expect(rejectedKey("access", at, batch, digest, "zstd")).toBe(
      `rejected/type=access/dt=2026-11-21/${name}.ndjson.zst`,
    );
    expect(quarantineKey(at, batch, digest, "zstd")).toBe(`quarantine/dt=2026-11-21/${name}.ndjson.zst`);
    expect(commitKey(at, batch, digest)).toBe(`commits/2026/11/21/07/05/${name}.json`);
  });

  test("of commits sort by the minute they were written in", () => {
    fc.assert(
      fc.property(instant, instant, (a, b) => {
        const [earlier, later] = a < b ? [a, b] : [b, a];
        expect(commitMinutePrefix(earlier) <= commitMinutePrefix(later)).toBe(true);
      }),
    );
  });

  test("of commits tell their batch, minute and digest", () => {
    fc.assert(
      fc.property(instant, batchId, fc.uint8Array(), (writtenAt, batch, bytes) => {
        const digest = objectDigest(bytes);
        const minute = new Date(Math.floor(writtenAt.getTime() / 60_000) * 60_000);
        const key = commitKey(writtenAt, batch, digest);
        expect(parseCommitKey(key)).toEqual({ ...batch, writtenAt: minute, digest });
        expect(key).toContain(batchName(batch));
      }),
    );
  });

  test("of rejected lines and quarantined records tell their kind, type and batch", () => {
    const type = fc.stringMatching(/^[a-z_][a-z0-9_]{0,20}$/);
    const codec = fc.constantFrom("zstd" as const, "gzip" as const);
    fc.assert(
      fc.property(type, instant, batchId, fc.uint8Array(), codec, (type, at, batch, bytes, codec) => {
        const digest = objectDigest(bytes);
        const rejected = rejectedKey(type, at, batch, digest, codec);
        const quarantined = quarantineKey(at, batch, digest, codec);
        expect(parseUnfiledKey(rejected)).toEqual({ kind: "rejected", type, ...batch });
        expect(parseUnfiledKey(quarantined)).toEqual({ kind: "quarantine", type: "", ...batch });
        expect(parseUnfiledKey(dataKey(type, at, batch, digest, codec))).toBeUndefined();
        // Those of version 1 have no digest, and a further object of one hour a number.
        for (const suffix of ["", "-2"]) {
          const key = rejected.replace(`-${digest}.`, `${suffix}.`);
          expect(parseUnfiledKey(key)).toEqual({ kind: "rejected", type, ...batch });
        }
        // The batch that consumes it can be consumed in its turn.
        const again = reparseBatch(rejected, batch);
        expect(parseCommitKey(commitKey(at, again, digest))).toMatchObject(again);
        expect(again).toEqual({ ...batch, origin: expect.stringMatching(/^reparse-[0-9a-f]{16}$/) });
        expect(reparseBatch(quarantined, batch)).not.toEqual(again);
      }),
    );
  });

  test("of commits without a digest are of version 1, and tell their batch too", () => {
    expect(parseCommitKey("commits/2026/11/21/07/05/shardId-000000000003-495-4961.json")).toEqual({
      ...batch,
      writtenAt: new Date("2026-11-21T07:05:00Z"),
    });
  });

  test.each([
    ["no batch", "commits/2026/11/21/07/05/x.json"],
    ["a month that no year has", "commits/2026/13/21/07/05/shardId-000000000003-1-2.json"],
    ["a day that the month has not", "commits/2026/02/30/07/05/shardId-000000000003-1-2.json"],
    ["an hour after the day's last", "commits/2026/11/21/24/00/shardId-000000000003-1-2.json"],
    ["an origin nobody knows", "commits/2026/11/21/07/05/other-a-1-2.json"],
    ["a name with a hyphen", "commits/2026/11/21/07/05/fallback-a-b-1-2.json"],
    ["half a digest", "commits/2026/11/21/07/05/shardId-000000000003-1-2-0123abcd.json"],
    ["another prefix", "x/commits/2026/11/21/07/05/shardId-000000000003-1-2.json"],
  ])("with %s are none of a commit", (_what, key) => {
    expect(() => parseCommitKey(key)).toThrow(`not the key of a commit: ${key}`);
  });
});

test("sequence numbers compare as numbers, padded ones as strings too", () => {
  fc.assert(
    fc.property(sequenceNumber, sequenceNumber, (a, b) => {
      const order = compareSequenceNumbers(a, b);
      expect(order).toBe(BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0);
      expect(Math.sign(padSequenceNumber(a) < padSequenceNumber(b) ? -1 : a === b ? 0 : 1)).toBe(order);
    }),
  );
});

test("the middle hash key belongs to its shard and to one half of it", () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 2n ** 127n }),
      fc.bigInt({ min: 0n, max: 2n ** 127n }),
      (start, size) => {
        const range = { startingHashKey: `${start}`, endingHashKey: `${start + size}` };
        expect(owns(range, middleHashKey(range))).toBe(true);
      },
    ),
  );
});
