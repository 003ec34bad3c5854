import { gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { startFauxqs, type FauxqsServer } from "fauxqs";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { answerCommand } from "../../lambdas/router/reparse/answer-command.ts";
import { Router } from "../../lambdas/router/router.ts";
import { writeBatch } from "../../lambdas/router/write-batch.ts";
import { type Commit, parseCommit } from "../../wire/commit.ts";
import type { WeirConfig } from "../../wire/config.ts";
import { erasureKey, objectsKey, openErasureKey } from "../../wire/erasure.ts";
import { rewrittenKey } from "../../wire/keys.ts";
import type { ReparseAnswer, RouterAnswer } from "../../wire/router-command.ts";
import { aggregate, configOf, RAW, SHARD, streamRecord } from "./batch-fixture.ts";

let fauxqs: FauxqsServer;
let s3: S3Client;
let lake: string;
let lakes = 0;

beforeAll(async () => {
  fauxqs = await startFauxqs({ port: 0, logger: false });
  s3 = new S3Client({
    endpoint: `http://127.0.0.1:${fauxqs.port}`,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    forcePathStyle: true,
  });
});

afterAll(async () => {
  s3.destroy();
  await fauxqs.stop();
});

const json = (type: "integer" | "varchar(20)"): WeirConfig =>
  configOf([
    { name: "photo", parse: { format: "json" }, columns: [{ name: "v", type, nullable: false }] },
    RAW,
  ]);
const [BROKEN, MENDED] = [json("integer"), json("varchar(20)")];

const put = (Key: string, Body: Buffer | string) =>
  s3.send(new PutObjectCommand({ Bucket: lake, Key, Body }));

async function get(Key: string): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: lake, Key }));
  return Buffer.from(await Body!.transformToByteArray());
}

async function keys(Prefix = ""): Promise<string[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: lake, Prefix }));
  return Contents.map(({ Key }) => Key!);
}

const commit = async (key: string): Promise<Commit> => parseCommit((await get(key)).toString(), key);

const lines = async (key: string): Promise<unknown[]> =>
  zstdDecompressSync(await get(key))
    .toString()
    .trimEnd()
    .split("\n")
    .map((line): unknown => JSON.parse(line));

/** Asks as the function is asked, which has so long for it. */
async function ask(event: object, remainingMs = () => 60_000, config = MENDED): Promise<RouterAnswer> {
  const logger = { info: () => {} };
  return JSON.parse(
    JSON.stringify(await answerCommand(event, { config, s3, bucket: lake, logger, remainingMs })),
  ) as RouterAnswer;
}

async function reparse(...args: Parameters<typeof ask>): Promise<ReparseAnswer> {
  const answer = await ask(...args);
  if (!answer.ok) throw new Error(answer.error.message);
  return answer;
}

/** Rejected lines of two batches, and a record that cannot be opened. */
let first: string;
let second: string;
let quarantined: string;

beforeEach(async () => {
  lake = `lake-${lakes++}`;
  fauxqs.createBucket(lake);
  const rejects = ["a", "b", 1].map((v) => ({
    tag: "photo",
    data: JSON.stringify(v === 1 ? { w: 1 } : { v }),
  }));
  const records = [streamRecord(aggregate(rejects), 1), streamRecord(Buffer.from([0x1f, 0x8b, 0x08, 0]), 2)];
  const batches = [records, [streamRecord(Buffer.from('{"v":"c"}'), 3, "photo")]];
  for (const batch of batches) {
    const written = await writeBatch(
      s3,
      lake,
      new Router(BROKEN).route(batch),
      new Date(),
      new AbortController().signal,
    );
    expect(written).toHaveProperty("committed");
  }
  [first, second] = (await keys("rejected/")) as [string, string];
  [quarantined] = (await keys("quarantine/")) as [string];
});

