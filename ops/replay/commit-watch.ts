import { listCommits } from "../../lambdas/commit-log/commit-listing.ts";
import { commitMinute, commitMinutePrefix, parseCommitKey } from "../../wire/keys.ts";
import { WireError } from "../../wire/wire-error.ts";
import type { Place } from "../access/place.ts";
import { readCommits } from "../commits/read-commits.ts";
import { CommittedRecords } from "./committed-records.ts";

/**
 * A commit is named by the minute in which its objects began to be written, by the router's clock: an invocation lasts
 * for a quarter of an hour at most, and AWS refuses requests of a clock that is much further off.
 */
const LONGEST_MS = 35 * 60_000;

/** Mostly, with the time-out of the configuration's default. */
const USUAL_MS = 4 * 60_000;

/** Another command, or the mapping, may commit what is about to be replayed. */
const REFRESH_MS = 2_000;
/** Part of the time that looking for commits may take, where many are written. */
const REFRESH_SHARE = 10;

/** What is committed of some shards, and what comes to it. */
export class CommitWatch {
  readonly records = new CommittedRecords();
  readonly #place: Pick<Place, "s3" | "bucket" | "title">;
  readonly #shards: ReadonlySet<string>;
  readonly #unreadable: string[] = [];
  readonly #openedAtMs = Date.now();
  /** Of the latest commit's name. */
  #latestMs = -Infinity;
  #refreshAtMs = -Infinity;
  #config = "";

  private constructor(place: Pick<Place, "s3" | "bucket" | "title">, shards: ReadonlySet<string>) {
    this.#place = place;
    this.#shards = shards;
  }

  /**
   * @param since nothing wanted was committed before
   * @param onSegment told of each segment of the log before it is read, and of the last one
   */
  static async open(
    place: Pick<Place, "s3" | "bucket" | "title">,
    shards: ReadonlySet<string>,
    since: Date,
    onSegment: (segment: number, last: number) => void = () => {},
  ): Promise<CommitWatch> {
    const watch = new CommitWatch(place, shards);
    for await (const found of readCommits(place, { since, onSegment })) {
      if ("error" in found) {
        watch.#unreadable.push(`${found.key}: ${found.error.message}`);
        continue;
      }
      const { origin, firstSequenceNumber, lastSequenceNumber, records, config } = found.commit;
      if (config !== "") watch.#config = config;
      if (shards.has(origin)) watch.records.add(origin, firstSequenceNumber, lastSequenceNumber, records);
    }
    return watch;
  }

  /** Commits, or segments of the log, that say nothing: what they cover comes again. */
  get unreadable(): readonly string[] {
    return this.#unreadable;
  }

  /** Fingerprint of the configuration of the latest commit; "" where there is none. */
  get config(): string {
    return this.#config;
  }

  /** Looks for new commits, unless it has only just been done. */
  async refresh(): Promise<void> {
    if (Date.now() < this.#refreshAtMs) return;
    const startedAtMs = Date.now();
    await this.lookFor();
    const tookMs = Date.now() - startedAtMs;
    this.#refreshAtMs = Date.now() + Math.max(REFRESH_MS, tookMs * REFRESH_SHARE);
  }

  /** Looks for new commits; their names say what they cover. @param thorough also such as took very long to write */
  async lookFor(thorough: boolean = false): Promise<void> {
    const { s3, bucket } = this.#place;
    const fromMs = Math.max(
      this.#openedAtMs - LONGEST_MS,
      this.#latestMs - (thorough ? LONGEST_MS : USUAL_MS),
    );
    for await (const page of listCommits(s3, bucket, commitMinutePrefix(new Date(fromMs)))) {
      for (const { key } of page) {
        this.#latestMs = Math.max(this.#latestMs, commitMinute(key)?.getTime() ?? -Infinity);
        this.#add(key);
      }
    }
  }

  #add(key: string): void {
    try {
      const { origin, firstSequenceNumber, lastSequenceNumber } = parseCommitKey(key);
      if (!this.#shards.has(origin)) return;
      // Each is listed many times.
      const interval = { first: BigInt(firstSequenceNumber), last: BigInt(lastSequenceNumber) };
      if (this.records.covers(origin, interval)) return;
      this.records.add(origin, firstSequenceNumber, lastSequenceNumber);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
    }
  }
}
