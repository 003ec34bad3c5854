import { WireError } from "./wire-error.ts";

/**
 * Object keys of the lake.
 *
 * data/type=<type>/dt=YYYY-MM-DD/hr=HH/<batch>[-n].ndjson.<codec>      rows
 * rejected/type=<type>/dt=YYYY-MM-DD/<batch>.ndjson.<codec>            refused lines, with reasons
 * quarantine/dt=YYYY-MM-DD/<batch>.ndjson.<codec>                      records that could not be opened
 * commits/YYYY/MM/DD/HH/MM/<batch>.json                                by minute of writing
 * loads/...                                                           the loader's own state
 *
 * batch := <shardId>-<firstSequenceNumber>-<lastSequenceNumber>
 *
 * Both ends of a batch are in its name: after a bisected retry a shorter batch begins at the same
 * record, and must not overwrite objects that a commit of the longer one already names.
 */

export interface BatchId {
  readonly shardId: string;
  readonly firstSequenceNumber: string;
  readonly lastSequenceNumber: string;
}

export type Codec = "zstd" | "gzip";
const SUFFIX = { zstd: "zst", gzip: "gz" } as const;

export const PREFIX = {
  data: "data/",
  rejected: "rejected/",
  quarantine: "quarantine/",
  commits: "commits/",
  loads: "loads/",
} as const;

export function batchName({ shardId, firstSequenceNumber, lastSequenceNumber }: BatchId): string {
  return `${shardId}-${firstSequenceNumber}-${lastSequenceNumber}`;
}

/** @param hour any instant within the partition's hour @param part 0 for the first object of the hour */
export function dataKey(type: string, hour: Date, batch: BatchId, part: number, codec: Codec): string {
  const suffix = part === 0 ? "" : `-${part}`;
  const hr = hour.toISOString().slice(11, 13);
  return `${PREFIX.data}type=${type}/dt=${day(hour)}/hr=${hr}/${batchName(batch)}${suffix}.ndjson.${SUFFIX[codec]}`;
}

export function rejectedKey(type: string, arrivedAt: Date, batch: BatchId, codec: Codec): string {
  return `${PREFIX.rejected}type=${type}/dt=${day(arrivedAt)}/${batchName(batch)}.ndjson.${SUFFIX[codec]}`;
}

export function quarantineKey(arrivedAt: Date, batch: BatchId, codec: Codec): string {
  return `${PREFIX.quarantine}dt=${day(arrivedAt)}/${batchName(batch)}.ndjson.${SUFFIX[codec]}`;
}

export function commitKey(writtenAt: Date, batch: BatchId): string {
  return `${commitMinutePrefix(writtenAt)}${batchName(batch)}.json`;
}

/** Prefix of the commits written in this minute. Such prefixes sort by time. */
export function commitMinutePrefix(at: Date): string {
  return `${PREFIX.commits}${at.toISOString().slice(0, 16).replace(/[-T:]/g, "/")}/`;
}

const COMMIT_KEY = /^commits\/(\d{4})\/(\d\d)\/(\d\d)\/(\d\d)\/(\d\d)\/(shardId-\d{12})-(\d+)-(\d+)\.json$/;

/** @throws WireError BAD_KEY */
export function parseCommitKey(key: string): BatchId & { readonly writtenAt: Date } {
  const match = COMMIT_KEY.exec(key);
  if (!match) throw new WireError("BAD_KEY", `not the key of a commit: ${key}`);
  const [, year, month, date, hour, minute, shardId, first, last] = match as unknown as string[];
  return {
    writtenAt: new Date(`${year}-${month}-${date}T${hour}:${minute}:00Z`),
    shardId: shardId!,
    firstSequenceNumber: first!,
    lastSequenceNumber: last!,
  };
}

function day(at: Date): string {
  return at.toISOString().slice(0, 10);
}
