import fc from "fast-check";
import { expect, test } from "vitest";
import { Delivery } from "../../agent/kinesis/delivery.ts";
import { MAX_COUNTED_TAGS, OTHER_TAGS } from "../../agent/kinesis/counted-tags.ts";
import { Aggregator, type Origin } from "../../agent/kinesis/aggregator.ts";
import type { OutgoingRecord } from "../../agent/kinesis/outgoing-record.ts";
import { HEAD, LineFramer } from "../../agent/framing/line-framer.ts";
import { openEnvelope } from "../../wire/envelope.ts";
import { oracleRead } from "../wire/kinesis-agg.ts";
import { eventsOf } from "./event.ts";

const MAX_LINE_BYTES = 300;
const HASH_KEY = "12345678901234567890";
const LABELS = { stage: "prod" };

/** A file that no line feed is lost of: empty lines, long lines, lines over the limit. */
const file = fc
  .array(fc.oneof(fc.string({ unit: "binary", maxLength: 200 }), fc.constant("x".repeat(400))), {
    maxLength: 30,
  })
  .map((lines) => Buffer.from(lines.join("\n")));

function makeAggregator(
  maxBytes: number,
  lingerMs = 60_000,
  compression: "none" | "zstd" = "none",
  gatherBytes = 0,
): { aggregator: Aggregator; sealed: OutgoingRecord[] } {
  const sealed: OutgoingRecord[] = [];
  const shards = { choose: () => ({ explicitHashKey: HASH_KEY }) };
  const seal = (record: OutgoingRecord) => void sealed.push(record);
  const options = {
    maxBytes,
    lingerMs,
    compression,
    gatherBytes,
    ordering: "none",
    labels: LABELS,
    shards,
    seal,
  } as const;
  return { aggregator: new Aggregator(options), sealed };
}

/** Files in turn, a block of each at a time, as lines or in runs. */
function aggregate(files: readonly Buffer[], maxBytes: number, inRuns: boolean): OutgoingRecord[] {
  const { aggregator, sealed } = makeAggregator(maxBytes);
  for (const [i, file] of files.entries()) {
    const source = { id: `source${i % 3}`, host: "host", path: `/log/${i % 3}` };
    const origin: Origin = { source, tag: `tag${i % 2}`, delivery: new Delivery(HEAD) };
    const framer = new LineFramer({ maxLineBytes: MAX_LINE_BYTES }, { ...HEAD, offset: i * 1_000_000 });
    if (inRuns) framer.frameRuns(file, true, (run) => aggregator.addLines(origin, file, run));
    else framer.frame(file, true, (line) => aggregator.add(origin, file, line));
  }
  aggregator.flush();
  return sealed;
}

