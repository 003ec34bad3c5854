import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AggregateBuilder, MAGIC, type Tag, type UserRecord } from "../../wire/aggregate.ts";
import { deaggregate, soundAggregates } from "../../wire/deaggregate.ts";
import { simd } from "../../wire/simd.ts";
import { AGGREGATE_MAX_PARTS } from "../../wire/limits.ts";
import { writeVarint } from "../../wire/varint.ts";
import { WireError } from "../../wire/wire-error.ts";
import { kinesisAgg, oracleRead } from "./kinesis-agg.ts";

const HASH_KEY_MAX = (2n ** 128n - 1n).toString();
const key = fc.oneof(
  fc.string({ unit: "binary", minLength: 1, maxLength: 40 }),
  fc.constantFrom("access", "__proto__", "constructor", "1", "2"),
);
const tag = fc.record({
  key: fc.string({ maxLength: 8 }),
  value: fc.option(fc.string({ unit: "binary" }), { nil: undefined }),
});
const record = fc.record({
  partitionKey: key,
  data: fc.uint8Array({ maxLength: 400 }),
  tags: fc.array(tag, { maxLength: 3 }),
});
const hashKey = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map(String);

interface Input {
  partitionKey: string;
  data: Uint8Array;
  tags: readonly Tag[];
}

function build(records: readonly Input[], explicitHashKey: string): Buffer {
  const builder = new AggregateBuilder(64);
  for (const { partitionKey, data, tags } of records) builder.add(partitionKey, data, tags);
  return builder.finish(explicitHashKey);
}

const plain = (records: readonly Input[]) =>
  records.map(({ partitionKey, data }) => [partitionKey, Buffer.from(data)]);

describe("an aggregate", () => {
  test("reads back as it was written: keys, bytes, tags and one hash key for all", () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 50 }), hashKey, (records, explicitHashKey) => {
        const read = deaggregate(build(records, explicitHashKey));
        expect(read.map((r) => ({ ...r, data: Buffer.from(r.data) }))).toEqual(
          records.map((r) => ({ ...r, data: Buffer.from(r.data), explicitHashKey })),
        );
      }),
    );
  });

  test("is as long as the builder said before each record was added, with the longest hash key", () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 50 }), (records) => {
        const builder = new AggregateBuilder(16);
        for (const { partitionKey, data, tags } of records) {
          const promised = builder.byteLengthWith(partitionKey, data.length, tags);
          builder.add(partitionKey, data, tags);
          expect(builder.byteLength).toBe(promised);
        }
        const promised = builder.byteLength;
        expect(builder.finish(HASH_KEY_MAX).length).toBe(promised);
        expect(builder.count).toBe(0);
      }),
    );
  });

  test("of ours is read by aws-kinesis-agg", () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 30 }), hashKey, (records, explicitHashKey) => {
        const read = oracleRead(build(records, explicitHashKey));
        expect(read.map((r) => [r.partitionKey, r.data])).toEqual(plain(records));
      }),
    );
  });

  test("of aws-kinesis-agg is read by us", () => {
    // Its aggregator swaps integer-like keys and loses __proto__ and empty data, so it is given none.
    const sound = fc.record({
      partitionKey: fc.string({ minLength: 1, maxLength: 20 }).map((text) => `k${text}`),
      data: fc.uint8Array({ minLength: 1, maxLength: 300 }),
    });
    fc.assert(
      fc.property(fc.array(sound, { minLength: 1, maxLength: 30 }), (records) => {
        const aggregator = new kinesisAgg.RecordAggregator();
        for (const { partitionKey, data } of records) {
          aggregator.addUserRecord({ partitionKey, data: Buffer.from(data) });
        }
        const read = deaggregate(aggregator.build()!.data);
        expect(read.map((r) => [r.partitionKey, Buffer.from(r.data)])).toEqual(
          records.map((r) => [r.partitionKey, Buffer.from(r.data)]),
        );
      }),
    );
  });

  test("of Python's aws_kinesis_agg is read by us", () => {
    const read = deaggregate(vector("python-aws-kinesis-agg-1.2.3.hex"));
    expect(read.map((r) => [r.partitionKey, r.explicitHashKey, Buffer.from(r.data)])).toEqual([
      ["access", undefined, Buffer.from("GET /")],
      ["access", "0", Buffer.from("GET /café")],
      ["user", HASH_KEY_MAX, Buffer.alloc(0)],
      ["ログ", undefined, Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i))],
    ]);
  });
});

interface KplVectors {
  readonly given: readonly { partitionKey: string; explicitHashKey?: string; data: string }[];
  readonly records: readonly { data: string }[];
}

test("aggregates of the KPL are read by us: keys, bytes and hash keys, where there are any", () => {
  const file = new URL("../vectors/kpl-1.1.1.json", import.meta.url);
  const { given, records } = JSON.parse(readFileSync(file, "utf8")) as KplVectors;
  const read = records.flatMap(({ data }) => deaggregate(Buffer.from(data, "base64")));
  const told = ({ partitionKey, explicitHashKey }: Pick<UserRecord, "partitionKey" | "explicitHashKey">) =>
    `${partitionKey} ${explicitHashKey}`;
  expect(read.map((r) => `${told(r)} ${Buffer.from(r.data).toString("base64")}`).sort()).toEqual(
    given.map((r) => `${told({ explicitHashKey: undefined, ...r })} ${r.data}`).sort(),
  );
});

