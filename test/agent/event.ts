import { openEnvelope } from "../../wire/envelope.ts";
import { ProvenanceReader, type Position } from "../../wire/provenance.ts";

/** A user record with what its provenance says. */
export interface Event {
  readonly tag: string;
  readonly position: Position;
  readonly text: string;
}

/** The events of one Kinesis record, as any reader of the stream sees them. */
export function eventsOf(data: Uint8Array): Event[] {
  const reader = new ProvenanceReader();
  return openEnvelope(data, "").userRecords.map((record) => {
    const position = reader.position(record);
    if (position === undefined) throw new Error("an event of the agent's without provenance");
    return { tag: record.partitionKey, position, text: Buffer.from(record.data).toString("latin1") };
  });
}

/**
 * Events without repetitions, per source and in its order.
 *
 * @throws when two events of one identity differ
 */
export function bySource(events: readonly Event[]): Map<string, Event[]> {
  const sources = new Map<string, Map<number, Event>>();
  for (const event of events) {
    const { source, offset } = event.position;
    const known = sources.get(source.id) ?? new Map<number, Event>();
    sources.set(source.id, known);
    const same = known.get(offset);
    if (same && (same.text !== event.text || same.position.extent !== event.position.extent)) {
      throw new Error(`two different events at ${source.id}:${offset}`);
    }
    known.set(offset, event);
  }
  return new Map(
    Array.from(sources, ([id, known]) => [
      id,
      [...known.values()].sort((a, b) => a.position.offset - b.position.offset),
    ]),
  );
}

/**
 * Puts a file together again from the events of its source; bytes left out on purpose become `?`.
 *
 * @throws where bytes are missing without a gap that says so, or are there twice
 */
export function reassemble(events: readonly Event[]): string {
  let text = "";
  for (const { position, text: line } of events) {
    const { offset, extent, gap } = position;
    if (gap && gap.from !== text.length) throw new Error(`gap from ${gap.from}, delivered to ${text.length}`);
    if (gap) text += "?".repeat(offset - gap.from);
    if (offset !== text.length) throw new Error(`event at ${offset}, delivered to ${text.length}`);
    text += extent === line.length ? line : `${line}\n`;
    if (text.length !== offset + extent) throw new Error(`event of ${extent} bytes holds ${line.length}`);
  }
  return text;
}
