import { isUtf8 } from "node:buffer";
import type { Entries } from "./entries.ts";
import { EventTime } from "./event-time.ts";
import { ForwardError } from "./forward-error.ts";
import { type JsonFramer, pastBlanks } from "./json-framer.ts";
import { JsonList, valuesOf } from "./json-list.ts";
import { type LineData, timeField } from "./line.ts";

const SPACE = 0x20;
const [MAP, MAP_END, COLON] = Buffer.from("{}:") as unknown as number[];

/** Entries [time, record] in JSON, behind the bracket of their list. */
export class JsonEntries implements Entries {
  malformed = 0;
  readonly #list = new JsonList();
  readonly #maxLineBytes: number;

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  get framer(): JsonFramer {
    return this.#list.framer;
  }

  seek(window: Buffer, at: number): number {
    return this.#list.seek(window, at);
  }

  isEnd(window: Buffer, at: number): boolean {
    return this.#list.isEnd(window, at);
  }

  quick(): undefined {}

  line(window: Buffer, start: number, end: number): LineData {
    this.#list.passed();
    const entry = window.subarray(start, end);
    const [time, record] = valuesOf(entry, 2) ?? [];
    const line = time && record && jsonLine(time, record, this.#maxLineBytes);
    if (line) return line;
    this.malformed++;
    return jsonValueLine(entry, this.#maxLineBytes);
  }

  cutLine(window: Buffer): LineData {
    this.#list.passed();
    return cut(window, this.#maxLineBytes);
  }
}

/** The only entry of a Message, whose record stands by itself. */
export class JsonRecord implements Entries {
  readonly framer: JsonFramer;
  malformed = 0;
  readonly #list: JsonList;
  readonly #time: Buffer;
  readonly #maxLineBytes: number;
  #isTaken = false;

  /** @param list in which the record comes next */
  constructor(list: JsonList, time: Buffer, maxLineBytes: number) {
    this.framer = list.framer;
    this.#list = list;
    this.#time = time;
    this.#maxLineBytes = maxLineBytes;
  }

  seek(window: Buffer, at: number): number {
    return this.#isTaken ? at : this.#list.seek(window, at);
  }

  isEnd(): boolean {
    return this.#isTaken;
  }

  quick(): undefined {}

  line(window: Buffer, start: number, end: number): LineData {
    this.#passed();
    const record = window.subarray(start, end);
    const line = jsonLine(this.#time, record, this.#maxLineBytes);
    if (line) return line;
    this.malformed++;
    const entry = ["[", this.#time, ",", record, "]"].map((part) => Buffer.from(part as string));
    return jsonValueLine(Buffer.concat(entry), this.#maxLineBytes);
  }

  cutLine(window: Buffer): LineData {
    this.#passed();
    return cut(window, this.#maxLineBytes);
  }

  #passed(): void {
    this.#list.passed();
    this.#isTaken = true;
  }
}

/**
 * An event as a line, its record as it is written: so numbers keep all their digits.
 *
 * @returns undefined where it has no time that can be read, or its record is not JSON
 */
export function jsonLine(time: Buffer, record: Buffer, maxBytes: number): LineData | undefined {
  const when = timeOf(time);
  if (record.length > maxBytes) return when && cut(record, maxBytes);
  const own = ownTime(record);
  if (when === undefined || own === undefined) return undefined;
  const line = inOneLine(record);
  if (own === "its own") return { data: line };
  const head = `{${timeField(when)}${own === "empty" ? "" : ","}`;
  return { data: Buffer.concat([Buffer.from(head), line.subarray(1)]) };
}

/** Whether a record takes its event's time; one that is no map does not, either. */
type OwnTime = "its own" | "none" | "empty";

/** From its outline: whoever parses the line will say whether it is JSON. @returns undefined where it is not */
function ownTime(record: Buffer): OwnTime | undefined {
  if (record[0] !== MAP) return "its own";
  const fields = new JsonList();
  try {
    for (let at = 1; ;) {
      const start = fields.seek(record, at);
      if (record[start] === MAP_END) return at === 1 ? "empty" : "none";
      const end = fields.framer.end(record, start) ?? record.length;
      const colon = pastBlanks(record, end);
      if (record[colon] !== COLON) return undefined;
      if (record.toString("latin1", start, end) === '"time"') return "its own";
      at = fields.framer.end(record, pastBlanks(record, colon + 1)) ?? record.length;
      fields.passed();
    }
  } catch (error) {
    if (error instanceof ForwardError) return undefined;
    throw error;
  }
}

/** What is no event is a line all the same, as it is written: it will be refused where lines are parsed. */
export function jsonValueLine(text: Buffer, maxBytes: number): LineData {
  return text.length > maxBytes ? cut(text, maxBytes) : { data: inOneLine(text) };
}

function cut(text: Buffer, maxBytes: number): LineData {
  const missingBytes = Math.max(1, text.length - maxBytes);
  return { data: inOneLine(text.subarray(0, maxBytes)), missingBytes };
}

/** Valid JSON has control characters only between its values. Bytes that are not UTF-8 are replaced. */
function inOneLine(text: Buffer): Buffer {
  const line = isUtf8(text) ? Buffer.from(text) : Buffer.from(text.toString());
  for (let at = 0; at < line.length; at++) if (line[at]! < SPACE) line[at] = SPACE;
  return line;
}

/** A time in JSON: a number, a text, null for now, or [time, metadata]. */
function timeOf(time: Buffer, isInner = false): EventTime | undefined {
  const inner = isInner ? undefined : valuesOf(time, 2)?.[0];
  if (inner) return timeOf(inner, true);
  // Longer ones are none.
  const text = time.toString("latin1", 0, 100);
  if (text === "null") return EventTime.now();
  if (text.startsWith('"')) return EventTime.parse(text.slice(1, -1));
  // A number is read by its digits: a double would not hold nanoseconds.
  return /^[-\d]/.test(text) ? (EventTime.parse(text) ?? EventTime.of(Number(text))) : undefined;
}
