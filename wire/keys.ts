import { createHash } from "node:crypto";
import { WireError } from "./wire-error.ts";

/**
 * Object keys of the lake.
 *
 * data/type=<type>/dt=YYYY-MM-DD/hr=HH/<batch>-<digest>.ndjson.<codec>      rows
 * rejected/type=<type>/dt=YYYY-MM-DD/<batch>-<digest>.ndjson.<codec>        refused lines, with reasons
 * quarantine/dt=YYYY-MM-DD/<batch>-<digest>.ndjson.<codec>                  records that could not be opened
 * commits/YYYY/MM/DD/HH/MM/<batch>-<digest>.json                            by minute of writing
 * log/<segment>.ndjson.zst                                                 commits in one order; segment: 20 digits
 * loads/...                                                                the loader's own state
 * loads/copies/<load>/<columns>/<hash>.ndjson.<codec>                      rows as a load takes them; gone in 30 days
 * erasures/...                                                             what was removed on purpose: erasure.ts
 * fleet/...                                                                what fleet watch knows: fleet-page.ts
 *
 * batch  := <origin>-<firstSequenceNumber>-<lastSequenceNumber>
 * origin := <shardId> | fallback-<agent> | reparse-<hash> | window-<name>
 * hash   := 16 hexadecimal digits, the first of SHA-256 of the key of the object whose lines are filed anew
 * digest := 16 hexadecimal digits, the first of SHA-256 of the object's bytes as they are stored
 *
 * Both ends of a batch are in its name: after a bisected retry a shorter batch begins at the same record. The
 * digest keeps apart what one batch becomes under two configurations or two releases: an object never
 * changes once something names it, since other bytes have another name.
 *
 * Lakes of version 1 have keys without a digest, and `<batch>-<n>` for a further object of one hour.
 */

export interface BatchId {
  /** Where its records come from; sequence numbers count within it. */
  readonly origin: string;
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
  log: "log/",
  loads: "loads/",
  loadCopies: "loads/copies/",
  loadColumns: "loads/columns/",
  erasures: "erasures/",
  fleet: "fleet/",
} as const;

const DIGEST_DIGITS = 16;

/** What the key of an object of these bytes ends in. */
export function objectDigest(body: Uint8Array): string {
  return createHash("sha256").update(body).digest("hex").slice(0, DIGEST_DIGITS);
}

export function batchName({ origin, firstSequenceNumber, lastSequenceNumber }: BatchId): string {
  return `${origin}-${firstSequenceNumber}-${lastSequenceNumber}`;
}

/** @param hour any instant within the partition's hour */
export function dataKey(type: string, hour: Date, batch: BatchId, digest: string, codec: Codec): string {
  const hr = hour.toISOString().slice(11, 13);
  return `${PREFIX.data}type=${type}/dt=${day(hour)}/hr=${hr}/${linesName(batch, digest, codec)}`;
}

export function rejectedKey(
  type: string,
  arrivedAt: Date,
  batch: BatchId,
  digest: string,
  codec: Codec,
): string {
  return `${PREFIX.rejected}type=${type}/dt=${day(arrivedAt)}/${linesName(batch, digest, codec)}`;
}

export function quarantineKey(arrivedAt: Date, batch: BatchId, digest: string, codec: Codec): string {
  return `${PREFIX.quarantine}dt=${day(arrivedAt)}/${linesName(batch, digest, codec)}`;
}

const DAY_OF_LINES =
  /^(?:data|rejected|quarantine)\/(?:type=[^/]+\/)?dt=(\d{4}-\d\d-\d\d)\/.*\.ndjson\.(?:zst|gz)$/;

/** The day, in UTC, that an object of lines is filed under; undefined for any other key. */
export function partitionDay(key: string): string | undefined {
  return DAY_OF_LINES.exec(key)?.[1];
}

/** Key of an object of lines that stands in the place of another, with some of its lines. */
export function rewrittenKey(key: string, digest: string): string {
  return key.replace(/(?:-[0-9a-f]{16})?(\.ndjson\.(?:zst|gz))$/, `-${digest}$1`);
}

export const codecOf = (key: string): Codec => (key.endsWith(".gz") ? "gzip" : "zstd");

/** @param digest absent in keys of version 1 */
export function commitKey(writtenAt: Date, batch: BatchId, digest?: string): string {
  const suffix = digest === undefined ? "" : `-${digest}`;
  return `${commitMinutePrefix(writtenAt)}${batchName(batch)}${suffix}.json`;
}

