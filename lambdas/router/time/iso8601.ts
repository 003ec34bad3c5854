import { FIRST_MS, LAST_MS, minuteMs } from "./civil.ts";

/** An instant to Redshift's resolution. */
export interface Instant {
  readonly epochMs: number;
  /** Microseconds past `epochMs`, 0 to 999. */
  readonly micros: number;
}

/**
 * instant := date [ ("T" | " ") HH ":" MM [ ":" SS [ ("." | ",") digits ] ] [ [ " " ] zone ] ]
 * zone    := "Z" | ("+" | "-") HH [ [ ":" ] MM ]
 *
 * Without a time it is midnight, without a zone UTC. A leap second counts as the next minute's first.
 * Digits past the microsecond are cut off: Redshift has no room for them.
 */
const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d))?/;
const REST = /^(?::(\d\d)(?:[.,](\d{1,12}))?)? ?([Zz]|[+-]\d\d(?::?\d\d)?)?$/;
const MINUTE_CHARS = "YYYY-MM-DDTHH:MM".length;
const DATE_CHARS = "YYYY-MM-DD".length;

/** The minute and zone read last, as lines come mostly in order of time. Remembered only to be fast. */
let lastMinute = "";
let lastZone: string | undefined;
let lastMs = NaN;

/** @returns undefined for what is not an instant of the years 1 to 9999 */
export function parseIso8601(text: string): Instant | undefined {
  const minute = text.slice(0, MINUTE_CHARS);
  const [rest, second = "00", fraction = "", zone] = REST.exec(text.slice(MINUTE_CHARS)) ?? [];
  if (rest === undefined || second > "60") return undefined;
  if (minute !== lastMinute || zone !== lastZone) {
    lastMs = readMinute(minute, zone);
    lastMinute = minute;
    lastZone = zone;
  }
  const epochMs = lastMs + Number(second) * 1_000 + Number(fraction.slice(0, 3).padEnd(3, "0"));
  // NaN, of a minute that does not exist, is not between them either.
  if (!(epochMs >= FIRST_MS && epochMs <= LAST_MS)) return undefined;
  return { epochMs, micros: fraction.length > 3 ? Number(fraction.slice(3, 6).padEnd(3, "0")) : 0 };
}

function readMinute(text: string, zone: string | undefined): number {
  const [all, year, month, day, hour = "0", minute = "0"] = DATE.exec(text) ?? [];
  if (all !== text || (text.length !== MINUTE_CHARS && text.length !== DATE_CHARS)) return NaN;
  return minuteMs(Number(year), Number(month), Number(day), Number(hour), Number(minute), zone);
}
