import type { CommitRef } from "./commit-ref.ts";

/** What does not balance, by the kind of its remedy. */
export type FindingKind =
  | "missing" //        bytes of a source that nothing explains
  | "undelivered" //    a silent host had more in its files than it delivered
  | "earlier-source" // a source goes on under another id, and has not all that it should have had
  | "contested" //      several hosts claim one source
  | "blurred" //        a source has more holes than can be told apart
  | "failed-batch" //   records that the router gave up, and that no commit has
  | "bad-commit" //     a commit's counts contradict one another
  | "unreadable" //     a commit or a segment of the log
  | "consumed" //       a commit files lines anew that nothing had rejected
  | "not-loaded" //     rows of the lake that are in no load of a table
  | "overloaded" //     loads have more rows than the lake
  | "rows-gone" //      loaded rows that the table has no more
  | "rows-unknown" //   rows of a table that no load brought
  | "lost-rows" //      rows left out as duplicates, where the lake has none
  | "unknown-file" //   nobody has heard of the files that are asked for
  | "stuck"; //         a table that does not go on without a person

export interface Finding {
  readonly kind: FindingKind;
  /** Source, shard, table or key that it is about. */
  readonly subject: string;
  /** One sentence: what is missing, where, and how much of it. */
  readonly text: string;
  /** Lines, rows, bytes or records, as the text says. */
  readonly count: number;
  /** Commits to look at. */
  readonly commits?: readonly CommitRef[];
  /** Keys of other objects to look at. */
  readonly objects?: readonly string[];
  /** Command lines that mend it, without the options that say where. */
  readonly fix?: readonly string[];
}

/** So many are kept of each kind; the others are counted. */
const MAX_OF_A_KIND = 100;

/** What was found, bounded: one fault may show at a million places. */
export class Findings {
  readonly #kinds = new Map<FindingKind, Finding[]>();
  readonly #left = new Map<FindingKind, number>();

  add(finding: Finding): void {
    const { kind } = finding;
    const known = this.#kinds.get(kind) ?? [];
    this.#kinds.set(kind, known);
    if (known.length < MAX_OF_A_KIND) known.push(finding);
    else this.#left.set(kind, (this.#left.get(kind) ?? 0) + 1);
  }

  get all(): readonly Finding[] {
    return [...this.#kinds.values()].flat();
  }

  /** Of each kind, how many more there are. */
  get left(): ReadonlyMap<FindingKind, number> {
    return this.#left;
  }
}
