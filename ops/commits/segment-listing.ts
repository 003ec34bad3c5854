import type { S3Client } from "@aws-sdk/client-s3";
import { listPages } from "../../lambdas/commit-log/list-pages.ts";
import { lastSegment } from "../../lambdas/commit-log/log-end.ts";
import { parseSegmentKey, PREFIX, segmentKey } from "../../wire/keys.ts";

/** A segment of the log that is there. */
export interface ListedSegment {
  readonly segment: number;
  readonly bytes: number;
  /** Another body has another one, such as that of another lake's log in a bucket of the same name. */
  readonly etag: string;
}

/** Segments of this number and later ones, in order. */
export async function* listSegments(
  s3: S3Client,
  bucket: string,
  from: number,
  MaxKeys?: number,
): AsyncGenerator<ListedSegment> {
  const list = { Bucket: bucket, Prefix: PREFIX.log, StartAfter: segmentKey(from - 1), MaxKeys };
  for await (const page of listPages(s3, list)) {
    for (const { Key, Size = 0, ETag = "" } of page) {
      const segment = parseSegmentKey(Key!);
      if (segment !== undefined) yield { segment, bytes: Size, etag: ETag };
    }
  }
}

/** The first and the last segment that are there; undefined for an empty log. */
export async function segmentBounds(
  s3: S3Client,
  bucket: string,
): Promise<{ readonly first: number; readonly last: number } | undefined> {
  const first = await firstSegment(s3, bucket);
  if (first === undefined) return undefined;
  return { first, last: await lastSegment(s3, bucket, first) };
}

async function firstSegment(s3: S3Client, bucket: string): Promise<number | undefined> {
  for await (const { segment } of listSegments(s3, bucket, 1, 1)) return segment;
  return undefined;
}
