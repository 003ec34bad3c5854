import { randomBytes } from "node:crypto";
import { DeleteObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CommitLog, type LogEntry } from "../../lambdas/commit-log/commit-log.ts";
import { type Cursor, LOG_BEGINNING } from "../../lambdas/commit-log/cursor.ts";
import { segmentKey } from "../../wire/keys.ts";
import { ConditionalS3 } from "./conditional-s3.ts";
import { commitOf, putLog, putObject, segmentOf } from "./log-fixture.ts";

let server: ConditionalS3;
let s3: S3Client;
let bucket: string;
let log: CommitLog;
beforeAll(async () => {
  server = await ConditionalS3.start();
  s3 = server.s3;
});
beforeEach(() => {
  bucket = server.newBucket();
  log = new CommitLog(s3, bucket);
});
afterAll(() => server[Symbol.asyncDispose]());

const all = <T>(items: AsyncIterable<T>): Promise<T[]> => Array.fromAsync(items);
const read = (from: Cursor = LOG_BEGINNING): Promise<LogEntry[]> => all(log.read(from));

describe("reading", () => {
  test("an empty log gives nothing", async () => {
    expect(await read()).toEqual([]);
    expect(await log.head(1)).toBeUndefined();
  });

  test("gives every commit of every segment in order, each with the place of the next", async () => {
    const keys = await putLog(s3, bucket, [3, 1, 2]);
    const entries = await read();
    expect(entries.map(({ key }) => key)).toEqual(keys);
    expect(entries.map(({ at }) => [at.segment, at.index])).toEqual([
      [1, 0],
      [1, 1],
      [1, 2],
      [2, 0],
      [3, 0],
      [3, 1],
    ]);
    expect(entries.map(({ next }) => next)).toEqual([
      ...entries.slice(1).map(({ at }) => at),
      { segment: 4, index: 0 },
    ]);
    expect(entries[2]).toMatchObject({ commit: { sources: [{ id: "s2" }] }, bytes: expect.any(Number) });
    expect((await log.head(2))!.commits).toBe(1);
  });

  test("goes on from any place, and finds later what was not there", async () => {
    const keys = await putLog(s3, bucket, [3, 1, 2]);
    for (const [i, { at, next }] of (await read()).entries()) {
      expect((await read(at)).map(({ key }) => key)).toEqual(keys.slice(i));
      expect((await read(next)).map(({ key }) => key)).toEqual(keys.slice(i + 1));
    }
    const end = (await read()).at(-1)!.next;
    expect(await read(end)).toEqual([]);
    const later = commitOf(99);
    await putObject(s3, bucket, segmentKey(4), (await segmentOf(4, [later])).bytes);
    expect((await read(end)).map(({ key }) => key)).toEqual([later.key]);
    // The other name of the same place.
    expect((await read({ segment: 3, index: 2 })).map(({ key }) => key)).toEqual([later.key]);
  });

  test("gives the error in the place of a commit that nobody can read, and goes on", async () => {
    const [a, b, c, d] = [1, 2, 3, 4].map((n) => commitOf(n)) as [Entry, Entry, Entry, Entry];
    const entries = [
      a,
      { key: b.key, unreadable: "it has 5000000 bytes" },
      { key: c.key, body: Buffer.from('{"version":1}') },
      d,
    ];
    await putObject(s3, bucket, segmentKey(1), (await segmentOf(1, entries)).bytes);
    const found = await read();
    expect(found.map((entry) => ("error" in entry ? entry.error.message : entry.commit.batchId))).toEqual([
      "shardId-000000000000-1-1",
      `${b.key}: it has 5000000 bytes`,
      expect.stringContaining(`${c.key} is not a commit`),
      "shardId-000000000000-4-4",
    ]);
    expect(found[1]).toMatchObject({ error: { code: "BAD_COMMIT" } });
  });

  test("of a large segment, its lines cut anywhere, gives each commit as it was", async () => {
    const commits = Array.from({ length: 300 }, (_, n) => commitOf(n, "é".repeat((n * 997) % 40_000)));
    const { bytes, head } = await segmentOf(1, commits);
    await putObject(s3, bucket, segmentKey(1), bytes);
    const found = await read();
    expect(found.map((entry) => "commit" in entry && entry.commit.sources[0]!.path)).toEqual(
      commits.map(({ body }) => (JSON.parse(body.toString()) as Commit).sources[0]!.path),
    );
    expect(found.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(head.bytes);
  });

  test("reads a head that is longer than most", async () => {
    const hosts = Array.from({ length: 4_000 }, (_, i) => `${(i * 7_919) % 4_001}`.repeat(40));
    // Digests are all different, so they hardly pack.
    const commits = Array.from({ length: 20_000 }, (_, n) => ({ key: `commits/${n}`, unreadable: "" }));
    const { bytes, head } = await segmentOf(1, commits, { hosts });
    await putObject(s3, bucket, segmentKey(1), bytes);
    expect(await log.head(1)).toEqual(head);
    expect(await read()).toHaveLength(20_000);
  });
});

type Entry = ReturnType<typeof commitOf>;
interface Commit {
  sources: { path: string }[];
}

describe("reading some of it", () => {
  test("passes over segments and commits that are not wanted, and tells how far", async () => {
    const keys = await putLog(s3, bucket, [3, 4, 2]);
    const wanted = {
      segment: ({ segment }: { segment: number }) => segment !== 2,
      key: (key: string) => key !== keys[1],
    };
    const found = await all(log.select({ segment: 1, index: 0 }, wanted));
    expect(found.map((entry) => ("key" in entry ? entry.key : entry.passed))).toEqual([
      keys[0],
      1,
      keys[2],
      4,
      keys[7],
      keys[8],
    ]);
    expect(found.map(({ next }) => [next.segment, next.index])).toEqual([
      [1, 1],
      [1, 2],
      [2, 0],
      [3, 0],
      [3, 1],
      [4, 0],
    ]);
    const [first] = await all(log.select({ segment: 2, index: 3 }, { segment: () => false }));
    expect(first).toEqual({ passed: 1, next: { segment: 3, index: 0 } });
  });

  test("a reader that leaves in the middle is not held up by the rest", async () => {
    await putLog(s3, bucket, [500]);
    for (let i = 0; i < 60; i++) for await (const _ of log.read(LOG_BEGINNING)) break;
    expect(await read()).toHaveLength(500);
  });

  test("an aborted read throws, before it begins and in the middle", async () => {
    const commits = Array.from({ length: 200 }, (_, n) => commitOf(n, randomBytes(20_000).toString("hex")));
    await putObject(s3, bucket, segmentKey(1), (await segmentOf(1, commits)).bytes);
    const signal = AbortSignal.abort();
    await expect(all(log.read(LOG_BEGINNING, { signal }))).rejects.toMatchObject({ name: "AbortError" });
    const middle = new AbortController();
    const reading = async (): Promise<void> => {
      for await (const { at } of log.read(LOG_BEGINNING, { signal: middle.signal })) {
        if (at.index === 3) middle.abort();
      }
    };
    await expect(reading()).rejects.toMatchObject({ name: "AbortError" });
  });
});

describe("what does not hold together is told, not taken for the end", () => {
  test("a segment that is missing before others", async () => {
    await putLog(s3, bucket, [1, 1, 1]);
    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: segmentKey(2) }));
    const missing = { code: "MISSING_SEGMENT", message: expect.stringContaining(segmentKey(2)) as string };
    await expect(read()).rejects.toMatchObject(missing);
    await expect(read({ segment: 2, index: 1 })).rejects.toMatchObject(missing);
    expect(await read({ segment: 3, index: 0 })).toHaveLength(1);
  });

  test("a cursor behind the end of the log: it was another log", async () => {
    await putLog(s3, bucket, [1]);
    for (const cursor of [
      { segment: 3, index: 0 },
      { segment: 2, index: 1 },
    ]) {
      await expect(read(cursor)).rejects.toMatchObject({ code: "MISSING_SEGMENT" });
    }
  });

  test("a segment that is cut off, anywhere", async () => {
    const commits = Array.from({ length: 50 }, (_, n) => commitOf(n));
    const { bytes } = await segmentOf(1, commits);
    for (const length of [0, 1, 4, 5, 20, bytes.length >> 1, bytes.length - 1]) {
      await putObject(s3, bucket, segmentKey(1), bytes.subarray(0, length));
      await expect(read(), `${length} bytes`).rejects.toThrow();
    }
  });

  test.each([
    ["fewer entries than its head counts", { commits: 3 }],
    ["more entries than its head counts", { commits: 1 }],
    ["another number of bytes", { bytes: 7 }],
    ["another number", { segment: 5 }],
  ])("a segment with %s", async (_, changes) => {
    const { bytes } = await segmentOf(1, [commitOf(1), commitOf(2)], changes);
    await putObject(s3, bucket, segmentKey(1), bytes);
    await expect(read()).rejects.toMatchObject({ code: "BAD_SEGMENT" });
  });

  test("an object that is no segment", async () => {
    await putObject(s3, bucket, segmentKey(1), Buffer.from("<html>"));
    await expect(read()).rejects.toMatchObject({ code: "BAD_SEGMENT" });
    await expect(log.head(1)).rejects.toMatchObject({ code: "BAD_SEGMENT" });
  });
});
