import { isUtf8 } from "node:buffer";
import { styleText } from "node:util";
import { gapsBefore } from "../../wire/provenance.ts";
import type { StreamRecord } from "../../lambdas/router/stream-record.ts";
import type { WireError } from "../../wire/wire-error.ts";
import type { SeenEvent } from "./seen-event.ts";
import { visibleBytes, visibleJson, visibleText } from "./visible-text.ts";

export interface TextOptions {
  readonly hasColour: boolean;
  readonly hasProvenance: boolean;
  /** For a person to read: long events are cut, and the lines of one event stand below one another. */
  readonly isTerminal: boolean;
}

/** What a terminal is shown of one event. */
const TERMINAL_MAX_BYTES = 16 * 2 ** 10;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

const TAG_COLOURS = ["cyan", "green", "yellow", "blue", "magenta"] as const;
type Style = (typeof TAG_COLOURS)[number] | "dim" | "red";

/** `2026-11-21T10:00:00.120Z web-1 access <the line>`. The time is when Kinesis took the record. */
export function eventText(seen: SeenEvent, options: TextOptions): string {
  const { record, event, tag, type } = seen;
  const paint = painter(options);
  const head = [
    paint("dim", record.arrivedAt.toISOString()),
    paint("dim", visibleText(event.position?.source.host ?? "-")),
    paint(tagColour(tag), visibleText(tag)) +
      (type === undefined || type === tag ? "" : paint("dim", `→${type}`)),
    ...(options.hasProvenance ? [paint("dim", `[${provenance(seen)}]`)] : []),
  ];
  const unopened = event.unopened === undefined ? "" : paint("red", ` (not opened: ${event.unopened})`);
  return `${head.join(" ")} ${shownLine(event.record.data, options, paint)}${unopened}`;
}

function shownLine(bytes: Uint8Array, { isTerminal }: TextOptions, paint: Paint): string {
  const data = withoutLineEnd(bytes);
  if (!isTerminal) return visibleBytes(data);
  const lines = linesOf(data.subarray(0, TERMINAL_MAX_BYTES)).map(visibleBytes);
  const shown = lines.join(`\n${paint("dim", "  | ")}`);
  return data.length > TERMINAL_MAX_BYTES ? `${shown} ${paint("dim", `... (${data.length} bytes)`)}` : shown;
}

/** As the router reads it. */
function withoutLineEnd(data: Uint8Array): Uint8Array {
  let end = data.length;
  if (data[end - 1] === LINE_FEED) end--;
  if (data[end - 1] === CARRIAGE_RETURN) end--;
  return data.subarray(0, end);
}

/** The lines of an event that has several, such as a stack trace. */
function linesOf(data: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let from = 0; from <= data.length;) {
    const end = data.indexOf(LINE_FEED, from);
    const to = end < 0 ? data.length : end;
    lines.push(data.subarray(from, to));
    from = to + 1;
  }
  return lines;
}

function provenance({ record, event, index }: SeenEvent): string {
  const { position } = event;
  const at = `${record.shardId} ${record.sequenceNumber}`;
  if (!position) return `${at} #${index}`;
  const { source, offset, gap } = position;
  const gaps = gapsBefore(offset, gap).map(
    ({ from, to, reason, lines }) => `, before it ${from} to ${to} ${reason}: ${lines} lines`,
  );
  return `${at} ${source.id}:${offset} ${visibleText(source.path)}${gaps.join("")}`;
}

/** One object. `data` is the event's bytes as text, `base64` where they are no UTF-8. */
export function eventJson({ record, event, index, tag, type }: SeenEvent): string {
  const { data } = event.record;
  const { position, unopened } = event;
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const { source, offset, extent, gap } = position ?? {};
  return json({
    arrivedAt: record.arrivedAt.toISOString(),
    shardId: record.shardId,
    sequenceNumber: record.sequenceNumber,
    index,
    tag,
    ...(type !== undefined && { type }),
    ...(source && { host: source.host, source: source.id, path: source.path, offset, extent }),
    ...(gap && { gaps: gapsBefore(offset!, gap) }),
    ...(unopened !== undefined && { unopened }),
    ...(isUtf8(bytes) ? { data: bytes.toString("utf8") } : { base64: bytes.toString("base64") }),
  });
}

/** A record that the router quarantines. */
export function unopenedText({ shardId, sequenceNumber }: StreamRecord, { message }: WireError): string {
  return `${shardId} ${sequenceNumber} cannot be opened, so the router quarantines it: ${visibleText(message)}`;
}

export function unopenedJson(record: StreamRecord, { code, message }: WireError): string {
  const { arrivedAt, shardId, sequenceNumber, partitionKey, data } = record;
  const error = { code, message };
  return json({
    arrivedAt: arrivedAt.toISOString(),
    shardId,
    sequenceNumber,
    partitionKey,
    bytes: data.length,
    error,
  });
}

const json = (object: object): string => visibleJson(JSON.stringify(object));

type Paint = (style: Style, text: string) => string;

const painter =
  ({ hasColour }: TextOptions): Paint =>
  (style, text) =>
    hasColour ? styleText(style, text, { validateStream: false }) : text;

/** The same for a tag each time. */
function tagColour(tag: string): Style {
  let sum = 0;
  for (const character of tag) sum = (sum * 31 + character.codePointAt(0)!) % 65_521;
  return TAG_COLOURS[sum % TAG_COLOURS.length]!;
}
