import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { Command } from "commander";
import { startFauxqs, type FauxqsServer } from "fauxqs";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { answerCommand } from "../../lambdas/router/reparse/answer-command.ts";
import { Router } from "../../lambdas/router/router.ts";
import { writeBatch } from "../../lambdas/router/write-batch.ts";
import { AccessError } from "../../ops/access/access-error.ts";
import type { Place } from "../../ops/access/place.ts";
import { replayCommand, type ReplayArguments } from "../../ops/replay/command.ts";
import { assertReparseAlone, runReparse } from "../../ops/replay/reparse/run-reparse.ts";
import { UnfiledObjects } from "../../ops/replay/reparse/unfiled-objects.ts";
import { type Commit, noLines } from "../../wire/commit.ts";
import type { WeirConfig } from "../../wire/config.ts";
import { batchName, reparseBatch } from "../../wire/keys.ts";
import type { ReparsedObject, RouterRequest } from "../../wire/router-command.ts";
import { aggregate, configOf, RAW, SHARD, streamRecord } from "../router/batch-fixture.ts";

let fauxqs: FauxqsServer;
let s3: S3Client;
let cache: string;
let lakes = 0;
let place: Place;
/** Objects that the router was asked for, by invocation. */
let invoked: { objects: string[]; dryRun: boolean }[];
/** What the deployed router does in the place of answering. */
let fault: (objects: readonly string[]) => Error | undefined;
let deployed: WeirConfig;

const photo = (type: "integer" | "varchar(20)", name = "photo", formerNames: string[] = []): WeirConfig =>
  configOf([
    {
      name,
      formerNames,
      match: { tags: ["photo"] },
      parse: { format: "json" },
      columns: [{ name: "v", type, nullable: false }],
    },
    RAW,
  ]);
const [BROKEN, MENDED] = [photo("integer"), photo("varchar(20)")];

beforeAll(async () => {
  fauxqs = await startFauxqs({ port: 0, logger: false });
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const endpoint = `http://127.0.0.1:${fauxqs.port}`;
  s3 = new S3Client({ endpoint, region: "us-east-1", credentials, forcePathStyle: true });
  cache = await mkdtemp(join(tmpdir(), "weir-replay-"));
  vi.stubEnv("XDG_CACHE_HOME", cache);
});

afterAll(async () => {
  vi.unstubAllEnvs();
  s3.destroy();
  await fauxqs.stop();
  await rm(cache, { recursive: true });
});

beforeEach(() => {
  const bucket = `lake-${lakes++}`;
  fauxqs.createBucket(bucket);
  invoked = [];
  fault = () => undefined;
  deployed = MENDED;
  place = {
    title: `the lake ${bucket}`,
    s3,
    bucket,
    invokeRouter: async (event: RouterRequest) => {
      invoked.push({ objects: event.objects, dryRun: event.dryRun ?? false });
      const error = fault(event.objects);
      if (error) throw error;
      const parts = { config: deployed, s3, bucket, logger: { info: () => {} }, remainingMs: () => 60_000 };
      return JSON.parse(JSON.stringify(await answerCommand(event, parts))) as unknown;
    },
  } as unknown as Place;
});

/** Batches of these lines each, by a router of this configuration. */
async function route(config: WeirConfig, ...batches: readonly (readonly string[])[]): Promise<void> {
  const router = new Router(config);
  for (const [i, texts] of batches.entries()) {
    const lines = texts.map((text) => ({
      tag: text.startsWith("page") ? "page" : "photo",
      data: text,
      offset: undefined,
    }));
    const source = { id: `src${i}`, host: "web-1", path: "/var/log/photo.log" };
    const placed = lines.map(({ tag, data }, at) => ({ tag, data, source, offset: at * 100 }));
    const batch = router.route([streamRecord(aggregate(placed), i + 1)]);
    await writeBatch(s3, place.bucket, batch, new Date(), new AbortController().signal);
  }
}

const v = (value: string): string => JSON.stringify({ v: value });

