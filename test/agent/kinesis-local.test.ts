import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { kinesisClient } from "../../agent/kinesis/kinesis-client.ts";
import { PutRecords } from "../../agent/kinesis/put-records.ts";
import { Shard } from "../../agent/kinesis/shard.ts";
import { startKinesis } from "../../local/kinesis.ts";
import type { Part } from "../../local/part.ts";
import { HEARTBEAT_TYPE } from "../../wire/log-type.ts";
import { AgentFixture, lines } from "./agent-fixture.ts";
import { bySource, eventsOf, reassemble } from "./event.ts";
import { LocalStream } from "./local-stream.ts";

let kinesis: Part;

beforeAll(async () => {
  kinesis = await startKinesis({ streams: [{ name: "real", shards: 3 }] });
});
afterAll(() => kinesis.stop());

test.each(["json", "cbor"] as const)(
  "a Kinesis server reads from our requests in %s the lines that were in the file",
  async (wire) => {
    await using agent = await AgentFixture.make();
    await using stream = await LocalStream.open(kinesis.endpoint, "real");
    const text = `${lines(5_000, `a "quoted" \\ line in ${wire}, "ünïcode" \u{1f30a}`)}no line feed`;
    await writeFile(agent.path(`${wire}.log`), text);
    const producer = { aggregate_bytes: 20_000, wire };
    await agent.drain({ stream: "real", endpoint: kinesis.endpoint, producer });
    const events = (await stream.records()).flatMap(({ data }) => eventsOf(data));
    const delivered = bySource(
      events.filter(
        ({ tag, position }) => tag !== HEARTBEAT_TYPE && position.source.path.endsWith(`${wire}.log`),
      ),
    );
    expect(Array.from(delivered.values(), reassemble)).toEqual([Buffer.from(text).toString("latin1")]);
  },
);

test("what a Kinesis server refuses in CBOR is told by its name", async () => {
  const client = kinesisClient({ region: "us-east-1", endpoint: kinesis.endpoint });
  const requests = new PutRecords(client, "elsewhere", "cbor");
  const keys = { partitionKey: "a", explicitHashKey: "0", source: undefined };
  const record = { data: Buffer.from("x"), ...keys, acknowledge: () => {} };
  const shard = new Shard("shardId-000000000000", { startingHashKey: "0", endingHashKey: "1" }, 1, 0);
  const { signal } = new AbortController();
  await expect(requests.send([{ record, shard, bytes: 2 }], signal)).rejects.toMatchObject({
    name: "ResourceNotFoundException",
  });
  client.destroy();
});
