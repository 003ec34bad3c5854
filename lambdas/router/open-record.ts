import type { Tag, UserRecord } from "../../wire/aggregate.ts";
import { InflateBudget } from "../../wire/compression.ts";
import { openEnvelope } from "../../wire/envelope.ts";
import { AGGREGATE_MAX_PARTS } from "../../wire/limits.ts";
import { ProvenanceReader, type Position } from "../../wire/provenance.ts";
import { WireError } from "../../wire/wire-error.ts";
import { subscriptionEvents, type Subscription } from "./cloudwatch-logs.ts";
import { splitEvents } from "./split-events.ts";
import type { StreamRecord } from "./stream-record.ts";

/** An event, and where it stands if its producer says so. */
export interface Event {
  readonly record: UserRecord;
  readonly position: Position | undefined;
  /** Why a user record of another producer is given as it came. */
  readonly unopened?: string;
  /** It holds no event: it is counted as filtered. */
  readonly isEmpty?: true;
}

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
export function openRecord({ data, partitionKey }: StreamRecord, isSplit = true): readonly Event[] {
  const opening = new Opening(data.length, isSplit);
  opening.open(data, partitionKey, 0);
  return opening.events;
}

class Opening {
  readonly events: Event[] = [];
  readonly #budget: InflateBudget;
  readonly #isSplit: boolean;

  /** @param bytes of the Kinesis record */
  constructor(bytes: number, isSplit: boolean) {
    this.#budget = new InflateBudget(bytes);
    this.#isSplit = isSplit;
  }

  /** @param aggregates that this is a user record of */
  open(data: Uint8Array, partitionKey: string, aggregates: number): void {
    const { kind, userRecords } = openEnvelope(data, partitionKey, this.#budget);
    if (kind === "aggregate") {
      if (aggregates === AGGREGATES_MAX) {
        throw new WireError("TOO_DEEP", `aggregated more than ${AGGREGATES_MAX} times over`);
      }
      this.#takeAggregate(userRecords, aggregates + 1);
      return;
    }
    for (const { data } of userRecords) {
      const subscription = subscriptionEvents(data);
      if (subscription) {
        this.#takeSubscription(subscription, partitionKey, data);
        continue;
      }
      for (const event of this.#isSplit ? splitEvents(data) : [data]) {
        const record = { partitionKey, explicitHashKey: undefined, data: event, tags: NO_TAGS };
        this.#add({ record, position: undefined });
      }
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

  #takeAggregate(userRecords: readonly UserRecord[], aggregates: number): void {
    const reader = new ProvenanceReader();
    for (const record of userRecords) {
      const position = reader.position(record);
      if (position === undefined) {
        this.#takeForeign(record, aggregates);
        continue;
      }
      this.#add({ record, position });
    }
  }

  #takeForeign(record: UserRecord, aggregates: number): void {
    const before = this.events.length;
    try {
      this.open(record.data, record.partitionKey, aggregates);
    } catch (error) {
      if (!(error instanceof WireError) || error.code === "TOO_MANY_PARTS") throw error;
      this.events.length = before;
      this.#add({ record, position: undefined, unopened: error.message });
    }
  }

  #add(event: Event): void {
    if (this.events.push(event) <= AGGREGATE_MAX_PARTS) return;
    throw new WireError("TOO_MANY_PARTS", `more than ${AGGREGATE_MAX_PARTS} events`);
  }
}
