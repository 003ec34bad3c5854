import { setTimeout as sleep } from "node:timers/promises";
import type { S3Client } from "@aws-sdk/client-s3";
import { type Commit, noLines } from "../../wire/commit.ts";
import { batchName, commitMinutePrefix, parseCommitKey, PREFIX } from "../../wire/keys.ts";
import { HEARTBEAT_TYPE } from "../../wire/log-type.ts";
import type { RejectedLine } from "../../wire/reject.ts";
import { RangeSet } from "../../wire/ranges.ts";
import { Lake } from "../reconcile/lake.ts";
import { extents } from "../reconcile/overlap.ts";
import type { FileTruth } from "../reconcile/truth.ts";
import type { RejectView, Snapshot, TypeFlow } from "./snapshot.ts";

/** A commit may appear this long after the minute in its key; earlier minutes are not listed again. */
const LATE_COMMIT_MS = 2 * 60_000;

/**
 * The lake's totals while it grows, from its commits.
 *
 * Lines that several batches brought are not told apart here, as the reconciliation does at the end.
 */
export class LakeTotals {
  readonly #lake: Lake;
  readonly #batches = new Set<string>();
  readonly #types = new Map<string, Omit<TypeFlow, "loaded">>();
  readonly #sources = new Map<string, { types: Set<string>; accounted: RangeSet }>();
  readonly #rejects = new Map<string, RejectView>();
  #newestMs = 0;
  #objects = 0;
  #bytes = 0;
  #quarantined = 0;
  /** Over all commits: Kinesis records, and the user records in them. */
  records = 0;
  userRecords = 0;

  constructor(lake: Lake) {
    this.#lake = lake;
  }

  /** Reads the commits that are new; only the last minutes are listed. @returns how many there were */
  async refresh(): Promise<number> {
    const before = this.#batches.size;
    const since = new Date(Math.max(0, this.#newestMs - LATE_COMMIT_MS));
    for await (const key of this.#lake.list(
      PREFIX.commits,
      this.#newestMs > 0 ? commitMinutePrefix(since) : undefined,
    )) {
      const { writtenAt, ...batch } = parseCommitKey(key);
      this.#newestMs = Math.max(this.#newestMs, writtenAt.getTime());
      const batchId = batchName(batch);
      if (this.#batches.has(batchId)) continue;
      const commit = await this.#lake.commit(key);
      const rejects = await this.#readRejects(commit);
      // Nothing is counted before everything is read: a round that fails is repeated whole.
      this.#batches.add(batchId);
      this.#add(commit);
      for (const reject of rejects) this.#addReject(reject);
    }
    return this.#batches.size - before;
  }

  get lake(): Snapshot["lake"] {
    return {
      commits: this.#batches.size,
      objects: this.#objects,
      bytes: this.#bytes,
      quarantined: this.#quarantined,
    };
  }

  /** By log type, without heartbeats. */
  get types(): Readonly<Record<string, Omit<TypeFlow, "loaded">>> {
    return Object.fromEntries(this.#types);
  }

  /** Most frequent first. */
  get rejects(): RejectView[] {
    return [...this.#rejects.values()].sort((a, b) => b.count - a.count);
  }

  /** True once some source of the type accounts for a whole file of this size. */
  holds(type: string, { bytes }: FileTruth): boolean {
    return [...this.#sources.values()].some(
      ({ types, accounted }) => types.has(type) && accounted.end === bytes && accounted.covers(0, bytes),
    );
  }

  #add({ types, objects, sources, records, userRecords, quarantined }: Commit): void {
    this.records += records;
    this.userRecords += userRecords;
    this.#quarantined += quarantined;
    this.#objects += objects.length;
    for (const { bytes } of objects) this.#bytes += bytes;
    for (const [type, counts] of Object.entries(types)) {
      if (type === HEARTBEAT_TYPE) continue;
      const sum = this.#types.get(type) ?? noLines();
      this.#types.set(type, {
        lines: sum.lines + counts.lines,
        bytes: sum.bytes + counts.bytes,
        rows: sum.rows + counts.rows,
        rejected: sum.rejected + counts.rejected,
        filtered: sum.filtered + counts.filtered,
        duplicates: sum.duplicates + counts.duplicates,
      });
    }
    for (const said of sources) {
      const source = this.#sources.get(said.id) ?? { types: new Set(), accounted: new RangeSet() };
      for (const type of said.types) source.types.add(type);
      for (const [from, to] of extents(said)) source.accounted.add(from, to);
      this.#sources.set(said.id, source);
    }
  }

  async #readRejects({ objects }: Commit): Promise<RejectedLine[]> {
    const lines: RejectedLine[] = [];
    for (const { key, kind } of objects) {
      if (kind === "rejected") for await (const line of this.#lake.rejected(key)) lines.push(line);
    }
    return lines;
  }

  #addReject({ type, reason, field, detail }: RejectedLine): void {
    const id = JSON.stringify([type, reason, field]);
    const count = (this.#rejects.get(id)?.count ?? 0) + 1;
    this.#rejects.set(id, { type, reason, field, count, detail });
  }
}

/**
 * Keeps totals of the commits in a bucket up to date until the signal.
 *
 * @param onError told when S3 did not answer; the next round tries again
 */
export function watchLake(
  s3: S3Client,
  bucket: string,
  {
    everyMs = 1_000,
    signal,
    onError,
  }: { everyMs?: number; signal: AbortSignal; onError?: (error: unknown) => void },
): { readonly totals: LakeTotals; readonly ended: Promise<void> } {
  const totals = new LakeTotals(new Lake(s3, bucket, signal));
  const watch = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        await totals.refresh();
      } catch (error) {
        if (!signal.aborted) onError?.(error);
      }
      await sleep(everyMs, undefined, { signal }).catch(() => undefined);
    }
  };
  return { totals, ended: watch() };
}
