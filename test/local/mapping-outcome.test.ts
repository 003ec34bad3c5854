import fc from "fast-check";
import { expect, test } from "vitest";
import { failure, type InvokeResult } from "../../local/lambda/invoke-result.ts";
import { batchOutcome } from "../../local/mapping/batch-outcome.ts";
import { eventPayload, toStreamRecord } from "../../local/mapping/stream-record.ts";
import { EVENT_FRAME_BYTES } from "../../wire/kinesis-event.ts";

const origin = {
  shardId: "shardId-000000000006",
  streamArn: "arn:aws:kinesis:us-east-1:123456789012:stream/logs",
  region: "us-east-1",
  invokeIdentityArn: "arn:aws:iam::123456789012:role/router",
};
/** Sequence numbers of different lengths: as text, 10 sorts before 9. */
const records = [9, 10, 11].map((n) =>
  toStreamRecord(
    {
      SequenceNumber: `${n}`,
      PartitionKey: "k",
      Data: Buffer.from("x"),
      ApproximateArrivalTimestamp: new Date(1_545_084_650_987),
    },
    origin,
  ),
);
const answered = (payload: string): InvokeResult => ({ ok: true, requestId: "r", payload });
const reporting = (...identifiers: unknown[]): string =>
  JSON.stringify({ batchItemFailures: identifiers.map((itemIdentifier) => ({ itemIdentifier })) });

const ALL = { kind: "failed", from: 0 };
const NONE = { kind: "succeeded" };

test.each([
  ["no answer", "", NONE],
  ["null", "null", NONE],
  ["an empty object", "{}", NONE],
  ["a null list", `{"batchItemFailures":null}`, NONE],
  ["an empty list", `{"batchItemFailures":[]}`, NONE],
  ["the last record", reporting("11"), { kind: "failed", from: 2 }],
  ["several, in any order: the lowest", reporting("11", "10"), { kind: "failed", from: 1 }],
  ["9 and 10: 9, for they are numbers", reporting("10", "9"), ALL],
  ["an empty identifier", reporting("11", ""), ALL],
  ["a null identifier", reporting("11", null), ALL],
  ["a number for an identifier", reporting(11), ALL],
  ["an identifier of another batch", reporting("11", "12"), ALL],
  ["an identifier under another name", `{"batchItemFailures":[{"id":"11"}]}`, ALL],
  ["no list", `{"batchItemFailures":"11"}`, ALL],
  ["a text", `"fine"`, ALL],
  ["no JSON", "{", ALL],
])("a function that reports %s", (_, payload, outcome) => {
  expect(batchOutcome(answered(payload), records, true)).toEqual(outcome);
});

test("a mapping that does not ask for reports takes any answer for success", () => {
  expect(batchOutcome(answered(reporting("10")), records, false)).toEqual(NONE);
});

test("an error fails the whole batch, and being throttled fails nothing", () => {
  expect(batchOutcome(failure("r", "Error", "no"), records, true)).toEqual(ALL);
  const throttled = failure("r", "TooManyRequestsException", "", { throttled: true });
  expect(batchOutcome(throttled, records, true)).toEqual({ kind: "throttled" });
});

test("an event has as many bytes as were counted, whatever the keys and data", () => {
  const record = fc.record({
    SequenceNumber: fc.bigInt({ min: 0n }).map(String),
    PartitionKey: fc.string({ unit: "binary", minLength: 1, maxLength: 256 }),
    Data: fc.uint8Array({ maxLength: 100 }),
    ApproximateArrivalTimestamp: fc.date({ noInvalidDate: true, min: new Date(0) }),
  });
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 5 }), (read) => {
      const records = read.map((record) => toStreamRecord(record, origin));
      const payload = eventPayload(records);
      const counted = records.reduce((sum, { entryBytes }) => sum + entryBytes, 0);
      expect(Buffer.byteLength(payload)).toBe(EVENT_FRAME_BYTES + counted + records.length - 1);
      const event = JSON.parse(payload) as { Records: { kinesis: { data: string; partitionKey: string } }[] };
      expect(event.Records.map(({ kinesis }) => kinesis.partitionKey)).toEqual(
        // A lone surrogate cannot be told in UTF-8: Kinesis never has one.
        read.map(({ PartitionKey }) => PartitionKey),
      );
      expect(event.Records.map(({ kinesis }) => Buffer.from(kinesis.data, "base64"))).toEqual(
        read.map(({ Data }) => Buffer.from(Data)),
      );
    }),
  );
});
