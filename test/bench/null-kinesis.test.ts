import { afterAll, beforeAll, expect, test } from "vitest";
import { cbor } from "@smithy/core/cbor";
import { CborBody } from "../../agent/kinesis/cbor-body.ts";
import type { OutgoingRecord } from "../../agent/kinesis/outgoing-record.ts";
import { JsonBody } from "../../agent/kinesis/request-body.ts";
import { Sink } from "../../bench/sink.ts";

let sink: Sink;
beforeAll(async () => {
  sink = await Sink.start();
});
afterAll(() => sink[Symbol.asyncDispose]());

const QUARTER = 2n ** 126n;

/** The last keys of the first and third shard, and the first of the second and fourth. */
const EDGES = [QUARTER - 1n, QUARTER, 3n * QUARTER - 1n, 3n * QUARTER];
const OWNERS = [0, 1, 2, 3].map((n) => `shardId-00000000000${n}`);

const records = EDGES.map((key, i): OutgoingRecord => {
  const explicitHashKey = `${key}`;
  const data = Buffer.from("a line\n".repeat(i * 5_000));
  return { data, partitionKey: `"}${i}`, explicitHashKey, source: undefined, acknowledge: () => {} };
});

async function put(contentType: string, body: Buffer): Promise<string[]> {
  const headers = { "x-amz-target": "Kinesis_20131202.PutRecords", "content-type": contentType };
  const response = await fetch(sink.endpoint, { method: "POST", headers, body: new Uint8Array(body) });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const answer = contentType.includes("cbor")
    ? cbor.deserialize(bytes)
    : JSON.parse(Buffer.from(bytes).toString());
  return (answer as { Records: { ShardId: string }[] }).Records.map(({ ShardId }) => ShardId);
}

test.each([new JsonBody(), new CborBody()])(
  "each record goes to the shard of its hash key: %o",
  async (body) => {
    expect(await put(body.contentType, body.write("null", records))).toEqual(OWNERS);
  },
);

test("records of Fluent Bit, which state no hash key, go to the shard of their partition key's MD5", async () => {
  // md5 begins with 0c, 4a, 92 and e1.
  const keys = ["a", "c", "b", "e"];
  const data = Buffer.from("a line\n").toString("base64");
  const entries = keys.map((key) => `{"Data":"${data}","PartitionKey":"${key}"}`);
  const body = Buffer.from(`{"StreamName":"null","Records":[${entries.join(",")}]}`);
  expect(await put("application/x-amz-json-1.1", body)).toEqual(OWNERS);
});
