import { mkdir } from "node:fs/promises";
import { HeadBucketCommand, ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import { CREDENTIALS } from "./credentials.ts";
import { startPart, type Part } from "./part.ts";
import { startProcess } from "./process.ts";

export interface S3Options {
  readonly buckets: readonly string[];
  /** Objects are files here, and survive a restart. */
  readonly dataDir: string;
  readonly port?: number;
  readonly signal?: AbortSignal;
}

export type S3Part = Part;

/**
 * S3 on this machine: fauxqs in a process of its own, its buckets made.
 *
 * Clients need `forcePathStyle`. It takes no body over 11 MiB, and ignores conditions and checksums.
 *
 * @throws PartError
 */
export async function startS3({ buckets, dataDir, port, signal }: S3Options): Promise<S3Part> {
  await mkdir(dataDir, { recursive: true });
  const start = (port: number) =>
    startProcess({
      name: "S3",
      script: new URL("./s3-server.ts", import.meta.url),
      args: [JSON.stringify({ port, logger: false, init: { buckets }, s3StorageDir: dataDir })],
      environment: {},
      signal,
    });
  return startPart("S3", port, start, (endpoint) => headAll(endpoint, buckets), signal);
}

async function headAll(endpoint: string, buckets: readonly string[]): Promise<void> {
  const client = new S3Client({
    endpoint,
    region: "us-east-1",
    credentials: CREDENTIALS,
    forcePathStyle: true,
    maxAttempts: 1,
  });
  try {
    await client.send(new ListBucketsCommand({}));
    for (const Bucket of buckets) await client.send(new HeadBucketCommand({ Bucket }));
  } finally {
    client.destroy();
  }
}
