import { writeFile } from "node:fs/promises";
import { GetRecordsCommand, GetShardIteratorCommand, ListShardsCommand } from "@aws-sdk/client-kinesis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { kinesisClient } from "../../agent/producer/kinesis-client.ts";
import { startKinesis } from "../../local/kinesis.ts";
import type { Part } from "../../local/part.ts";
import { HEARTBEAT_TYPE } from "../../wire/log-type.ts";
import { AgentFixture, lines } from "./agent-fixture.ts";
import { bySource, type Event, eventsOf, reassemble } from "./event.ts";

const region = "us-east-1";
let kinesis: Part;

beforeAll(async () => {
  kinesis = await startKinesis({ streams: [{ name: "real", shards: 3 }], region });
});
afterAll(() => kinesis.stop());

/** Reads the whole stream, shard by shard. */
async function readStream(): Promise<Event[]> {
  const client = kinesisClient({ region, endpoint: kinesis.endpoint });
  const events: Event[] = [];
  const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName: "real" }));
  for (const { ShardId } of Shards) {
    const start = { StreamName: "real", ShardId, ShardIteratorType: "TRIM_HORIZON" } as const;
    let { ShardIterator } = await client.send(new GetShardIteratorCommand(start));
    for (let behindMs: number | undefined = 1; behindMs !== 0;) {
      const page = await client.send(new GetRecordsCommand({ ShardIterator }));
      for (const { Data } of page.Records ?? []) events.push(...eventsOf(Data!));
      ShardIterator = page.NextShardIterator;
      behindMs = page.MillisBehindLatest;
    }
  }
  client.destroy();
  return events;
}

test("a Kinesis server reads from our requests the lines that were in the file", async () => {
  await using agent = await AgentFixture.make();
  const text = `${lines(5_000, 'a "quoted" \\ line, "ünïcode" \u{1f30a}')}no line feed`;
  await writeFile(agent.path("a.log"), text);
  await agent.drain({ stream: "real", endpoint: kinesis.endpoint, producer: { aggregate_bytes: 20_000 } });
  const events = await readStream();
  const delivered = bySource(events.filter(({ tag }) => tag !== HEARTBEAT_TYPE));
  expect(Array.from(delivered.values(), reassemble)).toEqual([Buffer.from(text).toString("latin1")]);
});
