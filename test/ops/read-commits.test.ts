import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DeleteObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type FoundCommit, readCommits } from "../../ops/commits/read-commits.ts";
import { cacheFolder, SegmentCache } from "../../ops/commits/segment-cache.ts";
import { segmentKey } from "../../wire/keys.ts";
import { ConditionalS3 } from "../commit-log/conditional-s3.ts";
import { commitOf, putLog, putObject, segmentOf } from "../commit-log/log-fixture.ts";

let server: ConditionalS3;
let s3: S3Client;
let bucket: string;
let cacheRoot: string;
/** Keys of whole objects that were got. */
const got: string[] = [];

beforeAll(async () => {
  server = await ConditionalS3.start();
  s3 = server.s3;
  s3.middlewareStack.add(
    (next, { commandName }) =>
      (args) => {
        const { Key, Range } = args.input as { Key?: string; Range?: string };
        if (commandName === "GetObjectCommand" && Range === undefined) got.push(Key!);
        return next(args);
      },
    { step: "initialize" },
  );
});
beforeEach(async () => {
  bucket = server.newBucket();
  cacheRoot = await mkdtemp(join(tmpdir(), "weir-cache-"));
  got.length = 0;
  return () => rm(cacheRoot, { recursive: true });
});
afterAll(() => server[Symbol.asyncDispose]());

const read = (since?: Date): Promise<FoundCommit[]> =>
  Array.fromAsync(readCommits({ s3, bucket, title: "a place" }, { cacheRoot, ...(since && { since }) }));
const keysOf = (found: readonly FoundCommit[]): string[] => found.map(({ key }) => key);
const putCommit = async (n: number): Promise<string> => {
  const { key, body } = commitOf(n);
  await putObject(s3, bucket, key, body);
  return key;
};
const putSegment = async (segment: number, ...numbers: number[]): Promise<void> => {
  const { bytes } = await segmentOf(
    segment,
    numbers.map((n) => commitOf(n)),
    {
      coveredTo: "commits/2026/11/21/10/02/",
      sequencedAt: `2026-11-21T1${segment}:00:00Z`,
    },
  );
  await putObject(s3, bucket, segmentKey(segment), bytes);
};

describe("each commit is read once", () => {
  test("from the log, and after it those that are in no segment yet", async () => {
    await putSegment(1, 0, 1, 25);
    await putSegment(2, 27);
    // In the log already, and in minutes that the log does not cover yet; 5 is covered and comes with a sweep.
    const known = await Promise.all([25, 27, 5].map(putCommit));
    const fresh = await Promise.all([21, 26, 40].map(putCommit));
    const found = await read();
    expect(keysOf(found)).toEqual([...[0, 1, 25, 27].map((n) => commitOf(n).key), ...fresh]);
    expect(found.map((one) => "commit" in one && one.at)).toEqual([
      { segment: 1, index: 0 },
      { segment: 1, index: 1 },
      { segment: 1, index: 2 },
      { segment: 2, index: 0 },
      undefined,
      undefined,
      undefined,
    ]);
    expect(known.filter((key) => got.includes(key))).toEqual([]);
  });

  test("of a lake without a log and without commits", async () => {
    expect(await read()).toEqual([]);
    const key = await putCommit(3);
    expect(keysOf(await read())).toEqual([key]);
  });

  test("since a time, without what was written before and without reading the segments of before", async () => {
    await putSegment(1, 0, 15);
    await putSegment(2, 1, 16);
    await putSegment(3, 2, 35);
    const unsequenced = await putCommit(45);
    const since = new Date("2026-11-21T12:30:00Z");
    expect(keysOf(await read(since))).toEqual([]);
    expect(got).toEqual([segmentKey(2), segmentKey(3)]);
    expect(keysOf(await read(new Date("2026-11-21T10:03:40Z")))).toEqual([commitOf(35).key, unsequenced]);
  });
});

