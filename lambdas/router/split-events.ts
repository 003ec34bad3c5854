import { AGGREGATE_MAX_PARTS } from "../../wire/limits.ts";
import { WireError } from "../../wire/wire-error.ts";
import { BACKSLASH, CLOSE_BRACE, OPEN_BRACE, QUOTE, SPACE } from "./plain/bytes.ts";

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * The events of another producer's record, which says nothing of where they end:
 *
 * record := object { [ white space ] object } | line { LF line } [ LF ]
 *
 * JSON objects are told by their braces, so they may stand each on a line, as Fluent Bit's
 * `simple_aggregation` has them, next to one another, as for Firehose, or over several lines each. Anything
 * else has an event for each line, empty ones included.
 *
 * @throws WireError TOO_MANY_PARTS
 */
export function splitEvents(data: Uint8Array): readonly Uint8Array[] {
  return splitObjects(data) ?? splitLines(data);
}

function splitLines(data: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let at = 0; at < data.length || lines.length === 0;) {
    const feed = data.indexOf(LINE_FEED, at);
    const end = feed < 0 ? data.length : feed;
    add(lines, part(data, at, end));
    at = end + 1;
  }
  return lines;
}

/** @returns undefined where there is anything but objects */
function splitObjects(data: Uint8Array): Uint8Array[] | undefined {
  const objects: Uint8Array[] = [];
  for (let at = 0; ;) {
    while (at < data.length && isSpace(data[at]!)) at++;
    if (at === data.length) return objects.length === 0 ? undefined : objects;
    const end = data[at] === OPEN_BRACE ? objectEnd(data, at) : -1;
    if (end < 0) return undefined;
    add(objects, part(data, at, end));
    at = end;
  }
}

/** Most records are one event, and a view costs more than a look. */
function part(data: Uint8Array, from: number, to: number): Uint8Array {
  return from === 0 && to === data.length ? data : data.subarray(from, to);
}

function add(events: Uint8Array[], event: Uint8Array): void {
  if (events.push(event) <= AGGREGATE_MAX_PARTS) return;
  throw new WireError("TOO_MANY_PARTS", `more than ${AGGREGATE_MAX_PARTS} events`);
}

function isSpace(byte: number): boolean {
  return byte === LINE_FEED || byte === SPACE || byte === CARRIAGE_RETURN || byte === TAB;
}

/** Longer objects make no row: whether they are JSON need not be found out here. */
const CHECKED_MAX_BYTES = 4 * 2 ** 20;

/**
 * Index after the object that begins at `at`, -1 if there is none. Of one over several lines a brace may be
 * that of another line, so it has to be JSON.
 */
function objectEnd(data: Uint8Array, at: number): number {
  const end = closingBrace(data, at);
  if (end < 0 || end - at > CHECKED_MAX_BYTES) return end;
  const object = Buffer.from(data.buffer, data.byteOffset + at, end - at);
  return !object.includes(LINE_FEED) || isJson(object.toString()) ? end : -1;
}

function closingBrace(data: Uint8Array, at: number): number {
  let depth = 0;
  for (; at < data.length; at++) {
    const byte = data[at];
    if (byte === QUOTE) {
      at = closingQuote(data, at + 1);
      if (at < 0) return -1;
    } else if (byte === OPEN_BRACE) depth++;
    else if (byte === CLOSE_BRACE && --depth === 0) return at + 1;
  }
  return -1;
}

/** Index of the quote that ends a text of JSON, which cannot hold a line feed; -1 if there is none. */
function closingQuote(data: Uint8Array, at: number): number {
  for (; at < data.length && data[at] !== LINE_FEED; at++) {
    if (data[at] === QUOTE) return at;
    if (data[at] === BACKSLASH) at++;
  }
  return -1;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
