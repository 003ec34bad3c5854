import { ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3";
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
  let ContinuationToken: string | undefined;
  do {
    const page = await s3.send(new ListObjectsV2Command({ ...list, ContinuationToken }));
    for (const { Key, Size = 0, ETag = "" } of page.Contents ?? []) {
      const segment = parseSegmentKey(Key!);
      if (segment !== undefined) yield { segment, bytes: Size, etag: ETag };
    }
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken !== undefined);
}

/** The first and the last segment that are there; undefined for an empty log. */
export async function segmentBounds(
  s3: S3Client,
  bucket: string,
): Promise<{ readonly first: number; readonly last: number } | undefined> {
  const nextFrom = async (segment: number): Promise<number | undefined> => {
    for await (const { segment: found } of listSegments(s3, bucket, segment, 1)) return found;
    return undefined;
  };
  const first = await nextFrom(1);
  if (first === undefined) return undefined;
  // Looks ahead in ever longer steps for a number that nothing comes at or after, then halves what is between.
  let [last, step] = [first, 1];
  for (let next = await nextFrom(last + 1); next !== undefined; next = await nextFrom(last + step)) {
    last = next;
    step *= 2;
  }
  for (let end = last + step; end - last > 1;) {
    const middle = Math.floor((last + end) / 2);
    const next = await nextFrom(middle);
    if (next === undefined) end = middle;
    else last = next;
  }
  return { first, last };
}