async function run(options: Partial<ReplayArguments>, config = deployed) {
  const outcome = await runReparse(place, { done: "keep", config: "c", ...options }, () =>
    Promise.resolve(config),
  );
  return { ...outcome, json: outcome.json as Record<string, unknown> & { objects: ReparsedObject[] } };
}

const commits = async (): Promise<number> =>
  (await s3.send(new ListObjectsV2Command({ Bucket: place.bucket, Prefix: "commits/" }))).KeyCount!;

describe("rejected lines of a type", () => {
  test("are filed anew, and what came of them is told, with an example of each reason", async () => {
    await route(BROKEN, [v("a"), v("b"), '{"w":1}', "1"], [v("c"), "page 1"]);
    const { ok, json, text } = await run({ rejected: ["photo"], yes: true });
    expect(ok).toBe(true);
    expect(json).toMatchObject({
      ok: true,
      reparsed: true,
      filed: 2,
      unchanged: 0,
      left: [],
      read: 5,
      rows: 3,
      rejected: 2,
      types: { photo: { rows: 3, rejected: 2 } },
      reasons: [
        { reason: "missing", field: "v", count: 1, example: { line: '{"w":1}', place: "src0@200" } },
        { reason: "unparsed", count: 1, example: { line: "1" } },
      ],
    });
    expect(text).toContain("5 lines in 2 objects");
    expect(text).toContain("5 lines are: 3 rows, 2 rejected still");
    expect(text).toMatch(/photo +missing +v +1 +must not be null: \{"w":1\} \(src0@200\)/);
    expect(invoked.map(({ dryRun }) => dryRun)).toEqual([false]);
    // What is rejected still is in an object of the new commit, and would not change.
    const before = await commits();
    const again = await run({ rejected: ["photo"], yes: true });
    expect(again.json).toMatchObject({ ok: true, filed: 0, unchanged: 1, read: 2, rows: 0, rejected: 2 });
    expect(await commits()).toBe(before);
    // Those of no type are of another name.
    deployed = configOf([{ ...RAW, match: { tags: ["page"] } }]);
    const unrouted = await run({ rejected: ["_unrouted"], yes: true });
    expect(unrouted.json).toMatchObject({ filed: 1, rows: 1, rejected: 0, types: { raw: { rows: 1 } } });
  });

  test("are only looked at with --dry-run, and after a no", async () => {
    await route(BROKEN, [v("a"), "{"], [v("b")]);
    const before = await commits();
    const { ok, json, text } = await run({ rejected: ["photo"], dryRun: true });
    expect(ok).toBe(true);
    expect(json).toMatchObject({
      reparsed: false,
      plan: { objects: [{ rows: 2 }, { rows: 1 }], tried: { rows: 2, rejected: 1 } },
    });
    expect(text).toContain("3 lines would be: 2 rows, 1 rejected still");
    // Nobody is there to be asked, once the first object was tried.
    const asked = run({ rejected: ["photo"] });
    await expect(asked).rejects.toMatchObject({ code: "BAD_REQUEST", hint: "Say --yes to go on." });
    expect(invoked.map(({ objects, dryRun }) => [objects.length, dryRun])).toEqual([
      [2, true],
      [1, true],
    ]);
    expect(await commits()).toBe(before);
  });

  test("under its former name are its own, and of other types there is a word", async () => {
    await route(BROKEN, [v("a")]);
    deployed = photo("varchar(20)", "image", ["photo"]);
    expect((await run({ rejected: ["image"], yes: true })).json).toMatchObject({
      filed: 1,
      types: { image: { rows: 1 } },
    });
    await route(BROKEN, [v("a")], [v("b"), v("c")]);
    const none = await run({ rejected: ["foto"] });
    expect(none).toMatchObject({ ok: true, json: { reparsed: false } });
    expect(none.text).toMatch(/no rejected lines of foto that nobody has filed anew\n.*photo \(2 lines\)/);
  });

  test("are filed by this process with --in-process, by the configuration at hand", async () => {
    await route(BROKEN, [v("a")]);
    const { json } = await run({ rejected: ["photo"], yes: true, inProcess: true }, MENDED);
    expect(json).toMatchObject({
      filed: 1,
      rows: 1,
      notes: [expect.stringContaining("is not what the latest commit")],
    });
    expect(invoked).toEqual([]);
  });

  test("that cannot be read are named, and so are commits; the exit code tells it", async () => {
    await route(BROKEN, [v("a")], [v("b")]);
    const listed = await s3.send(new ListObjectsV2Command({ Bucket: place.bucket, Prefix: "rejected/" }));
    const [{ Key } = {}] = listed.Contents!;
    await s3.send(new PutObjectCommand({ Bucket: place.bucket, Key, Body: "spoilt" }));
    const { ok, json, text } = await run({ rejected: ["photo"], yes: true });
    expect([ok, json["filed"], json["left"]]).toEqual([
      false,
      1,
      [{ key: Key, error: expect.stringContaining(Key!) as string }],
    ]);
    expect(text).toContain(`left as it is: ${Key}`);
  });
});

