import type { KinesisStreamEvent } from "aws-lambda";
import { AggregateBuilder } from "../wire/aggregate.ts";
import { ProvenanceWriter } from "../wire/provenance.ts";

/** Lines as an agent packs them. @param maxBytes of an aggregate */
export function* aggregates(tag: string, lines: Iterable<Buffer>, maxBytes: number): Generator<Buffer> {
  const source = { id: "c291cmNlMQ3f", host: "web-1", path: "/var/log/app.log" };
  const builder = new AggregateBuilder(maxBytes);
  let provenance = new ProvenanceWriter();
  let offset = 0;
  for (const data of lines) {
    const position = { source, offset, extent: data.length + 1, gap: undefined };
    if (builder.byteLengthWith(tag, data.length, provenance.tags(position, data.length)) > maxBytes) {
      yield builder.finish("1");
      provenance = new ProvenanceWriter();
    }
    builder.add(tag, data, provenance.tags(position, data.length));
    provenance.wrote(position);
    offset += position.extent;
  }
  yield builder.finish("1");
}

/** Records as Lambda hands them over. */
export function eventOf(records: Iterable<Buffer>): KinesisStreamEvent {
  const arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/logs";
  return {
    Records: [...records].map((data, i) => ({
      kinesis: {
        kinesisSchemaVersion: "1.0",
        partitionKey: `${i}`,
        sequenceNumber: `${49_000 + i}`,
        data: data.toString("base64"),
        approximateArrivalTimestamp: 1_795_255_200,
      },
      eventSource: "aws:kinesis",
      eventVersion: "1.0",
      eventID: `shardId-000000000000:${49_000 + i}`,
      eventName: "aws:kinesis:record",
      invokeIdentityArn: "arn:aws:iam::123456789012:role/router",
      awsRegion: "eu-west-1",
      eventSourceARN: arn,
    })),
  };
}
