import { compareCursors, type Cursor } from "../../lambdas/commit-log/cursor.ts";
import type { Commit } from "../../wire/commit.ts";
import type { TableSums } from "../../wire/loader-command.ts";
import { counted } from "../access/figures.ts";
import type { Finding } from "./finding.ts";

/** Rows of the lake that a table is for, and what became of them. */
export interface TableBalance {
  readonly table: string;
  readonly types: readonly string[];
  /** What the sums are of: all of the log, or what comes after a place of it. */
  readonly isWhole: boolean;
  /** lake = loaded + duplicates + setAside + skipped + gone + waiting + early */
  readonly lake: number;
  /** That loads have brought, whatever became of them in the table. */
  readonly loaded: number;
  /** Left out, since they are there already, or were erased before they came. */
  readonly duplicates: number;
  readonly setAside: number;
  readonly skipped: number;
  readonly gone: number;
  /** In no load that has ended: the loader will read them. */
  readonly waiting: number;
  /** Arrived before the time that the table begins with. */
  readonly early: number;
  /** Deleted by erasures, of all that were ever loaded. */
  readonly erased: number;
  /** In the table; undefined where there is none. */
  readonly rows: number | undefined;
}

/** How a commit's rows stand to those that came before. */
export interface RowsBefore {
  /** A batch that came before, or a part of one. */
  readonly isRepeated: boolean;
  /** Rows that may be there already. */
  readonly mayBeAgain: boolean;
  /** Rows that are there already, whatever the configuration. */
  readonly isAgain: boolean;
}

/** What one table should have of each commit, and whether ledger and table say so. */
export class TableAudit {
  readonly #sums: TableSums;
  /** Rows by where they are in the log, of the commits that the sums are of. */
  #expected = 0;
  #waiting = 0;
  #early = 0;
  /** Of the expected rows, those of commits whose batch came before: one load takes them once. */
  #repeated = 0;
  #mayBeAgain = 0;
  #again = 0;
  /** Rows that erasures have taken out of objects. */
  #erased = 0;

  constructor(sums: TableSums) {
    this.#sums = sums;
  }

  get table(): string {
    return this.#sums.table;
  }

  takes(type: string): boolean {
    return this.#sums.types.includes(type);
  }

  erase(type: string, rows: number): void {
    if (this.takes(type)) this.#erased += rows;
  }

  add({ types, arrivedTo }: Commit, at: Cursor | undefined, before: RowsBefore): void {
    const { since, from, to, types: taken } = this.#sums;
    let rows = 0;
    for (const type of taken) rows += types[type]?.rows ?? 0;
    if (rows === 0) return;
    if (at === undefined || compareCursors(at, to) >= 0) this.#waiting += rows;
    else if (since !== undefined && arrivedTo < since) this.#early += rows;
    else if (compareCursors(at, from) >= 0) this.#addLoaded(types, rows, at, before);
  }

