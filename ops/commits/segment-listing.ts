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
): AsyncGenerator<ListedSegment> {
  const list = { Bucket: bucket, Prefix: PREFIX.log, StartAfter: segmentKey(from - 1) };
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
