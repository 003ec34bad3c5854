import type { Commit } from "../../../wire/commit.ts";
import { keyDigest } from "../../../wire/segment.ts";

/** What is to be filed anew. */
export interface Wanted {
  /** Log types, present or former names, whose rejected lines are meant; undefined for quarantined records. */
  readonly types: ReadonlySet<string> | undefined;
  /** Of arrival: some of a batch may be earlier, or later. */
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
}

/** Lines without rows, or records that could not be opened, that nobody has filed anew. */
export interface UnfiledObject {
  readonly key: string;
  readonly type: string;
  /** Lines, or records. */
  readonly rows: number;
  readonly arrivedFrom: string;
  readonly arrivedTo: string;
  /** Fingerprint of the configuration that it was routed by. */
  readonly config: string;
}

/**
 * Finds what commits name and none has consumed. Of several commits of a batch the first is the one that counts: what
 * another one rejects may be rows of that.
 */
export class UnfiledObjects {
  readonly #wanted: Wanted;
  readonly #batches = new Set<string>();
  readonly #consumed = new Set<string>();
  readonly #objects = new Map<string, UnfiledObject>();
  /** Rejected lines of every type. */
  readonly #lines = new Map<string, number>();
  /** Fingerprint of the configuration that the latest batch of a shard was routed by. */
  config = "";

  constructor(wanted: Wanted) {
    this.#wanted = wanted;
  }

  take(commit: Commit): void {
    const { batchId, arrivedFrom, arrivedTo, config, objects, consumed = [], types } = commit;
    const batch = keyDigest(batchId);
    if (this.#batches.has(batch)) return;
    this.#batches.add(batch);
    if (consumed.length === 0) this.config = config;
    for (const { key } of consumed) {
      this.#consumed.add(key);
      this.#objects.delete(key);
    }
    for (const [type, { rejected, reparsed }] of Object.entries(types)) {
      this.#lines.set(type, (this.#lines.get(type) ?? 0) + rejected - reparsed);
    }
    if (!this.#isTime(arrivedFrom, arrivedTo)) return;
    for (const { kind, type, key, rows } of objects) {
      const isWanted = this.#wanted.types
        ? kind === "rejected" && this.#wanted.types.has(type)
        : kind === "quarantine";
      if (!isWanted || rows === 0 || this.#consumed.has(key)) continue;
      this.#objects.set(key, { key, type, rows, arrivedFrom, arrivedTo, config });
    }
  }

  #isTime(arrivedFrom: string, arrivedTo: string): boolean {
    const { since, until } = this.#wanted;
    return (
      (since === undefined || new Date(arrivedTo) >= since) &&
      (until === undefined || new Date(arrivedFrom) < until)
    );
  }

  /** By arrival. */
  get objects(): UnfiledObject[] {
    return [...this.#objects.values()].sort((a, b) => (a.arrivedFrom < b.arrivedFrom ? -1 : 1));
  }

  /** Types that have rejected lines, with how many. */
  get types(): [type: string, lines: number][] {
    return [...this.#lines].filter(([, lines]) => lines > 0).sort(([a], [b]) => (a < b ? -1 : 1));
  }
}
