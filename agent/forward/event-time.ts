import { ForwardError } from "./forward-error.ts";
import type { Head, MsgpackReader } from "./msgpack.ts";

/** Extension type of an event time: seconds and nanoseconds, 32 bits each. */
const EVENT_TIME = 0;
/** Seconds above it are milliseconds: some clients send them as they are. As seconds, the year 5138. */
const SECONDS_MAX = 1e11;
/** The last second that Date and ISO 8601 with four digits know. */
const ISO_MAX_SECONDS = 253_402_300_799;

/** Events come by the thousand in the same second: it is written out once. */
let latest = { seconds: Number.NaN, text: "" };

/** When an event happened, to the nanosecond. */
export class EventTime {
  readonly seconds: number;
  readonly nanoseconds: number;

  constructor(seconds: number, nanoseconds: number) {
    this.seconds = seconds;
    this.nanoseconds = nanoseconds;
  }

  /** @param number of seconds, or of milliseconds where it is too large @throws ForwardError MALFORMED */
  static of(number: number): EventTime {
    const isMilliseconds = number > SECONDS_MAX;
    const seconds = Math.floor(isMilliseconds ? number / 1e3 : number);
    if (!(Math.abs(seconds) <= ISO_MAX_SECONDS))
      throw new ForwardError("MALFORMED", `${number} is no event time`);
    const rest = isMilliseconds ? (number - seconds * 1e3) * 1e6 : (number - seconds) * 1e9;
    // A double holds a time of today to a fraction of a microsecond: more digits would be noise.
    return new EventTime(seconds, Math.min(Math.round(rest / 1e3) * 1e3, 999_999_000));
  }

  /** ISO 8601 in UTC, with as many digits as there are: none, three, six or nine. */
  toString(): string {
    if (this.seconds !== latest.seconds) {
      const text = new Date(this.seconds * 1e3).toISOString().slice(0, -".000Z".length);
      latest = { seconds: this.seconds, text };
    }
    if (this.nanoseconds === 0) return `${latest.text}Z`;
    const zeros = this.nanoseconds % 1e6 === 0 ? 6 : this.nanoseconds % 1e3 === 0 ? 3 : 0;
    return `${latest.text}.${`${1e9 + this.nanoseconds}`.slice(1, 10 - zeros)}Z`;
  }
}

/** @param at where the data of an extension begins, right after its type @returns undefined for another extension */
export function eventTime(window: Buffer, at: number, { size }: Head): EventTime | undefined {
  if (window.readInt8(at - 1) !== EVENT_TIME || size !== 8) return undefined;
  const nanoseconds = window.readUInt32BE(at + 4);
  return nanoseconds < 1e9 ? new EventTime(window.readUInt32BE(at), nanoseconds) : undefined;
}

/** Time of an entry: a number, an event time, or Fluent Bit's [time, metadata]. @throws ForwardError */
export function readTime(reader: MsgpackReader, isInner = false): EventTime {
  const head = reader.peek();
  const { kind } = head;
  if (kind === "ext") {
    const time = eventTime(reader.window, reader.pass(head), head);
    if (time === undefined) throw new ForwardError("MALFORMED", "an extension that is no event time");
    return time;
  }
  if (kind !== "array" || isInner) return EventTime.of(Number(reader.number()));
  const size = reader.enter("array");
  if (size !== 2) throw new ForwardError("MALFORMED", `a time and its metadata in ${size} values`);
  const time = readTime(reader, true);
  // Of the pipeline it came through, not of the event.
  reader.skip();
  return time;
}
