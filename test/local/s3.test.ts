import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Part } from "../../local/part.ts";
import { startS3 } from "../../local/s3.ts";

let root: string;
const running: Part[] = [];
const clients: S3Client[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "weir-s3-"));
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await Promise.all(running.splice(0).map((part) => part.stop()));
});
afterAll(() => rm(root, { recursive: true }));

async function start(dataDir: string): Promise<{ part: Part; client: S3Client }> {
  const part = await startS3({ buckets: ["lake", "failures"], dataDir });
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const client = new S3Client({
    endpoint: part.endpoint,
    region: "us-east-1",
    credentials,
    forcePathStyle: true,
  });
  running.push(part);
  clients.push(client);
  return { part, client };
}

const read = async (client: S3Client, Key: string): Promise<string | undefined> =>
  (await client.send(new GetObjectCommand({ Bucket: "lake", Key }))).Body?.transformToString();

test("what is put in a bucket is read back and listed, in pages and in the order of its keys", async () => {
  const { client } = await start(join(root, "listing"));
  const keys = ["commits/2", "commits/1", "data/x", "commits/3"];
  for (const Key of keys)
    await client.send(new PutObjectCommand({ Bucket: "lake", Key, Body: Buffer.from(Key) }));
  const listed: (string | undefined)[] = [];
  let token: string | undefined;
  do {
    const page = await client.send(
      new ListObjectsV2Command({ Bucket: "lake", Prefix: "commits/", MaxKeys: 2, ContinuationToken: token }),
    );
    listed.push(...(page.Contents ?? []).map(({ Key }) => Key));
    token = page.NextContinuationToken;
  } while (token !== undefined);
  expect(listed).toEqual(["commits/1", "commits/2", "commits/3"]);
  expect(await read(client, "data/x")).toBe("data/x");
});

test("objects outlive a restart in their folder", async () => {
  const dataDir = join(root, "durable");
  const first = await start(dataDir);
  await first.client.send(new PutObjectCommand({ Bucket: "lake", Key: "kept", Body: Buffer.from("kept") }));
  await first.part.stop();
  const { client } = await start(dataDir);
  expect(await read(client, "kept")).toBe("kept");
});

test("a port in use is named, with the part that wanted it", async () => {
  const { part } = await start(join(root, "port"));
  const second = startS3({ buckets: [], dataDir: root, port: part.port });
  await expect(second).rejects.toMatchObject({ code: "PORT_IN_USE", part: "S3" });
});
