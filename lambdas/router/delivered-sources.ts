import type { SourceRanges } from "../../wire/commit.ts";
import type { Position, Source } from "../../wire/provenance.ts";
import { RangeSet } from "../../wire/ranges.ts";

interface Delivered {
  source: Source;
  readonly ranges: RangeSet;
  /** By begin and end, so that a gap told twice counts once. */
  readonly gaps: Map<string, SourceRanges["gaps"][number]>;
  readonly types: Set<string>;
}

export interface Delivery {
  /** Every byte came with an earlier record of this batch. */
  readonly duplicate: boolean;
  /** Lines and bytes of the gap before the event, if this is the first that is heard of it. */
  readonly gap: { readonly lines: number; readonly bytes: number } | undefined;
}

/** Which bytes of which sources a batch holds. */
export class DeliveredSources {
  readonly #sources = new Map<string, Delivered>();

  /** Takes note of an event of `type`. */
  deliver({ source, offset, extent, gap }: Position, type: string): Delivery {
    const delivered = this.#of(source);
    const news = gap && !delivered.gaps.has(`${gap.from}-${offset}`) ? gap : undefined;
    if (news) delivered.gaps.set(`${news.from}-${offset}`, { ...news, to: offset });
    // An event without bytes of its own covers nothing, so nothing can have brought it before.
    const duplicate = extent > 0 && delivered.ranges.covers(offset, offset + extent);
    if (!duplicate) {
      delivered.ranges.add(offset, offset + extent);
      delivered.types.add(type);
    }
    return { duplicate, gap: news && { lines: news.lines, bytes: offset - news.from } };
  }

  #of(source: Source): Delivered {
    let delivered = this.#sources.get(source.id);
    if (delivered === undefined) {
      delivered = { source, ranges: new RangeSet(), gaps: new Map(), types: new Set() };
      this.#sources.set(source.id, delivered);
    }
    // A rename moves a source: the path last told is the one it has.
    delivered.source = source;
    return delivered;
  }

  /** As the commit names them, by id. */
  toArray(): SourceRanges[] {
    return [...this.#sources.values()]
      .sort((a, b) => (a.source.id < b.source.id ? -1 : 1))
      .map(({ source, ranges, gaps, types }) => ({
        id: source.id,
        host: source.host,
        path: source.path,
        ranges: ranges.toArray().map(([from, to]) => [from, to]),
        gaps: [...gaps.values()],
        types: [...types].sort(),
      }));
  }
}
