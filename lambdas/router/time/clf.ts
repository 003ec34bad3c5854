import { zoneOffsetMs } from "../../../wire/time-zone.ts";
import { wallMs } from "./civil.ts";
import { type Instant, instantOf } from "./instant.ts";
import { monthOf } from "./names.ts";

/** `10/Oct/2000:13:55:36 -0700` */
const CLF = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})$/;
const CLF_CHARS = "10/Oct/2000:13:55:36 -0700".length;
export const CLF_MINUTE_CHARS = "10/Oct/2000:13:55".length;

/** The minute and zone read last, as lines come mostly in order of time. Remembered only to be fast. */
let lastMinute = "";
let lastZone = "";
let lastMs = NaN;

export function parseClf(text: string): Instant | undefined {
  if (text.length !== CLF_CHARS) return undefined;
  const seconds = twoDigits(text, CLF_MINUTE_CHARS + 1);
  const known =
    text.startsWith(lastMinute) && text.endsWith(lastZone) && text.charCodeAt(CLF_MINUTE_CHARS) === COLON;
  if (!known || lastMinute === "" || !(seconds >= 0)) {
    const [, day, month, year, hour, minute, , zone] = CLF.exec(text) ?? [];
    if (zone === undefined) return undefined;
    const wall = wallMs(Number(year), monthOf(month!), Number(day), Number(hour), Number(minute));
    lastMs = wall - (zoneOffsetMs(zone) ?? NaN);
    lastMinute = text.slice(0, CLF_MINUTE_CHARS);
    lastZone = ` ${zone}`;
  }
  if (seconds > 60 || (seconds > 0 && lastMinute.endsWith("24:00"))) return undefined;
  return instantOf(lastMs + seconds * 1_000);
}

const COLON = 0x3a;

/** NaN unless two digits stand at `at`. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 0x30;
  const ones = text.charCodeAt(at + 1) - 0x30;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NaN;
}
