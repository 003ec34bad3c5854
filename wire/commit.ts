import * as z from "zod";
import { toDotPath } from "zod/v4/core";
import { ORIGIN } from "./keys.ts";
import { COMMIT_MAX_BYTES } from "./limits.ts";
import { GAP_REASONS } from "./provenance.ts";
import { WireError } from "./wire-error.ts";

/**
 * A commit is written last, once every object of its batch is in the lake. What no commit names does
 * not exist: the loader, the audit and the replay all start from commits.
 *
 * Ranges are half-open byte ranges [from, to) of a source, as delivered in this batch. Times are ISO
 * 8601 in UTC.
 *
 * Readers drop fields that they do not know, so a later version may add some. It must not change what a field
 * of an earlier one means, and that earlier one's readers go on reading it.
 */

const count = z.int().min(0);
/** One check for all ranges of a source: as tuples they would cost more than all the rest of a commit. */
const ranges = z.custom<[from: number, to: number][]>(
  (value) => Array.isArray(value) && value.every(isRange),
  "not pairs of offsets",
);
const instant = z.iso.datetime();
const sequenceNumber = z.string().regex(/^\d+$/);

const lakeObject = z.object({
  kind: z.enum(["data", "rejected", "quarantine"]),
  /** "" for quarantined records: nobody knows. */
  type: z.string(),
  key: z.string(),
  bytes: count,
  /** Lines of the object: rows, rejected lines, or quarantined records. */
  rows: count,
  /** First and last event time of the rows. */
  from: instant.optional(),
  to: instant.optional(),
});

const gap = z.object({
  from: count,
  to: count,
  reason: z.enum(GAP_REASONS),
  lines: count,
  /** Of reason earlier-identity: the source that these bytes were delivered as. */
  source: z.string().optional(),
});

/** Ranges of one source by one host. There are several of one id where more than one host claims it. */
const sourceRanges = z.object({
  id: z.string(),
  host: z.string(),
  path: z.string(),
  /** Merged ranges of the events in this batch, their gaps not included. */
  ranges,
  gaps: z.array(gap),
  /** Log types that have at least one line, in rows or in rejects, from these ranges. */
  types: z.array(z.string()),
  /**
   * Lines that claim bytes which a line before them in this batch claims, and are not that line come again. All of
   * them are in the objects, so such a source has to be compared when it is loaded.
   */
  conflicts: count,
});

/** lines = rows + rejected + filtered + duplicates, in every commit of a router. */
const typeCounts = z.object({
  lines: count,
  /** Source bytes of the lines, line feeds included; data bytes where there is no source. */
  bytes: count,
  rows: count,
  rejected: count,
  filtered: count,
  /** Lines that an earlier record of this same batch had brought already. */
  duplicates: count,
  /** Of the rows, those without provenance: their identity is the record they came in. */
  foreignRows: count,
  /** Of the lines, those that have come as copies of another type's; absent where there are none. */
  copies: count.optional(),
  /** Lines that an earlier commit rejected under this type, and that this one files anew. */
  reparsed: count,
});

/**
 * An object whose lines this commit files anew, after the configuration was mended. They are not where an earlier
 * commit counted them any more.
 */
const consumedObject = z.object({
  kind: z.enum(["rejected", "quarantine"]),
  /** Under which its lines had been rejected; "" for quarantined records. */
  type: z.string(),
  /** As an earlier commit names it, whatever an erasure has left in its place. */
  key: z.string(),
  /** Lines or records that were read of it. */
  rows: count,
  /** Of its records, and of its lines without provenance: their identity names it. Absent where there are none. */
  shardId: z.string().optional(),
});

