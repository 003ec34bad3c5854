import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { startFauxqs, type FauxqsServer } from "fauxqs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Router, type RoutedBatch } from "../../lambdas/router/router.ts";
import { coverSources } from "../../local/reconcile/coverage.ts";
import { Lake } from "../../local/reconcile/lake.ts";
import { tallyType } from "../../local/reconcile/tally.ts";
import { aggregate, configOf, RAW, streamRecord, WEB } from "../router/batch-fixture.ts";
import { reparse, unfiledOf } from "../router/reparse-fixture.ts";

let fauxqs: FauxqsServer;
let s3: S3Client;

beforeAll(async () => {
  fauxqs = await startFauxqs({ port: 0, logger: false });
  fauxqs.createBucket("lake");
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const endpoint = `http://127.0.0.1:${fauxqs.port}`;
  s3 = new S3Client({ endpoint, region: "us-east-1", credentials, forcePathStyle: true });
});
afterAll(async () => {
  s3.destroy();
  await fauxqs.stop();
});

async function put({ objects }: RoutedBatch): Promise<void> {
  for (const { key, body } of objects)
    await s3.send(new PutObjectCommand({ Bucket: "lake", Key: key, Body: body }));
}

test("rejected lines that are filed anew are counted where they are then, and prove no bytes", async () => {
  const columns = (chars: number) => [{ name: "line", type: `varchar(${chars})` as const }];
  const narrow = configOf([{ ...RAW, columns: columns(2) }]);
  const wide = configOf([
    { ...RAW, columns: columns(4) },
    { ...RAW, name: "page", columns: columns(9) },
  ]);
  const lines = ["ab", "abcd", "abcdefgh"].map((data) => ({ tag: "raw", data }));
  const page = { tag: "page", data: "p", offset: 500 };
  const first = new Router(narrow).route([streamRecord(aggregate([...lines, page]))]);
  await put(first);
  const commits = [first.commit];
  for (const [key, body] of unfiledOf(first)) {
    const { batch } = await reparse(wide, key, body);
    await put(batch!);
    commits.push(batch!.commit);
  }
  const tally = async (type: string) => {
    const { counts, problems } = await tallyType(type, commits, new Lake(s3, "lake"));
    expect(problems).toEqual([]);
    return counts;
  };
  const none = { filtered: 0, duplicates: 0 };
  expect(await tally("raw")).toEqual({ lines: 3, bytes: 17, rows: 2, rejected: 1, ...none });
  expect(await tally("page")).toEqual({ lines: 1, bytes: 2, rows: 1, rejected: 0, ...none });
  expect(await tally("_unrouted")).toEqual({ lines: 0, bytes: 0, rows: 0, rejected: 0, ...none });
  const [source] = coverSources(commits, "page");
  expect(source?.path).toBe(WEB.path);
  expect(source?.accounted.toArray()).toEqual([
    [0, 17],
    [500, 502],
  ]);
});
