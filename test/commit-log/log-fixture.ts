import { PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { segmentKey } from "../../wire/keys.ts";
import { entryLine, unreadableLine } from "../../wire/segment-entry.ts";
import { headKeys, keyDigest, SegmentEncoder, type SegmentHead } from "../../wire/segment.ts";

/** The nth commit: its key, and the body that a router would have written. */
export function commitOf(n: number, fill = ""): { key: string; body: Buffer } {
  const batchId = `shardId-000000000000-${n}-${n}`;
  const at = "2026-11-21T10:00:00Z";
  const commit = {
    version: 1,
    batchId,
    shardId: "shardId-000000000000",
    firstSequenceNumber: `${n}`,
    lastSequenceNumber: `${n}`,
    arrivedFrom: at,
    arrivedTo: at,
    records: 1,
    userRecords: 1,
    bytes: 10,
    objects: [],
    sources: [{ id: `s${n}`, host: "h1", path: `/p${fill}`, ranges: [[0, 10]], gaps: [], types: ["photo"] }],
    types: {
      photo: { lines: 1, bytes: 10, rows: 1, rejected: 0, filtered: 0, duplicates: 0, foreignRows: 0 },
    },
  };
  const minute = String(Math.floor(n / 10) % 60).padStart(2, "0");
  return {
    key: `commits/2026/11/21/10/${minute}/${batchId}.json`,
    body: Buffer.from(JSON.stringify(commit)),
  };
}

/** An entry to put in a segment. */
export type Entry = { key: string; body: Buffer } | { key: string; unreadable: string };

/** The bytes of a segment, and its head. */
export async function segmentOf(
  segment: number,
  entries: readonly Entry[],
  changes: Partial<SegmentHead> = {},
): Promise<{ bytes: Buffer; head: SegmentHead }> {
  const encoder = new SegmentEncoder();
  let bytes = 0;
  for (const entry of entries) {
    const line =
      "body" in entry ? entryLine(entry.key, entry.body) : unreadableLine(entry.key, entry.unreadable);
    await encoder.write(line);
    bytes += line.length;
  }
  const head: SegmentHead = {
    version: 1,
    segment,
    found: "listing",
    commits: entries.length,
    opaque: 0,
    bytes,
    sequencedAt: "2026-11-21T10:05:00Z",
    coveredTo: "commits/2026/11/21/09/45/",
    listedTo: entries.at(-1)?.key ?? "",
    sweptTo: "",
    sweepBefore: 0,
    types: ["photo"],
    hours: [],
    hosts: ["h1"],
    keys: headKeys(entries.map(({ key }) => keyDigest(key))),
    ...changes,
  };
  return { bytes: await encoder.end(head), head };
}

export async function putObject(s3: S3Client, bucket: string, key: string, body: Buffer): Promise<void> {
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ContentLength: body.length }));
}

/** Puts segments, numbered from 1, of so many commits each. @returns the keys of all, in order */
export async function putLog(s3: S3Client, bucket: string, sizes: readonly number[]): Promise<string[]> {
  const keys: string[] = [];
  for (const [i, size] of sizes.entries()) {
    const commits = Array.from({ length: size }, (_, n) => commitOf(keys.length + n));
    keys.push(...commits.map(({ key }) => key));
    await putObject(s3, bucket, segmentKey(i + 1), (await segmentOf(i + 1, commits)).bytes);
  }
  return keys;
}