export const commitSchema = z.object({
  version: z.int().min(2),
  /** batchName() of the batch: commits with one id are of the same batch, delivered more than once. */
  batchId: z.string(),
  origin: z.string().regex(new RegExp(`^(?:${ORIGIN})$`)),
  firstSequenceNumber: sequenceNumber,
  lastSequenceNumber: sequenceNumber,
  /** Fingerprint of the configuration that the batch was routed by; "" where none was told. */
  config: z.string().regex(/^(?:[0-9a-f]{12})?$/),
  arrivedFrom: instant,
  arrivedTo: instant,
  /** Kinesis records, and the events in them. */
  records: count,
  userRecords: count,
  /** Records that could not be opened, or say more than a batch should hold. */
  quarantined: count,
  /** Bytes of the Kinesis records as they came. */
  bytes: count,
  objects: z.array(lakeObject),
  sources: z.array(sourceRanges),
  types: z.record(z.string(), typeCounts),
  /** Present in commits of reparses, with one object each: see docs/record-format.md. */
  consumed: z.array(consumedObject).optional(),
});

/** What routers wrote before keys had digests. Lakes keep such commits for ever. */
const commit1Schema = z.object({
  ...commitSchema.omit({ origin: true, config: true, quarantined: true, consumed: true }).shape,
  version: z.literal(1),
  shardId: commitSchema.shape.origin,
  sources: z.array(sourceRanges.omit({ conflicts: true })),
  types: z.record(z.string(), typeCounts.omit({ copies: true, reparsed: true })),
});

export type Commit = z.output<typeof commitSchema>;
export type LakeObject = Commit["objects"][number];
export type SourceRanges = Commit["sources"][number];
export type TypeCounts = Commit["types"][string];

/** The counts of a type of which nothing has come yet, for adding up. */
export function noLines(): { -readonly [K in keyof TypeCounts]: TypeCounts[K] } {
  return {
    lines: 0,
    bytes: 0,
    rows: 0,
    rejected: 0,
    filtered: 0,
    duplicates: 0,
    foreignRows: 0,
    reparsed: 0,
  };
}

/**
 * Reads a commit of any version, in the shape of the present one.
 *
 * @param key named in the error
 * @throws WireError BAD_COMMIT, also for one that is too large to be read whole
 */
export function parseCommit(json: string, key: string): Commit {
  assertCommitSize(json.length, key);
  try {
    return commitOf(JSON.parse(json));
  } catch (cause) {
    throw new WireError("BAD_COMMIT", `${key} is not a commit: ${problemOf(cause)}`, undefined, { cause });
  }
}

const PROBLEM_CHARS = 200;

/** The first field at fault, or why it is no JSON. */
function problemOf(cause: unknown): string {
  const [issue] = cause instanceof z.ZodError ? cause.issues : [];
  const field = issue === undefined || issue.path.length === 0 ? "" : `${toDotPath(issue.path)}: `;
  return `${field}${issue?.message ?? (cause as Error).message}`.slice(0, PROBLEM_CHARS);
}

/** Called before a commit is read, where its size is known. @throws WireError BAD_COMMIT */
export function assertCommitSize(bytes: number, key: string): void {
  if (bytes <= COMMIT_MAX_BYTES) return;
  throw new WireError("BAD_COMMIT", `${key} has ${bytes} bytes, and a commit at most ${COMMIT_MAX_BYTES}`);
}

function isRange(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && value.every(isOffset);
}

function isOffset(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function commitOf(value: unknown): Commit {
  const isVersion1 = (value as { version?: unknown } | null)?.version === 1;
  return isVersion1 ? upgraded(commit1Schema.parse(value)) : commitSchema.parse(value);
}

/** A commit of version 1 says the same in fewer words. */
function upgraded({ shardId, sources, types, ...commit }: z.output<typeof commit1Schema>): Commit {
  const { objects } = commit;
  return {
    ...commit,
    version: 2,
    origin: shardId,
    config: "",
    quarantined: objects.reduce((sum, { kind, rows }) => sum + (kind === "quarantine" ? rows : 0), 0),
    sources: sources.map((source) => ({ ...source, conflicts: 0 })),
    types: Object.fromEntries(
      Object.entries(types).map(([type, counts]) => [type, { ...counts, reparsed: 0 }]),
    ),
  };
}