  #addLoaded(types: Commit["types"], rows: number, at: Cursor, before: RowsBefore): void {
    const unread = this.#unread(types, at);
    this.#waiting += unread;
    const expected = rows - unread;
    this.#expected += expected;
    if (before.isRepeated) this.#repeated += expected;
    if (before.mayBeAgain) this.#mayBeAgain += expected;
    if (before.isAgain) this.#again += expected;
  }

  /** Rows in an interval that the loader tries again. */
  #unread(types: Commit["types"], at: Cursor): number {
    const { unread, types: taken } = this.#sums;
    const aside = unread.find(({ from, to }) => compareCursors(at, from) >= 0 && compareCursors(at, to) < 0);
    if (aside === undefined) return 0;
    const wanted = aside.types ?? taken;
    return taken.reduce((sum, type) => sum + (wanted.includes(type) ? (types[type]?.rows ?? 0) : 0), 0);
  }

  /** @param isWhole all commits of the log were added */
  balance(isWhole: boolean): TableBalance {
    const { table, types, loads, retries, refused, ledger, rows, from } = this.#sums;
    const loaded = loads.inserted + retries.inserted;
    const isAll = isWhole && from.segment === 1 && from.index === 0;
    return {
      table,
      types,
      isWhole: isAll,
      lake: this.#expected + this.#waiting + this.#early,
      loaded,
      duplicates: this.#leftOut + retries.staged - retries.inserted,
      setAside: isAll ? refused.waiting : loads.setAside - retries.staged,
      skipped: isAll ? refused.skipped : 0,
      gone: isAll ? refused.gone : 0,
      waiting: this.#waiting,
      early: this.#early,
      erased: ledger.erased,
      rows,
    };
  }

  /** Rows that loads should have brought and have not inserted. */
  get #leftOut(): number {
    const { loads } = this.#sums;
    return this.#expected - loads.setAside - loads.inserted;
  }

  *findings(isWhole: boolean): Generator<Finding> {
    yield* this.#ledgerFindings();
    yield* this.#tableFindings();
    if (isWhole) yield* this.#duplicateFindings();
    const { table, failure } = this.#sums;
    if (failure !== undefined) {
      yield { kind: "stuck", subject: table, text: `${table} does not go on: ${failure}`, count: 1 };
    }
  }

  /** All that the log has up to where the ledger stands is in a load, and nothing else is. */
  *#ledgerFindings(): Generator<Finding> {
    const { table: subject, loads, retries, refused, from, to } = this.#sums;
    const taken = loads.staged + loads.setAside;
    const most = this.#expected;
    const where = `segments ${from.segment} to ${to.segment} of the log`;
    const count = this.#notLoaded;
    if (count > 0) {
      const text = `${rowsOf(count)} of the lake are in no load of ${subject}, in ${where}`;
      yield { kind: "not-loaded", subject, text, count, fix: [`weir loads reload ${subject}`] };
    }
    if (taken > most) {
      const count = taken - most;
      const text = `loads of ${subject} had ${rowsOf(count)} more than the commits of the lake, in ${where}`;
      yield { kind: "overloaded", subject, text, count };
    }
    const { waiting, skipped, gone } = refused;
    const lost = loads.setAside - retries.staged - (waiting + skipped + gone);
    if (this.#isAll && lost > this.#repeated + this.#erased) {
      const text = `${rowsOf(lost)} that the warehouse refused for ${subject} are neither loaded nor set aside`;
      yield { kind: "not-loaded", subject, text, count: lost, fix: [`weir loads reload ${subject}`] };
    }
  }

  /** A batch that came twice is in one load, or in two. */
  get #notLoaded(): number {
    const { loads } = this.#sums;
    return Math.max(0, this.#expected - this.#repeated - this.#erased - loads.staged - loads.setAside);
  }

  get #isAll(): boolean {
    return this.#sums.from.segment === 1 && this.#sums.from.index === 0;
  }

  /** The table has what was loaded, less what was taken out on purpose. */
  *#tableFindings(): Generator<Finding> {
    const { table: subject, ledger, rows = 0 } = this.#sums;
    const most = ledger.inserted - ledger.removed - ledger.erased;
    const least = most - ledger.erasedAtMost;
    if (rows < least) {
      const count = least - rows;
      const text = `${rowsOf(count)} that were loaded are gone from ${subject}`;
      yield { kind: "rows-gone", subject, text, count, fix: [`weir loads reload ${subject}`] };
    }
    if (rows > most) {
      const count = rows - most;
      const text = `${subject} has ${rowsOf(count)} that no load brought: somebody has put them there, or the ledger is an older one`;
      yield { kind: "rows-unknown", subject, text, count };
    }
  }

  /** What was left out as duplicates can be such, and what is certainly there twice was left out. */
  *#duplicateFindings(): Generator<Finding> {
    const { table: subject, loads, retries, ledger } = this.#sums;
    const leftOut = this.#leftOut - this.#notLoaded;
    // What a reload reads again is mostly in the table already.
    const before = Math.max(0, ledger.inserted - ledger.removed - loads.inserted - retries.inserted);
    const most = this.#mayBeAgain + this.#erased + before;
    if (leftOut > most) {
      const count = leftOut - most;
      const text = `${rowsOf(count)} were left out of ${subject} as duplicates, and the lake has them once`;
      yield { kind: "lost-rows", subject, text, count, fix: [`weir loads reload ${subject}`] };
    }
    const least = this.#again - loads.conflicting;
    if (this.#isAll && leftOut < least) {
      const count = least - leftOut;
      const text = `${rowsOf(count)} are in ${subject} a second time`;
      yield { kind: "rows-unknown", subject, text, count };
    }
  }
}

const rowsOf = (count: number): string => counted(count, "row");
