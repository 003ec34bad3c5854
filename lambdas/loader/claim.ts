import type { Commit } from "../../wire/commit.ts";
import { parseCommitKey } from "../../wire/keys.ts";
import type { SegmentHead } from "../../wire/segment.ts";
import type { LogEntry } from "../commit-log/commit-log.ts";
import type { Cursor } from "../commit-log/cursor.ts";
import { BeforeTheLog } from "./claimed-before.ts";
import { LoadPlan } from "./plan.ts";
import { appended, type Interval, minuteOf } from "./set-aside.ts";
import type { SetAside, TableState } from "./state.ts";
import { type Target, typesOf } from "./target.ts";

/** What one load takes, exceeded by one commit at most. */
export interface ClaimLimits {
  readonly maxCommits: number;
  /** Of compressed objects. */
  readonly maxBytes: number;
}

/** Of objects that have to be read before they are loaded, compressed: a tick is to end in time. */
const MAX_UNCOVERED_BYTES = 32 * 2 ** 20;

/** Something of the log that cannot be read, by the key of a commit or of a segment. */
export interface Unreadable {
  readonly key: string;
  readonly error: Error;
}

export type ReadCommit = { readonly commit: Commit } | { readonly error: Error };

/** What a table that has no load open takes of the log, from its cursor on. */
export class Claim {
  readonly target: Target;
  readonly plan: LoadPlan;
  readonly unreadable: Unreadable[] = [];
  readonly #limits: ClaimLimits;
  readonly #before: BeforeTheLog | undefined;
  readonly #from: Cursor;
  #state: TableState;

  constructor(target: Target, state: TableState, limits: ClaimLimits) {
    this.target = target;
    this.plan = new LoadPlan(target);
    this.#limits = limits;
    this.#before = state.before && new BeforeTheLog(state.before);
    this.#from = state.cursor;
    this.#state = { ...state, takes: [...typesOf(target)], backlog: false };
  }

  /** The table's, once all that is claimed is loaded. */
  get state(): TableState {
    return this.#state;
  }

  /** The interval of the log that it has read. */
  get log(): Interval {
    return { from: this.#from, to: this.#state.cursor };
  }

  get isFull(): boolean {
    const { plan } = this;
    if (plan.configs.uncoveredBytes >= MAX_UNCOVERED_BYTES) return true;
    return plan.size >= this.#limits.maxCommits || plan.bytes >= this.#limits.maxBytes;
  }

  /** Whether a segment may hold something for it, as far as the head tells. */
  wants(head: SegmentHead): boolean {
    if (this.#before?.hasAll(head)) return false;
    if (head.opaque > 0 || head.types === undefined) return true;
    return typesOf(this.target).some((type) => head.types!.includes(type));
  }

  /** Whether a commit is to be read, as far as its key tells. */
  wantsKey(key: string, head: SegmentHead): boolean {
    return this.#before?.has(key, head) !== true;
  }

  /** @param types of which rows are loaded: all that the table takes, or fewer */
  take(entry: LogEntry, read: ReadCommit, types?: readonly string[]): void {
    if ("commit" in read) {
      // What was held is wanted, whenever it arrived.
      if (types !== undefined || !this.#isBefore(read.commit)) this.plan.add(entry.key, read.commit, types);
    } else
      this.setAside({ from: entry.at, to: entry.next, ...minuteOf(entry.key) }, { key: entry.key, ...read });
  }

  /** Whether a commit arrived before the time that the table begins with. */
  #isBefore({ arrivedTo }: Commit): boolean {
    const { since } = this.#state;
    return since !== undefined && arrivedTo < since;
  }

  setAside(interval: Interval & Pick<SetAside, "oldestAt">, unreadable: Unreadable): void {
    this.unreadable.push(unreadable);
    this.putAside({ ...interval, count: 1 });
  }

  /** The interval that is to be tried again next, which it no longer has aside. */
  takeAside(): SetAside | undefined {
    const [first, ...setAside] = this.#state.setAside;
    this.#state = { ...this.#state, setAside };
    return first;
  }

  putAside(interval: SetAside): void {
    this.#state = { ...this.#state, setAside: appended(this.#state.setAside, interval) };
  }

  moveTo(cursor: Cursor): void {
    this.#state = { ...this.#state, cursor };
  }

  /** Called at the end of a segment, whether its entries were read or not. */
  leave(head: SegmentHead): void {
    this.moveTo({ segment: head.segment + 1, index: 0 });
    if (this.#before?.isPast(head) !== true) return;
    const { before: _, ...state } = this.#state;
    this.#state = state;
  }
}

/** @returns why, for what is not under the name of a commit, whatever it holds */
export function readCommit(entry: LogEntry): ReadCommit {
  try {
    parseCommitKey(entry.key);
    return entry;
  } catch (error) {
    return { error: error as Error };
  }
}
