import { readFileSync } from "node:fs";
import fc from "fast-check";
import { AggregateBuilder } from "../../wire/aggregate.ts";
import { deaggregate } from "../../wire/deaggregate.ts";
import type { ForeignRecord } from "./user-records.ts";

const COUNT = 300;

const partitionKey = fc.oneof(
  fc.string({ unit: "binary", minLength: 1, maxLength: 40 }),
  fc.constantFrom("access", "__proto__", "constructor", "1", "2"),
);
const tag = fc.record({
  key: fc.string({ maxLength: 8 }),
  value: fc.option(fc.string({ unit: "binary" }), { nil: undefined }),
});
const userRecord = fc.record({
  partitionKey,
  data: fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
  tags: fc.array(tag, { maxLength: 3 }),
});
const hashKey = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map(String);

/** Of ours, with everything that may be in them. */
export function ourAggregates(): Buffer[] {
  const golden = readFileSync(new URL("../vectors/weir-aggregate.hex", import.meta.url), "utf8");
  const made = fc.sample(fc.tuple(fc.array(userRecord, { minLength: 1, maxLength: 40 }), hashKey), COUNT);
  return [
    Buffer.from(golden.trim(), "hex"),
    ...made.map(([records, explicitHashKey]) => {
      const builder = new AggregateBuilder(64);
      for (const { partitionKey, data, tags } of records) builder.add(partitionKey, data, tags);
      return builder.finish(explicitHashKey);
    }),
  ];
}

/** For others to put into aggregates. @param minDataBytes of each, where they take no empty ones */
export function foreignRecords(minDataBytes = 0): ForeignRecord[][] {
  const record = fc.record({
    partitionKey,
    data: fc.uint8Array({ minLength: minDataBytes, maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
    explicitHashKey: fc.option(hashKey, { nil: undefined }),
  });
  return fc.sample(fc.array(record, { minLength: 1, maxLength: 40 }), COUNT);
}

/** What we read in an aggregate, as far as others know of it. */
export function ourReading(aggregate: Uint8Array): ForeignRecord[] {
  return deaggregate(aggregate).map(({ partitionKey, data, explicitHashKey }) => ({
    partitionKey,
    data: Buffer.from(data),
    explicitHashKey,
  }));
}
