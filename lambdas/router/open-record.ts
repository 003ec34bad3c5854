import type { UserRecord } from "../../wire/aggregate.ts";
import { openEnvelope } from "../../wire/envelope.ts";
import { ProvenanceReader, type Position } from "../../wire/provenance.ts";
import { WireError } from "../../wire/wire-error.ts";
import type { StreamRecord } from "./stream-record.ts";

/** A user record, and where it stands if its producer says so. */
export interface Event {
  readonly record: UserRecord;
  readonly position: Position | undefined;
}

/** Room of `_host`. Host names have at most 253 characters. */
const HOST_MAX_BYTES = 255;

/**
 * The events of a Kinesis record, all of them or none: a tag that cannot be read in the middle would leave
 * the first half delivered and the second without a place.
 *
 * @throws WireError for what is corrupt
 */
export function openRecord({ data, partitionKey }: StreamRecord): Event[] {
  const reader = new ProvenanceReader();
  return openEnvelope(data, partitionKey).userRecords.map((record) => {
    const position = reader.position(record);
    if (position && record.tags.length > 0) checkHost(position.source.host);
    return { record, position };
  });
}

function checkHost(host: string): void {
  if (Buffer.byteLength(host) > HOST_MAX_BYTES || host.includes("\0")) {
    throw new WireError(
      "PROVENANCE",
      `host "${host.slice(0, 80)}" is over ${HOST_MAX_BYTES} bytes or holds NUL`,
    );
  }
}
