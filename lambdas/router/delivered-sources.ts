import { CONFLICTS_BYTES, gapBytes, rangeBytes, sourceBytes, typeBytes } from "../../wire/commit-bytes.ts";
import type { SourceRanges } from "../../wire/commit.ts";
import { type ClosedGap, gapsBefore, leftOutIn, type Position, type Source } from "../../wire/provenance.ts";
import { RangeSet } from "../../wire/ranges.ts";
import { DeliveredLines } from "./delivered-lines.ts";
import type { Room } from "./room.ts";
import type { Run } from "./run.ts";

/** What one host brought of a source. */
interface Delivered {
  source: Source;
  readonly claims: Claims;
  readonly lines: DeliveredLines;
  readonly ranges: RangeSet;
  /** By begin and end, so that a gap told twice counts once. */
  readonly gaps: Map<string, SourceRanges["gaps"][number]>;
  readonly types: Set<string>;
  conflicts: number;
}

/** What is known of a source id, whichever host named it. */
interface Claims {
  readonly hosts: Map<string, Delivered>;
  /** Bytes that any of its lines stands for. As long as there is one host they are that host's ranges. */
  bytes: RangeSet;
}

export interface Delivery {
  /** The line came with an earlier record of this batch. */
  readonly duplicate: boolean;
  /** In gaps before the event of which this is the first that is heard. */
  readonly leftOut: { readonly lines: number; readonly bytes: number };
}

/** A source that more than one host claims, which the agents of two hosts never do. */
export interface ContestedSource {
  readonly id: string;
  readonly hosts: readonly string[];
}

const NOTHING: Delivery["leftOut"] = { bytes: 0, lines: 0 };

/** Which bytes of which sources a batch holds. */
export class DeliveredSources {
  /** Claims of each source, by id. */
  readonly #sources = new Map<string, Claims>();
  readonly #commit: Room;
  #last: Delivered | undefined;

  /** @param commit what may be said of sources in the batch's commit */
  constructor(commit: Room) {
    this.#commit = commit;
  }

  /**
   * Takes note of an event of `type`.
   *
   * A line that is no duplicate and claims bytes that another one claims is a conflict, whether they begin at the same
   * offset or not: which of the two stands in the file nobody can say here, so both are delivered.
   *
   * @throws BatchFull
   */
  deliver({ source, offset, extent, gap }: Position, type: string, crc: number): Delivery {
    const delivered = this.#of(source);
    const { claims, lines, ranges, gaps, types } = delivered;
    const leftOut = gap ? this.#leaveOut(gaps, gapsBefore(offset, gap)) : NOTHING;
    const duplicate = !lines.add(offset, crc, type);
    const end = offset + extent;
    if (!duplicate && offset < claims.bytes.end && claims.bytes.overlaps(offset, end)) delivered.conflicts++;
    const before = ranges.size;
    ranges.add(offset, end);
    if (claims.bytes !== ranges) claims.bytes.add(offset, end);
    if (ranges.size > before) this.#commit.take(rangeBytes(end));
    if (!duplicate) this.#addType(types, type);
    return { duplicate, leftOut };
  }

  /** Whether none of a run's lines has come before, nor claims bytes that another one claims. */
  isNew({ source, offset }: Run, type: string): boolean {
    const { claims, lines } = this.#of(source);
    return offset >= claims.bytes.end && lines.isPast(offset, type);
  }

  /**
   * Takes note of a run that is new, as `deliver` would of each of its lines.
   *
   * @param offsets of the lines
   * @param crcs of them, which may be filled in until the next call
   * @throws BatchFull
   */
  deliverRun(run: Run, type: string, offsets: Float64Array, crcs: Uint32Array): void {
    const { claims, lines, ranges, types } = this.#of(run.source);
    lines.addAll(offsets, crcs, type);
    const end = run.offset + run.extent;
    const before = ranges.size;
    ranges.add(run.offset, end);
    if (claims.bytes !== ranges) claims.bytes.add(run.offset, end);
    // Its range begins with its first line.
    if (ranges.size > before) this.#commit.take(rangeBytes(offsets[1] ?? end));
    this.#addType(types, type);
  }

  /**
   * Takes note of an event, delivered already, that another type gets too: its bytes are claimed once.
   *
   * @returns false when it came before
   * @throws BatchFull
   */
  copy({ source, offset }: Position, type: string, crc: number): boolean {
    const { lines, types } = this.#of(source);
    if (!lines.add(offset, crc, type)) return false;
    this.#addType(types, type);
    return true;
  }

  #addType(types: Set<string>, type: string): void {
    if (types.has(type)) return;
    this.#commit.take(typeBytes(type));
    types.add(type);
  }

  /** @returns what the gaps leave out of which this is the first that is heard */
  #leaveOut(known: Delivered["gaps"], gaps: readonly ClosedGap[]): Delivery["leftOut"] {
    const news = gaps.filter(({ from, to }) => !known.has(`${from}-${to}`));
    for (const gap of news) {
      this.#commit.take(gapBytes(gap));
      known.set(`${gap.from}-${gap.to}`, gap);
    }
    return leftOutIn(news);
  }

  #of(source: Source): Delivered {
    if (this.#last?.source === source) return this.#last;
    const { id, host, path } = source;
    let delivered = this.#sources.get(id)?.hosts.get(host);
    if (delivered?.source.path !== path) this.#commit.take(sourceBytes(source) + CONFLICTS_BYTES);
    delivered ??= this.#addHost(source);
    // A rename moves a source: the path last told is the one it has.
    delivered.source = source;
    return (this.#last = delivered);
  }

  #addHost(source: Source): Delivered {
    const ranges = new RangeSet();
    let claims = this.#sources.get(source.id);
    if (claims === undefined) this.#sources.set(source.id, (claims = { hosts: new Map(), bytes: ranges }));
    else if (claims.hosts.size === 1) claims.bytes = RangeSet.of(claims.bytes);
    const delivered: Delivered = {
      source,
      claims,
      lines: new DeliveredLines(),
      ranges,
      gaps: new Map(),
      types: new Set(),
      conflicts: 0,
    };
    claims.hosts.set(source.host, delivered);
    return delivered;
  }

  /** As the commit names them, by id and host. */
  toArray(): SourceRanges[] {
    return this.#sorted().map(({ source, ranges, gaps, types, conflicts }) => ({
      id: source.id,
      host: source.host,
      path: source.path,
      ranges: ranges.toArray().map(([from, to]) => [from, to]),
      gaps: [...gaps.values()],
      types: [...types].sort(),
      conflicts,
    }));
  }

  contested(): ContestedSource[] {
    return [...this.#sources]
      .filter(([, { hosts }]) => hosts.size > 1)
      .map(([id, { hosts }]) => ({ id, hosts: [...hosts.keys()] }));
  }

  #sorted(): Delivered[] {
    const name = ({ source: { id, host } }: Delivered): string => `${id} ${host}`;
    return [...this.#sources.values()]
      .flatMap(({ hosts }) => [...hosts.values()])
      .sort((a, b) => (name(a) < name(b) ? -1 : 1));
  }
}
