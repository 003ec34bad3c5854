import type { AggregateRecords } from "../../wire/aggregate-records.ts";
import type { Tag, UserRecord } from "../../wire/aggregate.ts";
import { InflateBudget } from "../../wire/compression.ts";
import { unwrap } from "../../wire/envelope.ts";
import { AGGREGATE_MAX_PARTS } from "../../wire/limits.ts";
import { ProvenanceReader, type Position } from "../../wire/provenance.ts";
import { WireError } from "../../wire/wire-error.ts";
import { subscriptionEvents, type Subscription } from "./cloudwatch-logs.ts";
import { type Event, Run } from "./run.ts";
import { splitEvents } from "./split-events.ts";
import type { StreamRecord } from "./stream-record.ts";

export type { Event } from "./run.ts";

const NO_TAGS: readonly Tag[] = [];

/** Aggregates in user records of aggregates. A library that aggregates what another one aggregated makes two. */
const AGGREGATES_MAX = 3;

/**
 * The events of a Kinesis record, all of them or none: a tag that cannot be read in the middle would leave
 * the first half delivered and the second without a place.
 *
 * A user record with a position is one event, and its bytes are the line's. One without is another
 * producer's and is opened like a record of its own: it may be compressed or an aggregate, or hold several
 * lines. Where that fails, it is one event as it is, and those beside it are not held up.
 *
 * @param isSplit whether another producer's record has an event for each line
 * @throws WireError for what is corrupt, and for what states more than a commit should hold
 */
export function openRecord(record: StreamRecord, isSplit = true): readonly Event[] {
  return openRuns(record, isSplit).flatMap((part) => (part instanceof Run ? [...part] : [part]));
}

/**
 * As `openRecord`; events that follow one another in a source are together.
 *
 * @param sound aggregates whose digest is known to match
 * @throws WireError as `openRecord`
 */
export function openRuns(
  { data, partitionKey }: StreamRecord,
  isSplit = true,
  sound?: ReadonlySet<Uint8Array>,
): readonly (Event | Run)[] {
  const opening = new Opening(data.length, isSplit, sound);
  opening.open(data, partitionKey, 0);
  return opening.parts;
}

class Opening {
  readonly parts: (Event | Run)[] = [];
  readonly #budget: InflateBudget;
  readonly #isSplit: boolean;
  readonly #sound: ReadonlySet<Uint8Array> | undefined;
  #events = 0;

  /** @param bytes of the Kinesis record */
  constructor(bytes: number, isSplit: boolean, sound: ReadonlySet<Uint8Array> | undefined) {
    this.#sound = sound;
    this.#budget = new InflateBudget(bytes);
    this.#isSplit = isSplit;
  }

  /** @param aggregates that this is a user record of */
  open(data: Uint8Array, partitionKey: string, aggregates: number): void {
    const opened = unwrap(data, this.#budget, this.#sound);
    if (opened.kind === "aggregate") {
      if (aggregates === AGGREGATES_MAX) {
        throw new WireError("TOO_DEEP", `aggregated more than ${AGGREGATES_MAX} times over`);
      }
      this.#takeAggregate(opened.records, aggregates + 1);
      return;
    }
    const subscription = subscriptionEvents(opened.data);
    if (subscription) {
      this.#takeSubscription(subscription, partitionKey, opened.data);
      return;
    }
    for (const event of this.#isSplit ? splitEvents(opened.data) : [opened.data]) {
      const record = { partitionKey, explicitHashKey: undefined, data: event, tags: NO_TAGS };
      this.#add({ record, position: undefined });
    }
  }

  #takeSubscription({ events, isControl }: Subscription, partitionKey: string, data: Uint8Array): void {
    if (isControl) {
      const record = { partitionKey, explicitHashKey: undefined, data, tags: NO_TAGS };
      this.#add({ record, position: undefined, isEmpty: true });
      return;
    }
    for (const record of events) this.#add({ record, position: undefined });
  }

  #takeAggregate(records: AggregateRecords, aggregates: number): void {
    const reader = new ProvenanceReader();
    for (let i = 0; i < records.length;) {
      const record = records.at(i);
      const position = reader.position(record);
      if (position === undefined) {
        this.#takeForeign(record, aggregates);
        i++;
        continue;
      }
      const end = records.runEnd(i + 1);
      reader.goOn(records.starts, records.ends, i + 1, end);
      this.#takeRun(record, position, records, i, end);
      i = end;
    }
  }

  /** What differs from the lines after it is an event by itself: a first line after a gap, or one that was altered. */
  #takeRun(
    record: UserRecord,
    position: Position,
    records: AggregateRecords,
    from: number,
    to: number,
  ): void {
    const { source, offset, extent, gap } = position;
    if (gap === undefined && extent === record.data.length + 1) {
      this.#add(new Run(source, offset, records, from, to), to - from);
      return;
    }
    this.#add({ record, position });
    if (from + 1 < to) this.#add(new Run(source, offset + extent, records, from + 1, to), to - from - 1);
  }

  #takeForeign(record: UserRecord, aggregates: number): void {
    const [parts, events] = [this.parts.length, this.#events];
    try {
      this.open(record.data, record.partitionKey, aggregates);
    } catch (error) {
      if (!(error instanceof WireError) || error.code === "TOO_MANY_PARTS") throw error;
      this.parts.length = parts;
      this.#events = events;
      this.#add({ record, position: undefined, unopened: error.message });
    }
  }

  #add(part: Event | Run, events = 1): void {
    this.parts.push(part);
    this.#events += events;
    if (this.#events > AGGREGATE_MAX_PARTS)
      throw new WireError("TOO_MANY_PARTS", `more than ${AGGREGATE_MAX_PARTS} events`);
  }
}