/** Prefix of the commits written in this minute. Such prefixes sort by time. */
export function commitMinutePrefix(at: Date): string {
  return `${PREFIX.commits}${at.toISOString().slice(0, 16).replace(/[-T:]/g, "/")}/`;
}

const COMMIT_MINUTE = /^commits\/(\d{4})\/(\d\d)\/(\d\d)\/(\d\d)\/(\d\d)\//;

/** The minute that a commit's key begins with, whatever follows; undefined where there is none. */
export function commitMinute(key: string): Date | undefined {
  const match = COMMIT_MINUTE.exec(key);
  if (!match) return undefined;
  const [, year, month, date, hour, minute] = match;
  const at = new Date(`${year}-${month}-${date}T${hour}:${minute}:00Z`);
  return Number.isNaN(at.getTime()) ? undefined : at;
}

const SEGMENT_KEY = /^log\/(\d{20})\.ndjson\.zst$/;

/** Keys of the log's segments sort by their numbers, which begin with 1. */
export function segmentKey(segment: number): string {
  return `${PREFIX.log}${String(segment).padStart(20, "0")}.ndjson.zst`;
}

/** @returns undefined for what is no segment's key */
export function parseSegmentKey(key: string): number | undefined {
  const digits = SEGMENT_KEY.exec(key)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** What a commit's key says: its batch, the minute it was written in, and its digest, if it has one. */
export interface CommitKey extends BatchId {
  readonly writtenAt: Date;
  /** Absent in keys of version 1. */
  readonly digest?: string;
}

export const ORIGIN = String.raw`shardId-\d{12}|(?:fallback|reparse|window)-[A-Za-z0-9_.]+`;
const MINUTE = String.raw`(\d{4})\/(\d\d)\/(\d\d)\/(\d\d)\/(\d\d)`;
const COMMIT_KEY = new RegExp(
  String.raw`^commits\/${MINUTE}\/(${ORIGIN})-(\d+)-(\d+)(?:-([0-9a-f]{${DIGEST_DIGITS}}))?\.json$`,
);

/** @throws WireError BAD_KEY, also for a minute that no calendar has */
export function parseCommitKey(key: string): CommitKey {
  const match = COMMIT_KEY.exec(key);
  const [, year, month, date, hour, minute, origin, first, last, digest] = match ?? [];
  const writtenAt = new Date(`${year}-${month}-${date}T${hour}:${minute}:00Z`);
  if (Number.isNaN(writtenAt.getTime()) || !key.startsWith(commitMinutePrefix(writtenAt))) {
    throw new WireError("BAD_KEY", `not the key of a commit: ${key}`);
  }
  return {
    writtenAt,
    origin: origin!,
    firstSequenceNumber: first!,
    lastSequenceNumber: last!,
    ...(digest !== undefined && { digest }),
  };
}

/** Lines that got no row: those of a log type that were rejected, or records that could not be opened. */
export interface UnfiledKey extends BatchId {
  readonly kind: "rejected" | "quarantine";
  /** "" for quarantined records. */
  readonly type: string;
}

const UNFILED_KEY = new RegExp(
  String.raw`^(?:(rejected)\/type=([^/]+)|(quarantine))\/dt=\d{4}-\d\d-\d\d\/` +
    String.raw`(${ORIGIN})-(\d+)-(\d+)(?:-[0-9a-f]+)?\.ndjson\.(?:zst|gz)$`,
);

/** @returns undefined for the key of anything else */
export function parseUnfiledKey(key: string): UnfiledKey | undefined {
  const [, rejected, type = "", , origin, firstSequenceNumber, lastSequenceNumber] =
    UNFILED_KEY.exec(key) ?? [];
  if (origin === undefined) return undefined;
  const kind = rejected === undefined ? "quarantine" : "rejected";
  return {
    kind,
    type,
    origin,
    firstSequenceNumber: firstSequenceNumber!,
    lastSequenceNumber: lastSequenceNumber!,
  };
}

/**
 * The batch that the lines of an object are filed anew as: known by the object's key alone, so whoever does it again
 * writes the same batch. It lies where the object's batch lies, between the same sequence numbers.
 */
export function reparseBatch(key: string, object: BatchId): BatchId {
  const { firstSequenceNumber, lastSequenceNumber } = object;
  return { origin: `reparse-${objectDigest(Buffer.from(key))}`, firstSequenceNumber, lastSequenceNumber };
}

function linesName(batch: BatchId, digest: string, codec: Codec): string {
  return `${batchName(batch)}-${digest}.ndjson.${SUFFIX[codec]}`;
}

function day(at: Date): string {
  return at.toISOString().slice(0, 10);
}