test("lines added in runs make the aggregates that lines added one by one make, byte for byte", () => {
  const files = fc.array(file, { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(files, fc.integer({ min: 200, max: 3_000 }), (files, maxBytes) => {
      const bytes = (records: readonly OutgoingRecord[]) => records.map(({ data }) => data.toString("hex"));
      expect(bytes(aggregate(files, maxBytes, true))).toEqual(bytes(aggregate(files, maxBytes, false)));
    }),
  );
});

test("every aggregate is accepted by aws-kinesis-agg, which reads in it what we read", () => {
  fc.assert(
    fc.property(fc.array(file, { minLength: 1, maxLength: 6 }), (files) => {
      for (const { data } of aggregate(files, 2_000, true)) {
        const ours = openEnvelope(data, "").userRecords.map((r) => [r.partitionKey, Buffer.from(r.data)]);
        expect(oracleRead(data).map((r) => [r.partitionKey, r.data])).toEqual(ours);
        for (const { position } of eventsOf(data)) expect(position.source.labels).toEqual(LABELS);
      }
    }),
  );
});

test("an aggregate is as large as it may be, unless one line is larger", () => {
  const lines = Buffer.from(`${"x".repeat(100)}\n`.repeat(1_000));
  const sizes = aggregate([lines], 2_000, true).map(({ data }) => data.length);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(2_000);
  expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThan(2_000 - 2 * 115);
});

const lineOf = (text: string) => ({
  start: 0,
  end: text.length,
  offset: 0,
  extent: text.length + 1,
  gap: undefined,
  standing: "line" as const,
});
const source = { id: "source", host: "host", path: "/log" };

test.each([
  ["packs a hundred times is sent as it is", "x", false],
  ["packs less is packed", "0123456789abcdefghijklmnopqrstuvwxyz", true],
])("an aggregate that %s: readers refuse what unpacks to so much more", async (_claim, letters, packed) => {
  const { aggregator, sealed } = makeAggregator(256_000, 60_000, "zstd");
  const origin = { source, tag: "tag", delivery: new Delivery(HEAD) };
  let random = 1;
  const letter = () => letters[(random = (random * 48_271) % 2_147_483_647) % letters.length]!;
  const text = `${Array.from({ length: 200 }, () => Array.from({ length: 999 }, letter).join("")).join("\n")}\n`;
  const framer = new LineFramer({ maxLineBytes: 1_000 }, HEAD);
  framer.frameRuns(Buffer.from(text), true, (run) => aggregator.addLines(origin, Buffer.from(text), run));
  aggregator.flush();
  await aggregator.compressed;
  expect(sealed.map(({ data }) => data.length < 200_000)).toEqual([packed]);
  expect(eventsOf(sealed[0]!.data)).toHaveLength(200);
});

test("an aggregate of many files is closed before it says more of them than readers take", () => {
  const { aggregator, sealed } = makeAggregator(3 * 2 ** 20);
  for (let i = 0; i < 20_000; i++) {
    const origin = { source: { ...source, id: `source${i}` }, tag: "tag", delivery: new Delivery(HEAD) };
    if (i % 2 === 0) aggregator.add(origin, Buffer.from("line"), lineOf("line"));
    else aggregator.addLines(origin, Buffer.from("line"), lineOf("line"));
  }
  aggregator.flush();
  expect(sealed.length).toBeGreaterThan(1);
  const sources = sealed.flatMap(({ data }) => eventsOf(data).map(({ position }) => position.source.id));
  expect(sources).toEqual(Array.from({ length: 20_000 }, (_, i) => `source${i}`));
});

test("aggregates that are full wait for others to be hashed with, but no longer than the linger", async () => {
  const { aggregator, sealed } = makeAggregator(1_000, 20);
  const origin = { source, tag: "tag", delivery: new Delivery(HEAD) };
  const text = "x".repeat(900);
  for (let i = 0; i < 4; i++) aggregator.add(origin, Buffer.from(text), lineOf(text));
  expect(sealed).toHaveLength(0);
  aggregator.add(origin, Buffer.from(text), lineOf(text));
  expect(sealed).toHaveLength(4);
  aggregator.add(origin, Buffer.from(text), lineOf(text));
  await expect.poll(() => sealed.length).toBe(6);
  for (const { data } of sealed) expect(eventsOf(data)).toHaveLength(1);
});

test("tags without end are counted together, and nothing is left out of the counts", () => {
  const { aggregator, sealed } = makeAggregator(100_000);
  for (let i = 0; i < 3_000; i++) {
    aggregator.add(
      { source, tag: `tag${i}`, delivery: new Delivery(HEAD) },
      Buffer.from("line"),
      lineOf("line"),
    );
  }
  aggregator.flush();
  for (const { acknowledge } of sealed) acknowledge();
  expect(aggregator.sent.size).toBe(MAX_COUNTED_TAGS + 1);
  expect(aggregator.sent.get(OTHER_TAGS)?.lines).toBe(3_000 - MAX_COUNTED_TAGS);
  expect(aggregator.sent.get(`tag${MAX_COUNTED_TAGS - 1}`)?.lines).toBe(1);
});

test("compressed aggregates are sealed in order, and keep their bytes until they are acknowledged", async () => {
  const { aggregator, sealed } = makeAggregator(2_000, 60_000, "zstd");
  const origin = { source, tag: "tag", delivery: new Delivery(HEAD) };
  const texts = Array.from({ length: 200 }, (_, i) => `${i} `.repeat(100 + (i % 7) * 50));
  const waiting: OutgoingRecord[] = [];
  for (const [i, text] of texts.entries()) {
    aggregator.add(origin, Buffer.from(text), lineOf(text));
    if (i % 10 === 9) aggregator.flush();
    await aggregator.compressed;
    // Buffers of those that are done with are there for those that follow.
    for (const record of sealed.splice(0)) {
      if (i < 100) waiting.push(record);
      else record.acknowledge();
    }
  }
  const linesSent = waiting.flatMap(({ data }) => eventsOf(data).map(({ text }) => text));
  expect(linesSent).toHaveLength(100);
  expect(linesSent).toEqual(texts.slice(0, 100));
});

test.each(["none", "zstd"] as const)(
  "aggregates wait for a request of them, but no longer than the linger (%s)",
  async (compression) => {
    const origin = { source, tag: "tag", delivery: new Delivery(HEAD) };
    const text = Array.from({ length: 10_000 }, (_, i) => i).join(" ");
    const pack = async (aggregator: Aggregator, lines: number): Promise<void> => {
      for (let i = 0; i < lines; i++) aggregator.add(origin, Buffer.from(text), lineOf(text));
      await aggregator.compressed;
    };
    const slow = makeAggregator(text.length + 500, 60_000, compression, 4_000_000);
    await pack(slow.aggregator, 60);
    expect(slow.sealed).toHaveLength(0);
    await pack(slow.aggregator, 60);
    expect(slow.sealed.length).toBeGreaterThan(80);
    slow.aggregator.close();
    const { aggregator, sealed } = makeAggregator(text.length + 500, 20, compression, 4_000_000);
    await pack(aggregator, 9);
    await expect.poll(() => sealed.length).toBe(9);
    for (const { data } of sealed) expect(eventsOf(data)).toHaveLength(1);
  },
);
