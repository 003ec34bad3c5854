import type { EventTime } from "./event-time.ts";
import { JsonWriter } from "./json-writer.ts";
import type { MsgpackReader } from "./msgpack.ts";

const TIME_KEY = '"time"';
const MAP = 0x7b;

/** Of all connections: a line is copied before the next one is written. */
const json = new JsonWriter();

/**
 * An event as one line of JSON: its record, and first of all its `time`, unless the record has a
 * `time` of its own. A record that is no map is a line by itself; whoever parses it will say so.
 *
 * @returns bytes that are good until the next call @throws ForwardError
 */
export function lineOf(time: EventTime, reader: MsgpackReader): Buffer {
  json.clear();
  if (reader.peek().kind !== "map") {
    json.value(reader);
    return json.written();
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
  if (!hasTime) return json.written();
  json.replace(fields, MAP);
  return json.written(fields);
}

/** The same of a record that came as JSON. */
export function lineOfJson(time: EventTime, record: unknown): Buffer {
  const text = JSON.stringify(record);
  const isMap = typeof record === "object" && record !== null && !Array.isArray(record);
  if (!isMap || Object.hasOwn(record, "time")) return Buffer.from(text);
  return Buffer.from(`{${timeField(time)}${text === "{}" ? "" : ","}${text.slice(1)}`);
}

function timeField(time: EventTime): string {
  return `${TIME_KEY}:"${time.toString()}"`;
}
