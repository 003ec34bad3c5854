import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ShardLimits } from "../../bench/shard-limits.ts";
import { startKinesis } from "../../local/kinesis.ts";
import type { Part } from "../../local/part.ts";
import { AgentFixture, lines } from "../agent/agent-fixture.ts";
import { FaultProxy } from "../agent/fault-proxy.ts";
import { LocalStream } from "../agent/local-stream.ts";
import { randomNumbers } from "../agent/random-writer.ts";
import type { HashKeyRange } from "../../wire/hash-key.ts";
import { ourAggregates, ourReading } from "./aggregates.ts";
import { hasJava, runJava } from "./java.ts";
import { type ForeignRecord, parsed } from "./user-records.ts";

const ALL_KEYS = { startingHashKey: "0", endingHashKey: `${2n ** 128n - 1n}` };

let kinesis: Part;

beforeAll(async () => {
  kinesis = await startKinesis({ streams: [] });
});
afterAll(() => kinesis.stop());

/** What the KCL hands to its user of records that it read from shards of these ranges. */
async function readWithKcl(
  records: readonly { readonly data: Buffer; readonly range: HashKeyRange }[],
): Promise<ForeignRecord[][]> {
  const input = records.map(
    ({ data, range }) => `${data.toString("base64")} ${range.startingHashKey} ${range.endingHashKey}\n`,
  );
  return parsed(await runJava("ReadWithKcl.java", [], { input: input.join("") }));
}

test.skipIf(!hasJava)("every aggregate of ours is read by the KCL (needs java and mvn)", async () => {
  const aggregates = ourAggregates();
  const read = await readWithKcl(aggregates.map((data) => ({ data, range: ALL_KEYS })));
  expect(read).toEqual(aggregates.map(ourReading));
});

test.skipIf(!hasJava)(
  "the KCL accepts every user record on the shard that it landed on, while shards split and merge " +
    "(needs java and mvn)",
  async () => {
    await using agent = await AgentFixture.make();
    await using stream = await LocalStream.open(kinesis.endpoint, "kcl", 2);
    const random = randomNumbers(1);
    let requests = 0;
    await using proxy = await FaultProxy.start({
      stream,
      limits: new ShardLimits(),
      random,
      fate: (operation) => (operation === "PutRecords" && ++requests % 3 === 0 ? "reshard" : "slow"),
    });
    await writeFile(agent.path("a.log"), lines(200_000));
    const producer = { aggregate_bytes: 2_048, linger_ms: 10, max_buffered_bytes: 2 ** 20 };
    await agent.drain({ stream: stream.name, endpoint: proxy.endpoint, producer });
    const records = await stream.records();
    const onTheirShards = records.map(({ data, shardId }) => ({ data, range: stream.range(shardId) }));
    expect(new Set(records.map(({ shardId }) => shardId)).size).toBeGreaterThan(3);
    expect(await readWithKcl(onTheirShards)).toEqual(records.map(({ data }) => ourReading(data)));
  },
);

test.skipIf(!hasJava)(
  "the KCL drops an aggregate of a shard that does not own its key (needs java and mvn)",
  async () => {
    const [data] = ourAggregates();
    const explicitHashKey = BigInt(ourReading(data!)[0]!.explicitHashKey!);
    const range = { startingHashKey: `${explicitHashKey + 1n}`, endingHashKey: ALL_KEYS.endingHashKey };
    expect(await readWithKcl([{ data: data!, range }])).toEqual([[]]);
  },
);
