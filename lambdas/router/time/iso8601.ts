import { zoneOffsetMs } from "../../../wire/time-zone.ts";
import { wallMs } from "./civil.ts";
import { fractionOf } from "./fraction.ts";
import { type Instant, instantOf } from "./instant.ts";
import type { Zone } from "./zone.ts";

/**
 * instant := date [ ("T" | " ") HH ":" MM [ ":" SS [ ("." | ",") digits ] ] [ [ " " ] zone ] ]
 * zone    := "Z" | ("+" | "-") HH [ [ ":" ] MM ]
 *
 * Without a time it is midnight. A leap second counts as the next minute's first, and 24:00 as the next day's midnight.
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
let lastIsMidnight = false;

/**
 * @param local zone of times that name none, UTC if absent
 * @returns undefined for what is not an instant of the years 1 to 9999
 */
export function parseIso8601(text: string, arrivedAtMs = 0, local?: Zone): Instant | undefined {
  const minute = text.slice(0, MINUTE_CHARS);
  const [rest, second = "00", fraction = "", zone] = REST.exec(text.slice(MINUTE_CHARS)) ?? [];
  if (rest === undefined || second > "60") return undefined;
  if (minute !== lastMinute || zone !== lastZone) {
    lastMs = readMinute(minute) - (zoneOffsetMs(zone ?? "Z") ?? NaN);
    lastMinute = minute;
    lastZone = zone;
    lastIsMidnight = minute.endsWith("24:00");
  }
  if (lastIsMidnight && Number(second + fraction) > 0) return undefined;
  const begin = zone === undefined && local ? local(lastMs, arrivedAtMs) : lastMs;
  const seconds = begin + Number(second) * 1_000;
  if (fraction === "") return instantOf(seconds);
  const { ms, micros } = fractionOf(fraction);
  return instantOf(seconds + ms, micros);
}

/** As if it were UTC. */
function readMinute(text: string): number {
  const [all, year, month, day, hour = "0", minute = "0"] = DATE.exec(text) ?? [];
  if (all !== text || (text.length !== MINUTE_CHARS && text.length !== DATE_CHARS)) return NaN;
  return wallMs(Number(year), Number(month), Number(day), Number(hour), Number(minute));
}
