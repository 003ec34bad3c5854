import type { Commit } from "../../wire/commit.ts";
import { type Range, RangeSet } from "../../wire/ranges.ts";
import { timestamp } from "./ledger-commit.ts";

/** A source mostly has one range, which grows: a set of its own for each would take most of a load's memory. */
interface Source {
  readonly host: string;
  /** Arrival of its commits. ISO 8601. */
  arrivedFrom: string;
  arrivedTo: string;
  from: number;
  to: number;
  /** In the place of the one range, where there are several. */
  several: RangeSet | undefined;
}

/** What a source takes, and each of several ranges, with its line of the file. Measured 2026-11. */
const SOURCE_BYTES = 500;
const RANGE_BYTES = 500;

/** The byte ranges of sources that a load brings to its table, for weir.ranges. */
export class LoadRanges {
  /** Whether some of them overlap, or have to be compared for another reason. */
  overlap = false;
  /** Sources that more than one host claims, which the agents of two hosts never do. */
  readonly contested = new Map<string, Set<string>>();
  readonly #sources = new Map<string, Source>();
  /**
   * Where lines are that were rejected, and are filed anew. Apart from the others, since they mostly arrived long before
   * what else comes of their source: the ledger would take all of it for old.
   */
  readonly #reparsed = new Map<string, Source>();
  /** One text for all sources of a host. */
  readonly #hosts = new Map<string, string>();
  #size = 0;

  /** Ranges of one source that touch are one: a file read on and on stays one row a load. */
  get size(): number {
    return this.#size;
  }

  /** Memory that they take, about. */
  get heldBytes(): number {
    const sources = this.#sources.size + this.#reparsed.size;
    return sources * SOURCE_BYTES + (this.#size - sources) * RANGE_BYTES;
  }

  /** @param taken the types whose rows the load brings */
  add(commit: Commit, taken: readonly string[]): void {
    const isReparse = commit.consumed?.some(({ kind }) => kind === "rejected") ?? false;
    for (const { id, host, ranges, types, conflicts } of commit.sources) {
      if (!types.some((type) => taken.includes(type))) continue;
      // The bytes of a reparse came with an earlier commit, whose rows may be there.
      this.overlap ||= conflicts > 0 || isReparse;
      const to = isReparse ? this.#reparsed : this.#sources;
      for (const range of ranges) if (range[1] > range[0]) this.#add(to, id, host, range, commit);
    }
  }

  #add(
    to: Map<string, Source>,
    id: string,
    host: string,
    [from, end]: Range,
    { arrivedFrom, arrivedTo }: Commit,
  ): void {
    const source = to.get(id);
    if (source === undefined) {
      const shared = this.#hosts.get(host) ?? host;
      this.#hosts.set(shared, shared);
      to.set(id, { host: shared, arrivedFrom, arrivedTo, from, to: end, several: undefined });
      this.#size++;
      return;
    }
    if (arrivedFrom < source.arrivedFrom) source.arrivedFrom = arrivedFrom;
    if (arrivedTo > source.arrivedTo) source.arrivedTo = arrivedTo;
    if (host !== source.host) this.#contest(id, source.host, host);
    if (source.several === undefined && from <= source.to && end >= source.from) {
      this.overlap ||= from < source.to && end > source.from;
      source.from = Math.min(from, source.from);
      source.to = Math.max(end, source.to);
      return;
    }
    const several = (source.several ??= RangeSet.of([[source.from, source.to]]));
    this.overlap ||= several.overlaps(from, end);
    this.#size -= several.size;
    several.add(from, end);
    this.#size += several.size;
  }

  #contest(id: string, ...hosts: string[]): void {
    const known = this.contested.get(id) ?? new Set();
    for (const host of hosts) known.add(host);
    this.contested.set(id, known);
  }

  /** NDJSON, as COPY reads it. */
  body(): Buffer {
    const arrived = timestamps();
    const body = new LineBody();
    for (const sources of [this.#sources, this.#reparsed]) {
      for (const [src, { from, to, several, arrivedFrom, arrivedTo }] of sources) {
        const arrival = { arrived_from: arrived(arrivedFrom), arrived_to: arrived(arrivedTo) };
        for (const [from_off, to_off] of several ?? [[from, to] as const]) {
          body.add(JSON.stringify({ src, from_off, to_off, ...arrival }));
        }
      }
    }
    return body.end();
  }
}

const CHUNK_CHARS = 64 * 2 ** 10;

/** Lines on their way to bytes. As one text they would be there three times: each, all, and their bytes. */
class LineBody {
  readonly #chunks: Buffer[] = [];
  #text = "";

  add(line: string): void {
    this.#text += `${line}\n`;
    if (this.#text.length >= CHUNK_CHARS) this.#flush();
  }

  end(): Buffer {
    this.#flush();
    return Buffer.concat(this.#chunks);
  }

  #flush(): void {
    this.#chunks.push(Buffer.from(this.#text));
    this.#text = "";
  }
}

/** timestamp(), for many that are few different ones: sources of a commit have the same. */
function timestamps(): (iso: string) => string {
  const known = new Map<string, string>();
  return (iso) => {
    const text = known.get(iso) ?? timestamp(iso);
    known.set(iso, text);
    return text;
  };
}
