import { compareSequenceNumbers } from "../../wire/sequence-number.ts";
import type { CommitRef } from "./commit-ref.ts";
import type { Coverage } from "./sequence-intervals.ts";

/** What commits say of one shard, or of another origin of batches. */
export interface ShardSum {
  readonly origin: string;
  /** Batches that did not come before. */
  batches: number;
  records: number;
  /** Commits of batches that came before, or that are a part of one. */
  repeated: number;
  /** Batches of which some records came before, and some may not. */
  overlapping: number;
  firstSequenceNumber: string;
  lastSequenceNumber: string;
  arrivedFrom: string;
  arrivedTo: string;
}

/** A reparse has an origin for each object: they are one here. */
const MAX_ORIGINS = 20_000;
const OTHERS = "others";
const ACTIVE_MS = 86_400_000;

export class Shards {
  readonly #origins = new Map<string, ShardSum>();

  add(ref: CommitRef, records: number, coverage: Coverage): void {
    const sum = this.#sumOf(ref);
    if (coverage === "covered") sum.repeated++;
    else {
      sum.batches++;
      sum.records += records;
      if (coverage === "overlapping") sum.overlapping++;
    }
    if (compareSequenceNumbers(ref.lastSequenceNumber, sum.lastSequenceNumber) > 0) {
      sum.lastSequenceNumber = ref.lastSequenceNumber;
    }
    if (ref.arrivedFrom < sum.arrivedFrom) {
      sum.arrivedFrom = ref.arrivedFrom;
      sum.firstSequenceNumber = ref.firstSequenceNumber;
    }
    if (ref.arrivedTo > sum.arrivedTo) sum.arrivedTo = ref.arrivedTo;
  }

  #sumOf(ref: CommitRef): ShardSum {
    const isOther = !ref.origin.startsWith("shardId-");
    const name = isOther ? ref.origin.replace(/-.*/s, "") : ref.origin;
    const origin = this.#origins.size < MAX_ORIGINS || this.#origins.has(name) ? name : OTHERS;
    let sum = this.#origins.get(origin);
    if (sum === undefined) {
      const { firstSequenceNumber, lastSequenceNumber, arrivedFrom, arrivedTo } = ref;
      const none = { batches: 0, records: 0, repeated: 0, overlapping: 0 };
      sum = { origin, ...none, firstSequenceNumber, lastSequenceNumber, arrivedFrom, arrivedTo };
      this.#origins.set(origin, sum);
    }
    return sum;
  }

  get all(): readonly ShardSum[] {
    return [...this.#origins.values()].toSorted((a, b) => (a.origin < b.origin ? -1 : 1));
  }

  /** Shards that had records between two times. */
  between(from: string, to: string): string[] {
    return this.all
      .filter(
        ({ origin, arrivedFrom, arrivedTo }) => isShard(origin) && arrivedFrom <= to && arrivedTo >= from,
      )
      .map(({ origin }) => origin);
  }

  /**
   * The time up to which all that arrived is in commits: batches of a shard come in order. Shards of which nothing has
   * come for a day are left aside, since they may be closed.
   */
  get reached(): string {
    const last = this.all.filter(({ origin }) => isShard(origin)).map(({ arrivedTo }) => arrivedTo);
    const newest = last.reduce((latest, at) => (at > latest ? at : latest), "");
    if (newest === "") return "";
    const active = new Date(Date.parse(newest) - ACTIVE_MS).toISOString();
    return last.reduce((earliest, at) => (at > active && at < earliest ? at : earliest), newest);
  }
}

const isShard = (origin: string): boolean => origin.startsWith("shardId-");
