import { rangeBytes } from "../../../wire/commit-bytes.ts";
import type { SourceRanges } from "../../../wire/commit.ts";
import { COMMIT_MAX_BYTES } from "../../../wire/limits.ts";
import { RangeSet } from "../../../wire/ranges.ts";
import { DeliveredLines } from "../delivered-lines.ts";

/** What ranges may take in a commit. The sources were in one before, with ranges of their own. */
const RANGES_MAX_BYTES = COMMIT_MAX_BYTES / 4;

/** Where a line stands that was rejected. */
export interface RejectedPlace {
  readonly id: string;
  readonly host: string;
  readonly path: string | undefined;
  readonly offset: number;
  readonly bytes: number;
}

interface Reparsed {
  readonly id: string;
  readonly host: string;
  path: string;
  readonly ranges: RangeSet;
  readonly types: Set<string>;
  conflicts: number;
}

/**
 * Where lines of sources are that were rejected, for whoever loads them: two that begin at one place have to be compared.
 * Which bytes a line stood for is not known any more, so these ranges prove nothing. Where they would be too many, a
 * source has one.
 */
export class ReparsedSources {
  readonly #sources = new Map<string, Reparsed>();
  /** By id, whichever host named it. */
  readonly #lines = new Map<string, DeliveredLines>();
  #rangeBytes = 0;

  add({ id, host, path, offset, bytes }: RejectedPlace, type: string): void {
    const name = JSON.stringify([id, host]);
    let source = this.#sources.get(name);
    if (source === undefined) {
      source = { id, host, path: "", ranges: new RangeSet(), types: new Set(), conflicts: 0 };
      this.#sources.set(name, source);
    }
    if (path !== undefined) source.path = path;
    source.types.add(type);
    const lines = this.#lines.get(id) ?? new DeliveredLines();
    this.#lines.set(id, lines);
    if (!lines.add(offset, 0, "")) source.conflicts++;
    const before = source.ranges.size;
    source.ranges.add(offset, offset + bytes + 1);
    if (source.ranges.size > before) this.#rangeBytes += rangeBytes(offset + bytes + 1);
  }

  /** Takes note of a type that gets a line, which was added, too. */
  copy({ id, host }: Pick<RejectedPlace, "id" | "host">, type: string): void {
    this.#sources.get(JSON.stringify([id, host]))?.types.add(type);
  }

  /** As the commit names them, by id and host. */
  toArray(): SourceRanges[] {
    const isCoarse = this.#rangeBytes > RANGES_MAX_BYTES;
    return [...this.#sources]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { ranges, types, ...source }]) => ({
        ...source,
        ranges: isCoarse ? [[firstOf(ranges), ranges.end]] : ranges.toArray().map(([from, to]) => [from, to]),
        gaps: [],
        types: [...types].sort(),
      }));
  }
}

function firstOf(ranges: RangeSet): number {
  const [[from] = [0]] = ranges;
  return from;
}
