import type { UserRecord } from "../../wire/aggregate.ts";
import { openEnvelope } from "../../wire/envelope.ts";
import { ProvenanceReader, type Position } from "../../wire/provenance.ts";
import type { StreamRecord } from "./stream-record.ts";

/** A user record, and where it stands if its producer says so. */
export interface Event {
  readonly record: UserRecord;
  readonly position: Position | undefined;
}

/**
 * The events of a Kinesis record, all of them or none: a tag that cannot be read in the middle would leave
 * the first half delivered and the second without a place.
 *
 * @throws WireError for what is corrupt, and for what states more than a commit should hold
 */
export function openRecord({ data, partitionKey }: StreamRecord): Event[] {
  const reader = new ProvenanceReader();
  return openEnvelope(data, partitionKey).userRecords.map((record) => {
    return { record, position: reader.position(record) };
  });
}
