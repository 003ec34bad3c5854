import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { Router } from "../../lambdas/router/router.ts";
import type { StreamRecord } from "../../lambdas/router/stream-record.ts";
import { reconcile } from "../../local/reconcile/reconcile.ts";
import { countFile } from "../../local/reconcile/truth.ts";
import { generateTraffic, SAMPLE_TYPES, type WrittenTraffic } from "../../local/traffic/traffic.ts";
import { AggregateBuilder } from "../../wire/aggregate.ts";
import { parseConfig } from "../../wire/config.ts";
import { commitKey, objectDigest } from "../../wire/keys.ts";
import { ProvenanceWriter } from "../../wire/provenance.ts";
import { FabricatedLake } from "./reconcile-lake.ts";

const SAMPLE_CONFIG = new URL("../../weir.config.ts", import.meta.url).href;
const START = new Date("2026-11-20T10:59:58Z");

let lake: FabricatedLake;
let root: string;
beforeAll(async () => {
  lake = await FabricatedLake.start();
});
afterAll(() => lake.stop());
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "weir-traffic-"));
});
afterEach(() => rm(root, { recursive: true }));

async function contents(dir: string): Promise<Record<string, string>> {
  const names = (await readdir(dir)).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(dir, name), "utf8")] as const)),
  );
}

test("a seed and a start write the same bytes every time, another seed others", async () => {
  const write = async (name: string, seed: number) => {
    await generateTraffic({ dir: join(root, name), seed, startAt: START, linesPerType: 700 });
    return contents(join(root, name));
  };
  const first = await write("a", 7);
  expect(await write("b", 7)).toEqual(first);
  expect(await write("c", 8)).not.toEqual(first);
});

test("files rotate by renaming, and the truth is what they hold", async () => {
  const written = await generateTraffic({ dir: root, seed: 1, linesPerType: 1_001, rotateEveryLines: 250 });
  expect(Object.keys(written)).toEqual(SAMPLE_TYPES.map(({ type }) => type));
  for (const [type, { lines, bytes, files }] of Object.entries(written)) {
    const names = [0, 1, 2, 3, 4].map((age) => join(root, age === 0 ? `${type}.log` : `${type}.log.${age}`));
    expect(files.map(({ path }) => path)).toEqual(names);
    const counted = await Promise.all(names.map((path) => countFile(path)));
    expect(files).toEqual(counted);
    expect(counted.map((file) => file.lines)).toEqual([1, 250, 250, 250, 250]);
    expect(lines).toBe(1_001);
    expect(counted.reduce((sum, file) => sum + file.bytes, 0)).toBe(bytes);
  }
});

test("endless traffic ends at the signal with whole lines, and deletes only what was delivered", async () => {
  const abort = new AbortController();
  const asked = new Set<string>();
  const written = await generateTraffic({
    dir: root,
    seed: 3,
    rotateEveryLines: 50,
    signal: abort.signal,
    releasable: (type, { lines }) => {
      expect(lines).toBe(50);
      asked.add(type);
      return type !== "user";
    },
    onProgress: (progress) => {
      if (progress["access"]!.lines >= 1_200) abort.abort();
    },
  });
  expect([...asked].sort()).toEqual(["access", "photo", "user"]);
  const left = await contents(root);
  const generationsOf = (type: string) => Object.keys(left).filter((name) => name.startsWith(type)).length;
  expect(generationsOf("access")).toBe(7);
  expect(generationsOf("user")).toBe(written["user"]!.files.length);
  for (const text of Object.values(left)) expect(text === "" || text.endsWith("\n")).toBe(true);
  const { files, lines, bytes } = written["access"]!;
  expect(files.reduce((sum, file) => sum + file.lines, 0)).toBe(lines);
  expect(files.reduce((sum, file) => sum + file.bytes, 0)).toBe(bytes);
});

test("paced traffic keeps its pace", async () => {
  const startedAt = performance.now();
  await generateTraffic({ dir: root, seed: 1, linesPerType: 60, linesPerSecond: 200 });
  // 60 lines at 200 a second take 300 ms, the first tick's worth less; a loaded machine takes longer.
  expect(performance.now() - startedAt).toBeGreaterThan(200);
});

test("the router rejects just the lines made to be rejected, for just these reasons", async () => {
  lake.begin();
  const written = await generateTraffic({
    dir: root,
    seed: 42,
    startAt: START,
    linesPerType: 4_000,
    rejectShare: 0.05,
  });
  const { default: sample } = (await import(SAMPLE_CONFIG)) as { default: unknown };
  const config = parseConfig(sample, "weir.config.ts");
  const router = new Router(config);
  let sequenceNumber = 1;
  for (const records of await streamOf(written)) {
    const numbered = records.map((data): StreamRecord => ({
      shardId: "shardId-000000000000",
      sequenceNumber: `${sequenceNumber++}`,
      partitionKey: "0",
      arrivedAt: START,
      data,
    }));
    const { id, objects, commit, quarantined } = router.route(numbered);
    expect(quarantined).toEqual([]);
    for (const { key, body } of objects) await lake.put(key, Buffer.from(body));
    const body = Buffer.from(JSON.stringify(commit));
    await lake.put(commitKey(START, id, objectDigest(body)), body);
  }
  await lake.sequence();
  const report = await reconcile({
    s3: lake.s3,
    bucket: lake.bucket,
    types: config.types,
    truth: written,
    warehouse: undefined,
    loads: 0,
    seconds: 0,
  });
  expect(report.problems).toEqual([]);
  for (const { type, bad } of SAMPLE_TYPES) {
    const reasons = new Set(
      report.rejects.filter((reject) => reject.type === type).map(({ reason }) => reason),
    );
    expect(reasons).toEqual(new Set(bad.map(({ reason }) => reason)));
  }
});

/** Aggregates of the files, as an agent would send them: a batch of records for each file. */
async function streamOf(written: WrittenTraffic): Promise<Buffer[][]> {
  const batches: Buffer[][] = [];
  for (const [type, { files }] of Object.entries(written)) {
    for (const { path } of files) {
      const source = { id: `s${batches.length}`, host: "web-1", path };
      const batch: Buffer[] = [];
      let [builder, provenance, offset] = [new AggregateBuilder(2 ** 18), new ProvenanceWriter(), 0];
      for (const line of (await readFile(path, "utf8")).split("\n").slice(0, -1)) {
        const data = Buffer.from(line);
        const position = { source, offset, extent: data.length + 1, gap: undefined };
        builder.add(type, data, provenance.tags(position, data.length));
        provenance.wrote(position);
        offset += data.length + 1;
        if (builder.byteLength < 200_000) continue;
        batch.push(builder.finish("0"));
        [builder, provenance] = [new AggregateBuilder(2 ** 18), new ProvenanceWriter()];
      }
      if (builder.count > 0) batch.push(builder.finish("0"));
      batches.push(batch);
    }
  }
  return batches;
}
