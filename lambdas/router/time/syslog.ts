import { wallMs } from "./civil.ts";
import { fractionOf } from "./fraction.ts";
import { type Instant, instantOf } from "./instant.ts";
import { monthOf } from "./names.ts";
import { inLatestYear } from "./year.ts";
import type { Zone } from "./zone.ts";

/** `Oct 10 13:55:36` or `Oct  1 13:55:36`. source: RFC 3164, section 4.1.2; some daemons add a fraction */
const SYSLOG = /^([A-Z][a-z]{2}) ([ 0-3]?\d) (\d\d):(\d\d):([0-5]\d|60)(?:\.(\d{1,9}))?$/;

export function parseSyslog(text: string, arrivedAtMs: number, local: Zone): Instant | undefined {
  const [, month, day, hour, minute, second, fraction = ""] = SYSLOG.exec(text) ?? [];
  if (second === undefined || (hour === "24" && Number(second + fraction) > 0)) return undefined;
  const { ms, micros } = fractionOf(fraction);
  const epochMs = inLatestYear(
    arrivedAtMs,
    (year) =>
      local(wallMs(year, monthOf(month!), Number(day), Number(hour), Number(minute)), arrivedAtMs) +
      Number(second) * 1_000 +
      ms,
  );
  return epochMs === undefined ? undefined : instantOf(epochMs, micros);
}
