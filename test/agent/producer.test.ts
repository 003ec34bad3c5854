import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { AgentError } from "../../agent/agent-error.ts";
import { backoffMs } from "../../agent/kinesis/backoff.ts";
import { openEnvelope } from "../../wire/envelope.ts";
import { AgentFixture, lines } from "./agent-fixture.ts";
import { bySource, reassemble } from "./event.ts";
import type { Fault } from "./fault-kinesis.ts";

const contents = (agent: AgentFixture) => Array.from(bySource(agent.events).values(), reassemble).sort();

test("entries that Kinesis took are not sent again, those it did not take are", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("a.log"), lines(2_000));
  agent.kinesis.fault = (n) => (n < 3 ? "throttle-some" : "none");
  const { retries } = await agent.drain();
  expect(retries).toBeGreaterThan(0);
  expect(agent.events).toHaveLength(2_000);
  expect(contents(agent)).toEqual([lines(2_000)]);
});

test.each(["json", "cbor"] as const)(
  "failed requests in %s are repeated until they arrive, repetitions with the same identity",
  async (wire) => {
    await using agent = await AgentFixture.make();
    await writeFile(agent.path("a.log"), lines(500, "a"));
    await writeFile(agent.path("b.log"), lines(500, "b"));
    const faults: Fault[] = ["reset-before", "reset-after", "server-error", "throttle-some"];
    agent.kinesis.fault = (n) => faults[n] ?? "none";
    await agent.drain({ producer: { wire } });
    expect(contents(agent)).toEqual([lines(500, "a"), lines(500, "b")]);
    expect(agent.events.length).toBeGreaterThan(1_000);
  },
);

test("every user record carries the hash key of its record, which its shard owns", async () => {
  await using agent = await AgentFixture.make(4);
  await writeFile(agent.path("a.log"), lines(2_000));
  await agent.drain();
  for (const { data, explicitHashKey, shardId } of agent.kinesis.records) {
    expect(agent.kinesis.owner(explicitHashKey)).toBe(shardId);
    const keys = openEnvelope(data, "").userRecords.map((record) => record.explicitHashKey);
    expect(new Set(keys)).toEqual(new Set([explicitHashKey]));
  }
  expect(new Set(agent.kinesis.records.map(({ shardId }) => shardId)).size).toBe(4);
  expect(new Set(agent.kinesis.records.map(({ partitionKey }) => partitionKey)).size).toBeGreaterThan(10);
});

test("a record on an unexpected shard makes the producer list the shards again", async () => {
  await using agent = await AgentFixture.make(1);
  await writeFile(agent.path("a.log"), lines(10_000));
  agent.kinesis.fault = (n) => {
    if (n === 0) agent.kinesis.reshard(3);
    return "none";
  };
  await agent.drain();
  expect(agent.kinesis.listed).toBe(2);
  expect(contents(agent)).toEqual([lines(10_000)]);
});

test("requests and records stay within the service's limits, whatever the lines", async () => {
  await using agent = await AgentFixture.make();
  const long = `${"x".repeat(1_500_000)}\n`;
  await writeFile(agent.path("a.log"), long + lines(100_000) + long.repeat(20));
  const files = [{ tag: "test", path: agent.path("*.log"), max_line_bytes: 1_000_000 }];
  await agent.drain({ files, producer: { aggregate_bytes: 1_000_000, rate_limit_percent: 10_000 } });
  expect(agent.kinesis.violations).toEqual([]);
  expect(agent.events.filter(({ text }) => text.length === 1_000_000)).toHaveLength(21);
});

test("a stream that distributes records itself is refused, with what to do", async () => {
  await using agent = await AgentFixture.make();
  agent.kinesis.distribution = "AUTO";
  await expect(agent.drain()).rejects.toMatchObject({
    code: "STREAM_AUTO",
    subject: "test",
    hint: expect.stringContaining("USER_PARTITION_KEY"),
  });
});

test("a stream whose records cannot hold the aggregates is refused, unless its limit was raised", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("a.log"), lines(10));
  const producer = { aggregate_bytes: 2 * 2 ** 20 };
  await expect(agent.drain({ producer })).rejects.toMatchObject({
    code: "STREAM_RECORD_SIZE",
    hint: expect.stringContaining("1032192"),
  });
  agent.kinesis.recordLimitKib = 4_096;
  await agent.drain({ producer });
  expect(contents(agent)).toEqual([lines(10)]);
});

test("a stream that does not exist is named", async () => {
  await using agent = await AgentFixture.make();
  await expect(agent.drain({ stream: "elsewhere" })).rejects.toMatchObject({
    code: "STREAM_NOT_FOUND",
    message: "elsewhere: there is no such stream in us-east-1",
  });
});

test.each([
  ["refuse", "json", "STREAM_REFUSED"],
  ["refuse", "cbor", "STREAM_REFUSED"],
  ["short-answer", "json", "RESULT_COUNT"],
] as const)(
  "an answer that no retry can mend (%s, in %s) stops the agent, and nothing counts as delivered",
  async (fault, wire, code) => {
    await using agent = await AgentFixture.make();
    await writeFile(agent.path("a.log"), lines(10));
    agent.kinesis.fault = () => fault;
    await expect(agent.drain({ producer: { wire } })).rejects.toSatisfy(
      (error) => error instanceof AgentError && error.code === code,
    );
    agent.kinesis.fault = () => "none";
    await agent.drain();
    expect(contents(agent)).toEqual([lines(10)]);
  },
);

test("pauses grow to a limit and are drawn below it", () => {
  const longest = Array.from({ length: 40 }, (_, attempt) => backoffMs(attempt, 1));
  expect(longest.slice(0, 3)).toEqual([100, 200, 400]);
  expect(longest.at(-1)).toBe(20_000);
  expect(backoffMs(5, 0)).toBe(0);
});
