import type { Commit, SourceRanges } from "../../wire/commit.ts";
import { RangeSet } from "../../wire/ranges.ts";
import { compareSequenceNumbers } from "../../wire/sequence-number.ts";
import type { Identity } from "./lake.ts";

/**
 * What more than one batch delivered: the bytes of a source that a restarted agent sent again, and the
 * Kinesis records that a bisected retry brought once more.
 *
 * Only here can a row stand in the lake twice, so only these rows have to be read to count the
 * duplicates; elsewhere the counts of the commits are enough.
 */
export class Overlap {
  readonly #ranges = new Map<string, RangeSet>();
  readonly #batches = new Set<string>();
  /** Batches that share Kinesis records with another: their foreign rows may stand twice. */
  readonly #foreignBatches = new Set<string>();

  /** @param commits no two alike, in order of origin and sequence number */
  constructor(commits: readonly Commit[]) {
    this.#findSharedBytes(commits);
    this.#findSharedRecords(commits);
  }

  /** True when rows of this batch may stand in another batch too. */
  touches(batchId: string): boolean {
    return this.#batches.has(batchId) || this.#foreignBatches.has(batchId);
  }

  /** True when this row of a batch that `touches` may stand in another batch too. */
  includes({ src, off }: Identity): boolean {
    // Source ids have no colon; `<shardId>:<sequenceNumber>` has.
    return src.includes(":") || (this.#ranges.get(src)?.overlaps(off, off + 1) ?? false);
  }

  #findSharedBytes(commits: readonly Commit[]): void {
    const bySource = new Map<string, { from: number; to: number; batchId: string }[]>();
    for (const { batchId, sources } of commits) {
      for (const source of sources) {
        const spans = bySource.get(source.id) ?? [];
        for (const [from, to] of extents(source)) spans.push({ from, to, batchId });
        bySource.set(source.id, spans);
      }
    }
    for (const [id, spans] of bySource) {
      const shared = new RangeSet();
      let furthest = { from: 0, to: 0, batchId: "" };
      for (const span of spans.sort((a, b) => a.from - b.from || a.to - b.to)) {
        if (span.from < furthest.to) {
          shared.add(span.from, Math.min(span.to, furthest.to));
        }
        if (span.to > furthest.to) furthest = span;
      }
      if (shared.bytes === 0) continue;
      this.#ranges.set(id, shared);
      for (const { from, to, batchId } of spans) if (shared.overlaps(from, to)) this.#batches.add(batchId);
    }
  }

  #findSharedRecords(commits: readonly Commit[]): void {
    let furthest: Commit | undefined;
    for (const commit of commits) {
      const sharesOrigin = furthest?.origin === commit.origin;
      const last = sharesOrigin ? furthest!.lastSequenceNumber : "-1";
      if (compareSequenceNumbers(commit.firstSequenceNumber, last) <= 0) {
        this.#foreignBatches.add(commit.batchId).add(furthest!.batchId);
      }
      if (compareSequenceNumbers(commit.lastSequenceNumber, last) > 0) furthest = commit;
    }
  }
}

/** Everything a commit says of a source: the bytes of its events and the gaps between them, unless another source has them. */
export function* extents({ ranges, gaps }: SourceRanges): Generator<readonly [number, number]> {
  yield* ranges;
  for (const { from, to, reason } of gaps) if (reason !== "earlier-identity") yield [from, to];
}
