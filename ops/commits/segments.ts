import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { readAhead } from "../../lambdas/commit-log/read-ahead.ts";
import { segmentKey } from "../../wire/keys.ts";
import type { SegmentCache } from "./segment-cache.ts";
import { type ListedSegment, listSegments } from "./segment-listing.ts";

/** Segments take up to some megabytes, and a request mostly waiting. */
const READ_AHEAD = { items: 8, bytes: 16 * 2 ** 20 };

/** A segment's bytes, or why it cannot be had. */
export type FetchedSegment = { readonly segment: number } & (
  | { readonly body: Buffer }
  | { readonly failed: Error }
);

/** The log's segments from one on, in order, those that are in the cache from there. */
export async function* fetchSegments(
  s3: S3Client,
  bucket: string,
  from: number,
  cache: SegmentCache | undefined,
): AsyncGenerator<FetchedSegment> {
  const fetch = async (listed: ListedSegment): Promise<FetchedSegment> => {
    const { segment } = listed;
    const cached = await cache?.get(listed);
    if (cached) return { segment, body: cached };
    try {
      const body = await download(s3, bucket, listed);
      await cache?.put(listed, body);
      return { segment, body };
    } catch (error) {
      return { segment, failed: error as Error };
    }
  };
  for await (const { result } of readAhead(listSegments(s3, bucket, from), fetch, READ_AHEAD)) yield result;
}

async function download(s3: S3Client, bucket: string, { segment, bytes }: ListedSegment): Promise<Buffer> {
  const Key = segmentKey(segment);
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
  const body = Buffer.from(await Body!.transformToByteArray());
  if (body.length !== bytes) throw new Error(`${Key} came with ${body.length} bytes of ${bytes}`);
  return body;
}