describe("an operator's command", () => {
  test("files each object anew in a commit of its own, and tells what became of it", async () => {
    const { objects, left } = await reparse({
      command: "reparse",
      objects: [first, second, quarantined, first],
    });
    expect(left).toEqual([]);
    const counts = { filtered: 0, duplicates: 0 };
    const missing = {
      detail: "must not be null",
      line: '{"w":1}',
      place: expect.stringContaining("@") as string,
    };
    expect(objects).toEqual([
      {
        key: first,
        outcome: "filed",
        commit: expect.stringMatching(/^commits\/.*\/reparse-[0-9a-f]{16}-49601-49602-/) as string,
        read: 3,
        types: { photo: { lines: 3, rows: 2, rejected: 1, ...counts } },
        quarantined: 0,
        reasons: [{ type: "photo", reason: "missing", field: "v", count: 1, example: missing }],
      },
      expect.objectContaining({ key: second, outcome: "filed", read: 1, reasons: [] }),
      expect.objectContaining({ key: quarantined, outcome: "unchanged", read: 1, quarantined: 1 }),
    ]);
    const [{ commit: key = "" } = {}] = objects as readonly { commit?: string }[];
    const written = await commit(key);
    for (const { key, rows } of written.objects) expect(await lines(key)).toHaveLength(rows);
    expect(written.consumed).toEqual([{ kind: "rejected", type: "photo", key: first, rows: 3 }]);
  });

  test("that comes again writes what it wrote", async () => {
    const command = { command: "reparse", objects: [first, second] };
    // Two operators at the same time, and one of them again.
    await Promise.all([reparse(command), reparse(command)]);
    await reparse(command);
    const commits = await Promise.all((await keys("commits/")).map(commit));
    const reparses = commits.filter(({ consumed }) => consumed);
    expect(new Set(reparses.map(({ batchId }) => batchId)).size).toBe(2);
    expect(new Set(reparses.map((one) => JSON.stringify(one))).size).toBe(2);
    // What each names is there, and nothing that none names.
    const named = new Set(commits.flatMap(({ objects }) => objects.map(({ key }) => key)));
    expect(new Set((await keys()).filter((key) => !key.startsWith("commits/")))).toEqual(named);
  });

  test("may ask what would be: nothing is written then", async () => {
    const before = await keys();
    const { objects } = await reparse({ command: "reparse", objects: [first], dryRun: true });
    expect(objects).toMatchObject([
      { outcome: "filed", read: 3, types: { photo: { rows: 2, rejected: 1 } } },
    ]);
    expect(objects[0]).not.toHaveProperty("commit");
    expect(await keys()).toEqual(before);
  });

  test("is done as far as there is time, and says what is left; one object is always tried", async () => {
    const times = [20_000, 20_000, 10_000, 10_000];
    const remaining = () => times.shift() ?? 4_000;
    const some = await reparse({ command: "reparse", objects: [first, second, quarantined] }, remaining);
    expect([some.objects.map(({ key }) => key), some.left]).toEqual([[first], [second, quarantined]]);
    const none = await reparse({ command: "reparse", objects: [first, second] }, () => 0);
    expect(none).toMatchObject({ objects: [{ key: first, outcome: "left" }], left: [second] });
    expect(none.objects[0]).toMatchObject({
      error: expect.stringContaining("router.timeoutSeconds") as string,
    });
  });

  test.each([
    ["an unknown command", { command: "erase", objects: ["x"] }],
    ["no object", { command: "reparse", objects: [] }],
    ["a field too many", { command: "reparse", objects: ["x"], dryrun: true }],
    ["too many objects", { command: "reparse", objects: Array.from({ length: 1_000 }, (_, i) => `x${i}`) }],
  ])("is refused where it is %s", async (_, event) => {
    expect(await ask(event)).toMatchObject({ ok: false, error: { code: "BAD_COMMAND" } });
  });
});

