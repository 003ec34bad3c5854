import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { middleHashKey, owns } from "../../wire/hash-key.ts";
import {
  commitKey,
  commitMinutePrefix,
  dataKey,
  parseCommitKey,
  quarantineKey,
  rejectedKey,
} from "../../wire/keys.ts";
import { compareSequenceNumbers, padSequenceNumber } from "../../wire/sequence-number.ts";

const at = new Date("2026-11-21T07:05:09.123Z");
const batch = { shardId: "shardId-000000000003", firstSequenceNumber: "495", lastSequenceNumber: "4961" };
const sequenceNumber = fc.bigInt({ min: 0n, max: 2n ** 128n }).map(String);

describe("object keys", () => {
  test("are those of the documented grammar", () => {
    const name = "shardId-000000000003-495-4961";
    expect(dataKey("access", at, batch, 0, "zstd")).toBe(
      `data/type=access/dt=2026-11-21/hr=07/${name}.ndjson.zst`,
    );
    expect(dataKey("access", at, batch, 2, "gzip")).toBe(
      `data/type=access/dt=2026-11-21/hr=07/${name}-2.ndjson.gz`,
    );
    expect(rejectedKey("access", at, batch, "zstd")).toBe(
      `rejected/type=access/dt=2026-11-21/${name}.ndjson.zst`,
    );
    expect(quarantineKey(at, batch, "zstd")).toBe(`quarantine/dt=2026-11-21/${name}.ndjson.zst`);
    expect(commitKey(at, batch)).toBe(`commits/2026/11/21/07/05/${name}.json`);
  });

  test("of commits sort by the minute they were written in", () => {
    const instant = fc.date({ min: new Date(0), max: new Date("2999-01-01"), noInvalidDate: true });
    fc.assert(
      fc.property(instant, instant, (a, b) => {
        const [earlier, later] = a < b ? [a, b] : [b, a];
        expect(commitMinutePrefix(earlier) <= commitMinutePrefix(later)).toBe(true);
      }),
    );
  });

  test("of commits tell their batch", () => {
    expect(parseCommitKey(commitKey(at, batch))).toEqual({
      ...batch,
      writtenAt: new Date("2026-11-21T07:05:00Z"),
    });
    expect(() => parseCommitKey("commits/2026/x.json")).toThrow(
      /not the key of a commit: commits\/2026\/x.json/,
    );
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
