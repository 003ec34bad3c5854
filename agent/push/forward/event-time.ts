import type { Head, MsgpackReader } from "./msgpack.ts";

/** Extension types: Fluentd's event time, seconds and nanoseconds of 32 bits each; and MessagePack's own timestamp. */
const EVENT_TIME = 0;
const TIMESTAMP = -1;
/**
 * Numbers above it are milliseconds, as some clients send them; those above a thousand times as much microseconds,
 * and so on. As seconds, the year 5138.
 */
const SECONDS_MAX = 1e11;
/** The first and the last second of the years that ISO 8601 writes with four digits. */
const ISO_MIN_SECONDS = -62_167_219_200;
const ISO_MAX_SECONDS = 253_402_300_799;
/** ISO 8601, also with a space as Ruby and Python write it, or without a zone; and a number. */
const ISO =
  /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9})\d*)? ?(?:(Z|UTC|GMT|[+-]\d\d)(?::?(\d\d))?)?$/i;
const NUMBER = /^-?\d{1,20}(?:\.\d{1,20})?$/;
const TEXT_MAX_CHARS = 64;

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

  /** The time of an event that has none. */
  static now(): EventTime {
    const ms = Date.now();
    return new EventTime(Math.floor(ms / 1e3), (ms % 1e3) * 1e6);
  }

  /**
   * Takes a number of seconds; or of milliseconds, microseconds or nanoseconds where it is too large. 0 is
   * now, as for Fluentd.
   *
   * @returns undefined for what is beyond the years 0 to 9999
   */
  static of(number: number | bigint): EventTime | undefined {
    if (typeof number === "bigint") return EventTime.#ofNanoseconds(number);
    let perSecond = 1;
    while (number / perSecond > SECONDS_MAX && perSecond < 1e9) perSecond *= 1e3;
    const seconds = Math.floor(number / perSecond);
    if (perSecond === 1 && Math.trunc(number) === 0) return EventTime.now();
    // A double holds a time of today to a fraction of a microsecond: more digits would be noise.
    const micros = Math.round(((number - seconds * perSecond) / perSecond) * 1e6);
    const isExact = Number.isSafeInteger(number);
    const nanoseconds = isExact ? (number - seconds * perSecond) * (1e9 / perSecond) : micros * 1e3;
    return checked(seconds, Math.min(nanoseconds, 999_999_999 - (isExact ? 0 : 999)));
  }

  static #ofNanoseconds(number: bigint): EventTime | undefined {
    const nanoseconds = Number(BigInt.asUintN(64, number) % 1_000_000_000n);
    return checked(number < 0 ? Number.NaN : Number(number / 1_000_000_000n), nanoseconds);
  }

  /** Reads ISO 8601, UTC where it has no zone, or a number in digits. @returns undefined for another text */
  static parse(text: string): EventTime | undefined {
    if (text.length > TEXT_MAX_CHARS) return undefined;
    if (NUMBER.test(text)) return EventTime.of(text.includes(".") ? Number(text) : exact(text));
    const [, day, time, fraction = "", zone = "Z", minutes = "00"] = ISO.exec(text) ?? [];
    if (day === undefined) return undefined;
    const offset = /^[a-z]/i.test(zone) ? "Z" : `${zone}:${minutes}`;
    return checked(Date.parse(`${day}T${time}${offset}`) / 1e3, Number(fraction.padEnd(9, "0")));
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

/** A number whose digits a double might not hold. */
function exact(digits: string): number | bigint {
  const big = BigInt(digits);
  return BigInt.asIntN(54, big) === big ? Number(big) : big;
}

function checked(seconds: number, nanoseconds: number): EventTime | undefined {
  const isTime = nanoseconds < 1e9 && seconds >= ISO_MIN_SECONDS && seconds <= ISO_MAX_SECONDS;
  return isTime ? new EventTime(seconds, nanoseconds) : undefined;
}

/** @param at where the data of an extension begins, right after its type @returns undefined for another extension */
export function extensionTime(window: Buffer, at: number, { size }: Head): EventTime | undefined {
  const type = window.readInt8(at - 1);
  if (type === EVENT_TIME && size === 8) return checked(window.readUInt32BE(at), window.readUInt32BE(at + 4));
  if (type !== TIMESTAMP) return undefined;
  if (size === 4) return checked(window.readUInt32BE(at), 0);
  // Nanoseconds in the upper 30 bits, seconds in the lower 34.
  if (size === 8)
    return checked(
      (window[at + 3]! & 3) * 2 ** 32 + window.readUInt32BE(at + 4),
      window.readUInt32BE(at) >>> 2,
    );
  return size === 12 ? checked(Number(window.readBigInt64BE(at + 4)), window.readUInt32BE(at)) : undefined;
}

/**
 * Time of an entry: a number, a text, an extension, nil for now, or Fluent Bit's [time, metadata].
 *
 * @returns undefined for anything else; the reader stands anywhere then
 */
export function readTime(reader: MsgpackReader, isInner = false): EventTime | undefined {
  const head = reader.peek();
  switch (head.kind) {
    case "int":
    case "uint":
    case "float":
      return EventTime.of(reader.number());
    case "ext": {
      const time = extensionTime(reader.window, reader.pass(head), head);
      return time?.seconds === 0 ? EventTime.now() : time;
    }
    case "nil":
      reader.pass(head);
      return EventTime.now();
    case "str":
    case "bin":
      return EventTime.parse(reader.bytes().toString("latin1", 0, TEXT_MAX_CHARS + 1));
    case "array":
      return isInner || reader.enter("array") !== 2 ? undefined : readPair(reader);
    case "map":
    case "true":
    case "false":
    default:
      return undefined;
  }
}

function readPair(reader: MsgpackReader): EventTime | undefined {
  const time = readTime(reader, true);
  // Of the pipeline it came through, not of the event.
  if (time !== undefined) reader.skip();
  return time;
}
