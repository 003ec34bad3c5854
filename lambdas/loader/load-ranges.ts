import type { Commit } from "../../wire/commit.ts";
import { RangeSet } from "../../wire/ranges.ts";
import { timestamp } from "./ledger-commit.ts";
import type { Target } from "./target.ts";

interface Source {
  readonly ranges: RangeSet;
  readonly host: string;
  /** Arrival of its commits. ISO 8601. */
  from: string;
  to: string;
}

/** What a source takes, and each of its ranges, in memory and in the text together; measured 2026-11. */
const SOURCE_BYTES = 700;
const RANGE_BYTES = 300;

/** The byte ranges of sources that a load brings to its table, for weir.ranges. */
export class LoadRanges {
  /** Whether some of them overlap, or have to be compared for another reason. */
  overlap = false;
  /** Sources that more than one host claims, which the agents of two hosts never do. */
  readonly contested = new Map<string, Set<string>>();
  readonly #target: Target;
  readonly #sources = new Map<string, Source>();
  #size = 0;

  constructor(target: Target) {
    this.#target = target;
  }

  /** Ranges of one source that touch are one: a file read on and on stays one row a load. */
  get size(): number {
    return this.#size;
  }

  /** Memory that they take, about. */
  get heldBytes(): number {
    return this.#sources.size * SOURCE_BYTES + this.#size * RANGE_BYTES;
  }

  add({ sources, arrivedFrom, arrivedTo }: Commit): void {
    for (const { id, host, ranges, types, conflicts } of sources) {
      if (!types.includes(this.#target.type)) continue;
      const source = this.#source(id, host, arrivedFrom, arrivedTo);
      const before = source.ranges.size;
      for (const [from, to] of ranges) {
        this.overlap ||= source.ranges.overlaps(from, to);
        source.ranges.add(from, to);
      }
      this.overlap ||= conflicts > 0;
      this.#size += source.ranges.size - before;
    }
  }

  #source(id: string, host: string, from: string, to: string): Source {
    const known = this.#sources.get(id);
    if (known === undefined) {
      const source = { ranges: new RangeSet(), host, from, to };
      this.#sources.set(id, source);
      return source;
    }
    if (from < known.from) known.from = from;
    if (to > known.to) known.to = to;
    if (host !== known.host) this.#contest(id, known.host, host);
    return known;
  }

  #contest(id: string, ...hosts: string[]): void {
    const known = this.contested.get(id) ?? new Set();
    for (const host of hosts) known.add(host);
    this.contested.set(id, known);
  }

  /** NDJSON, as COPY reads it. */
  text(): string {
    const rows: string[] = [];
    for (const [src, { ranges, from, to }] of this.#sources) {
      const arrived = { arrived_from: timestamp(from), arrived_to: timestamp(to) };
      for (const [from_off, to_off] of ranges) {
        rows.push(`${JSON.stringify({ src, from_off, to_off, ...arrived })}\n`);
      }
    }
    return rows.join("");
  }
}
