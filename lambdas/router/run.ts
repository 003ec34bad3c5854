import type { AggregateRecords } from "../../wire/aggregate-records.ts";
import type { UserRecord } from "../../wire/aggregate.ts";
import type { Position, Source } from "../../wire/provenance.ts";

/** An event, and where it stands if its producer says so. */
export interface Event {
  readonly record: UserRecord;
  readonly position: Position | undefined;
  /** Why a user record of another producer is given as it came. */
  readonly unopened?: string;
  /** It holds no event: it is counted as filtered. */
  readonly isEmpty?: true;
}

/**
 * Lines of one tag that follow one another in a source, each with its line feed and nothing between them. An aggregate is
 * a few runs of thousands of lines, of which nothing need be made but their places.
 */
export class Run {
  readonly source: Source;
  /** Offset of the first in its source. */
  readonly offset: number;
  readonly records: AggregateRecords;
  /** Range of the records. */
  readonly from: number;
  readonly to: number;
  /** Source bytes that the lines stand for. */
  readonly extent: number;

  constructor(source: Source, offset: number, records: AggregateRecords, from: number, to: number) {
    this.source = source;
    this.offset = offset;
    this.records = records;
    this.from = from;
    this.to = to;
    const { starts, ends } = records;
    let extent = to - from;
    for (let i = from; i < to; i++) extent += ends[i]! - starts[i]!;
    this.extent = extent;
  }

  get length(): number {
    return this.to - this.from;
  }

  get tag(): string {
    return this.records.partitionKey(this.from);
  }

  /** Offsets of the lines in their source. */
  offsets(): Float64Array {
    const { starts, ends } = this.records;
    const offsets = new Float64Array(this.length);
    let offset = this.offset;
    for (let i = this.from; i < this.to; i++) {
      offsets[i - this.from] = offset;
      offset += ends[i]! - starts[i]! + 1;
    }
    return offsets;
  }

  /** The lines one by one. */
  *[Symbol.iterator](): Generator<Event> {
    let { offset } = this;
    for (let i = this.from; i < this.to; i++) {
      const record = this.records.at(i);
      const extent = record.data.length + 1;
      yield { record, position: { source: this.source, offset, extent, gap: undefined } };
      offset += extent;
    }
  }
}
