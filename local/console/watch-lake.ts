import { setTimeout as sleep } from "node:timers/promises";
import type { S3Client } from "@aws-sdk/client-s3";
import { CommitLog } from "../../lambdas/commit-log/commit-log.ts";
import { type Cursor, LOG_BEGINNING } from "../../lambdas/commit-log/cursor.ts";
import { type Commit, type LakeObject, noLines } from "../../wire/commit.ts";
import { HEARTBEAT_TYPE } from "../../wire/log-type.ts";
import type { RejectedLine } from "../../wire/reject.ts";
import { RangeSet } from "../../wire/ranges.ts";
import { Lake } from "../reconcile/lake.ts";
import type { News } from "../news.ts";
import { bringsBytes } from "../reconcile/coverage.ts";
import { extents } from "../reconcile/overlap.ts";
import type { FileTruth } from "../reconcile/truth.ts";
import { type RejectPlace, RejectPlaces } from "./reject-places.ts";
import type { RejectView, Snapshot, TypeFlow } from "./snapshot.ts";

/** An object that a commit names, as the page lists it. */
export interface ListedObject {
  readonly kind: LakeObject["kind"];
  readonly type: string;
  readonly key: string;
  readonly bytes: number;
  /** Rows, rejected lines or records. */
  readonly rows: number;
  /** Time at which the last record of its batch had come to the stream. */
  readonly arrivedTo: string;
}

/** Objects that are listed; the ones before them are in S3, where everything is. */
const LISTED_OBJECTS = 200;

/**
 * The lake's totals while it grows, from the log of its commits.
 *
 * Lines that several batches brought are not told apart here, as the reconciliation does at the end.
 */
export class LakeTotals {
  readonly #lake: Lake;
  readonly #log: CommitLog;
  readonly #batches = new Set<string>();
  readonly #types = new Map<string, Omit<TypeFlow, "loaded">>();
  readonly #sources = new Map<string, { types: Set<string>; accounted: RangeSet }>();
  readonly rejectPlaces = new RejectPlaces();
  readonly #latestOfType = new Map<string, string>();
  readonly #latest: ListedObject[] = [];
  #cursor: Cursor = LOG_BEGINNING;
  #objects = 0;
  #bytes = 0;
  #quarantined = 0;
  /** Over all commits: Kinesis records, and the user records in them. */
  records = 0;
  userRecords = 0;

  constructor(lake: Lake, log: CommitLog) {
    this.#lake = lake;
    this.#log = log;
  }

  /** Reads on in the log; a commit that nobody can read is passed over. @returns how many batches were new */
  async refresh(signal?: AbortSignal): Promise<number> {
    const before = this.#batches.size;
    for await (const entry of this.#log.read(this.#cursor, { ...(signal && { signal }) })) {
      if ("commit" in entry && !this.#batches.has(entry.commit.batchId)) {
        const rejects = await this.#readRejects(entry.commit);
        // Nothing is counted before everything is read: a round that fails is repeated from this commit.
        this.#batches.add(entry.commit.batchId);
        this.#add(entry.commit);
        for (const { line, place } of rejects) this.rejectPlaces.add(line, place);
      }
      this.#cursor = entry.next;
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
    return this.rejectPlaces.views;
  }

  /** Newest first. */
  get latestObjects(): readonly ListedObject[] {
    return this.#latest.toReversed();
  }

  /** Key of the newest object with rows of a type. */
  latestData(type: string): string | undefined {
    return this.#latestOfType.get(type);
  }

  /** True once some source of the type accounts for a whole file of this size. */
  holds(type: string, { bytes }: FileTruth): boolean {
    return [...this.#sources.values()].some(
      ({ types, accounted }) => types.has(type) && accounted.end === bytes && accounted.covers(0, bytes),
    );
  }

  #add(commit: Commit): void {
    const { types, objects, sources, records, userRecords, quarantined, consumed = [] } = commit;
    this.records += records;
    this.userRecords += userRecords;
    this.#quarantined += quarantined;
    for (const { kind, rows } of consumed) if (kind === "quarantine") this.#quarantined -= rows;
    this.#objects += objects.length;
    for (const { kind, type, key, bytes, rows } of objects) {
      this.#bytes += bytes;
      if (kind === "data") this.#latestOfType.set(type, key);
      this.#latest.push({ kind, type, key, bytes, rows, arrivedTo: commit.arrivedTo });
    }
    this.#latest.splice(0, this.#latest.length - LISTED_OBJECTS);
    for (const [type, counts] of Object.entries(types)) {
      if (type === HEARTBEAT_TYPE) continue;
      const sum = this.#types.get(type) ?? noLines();
      this.#types.set(type, {
        lines: sum.lines + counts.lines - counts.reparsed,
        bytes: sum.bytes + counts.bytes,
        rows: sum.rows + counts.rows,
        rejected: sum.rejected + counts.rejected - counts.reparsed,
        filtered: sum.filtered + counts.filtered,
        duplicates: sum.duplicates + counts.duplicates,
      });
    }
    for (const said of sources) {
      const source = this.#sources.get(said.id) ?? { types: new Set(), accounted: new RangeSet() };
      for (const type of said.types) source.types.add(type);
      if (bringsBytes(commit)) for (const [from, to] of extents(said)) source.accounted.add(from, to);
      this.#sources.set(said.id, source);
    }
  }

  async #readRejects({ objects }: Commit): Promise<{ line: RejectedLine; place: RejectPlace }[]> {
    const lines: { line: RejectedLine; place: RejectPlace }[] = [];
    for (const { key, kind } of objects) {
      if (kind !== "rejected") continue;
      let index = 0;
      for await (const line of this.#lake.rejected(key)) lines.push({ line, place: { key, index: index++ } });
    }
    return lines;
  }
}

/**
 * Keeps totals of the commits in a bucket up to date until the signal.
 *
 * @param news of the log: it is not looked at without any
 * @param onError told when S3 did not answer; the next round tries again
 */
export function watchLake(
  s3: S3Client,
  bucket: string,
  {
    everyMs = 1_000,
    news,
    signal,
    onError,
  }: { everyMs?: number; news: News; signal: AbortSignal; onError?: (error: unknown) => void },
): { readonly totals: LakeTotals; readonly ended: Promise<void> } {
  const totals = new LakeTotals(new Lake(s3, bucket, signal), new CommitLog(s3, bucket));
  const watch = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        if (news.take()) await totals.refresh(signal);
      } catch (error) {
        news.come();
        if (!signal.aborted) onError?.(error);
      }
      await sleep(everyMs, undefined, { signal }).catch(() => undefined);
    }
  };
  return { totals, ended: watch() };
}
