import { CONFLICTS_BYTES, gapBytes, rangeBytes, sourceBytes, typeBytes } from "../../wire/commit-bytes.ts";
import type { SourceRanges } from "../../wire/commit.ts";
import type { Position, Source } from "../../wire/provenance.ts";
import { RangeSet } from "../../wire/ranges.ts";
import { DeliveredLines } from "./delivered-lines.ts";
import type { Room } from "./room.ts";

interface Delivered {
  source: Source;
  readonly lines: DeliveredLines;
  readonly ranges: RangeSet;
  /** By begin and end, so that a gap told twice counts once. */
  readonly gaps: Map<string, SourceRanges["gaps"][number]>;
  readonly types: Set<string>;
}

export interface Delivery {
  /** The line came with an earlier record of this batch. */
  readonly duplicate: boolean;
  /** Lines and bytes of the gap before the event, if this is the first that is heard of it. */
  readonly gap: { readonly lines: number; readonly bytes: number } | undefined;
}

/** A source that more than one host claims, which the agents of two hosts never do. */
export interface ContestedSource {
  readonly id: string;
  readonly hosts: readonly string[];
}

/** Which bytes of which sources a batch holds. */
export class DeliveredSources {
  /** What the batch holds of each source, by id, then by host. */
  readonly #sources = new Map<string, Map<string, Delivered>>();
  readonly #commit: Room;
  #last: Delivered | undefined;

  /** @param commit what may be said of sources in the batch's commit */
  constructor(commit: Room) {
    this.#commit = commit;
  }

  /** Takes note of an event of `type`. @throws BatchFull */
  deliver({ source, offset, extent, gap }: Position, type: string, data: Uint8Array): Delivery {
    const delivered = this.#of(source);
    const { lines, ranges, gaps, types } = delivered;
    const news = gap && !gaps.has(`${gap.from}-${offset}`) ? gap : undefined;
    if (news) {
      this.#commit.take(gapBytes(offset));
      gaps.set(`${news.from}-${offset}`, { ...news, to: offset });
    }
    const duplicate = !lines.add(offset, data);
    const before = ranges.size;
    ranges.add(offset, offset + extent);
    if (ranges.size > before) this.#commit.take(rangeBytes(offset + extent));
    if (!duplicate && !types.has(type)) {
      this.#commit.take(typeBytes(type));
      types.add(type);
    }
    return { duplicate, gap: news && { lines: news.lines, bytes: offset - news.from } };
  }

  #of(source: Source): Delivered {
    if (this.#last?.source === source) return this.#last;
    const { id, host, path } = source;
    let hosts = this.#sources.get(id);
    if (hosts === undefined) this.#sources.set(id, (hosts = new Map()));
    let delivered = hosts.get(host);
    if (delivered?.source.path !== path) this.#commit.take(sourceBytes(source) + CONFLICTS_BYTES);
    if (delivered === undefined) {
      delivered = {
        source,
        lines: new DeliveredLines(),
        ranges: new RangeSet(),
        gaps: new Map(),
        types: new Set(),
      };
      hosts.set(host, delivered);
    }
    // A rename moves a source: the path last told is the one it has.
    delivered.source = source;
    return (this.#last = delivered);
  }

  /** As the commit names them, by id and host. */
  toArray(): SourceRanges[] {
    return this.#sorted().map(({ source, ranges, gaps, types }) => ({
      id: source.id,
      host: source.host,
      path: source.path,
      ranges: ranges.toArray().map(([from, to]) => [from, to]),
      gaps: [...gaps.values()],
      types: [...types].sort(),
      conflicts: 0,
    }));
  }

  contested(): ContestedSource[] {
    return [...this.#sources]
      .filter(([, hosts]) => hosts.size > 1)
      .map(([id, hosts]) => ({ id, hosts: [...hosts.keys()] }));
  }

  #sorted(): Delivered[] {
    const name = ({ source: { id, host } }: Delivered): string => `${id} ${host}`;
    return [...this.#sources.values()]
      .flatMap((hosts) => [...hosts.values()])
      .sort((a, b) => (name(a) < name(b) ? -1 : 1));
  }
}