describe("a damaged aggregate", () => {
  const whole = build(
    [{ partitionKey: "access", data: Buffer.from("GET /"), tags: [{ key: "@", value: "s:0" }] }],
    "7",
  );

  test("is refused whichever bit is flipped", () => {
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const flipped = Buffer.from(whole);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => deaggregate(flipped)).toThrow(WireError);
    }
  });

  test("is not among those whose digests match, hashed with three others or not", () => {
    const record = (i: number) => ({ partitionKey: "t", data: Buffer.alloc(1_000 + i, i), tags: [] });
    for (let damaged = 0; damaged < 9; damaged++) {
      const all = Array.from({ length: 9 }, (_, i) => build([record(i)], "7"));
      all[damaged]![500]! ^= 1;
      const sound = soundAggregates([...all, Buffer.from("a line"), Buffer.from(MAGIC)]);
      expect(sound.has(all[damaged]!)).toBe(false);
      expect(sound.size).toBeGreaterThanOrEqual(simd() ? 7 : 0);
      expect([...sound].every((data) => all.includes(data as Buffer))).toBe(true);
    }
  });

  test("is refused wherever it is cut, and with bytes behind it", () => {
    for (let length = 0; length < whole.length; length++) {
      expect(() => deaggregate(whole.subarray(0, length))).toThrow(WireError);
    }
    expect(() => deaggregate(Buffer.concat([whole, Buffer.of(0)]))).toThrow(/MD5 trailer/);
  });

  test.each([
    ["a key index outside its table", "0a0161 1a05 0801 1a0178", "KEY_INDEX"],
    ["a hash key index outside its table", "0a0161 1a07 0800 1000 1a0178", "KEY_INDEX"],
    ["a key longer than the service takes", `0a8102 ${"61".repeat(257)} 1a050800 1a0178`, "MALFORMED"],
    ["a record without a partition key", "0a0161 1a03 1a0178", "MALFORMED"],
    ["a record without data", "0a0161 1a02 0800", "MALFORMED"],
    ["a field past the end", "0a7f61", "TRUNCATED"],
    ["a length of 2^53", "0a8080808080808010", "MALFORMED"],
    ["a known field with another wire type", "0800", "MALFORMED"],
    ["a wire type that does not exist", "26", "MALFORMED"],
    ["a varint without an end", "ffffffffffffffffffffff", "MALFORMED"],
    ["a key that is not UTF-8", "0a01ff", "MALFORMED"],
  ])("with a valid digest and %s is refused", (_claim, hex, code) => {
    expect(() => deaggregate(sealed(hex))).toThrow(expect.objectContaining({ code }));
  });

  test.each([
    ["records", () => many("1a050800 1a0178")],
    ["keys", () => many("0a00")],
    [
      "tags of one record",
      () => delimited(0x1a, Buffer.concat([Buffer.from("08001a00", "hex"), many("22020a00")])),
    ],
  ])("of more %s than memory should hold is refused", (_what, body) => {
    expect(() => deaggregate(sealed(body().toString("hex")))).toThrow(
      expect.objectContaining({ code: "TOO_MANY_PARTS" }),
    );
  });

  test("with unknown fields and tables behind the records is still read", () => {
    const [read] = deaggregate(sealed("1a07 0800 1a0178 2805 0a0161 3203 616263"));
    expect(read).toMatchObject({ partitionKey: "a", explicitHashKey: undefined });
  });
});

test("arbitrary bytes behind the magic never do worse than a WireError, nor cost more than the input warrants", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), (body) => {
      const before = process.memoryUsage().arrayBuffers;
      try {
        const read = deaggregate(sealed(Buffer.from(body).toString("hex")));
        expect(read.length).toBeLessThanOrEqual(body.length);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
      }
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * 2 ** 20);
    }),
    { numRuns: 2_000 },
  );
});

/** One part more than an aggregate may have. */
function many(hex: string): Buffer {
  const part = Buffer.from(hex.replaceAll(" ", ""), "hex");
  return Buffer.alloc(part.length * (AGGREGATE_MAX_PARTS + 1), part);
}

function delimited(field: number, content: Buffer): Buffer {
  const head = Buffer.alloc(9);
  return Buffer.concat([
    head.subarray(0, writeVarint(head, writeVarint(head, 0, field), content.length)),
    content,
  ]);
}

/** Magic and a valid digest around a body, so that only the body can be at fault. */
function sealed(hex: string): Buffer {
  const body = Buffer.from(hex.replaceAll(" ", ""), "hex");
  return Buffer.concat([MAGIC, body, createHash("md5").update(body).digest()]);
}

function vector(name: string): Buffer {
  return Buffer.from(readFileSync(new URL(`../vectors/${name}`, import.meta.url), "utf8").trim(), "hex");
}
