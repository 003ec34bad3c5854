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
 * The same, with what each source was before joined to it: a source that went on under another id is not there by itself.
 * Where two of them have an event of one offset, it came twice, and stands once.
 *
 * @throws when they differ, or when a source is said to be one of which nothing came
 */
export function byJoinedSource(events: readonly Event[]): Map<string, Event[]> {
  const sources = bySource(events);
  const earlier = new Map<string, { readonly id: string; readonly to: number }>();
  for (const [id, [first]] of sources) {
    const { gap, offset } = first!.position;
    const joint = gap?.before ?? (gap?.reason === "earlier-identity" ? gap : undefined);
    if (joint?.source === undefined) continue;
    if (!sources.has(joint.source)) throw new Error(`${id} was ${joint.source}, of which nothing came`);
    earlier.set(id, { id: joint.source, to: gap === joint ? offset : gap!.from });
  }
  const whole = (id: string): Event[] => {
    const own = sources.get(id)!;
    const before = earlier.get(id);
    if (before === undefined) return own;
    const parts = whole(before.id).filter(({ position }) => position.offset < before.to);
    const [first, ...rest] = own;
    const { gap } = first!.position;
    const left = gap?.before && { from: gap.from, reason: gap.reason, lines: gap.lines };
    return [...parts, { ...first!, position: { ...first!.position, gap: left } }, ...rest];
  };
  const named = new Set(Array.from(earlier.values(), ({ id }) => id));
  const last = [...sources.keys()].filter((id) => !named.has(id));
  return new Map(last.map((id) => [id, whole(id)]));
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
