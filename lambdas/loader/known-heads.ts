import type { SegmentHead } from "../../wire/segment.ts";
import type { CommitLog } from "../commit-log/commit-log.ts";
import type { ReadableLog } from "./read-log.ts";

/**
 * The log with what this tick has seen of it: tables, types and lag look at the same heads. The digests of keys, which are
 * most of a head, are not kept.
 */
export class KnownHeads implements ReadableLog {
  readonly read: ReadableLog["read"];
  readonly select: ReadableLog["select"];
  readonly #log: CommitLog;
  readonly #heads = new Map<number, SegmentHead>();

  constructor(log: CommitLog) {
    this.#log = log;
    this.read = (...args) => log.read(...args);
    this.select = (...args) => log.select(...args);
  }

  async head(segment: number): Promise<SegmentHead | undefined> {
    const known = this.#heads.get(segment);
    if (known) return known;
    const head = await this.#log.head(segment);
    if (head) this.#heads.set(segment, { ...head, keys: "" });
    return head;
  }
}
