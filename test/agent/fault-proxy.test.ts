import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { eventsOf, bySource, reassemble } from "./event.ts";
import { AgentFixture, lines } from "./agent-fixture.ts";
import { FaultProxy } from "./fault-proxy.ts";
import type { StoredRecord } from "./fault-kinesis.ts";
import { HEARTBEAT_TYPE } from "../../wire/log-type.ts";

/** More of them for a longer search: WEIR_SEEDS=100. */
const SEEDS = Number(process.env["WEIR_SEEDS"] ?? 10);

/** Park and Miller's minimal standard generator, in [0, 1). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

test.each(Array.from({ length: SEEDS }, (_, i) => [i + 1, i % 2 === 0 ? "none" : "source"] as const))(
  "whatever Kinesis does (seed %i, ordering %s), all lines arrive, and repetitions are told by source and offset",
  async (seed, ordering) => {
    const random = numbers(seed * 7_919);
    const shards = () => 1 + Math.floor(random() * 4);
    await using agent = await AgentFixture.make(shards());
    const { kinesis } = agent;
    await using proxy = await FaultProxy.start({
      target: kinesis.endpoint,
      random,
      owner: (key) => kinesis.owner(key),
      reshard: () => kinesis.reshard(shards()),
    });
    const files = Array.from({ length: 5 }, (_, i) => lines(Math.floor(random() * 3_000), `file ${i}`));
    for (const [i, text] of files.entries()) await writeFile(agent.path(`${i}.log`), text);
    const producer = {
      aggregate_bytes: 4_096 + Math.floor(random() * 30_000),
      linger_ms: 10,
      max_buffered_bytes: 2 ** 20,
      request_timeout_ms: 300,
      ordering,
      compression: random() < 0.3 ? "zstd" : "none",
    };
    await agent.drain({ endpoint: proxy.endpoint, producer });
    const contents = Array.from(bySource(agent.events).values(), reassemble).sort();
    expect(contents).toEqual(files.filter((text) => text !== "").sort());
    expect(kinesis.violations).toEqual([]);
    if (ordering === "source") assertInOrder(kinesis.records);
  },
);

/** First arrivals only: what is repeated is left out by whoever reads, wherever it stands. */
function assertInOrder(records: readonly StoredRecord[]): void {
  const arrived = new Map<string, number>();
  for (const { data } of records) {
    const events = eventsOf(data).filter(({ tag }) => tag !== HEARTBEAT_TYPE);
    expect(new Set(events.map(({ position }) => position.source.id)).size).toBeLessThanOrEqual(1);
    for (const { position } of events) {
      const { source, offset, extent } = position;
      const end = arrived.get(source.id) ?? 0;
      if (offset + extent <= end) continue;
      expect(offset).toBe(end);
      arrived.set(source.id, offset + extent);
    }
  }
}

test("the agent keeps to what shards take, and is hardly ever refused", async () => {
  await using agent = await AgentFixture.make(2);
  const { kinesis } = agent;
  await using proxy = await FaultProxy.start({
    target: kinesis.endpoint,
    random: () => 0,
    owner: (key) => kinesis.owner(key),
    reshard: () => {},
  });
  const text = lines(50_000, "x".repeat(90));
  await writeFile(agent.path("a.log"), text);
  const { records } = await agent.drain({ endpoint: proxy.endpoint, producer: { aggregate_bytes: 50_000 } });
  expect(Array.from(bySource(agent.events).values(), reassemble)).toEqual([text]);
  // A loaded machine bunches requests; without limits of its own, an agent would be refused most of them.
  expect(proxy.refused).toBeLessThan(0.2 * records);
});
