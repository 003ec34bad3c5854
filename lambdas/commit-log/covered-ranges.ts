import type { Commit } from "../../wire/commit.ts";
import { type Range, RangeSet } from "../../wire/ranges.ts";

/** Ranges of a source, the parts of them that are covered already, and those that are not. */
export interface TakenRanges {
  readonly id: string;
  readonly fresh: readonly Range[];
  readonly overlapping: readonly Range[];
}

/** Bytes of sources that a consumer has dealt with. Takes memory for each range that touches no other. */
export class CoveredRanges {
  readonly #sources = new Map<string, RangeSet>();

  /**
   * Covers the ranges of a commit, or of those of its sources that a consumer deals with.
   *
   * @returns for each source, what was new and what was covered before, also by another range of this commit
   */
  take({
    sources,
  }: {
    readonly sources: readonly Pick<Commit["sources"][number], "id" | "ranges">[];
  }): TakenRanges[] {
    return sources.map(({ id, ranges }) => {
      const covered = this.#sources.get(id) ?? new RangeSet();
      this.#sources.set(id, covered);
      const fresh: Range[] = [];
      const overlapping: Range[] = [];
      for (const [from, to] of ranges) {
        for (const part of covered.within(from, to)) overlapping.push(part);
        for (const part of covered.missing(to, from)) fresh.push(part);
        covered.add(from, to);
      }
      return { id, fresh, overlapping };
    });
  }

  /** Covers a range: what a consumer's sink says it holds. */
  add(id: string, from: number, to: number): void {
    const covered = this.#sources.get(id);
    if (covered) covered.add(from, to);
    else this.#sources.set(id, RangeSet.of([[from, to]]));
  }

  /** Sources of which something is covered, with what is. */
  [Symbol.iterator](): IterableIterator<[id: string, covered: RangeSet]> {
    return this.#sources[Symbol.iterator]();
  }
}
