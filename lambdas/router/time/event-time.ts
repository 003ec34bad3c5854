import type { LogType } from "../../../wire/log-type.ts";
import { numberText } from "../parse/fields.ts";
import { FIRST_MS, LAST_MS, minuteMs } from "./civil.ts";
import { parseIso8601, type Instant } from "./iso8601.ts";

export type TimeFormat = NonNullable<LogType["time"]>["format"];

/**
 * Reads a field's value as an instant.
 *
 * @param arrivedAtMs when Kinesis took the record
 * @returns undefined for what is not an instant, in this format, of the years 1 to 9999
 */
export type ReadTime = (value: unknown, arrivedAtMs: number) => Instant | undefined;

const READERS: Readonly<Record<TimeFormat, ReadTime>> = {
  iso8601: (value) => (typeof value === "string" ? parseIso8601(value) : undefined),
  clf: (value) => (typeof value === "string" ? parseClf(value) : undefined),
  syslog: (value, arrivedAtMs) => (typeof value === "string" ? parseSyslog(value, arrivedAtMs) : undefined),
  "epoch-seconds": (value) => parseEpoch(value, 3),
  "epoch-millis": (value) => parseEpoch(value, 0),
};

export function readTime(format: TimeFormat): ReadTime {
  return READERS[format];
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `10/Oct/2000:13:55:36 -0700` */
const CLF = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})$/;
const CLF_CHARS = "10/Oct/2000:13:55:36 -0700".length;
const CLF_MINUTE_CHARS = "10/Oct/2000:13:55".length;

/** The minute and zone read last. Remembered only to be fast. */
let clfMinute = "";
let clfZone = "";
let clfMs = NaN;

function parseClf(text: string): Instant | undefined {
  if (text.length !== CLF_CHARS) return undefined;
  const seconds = twoDigits(text, CLF_MINUTE_CHARS + 1);
  const known = text.startsWith(clfMinute) && text.endsWith(clfZone) && text.charCodeAt(17) === COLON;
  if (!known || clfMinute === "" || !(seconds >= 0)) {
    const [, day, month, year, hour, minute, , zone] = CLF.exec(text) ?? [];
    if (zone === undefined) return undefined;
    clfMs = minuteMs(
      Number(year),
      MONTHS.indexOf(month!) + 1,
      Number(day),
      Number(hour),
      Number(minute),
      zone,
    );
    clfMinute = text.slice(0, CLF_MINUTE_CHARS);
    clfZone = ` ${zone}`;
  }
  return seconds > 60 ? undefined : instant(clfMs + seconds * 1_000);
}

const COLON = 0x3a;

/** NaN unless two digits stand at `at`. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 0x30;
  const ones = text.charCodeAt(at + 1) - 0x30;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NaN;
}

/** `Oct 10 13:55:36` or `Oct  1 13:55:36`, in UTC. */
const SYSLOG = /^([A-Z][a-z]{2}) ([ 0-3]?\d) (\d\d):(\d\d):([0-5]\d|60)(?:\.(\d{1,9}))?$/;

/** Clocks run ahead, and local time is up to 14 h ahead of UTC. */
const AHEAD_MS = 86_400_000;

/** The latest year that does not put it after arrival, give or take a day; 29 February may look back eight. */
function parseSyslog(text: string, arrivedAtMs: number): Instant | undefined {
  const [, month, day, hour, minute, second, fraction = ""] = SYSLOG.exec(text) ?? [];
  if (second === undefined) return undefined;
  const latest = new Date(arrivedAtMs + AHEAD_MS).getUTCFullYear();
  for (let year = latest; year >= latest - 8; year--) {
    const begin = minuteMs(year, MONTHS.indexOf(month!) + 1, Number(day), Number(hour), Number(minute), "Z");
    const epochMs = begin + Number(second) * 1_000 + Number(fraction.slice(0, 3).padEnd(3, "0"));
    if (epochMs <= arrivedAtMs + AHEAD_MS) return instant(epochMs);
  }
  return undefined;
}

/**
 * Seconds or milliseconds since 1970, as JSON number or as text. Read by digits: 1.1 * 1000 is not 1100.
 */
const EPOCH = /^(\d{1,15})(?:\.(\d{1,12}))?$/;

/** @param unitDigits decimal digits between the unit and a millisecond: 3 from seconds, 0 from milliseconds */
function parseEpoch(value: unknown, unitDigits: 0 | 3): Instant | undefined {
  const [, whole, fraction = ""] = EPOCH.exec(numberText(value) ?? "") ?? [];
  if (whole === undefined) return undefined;
  const digits = fraction.padEnd(6, "0");
  return instant(
    Number(whole + digits.slice(0, unitDigits)),
    Number(digits.slice(unitDigits, unitDigits + 3)),
  );
}

function instant(epochMs: number, micros = 0): Instant | undefined {
  return epochMs >= FIRST_MS && epochMs <= LAST_MS ? { epochMs, micros } : undefined;
}
