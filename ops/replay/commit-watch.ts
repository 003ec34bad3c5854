import { listCommits } from "../../lambdas/commit-log/commit-listing.ts";
import { commitMinute, commitMinutePrefix, parseCommitKey } from "../../wire/keys.ts";
import { WireError } from "../../wire/wire-error.ts";
import type { Place } from "../access/place.ts";
import { readCommits } from "../commits/read-commits.ts";
import { CommittedRecords } from "./committed-records.ts";

/** Clocks of this machine and of the router's differ by no more: AWS would refuse the requests of one of them. */
const CLOCKS_MS = 20 * 60_000;

/** From a commit's name to its being there: puts are given up after seconds. */
const WRITING_MS = 2 * 60_000;

/** Another command, or the mapping, may commit what is about to be replayed. */
const REFRESH_MS = 2_000;

/** What is committed of some shards, and what comes to it. */
export class CommitWatch {
  readonly records = new CommittedRecords();
  readonly #place: Pick<Place, "s3" | "bucket" | "title">;
  readonly #shards: ReadonlySet<string>;
  readonly #unreadable: string[] = [];
  #listedFrom: Date;
  #refreshedAtMs = -Infinity;
  #config = "";

  private constructor(place: Pick<Place, "s3" | "bucket" | "title">, shards: ReadonlySet<string>) {
    this.#place = place;
    this.#shards = shards;
    this.#listedFrom = new Date(Date.now() - CLOCKS_MS);
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

  /** Looks for new commits; their names say what they cover. @param now even if it has only just been done */
  async refresh(now: boolean = false): Promise<void> {
    if (!now && Date.now() < this.#refreshedAtMs + REFRESH_MS) return;
    const { s3, bucket } = this.#place;
    let latest: Date | undefined;
    for await (const page of listCommits(s3, bucket, commitMinutePrefix(this.#listedFrom))) {
      for (const { key } of page) {
        latest = commitMinute(key) ?? latest;
        this.#add(key);
      }
    }
    this.#refreshedAtMs = Date.now();
    if (latest) this.#listedFrom = new Date(Math.max(+this.#listedFrom, +latest - WRITING_MS));
  }

  #add(key: string): void {
    try {
      const { origin, firstSequenceNumber, lastSequenceNumber } = parseCommitKey(key);
      if (this.#shards.has(origin)) this.records.add(origin, firstSequenceNumber, lastSequenceNumber);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
    }
  }
}
