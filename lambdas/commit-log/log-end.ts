import type { S3Client } from "@aws-sdk/client-s3";
import { parseSegmentKey, PREFIX, segmentKey } from "../../wire/keys.ts";
import { listPages } from "./list-pages.ts";

/** Numbers of the next segments, where there are any: whatever else lies between is no reason to give up. */
export async function segmentsAfter(
  s3: S3Client,
  bucket: string,
  segment: number,
  MaxKeys: number,
): Promise<number[]> {
  const list = { Bucket: bucket, Prefix: PREFIX.log, StartAfter: segmentKey(segment), MaxKeys };
  for await (const page of listPages(s3, list)) {
    const numbers = page.flatMap(({ Key }) => parseSegmentKey(Key!) ?? []);
    if (numbers.length > 0) return numbers;
  }
  return [];
}

/**
 * The last segment there is. Looks ahead in ever longer steps for a number that nothing comes after, then halves what
 * is between.
 *
 * @param from a segment that is there, or 0
 * @returns `from` where nothing comes after it: 0 for an empty log
 */
export async function lastSegment(s3: S3Client, bucket: string, from = 0): Promise<number> {
  const nextAfter = async (segment: number): Promise<number | undefined> =>
    (await segmentsAfter(s3, bucket, segment, 1))[0];
  let [there, step] = [from, 1];
  for (let next = await nextAfter(from); next !== undefined; next = await nextAfter(there + step)) {
    there = next;
    step *= 2;
  }
  for (let end = there === from ? from : there + step; there < end;) {
    const middle = there + Math.floor((end - there) / 2);
    const next = await nextAfter(middle);
    if (next === undefined) end = middle;
    else there = next;
  }
  return there;
}