describe("a router that fails", () => {
  const failed = new AccessError("FUNCTION_FAILED", "router failed: Task timed out");

  test("on one object is asked for the others one by one, and that one is named", async () => {
    await route(BROKEN, ...Array.from({ length: 45 }, (_, i) => [v(`a${i}`)]));
    const { json: plan } = await run({ rejected: ["photo"], dryRun: true });
    const keys = (plan["plan"] as { objects: { key: string }[] }).objects.map(({ key }) => key);
    fault = (objects) => (objects.includes(keys[42]!) ? failed : undefined);
    const { ok, json } = await run({ rejected: ["photo"], yes: true });
    expect([ok, json["filed"], json["left"]]).toEqual([
      false,
      44,
      [{ key: keys[42], error: failed.message }],
    ]);
  });

  test("from the beginning, or in another way, is told as it is", async () => {
    await route(BROKEN, ...Array.from({ length: 45 }, (_, i) => [v(`a${i}`)]));
    fault = () => failed;
    await expect(run({ rejected: ["photo"], yes: true })).rejects.toBe(failed);
    let calls = 0;
    fault = () => (calls++ === 0 ? undefined : new Error("no more"));
    const { ok, json } = await run({ rejected: ["photo"], yes: true });
    expect([ok, json["stopped"], json["filed"]]).toEqual([false, "no more", 40]);
    // Said again, it goes on where it was stopped.
    fault = () => undefined;
    expect((await run({ rejected: ["photo"], yes: true })).json).toMatchObject({ ok: true, filed: 5 });
  });

  test("or is of another release, which takes the command for a batch, is no answer", async () => {
    await route(BROKEN, [v("a")]);
    place = { ...place, invokeRouter: () => Promise.resolve({ batchItemFailures: [] }) };
    const asked = run({ rejected: ["photo"], yes: true });
    await expect(asked).rejects.toMatchObject({ code: "REFUSED", hint: "Deploy this release first." });
  });
});

test("quarantined records are tried again, and said to be quarantined still", async () => {
  const spoilt = new Router(BROKEN).route([streamRecord(Buffer.from([0x1f, 0x8b, 0x08, 1]), 1)]);
  await writeBatch(s3, place.bucket, spoilt, new Date(), new AbortController().signal);
  const { ok, json, text } = await run({ quarantined: true, yes: true });
  expect(ok).toBe(true);
  expect(json).toMatchObject({
    filed: 0,
    unchanged: 1,
    read: 1,
    quarantined: 1,
    reasons: [{ reason: "BAD_COMPRESSION", count: 1 }],
  });
  expect(text).toContain(`1 record in 1 object`);
  expect(text).toContain(`(${SHARD}:49601)`);
});