describe("an object that cannot be read is named and left, and those beside it are filed", () => {
  const line = (n: number): string =>
    JSON.stringify({
      reason: "unrouted",
      detail: "",
      type: "_unrouted",
      tag: "raw",
      _src: "s",
      _off: n,
      _host: "h",
      _arrived_at: "2026-11-21 10:00:00.250",
      encoding: "utf8",
      data: "x",
    });
  const many = Buffer.from(Array.from({ length: 2_000 }, (_, i) => `${line(i)}\n`).join(""));
  const key = (suffix: string): string =>
    `rejected/type=_unrouted/dt=2026-11-21/${SHARD}-1-2.ndjson.${suffix}`;
  const packed = zstdCompressSync(many);

  test.each<[string, string, Buffer | undefined]>([
    ["is gone", key("zst"), undefined],
    ["is cut off", key("zst"), packed.subarray(0, packed.length - 9)],
    ["is cut off at its very end", key("zst"), packed.subarray(0, packed.length - 1)],
    ["is cut off, as gzip", key("gz"), gzipSync(many).subarray(0, -9)],
    ["is something else", key("zst"), Buffer.from("no zstd")],
    ["ends within a line", key("gz"), gzipSync(many.subarray(0, -1))],
    ["has a line that is no JSON", key("gz"), gzipSync(`${line(1)}\n{\n`)],
    ["has a line without a place", key("gz"), gzipSync(`${line(1).replace('"_src":"s",', "")}\n`)],
    [
      "has a place that would break a row",
      key("gz"),
      gzipSync(`${line(1).replace('"s"', '"s\\",\\"x\\":\\""')}\n`),
    ],
    ["has no time of arrival", key("gz"), gzipSync(`${line(1).replace("2026-11-21", "2026-21-99")}\n`)],
    ["holds rows", "data/type=photo/dt=2026-11-21/hr=10/x.ndjson.zst", undefined],
  ])("which %s", async (_, bad, body) => {
    if (body) await put(bad, body);
    const { objects, left } = await reparse({ command: "reparse", objects: [bad, first] });
    expect(objects).toMatchObject([
      { key: bad, outcome: "left", error: expect.stringContaining(bad) as string },
      { key: first, outcome: "filed" },
    ]);
    expect(left).toEqual([]);
  });

  test("which is larger than there is room for", async () => {
    await put(key("zst"), Buffer.alloc(200_000));
    const small = { ...MENDED, router: { ...MENDED.router, memoryMb: 1 } };
    const { objects } = await reparse({ command: "reparse", objects: [key("zst")] }, () => 60_000, small);
    expect(objects).toMatchObject([
      { outcome: "left", error: expect.stringContaining("router.memoryMb") as string },
    ]);
  });
});

describe("lines that were erased", () => {
  const id = "20261121T110000Z-photo-0123abcd";
  const again = "20261121T120000Z-photo-0123abce";

  /** An erasure that leaves so many lines of an object, as `weir erase` records it. */
  async function erase(id: string, object: string, left: number): Promise<string> {
    const kept = (await lines(object)).slice(0, left);
    const key = rewrittenKey(object, id.replace(/\D/g, "").slice(0, 16).padEnd(16, "0"));
    const body = zstdCompressSync(kept.map((line) => `${JSON.stringify(line)}\n`).join(""));
    if (left > 0) await put(key, body);
    const rewritten = { object, ...(left > 0 && { key }), bytes: body.length, rows: left, erased: 3 - left };
    await put(objectsKey(id, "2026-11-21"), zstdCompressSync(`${JSON.stringify(rewritten)}\n`));
    const at = "2026-11-21T11:00:00.000Z";
    const record = {
      version: 1,
      id,
      type: "photo",
      condition: { where: [], contains: "b" },
      startedAt: at,
      arrivedBefore: at,
      by: "me",
      recordedAt: at,
      places: 1,
      rows: 0,
      rejected: 1,
      objects: 1,
      days: ["2026-11-21"],
      unreadable: [],
    };
    await put(erasureKey(id), JSON.stringify(record));
    return key;
  }

  test("are not brought back, whichever erasure took them", async () => {
    const kept = await erase(id, first, 2);
    await erase(again, kept, 1);
    const { objects } = await reparse({ command: "reparse", objects: [first] });
    expect(objects).toMatchObject([{ key: first, outcome: "filed", read: 1, types: { photo: { rows: 1 } } }]);
    const [{ commit: key = "" } = {}] = objects as readonly { commit?: string }[];
    // Under the name that its commit gave it.
    expect((await commit(key)).consumed).toEqual([{ kind: "rejected", type: "photo", key: first, rows: 1 }]);
  });

  test("leave nothing to be done where there is no other", async () => {
    await erase(id, first, 0);
    const { objects } = await reparse({ command: "reparse", objects: [first] });
    expect(objects).toMatchObject([{ outcome: "unchanged", read: 0 }]);
  });

  test("are not looked for while they are being erased", async () => {
    await put(openErasureKey("photo"), "{}");
    const { objects } = await reparse({ command: "reparse", objects: [first, quarantined] });
    expect(objects).toMatchObject([
      {
        key: first,
        outcome: "left",
        error: expect.stringContaining("an erasure of photo is not done") as string,
      },
      { key: quarantined, outcome: "unchanged" },
    ]);
  });
});