describe("what cannot be read is told, and hides nothing else", () => {
  test("a segment that is spoilt, and one that is gone", async () => {
    for (const segment of [1, 2, 3, 4]) await putSegment(segment, segment);
    const { bytes } = await segmentOf(2, [commitOf(2)]);
    await putObject(s3, bucket, segmentKey(2), bytes.subarray(0, -10));
    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: segmentKey(3) }));
    const found = await read();
    expect(keysOf(found)).toEqual([commitOf(1).key, segmentKey(2), segmentKey(3), commitOf(4).key]);
    expect(found[1]).toHaveProperty("error");
    expect(found[2]).toMatchObject({ error: { code: "MISSING_SEGMENT" } });
  });

  test("a commit that is none", async () => {
    const { key } = commitOf(0);
    await putObject(s3, bucket, key, Buffer.from("{}"));
    const after = await putCommit(1);
    const [none, one] = await read();
    expect(none).toMatchObject({ key, error: { code: "BAD_COMMIT" } });
    expect(one).toMatchObject({ key: after, commit: { records: 1 } });
  });
});

describe("the cache", () => {
  const cachedFiles = async (): Promise<string[]> => {
    const [place] = await readdir(cacheRoot);
    return (await readdir(join(cacheRoot, place!))).toSorted().map((name) => join(cacheRoot, place!, name));
  };

  test("segments are fetched once", async () => {
    const keys = await putLog(s3, bucket, [3, 2]);
    expect(keysOf(await read())).toEqual(keys);
    got.length = 0;
    expect(keysOf(await read())).toEqual(keys);
    expect(got).toEqual([]);
  });

  test("by two commands at the same time", async () => {
    const keys = await putLog(s3, bucket, [3, 2, 2]);
    const both = await Promise.all([read(), read()]);
    expect(both.map(keysOf)).toEqual([keys, keys]);
    expect(await cachedFiles()).toHaveLength(3);
  });

  test("a file that was cut or changed is fetched again", async () => {
    const keys = await putLog(s3, bucket, [3, 2]);
    await read();
    const [first, second] = await cachedFiles();
    await truncate(first!, 50);
    const changed = await readFile(second!);
    changed[changed.length - 20]! ^= 1;
    await writeFile(second!, changed);
    got.length = 0;
    expect(keysOf(await read())).toEqual(keys);
    expect(got).toEqual([segmentKey(1), segmentKey(2)]);
    got.length = 0;
    await read();
    expect(got).toEqual([]);
  });

  test("another log in a bucket of the same name is not taken for it", async () => {
    await putLog(s3, bucket, [3]);
    await read();
    await putSegment(1, 7);
    expect(keysOf(await read())).toEqual([commitOf(7).key]);
  });

  test("has a limit, and keeps the end of the log", async () => {
    const cache = (await SegmentCache.open("a place", cacheRoot, 400))!;
    const body = Buffer.alloc(100);
    const listed = (segment: number) => ({ segment, bytes: body.length, etag: `"${segment}"` });
    const held = async (): Promise<number[]> => {
      const numbers: number[] = [];
      for (let n = 1; n <= 5; n++) if (await cache.get(listed(n))) numbers.push(n);
      return numbers;
    };
    for (const segment of [1, 2, 3, 4, 5]) await cache.put(listed(segment), body);
    expect(await held()).toEqual([3, 4, 5]);
    await cache.put(listed(1), body);
    expect(await held()).toEqual([3, 4, 5]);
    const reopened = (await SegmentCache.open("a place", cacheRoot, 400))!;
    expect(await reopened.get(listed(5))).toEqual(body);
    await reopened.put(listed(6), body);
    expect(await cachedFiles()).toHaveLength(3);
  });

  test("where there is nowhere to keep it, all is read from S3", async () => {
    const keys = await putLog(s3, bucket, [2]);
    await rm(cacheRoot, { recursive: true });
    await writeFile(cacheRoot, "no folder");
    expect(keysOf(await read())).toEqual(keys);
    expect(keysOf(await read())).toEqual(keys);
  });

  test("is in the user's cache folder", () => {
    expect(cacheFolder({ XDG_CACHE_HOME: "/var/cache/me" })).toBe("/var/cache/me/weir/log");
    expect(cacheFolder({ XDG_CACHE_HOME: "relative" })).toMatch(/\/\.cache\/weir\/log$/);
  });
});
