import { createHash } from "node:crypto";
import type { Commit } from "../../wire/commit.ts";
import { batchName, parseCommitKey } from "../../wire/keys.ts";
import { compareSequenceNumbers, padSequenceNumber } from "../../wire/sequence-number.ts";

/** Room in weir.commits. An origin names its shard, and, since there are others, them in the same column. */
const SHARD_ID_MAX_CHARS = 32;
const BATCH_ID_MAX_CHARS = 300;

/** A commit's row in weir.commits. */
export function ledgerCommit(commit: Commit, types: readonly string[]): object {
  return {
    batch_id: fitted(batchName(commit), BATCH_ID_MAX_CHARS),
    shard_id: fitted(shardOf(commit), SHARD_ID_MAX_CHARS),
    first_seq: padSequenceNumber(commit.firstSequenceNumber),
    last_seq: padSequenceNumber(commit.lastSequenceNumber),
    rows: counted(commit, types, "rows"),
    foreign_rows: counted(commit, types, "foreignRows"),
    arrived_from: timestamp(commit.arrivedFrom),
    arrived_to: timestamp(commit.arrivedTo),
  };
}

/** The shard that rows without provenance name, whatever batch has brought them: lines that are filed anew are another's. */
function shardOf({ origin, consumed = [] }: Commit): string {
  return consumed.find(({ shardId }) => shardId !== undefined)?.shardId ?? origin;
}

const counted = (commit: Commit, types: readonly string[], of: "rows" | "foreignRows"): number =>
  types.reduce((sum, type) => sum + (commit.types[type]?.[of] ?? 0), 0);

/** Whether a commit has rows without provenance of some of these types. */
export const hasForeignRows = (commit: Commit, types: readonly string[]): boolean =>
  counted(commit, types, "foreignRows") > 0;

/** Redshift's own form, to the millisecond: rows' _arrived_at is compared with it. */
export const timestamp = (iso: string): string => new Date(iso).toISOString().slice(0, 23).replace("T", " ");

/** Names of the same length or less: what does not fit ends in a hash, so that names stay apart. */
function fitted(name: string, maxChars: number): string {
  if (name.length <= maxChars) return name;
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 16);
  return `${name.slice(0, maxChars - hash.length - 1)}~${hash}`;
}

interface ForeignBatch {
  readonly shard: string;
  readonly first: string;
  readonly last: string;
}

/** The batches of a load: which of them come again, and whose rows without provenance overlap. */
export class LedgerBatches {
  readonly #contents = new Set<string>();
  readonly #foreign: ForeignBatch[] = [];

  /** @returns false for a batch that came before with the same content: its router wrote it twice */
  add(key: string, commit: Commit, types: readonly string[]): boolean {
    const content = `${batchName(commit)}-${parseCommitKey(key).digest ?? contentHash(commit)}`;
    if (this.#contents.has(content)) return false;
    this.#contents.add(content);
    if (hasForeignRows(commit, types)) {
      const { firstSequenceNumber: first, lastSequenceNumber: last } = commit;
      this.#foreign.push({ shard: shardOf(commit), first, last });
    }
    return true;
  }

  /** Rows without provenance are known by the shard and sequence number of their record. */
  get foreignOverlap(): boolean {
    const sorted = this.#foreign.toSorted(
      (a, b) => a.shard.localeCompare(b.shard) || compareSequenceNumbers(a.first, b.first),
    );
    return sorted.some(({ shard, first }, i) => {
      const last = sorted[i - 1];
      return last?.shard === shard && compareSequenceNumbers(first, last.last) <= 0;
    });
  }
}

/** Stands for the digest that keys of version 1 lack. */
function contentHash({ objects, sources, types }: Commit): string {
  return createHash("sha256")
    .update(JSON.stringify([objects, sources, types]))
    .digest("hex");
}