describe("objects that nobody has filed anew", () => {
  const id = (n: number, origin = SHARD) => ({
    origin,
    firstSequenceNumber: `${n}`,
    lastSequenceNumber: `${n}`,
  });
  const key = (n: number): string =>
    `rejected/type=photo/dt=2026-11-21/${SHARD}-${n}-${n}-0123456789abcdef.ndjson.zst`;
  const commit = (n: number, more: Partial<Commit> = {}): Commit => {
    const arrived = new Date(Date.UTC(2026, 10, 21, 10, n)).toISOString();
    return {
      version: 2,
      batchId: batchName(id(n)),
      ...id(n),
      config: "0123456789ab",
      arrivedFrom: arrived,
      arrivedTo: arrived,
      records: 1,
      userRecords: 1,
      quarantined: 0,
      bytes: 1,
      sources: [],
      objects: [{ kind: "rejected", type: "photo", key: key(n), bytes: 1, rows: 3 }],
      types: { photo: { ...noLines(), lines: 3, rejected: 3 } },
      ...more,
    };
  };
  const found = (wanted: ConstructorParameters<typeof UnfiledObjects>[0], ...commits: Commit[]): string[] => {
    const objects = new UnfiledObjects(wanted);
    for (const one of commits) objects.take(one);
    return objects.objects.map(({ key }) => key);
  };
  const photos = { types: new Set(["photo"]) };
  const consuming = (n: number): Commit => {
    const batch = reparseBatch(key(n), id(n));
    const rejected = { ...noLines(), lines: 3, rejected: 1, rows: 2, reparsed: 3 };
    const again = key(n).replace(SHARD, batch.origin);
    return commit(n, {
      batchId: batchName(batch),
      ...batch,
      types: { photo: rejected },
      objects: [{ kind: "rejected", type: "photo", key: again, bytes: 1, rows: 1 }],
      consumed: [{ kind: "rejected", type: "photo", key: key(n), rows: 3 }],
    });
  };

  test("are those of the first commit of each batch that no commit names as consumed, whichever comes first", () => {
    const again = consuming(1).objects[0]!.key;
    expect(found(photos, commit(1), commit(2))).toEqual([key(1), key(2)]);
    expect(found(photos, commit(1), consuming(1), commit(2), consuming(1))).toEqual([again, key(2)]);
    expect(found(photos, consuming(1), commit(1))).toEqual([again]);
    const rows = commit(1, { objects: [], types: { photo: { ...noLines(), lines: 3, rows: 3 } } });
    expect(found(photos, rows, commit(1))).toEqual([]);
    expect(found({ types: new Set(["page"]) }, commit(1))).toEqual([]);
    expect(found({ types: undefined }, commit(1))).toEqual([]);
  });

  test("are those of the time that was asked for", () => {
    const [since, until] = [2, 3].map((minute) => new Date(Date.UTC(2026, 10, 21, 10, minute)));
    const all = [1, 2, 3].map((n) => commit(n));
    expect(found({ ...photos, since }, ...all)).toEqual([key(2), key(3)]);
    expect(found({ ...photos, until }, ...all)).toEqual([key(1), key(2)]);
    const wide = commit(1, { arrivedTo: new Date(Date.UTC(2026, 10, 21, 11)).toISOString() });
    expect(found({ ...photos, since, until }, wide)).toEqual([key(1)]);
  });
});

test.each<[string, Partial<ReplayArguments>]>([
  ["--failed", { failed: true, rejected: ["photo"] }],
  ["--shard", { shard: SHARD, quarantined: true }],
  ["--rejected and --quarantined", { rejected: ["photo"], quarantined: true }],
])("%s has nothing to do with it, and is refused", (what, options) => {
  expect(() => assertReparseAlone({ done: "keep", config: "c", ...options })).toThrow(what);
});

test("the command line takes several types, and a time", () => {
  const command = replayCommand(() => Promise.reject(new Error("no configuration")));
  command.exitOverride().configureOutput({ writeErr: () => {} });
  new Command("weir").addCommand(command);
  command.parseOptions([
    "--rejected",
    "photo",
    "_unrouted",
    "--since",
    "2026-11-26",
    "--until",
    "2026-11-27T10:00",
  ]);
  expect(command.opts()).toMatchObject({
    rejected: ["photo", "_unrouted"],
    since: new Date("2026-11-26T00:00:00.000Z"),
    until: new Date("2026-11-27T10:00:00.000Z"),
  });
  expect(() => command.parseOptions(["--since", "yesterday"])).toThrow("It should be a time");
  command.parseOptions(["--since", "2h"]);
  expect(Date.now() - Number(command.opts<ReplayArguments>().since)).toBeGreaterThanOrEqual(7_200_000);
});
