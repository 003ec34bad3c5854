import { cbor } from "@smithy/core/cbor";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CborBody } from "../../agent/kinesis/cbor-body.ts";
import type { OutgoingRecord } from "../../agent/kinesis/outgoing-record.ts";
import { JsonBody } from "../../agent/kinesis/request-body.ts";
import { Sink } from "../../bench/sink.ts";
import { AggregateBuilder } from "../../wire/aggregate.ts";
import { deflate } from "../../wire/envelope.ts";
import { HEARTBEAT_TYPE } from "../../wire/log-type.ts";

let sink: Sink;
beforeEach(async () => {
  sink = await Sink.start();
});
afterEach(() => sink[Symbol.asyncDispose]());

const QUARTER = 2n ** 126n;

/** The last keys of the first and third shard, and the first of the second and fourth. */
const EDGES = [QUARTER - 1n, QUARTER, 3n * QUARTER - 1n, 3n * QUARTER];
const OWNERS = [0, 1, 2, 3].map((n) => `shardId-00000000000${n}`);

const text = Buffer.from("a line\n".repeat(10_000));
const builder = new AggregateBuilder(64);
for (const tag of ["access", HEARTBEAT_TYPE, "access"]) builder.add(tag, Buffer.from("a line"), []);
const aggregated = builder.finish("1");

const records = [text, aggregated, deflate(text), deflate(aggregated)].map((data, i): OutgoingRecord => {
  const explicitHashKey = `${EDGES[i]}`;
  return { data, partitionKey: `"{${i}`, explicitHashKey, source: undefined, acknowledge: () => {} };
});

async function put(contentType: string, body: Buffer): Promise<string[]> {
  const headers = { "x-amz-target": "Kinesis_20131202.PutRecords", "content-type": contentType };
  const response = await fetch(sink.endpoint, { method: "POST", headers, body: new Uint8Array(body) });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const answer: unknown = contentType.includes("cbor")
    ? cbor.deserialize(bytes)
    : JSON.parse(Buffer.from(bytes).toString());
  return (answer as { Records: { ShardId: string }[] }).Records.map(({ ShardId }) => ShardId);
}

test.each([new JsonBody(), new CborBody()])(
  "records go to the shards of their hash keys, and their lines are counted: $contentType",
  async (body) => {
    expect(await put(body.contentType, body.write("null", records))).toEqual(OWNERS);
    const lines = 2 * (10_000 + 2);
    expect(await sink.counts()).toMatchObject({ records: 4, lines, lineBytes: lines * "a line\n".length });
  },
);

test("records of Fluent Bit, which state no hash key, go to the shards of their partition keys' MD5", async () => {
  // md5 of these begins with 0c, 4a, 92 and e1.
  const keys = ["a", "c", "b", "e"];
  const data = Buffer.from("a line\n").toString("base64");
  const entries = keys.map((key) => `{"Data":"${data}","PartitionKey":"${key}"}`);
  const body = Buffer.from(`{"StreamName":"null","Records":[${entries.join(",")}]}`);
  expect(await put("application/x-amz-json-1.1", body)).toEqual(OWNERS);
});
