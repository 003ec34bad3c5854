import type { EventTime } from "./event-time.ts";
import { jsonText, keyText } from "./json-text.ts";
import type { MsgpackReader } from "./msgpack.ts";

const TIME_KEY = '"time"';

/**
 * An event as one line of JSON: its record, and first of all its `time`, unless the record has a
 * `time` of its own. A record that is no map is a line by itself; whoever parses it will say so.
 *
 * @throws ForwardError
 */
export function lineOf(time: EventTime, reader: MsgpackReader): Buffer {
  if (reader.peek().kind !== "map") return Buffer.from(jsonText(reader));
  const fields: string[] = [];
  let hasTime = false;
  for (let left = reader.enter("map"); left > 0; left--) {
    const key = keyText(reader, 1);
    hasTime ||= key === TIME_KEY;
    fields.push(`${key}:${jsonText(reader, 1)}`);
  }
  if (!hasTime) fields.unshift(timeField(time));
  return Buffer.from(`{${fields.join(",")}}`);
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
