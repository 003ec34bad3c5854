import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
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

test("a Kinesis server reads from our requests the lines that were in the file", async () => {
  await using agent = await AgentFixture.make();
  await using stream = await LocalStream.open(kinesis.endpoint, "real");
  const text = `${lines(5_000, 'a "quoted" \\ line, "ünïcode" \u{1f30a}')}no line feed`;
  await writeFile(agent.path("a.log"), text);
  await agent.drain({ stream: "real", endpoint: kinesis.endpoint, producer: { aggregate_bytes: 20_000 } });
  const events = (await stream.records()).flatMap(({ data }) => eventsOf(data));
  const delivered = bySource(events.filter(({ tag }) => tag !== HEARTBEAT_TYPE));
  expect(Array.from(delivered.values(), reassemble)).toEqual([Buffer.from(text).toString("latin1")]);
});
