import type { SpoolEvent } from "../spool/batch.ts";
import { type EventTime, readTime } from "./event-time.ts";
import { ForwardError } from "./forward-error.ts";
import { FULL, JsonWriter } from "./json-writer.ts";
import type { MsgpackReader } from "./msgpack.ts";

const TIME_KEY = '"time"';
const MAP = 0x7b;
/** A line that has a `time` of its own is written after that of its event, and so begins that much later. */
const TIME_FIELD_BYTES = 64;

/** Of all connections: a line is copied before the next one is written. */
const json = new JsonWriter();

/** Good until the next line is made. */
export type LineData = Omit<SpoolEvent, "tag">;

/**
 * An event as one line of JSON: its record, and first of all its `time`, unless the record has a
 * `time` of its own. A record that is no map is a line by itself; whoever parses it will say so.
 *
 * @param reader of its time and its record
 * @param end where they end in the reader's window
 * @param maxBytes that a line may have: beyond them it is cut
 * @returns undefined where it has no time that can be read
 */
export function lineOf(reader: MsgpackReader, end: number, maxBytes: number): LineData | undefined {
  const time = readTime(reader);
  if (time === undefined) return undefined;
  json.clear(maxBytes + TIME_FIELD_BYTES);
  try {
    return { data: json.written(writeEvent(time, reader)) };
  } catch (error) {
    return cutLine(error, reader, end);
  }
}

/** What is no event is a line all the same, its values as JSON: it will be refused where lines are parsed. */
export function lineOfValues(reader: MsgpackReader, values: number, end: number, maxBytes: number): LineData {
  json.clear(maxBytes);
  try {
    if (values > 1) json.ascii("[");
    for (let n = 0; n < values; n++) {
      if (n > 0) json.ascii(",");
      json.value(reader);
    }
    if (values > 1) json.ascii("]");
    return { data: json.written() };
  } catch (error) {
    return cutLine(error, reader, end);
  }
}

/** The same of bytes that are not even MessagePack. */
export function lineOfBytes(bytes: Buffer, maxBytes: number): LineData {
  json.clear(maxBytes);
  try {
    json.base64("msgpack:", bytes, 0, bytes.length);
    return { data: json.written() };
  } catch (error) {
    if (error !== FULL) throw error;
    return { data: json.written(), missingBytes: json.unread };
  }
}

/** @returns where in what is written the line begins */
function writeEvent(time: EventTime, reader: MsgpackReader): number {
  if (reader.peek().kind !== "map") {
    json.value(reader);
    return 0;
  }
  json.ascii(`{${timeField(time)}`);
  const fields = json.length;
  let hasTime = false;
  for (let left = reader.enter("map"); left > 0; left--) {
    json.ascii(",");
    const at = json.length;
    json.field(reader, 0);
    hasTime ||= json.startsWith(TIME_KEY, at);
  }
  json.ascii("}");
  if (!hasTime) return 0;
  json.replace(fields, MAP);
  return fields;
}

/** Ends a line that is full, or whose value is not all there. Missing bytes are counted as they came. */
function cutLine(error: unknown, reader: MsgpackReader, end: number): LineData {
  const isEnd = reader.isCutOff && error instanceof ForwardError && error.code === "TRUNCATED";
  if (error !== FULL && !isEnd) throw error;
  return { data: json.written(), missingBytes: json.unread + Math.max(1, end - reader.at) };
}

export function timeField(time: EventTime): string {
  return `${TIME_KEY}:"${time.toString()}"`;
}
