import { Misfit, shown } from "../misfit.ts";
import { isDate } from "../time/civil.ts";
import type { ReadTime } from "../time/event-time.ts";
import { formatTimestamp } from "../time/timestamp.ts";
import type { WriteColumn } from "./write-column.ts";

const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;

/** `YYYY-MM-DD`, COPY's default DATEFORMAT, and a day that exists; of a time, its day in UTC. */
export function writeDate(readTime: ReadTime): WriteColumn {
  return (value, arrivedAtMs) => {
    if (value === "") return null;
    const [day, year, month, dayOfMonth] = (typeof value === "string" && DATE.exec(value)) || [];
    if (isDate(Number(year), Number(month), Number(dayOfMonth))) return `"${day}"`;
    const instant = readTime(value, arrivedAtMs);
    if (instant === undefined) return new Misfit("type", `${shown(value)} is not a date`);
    return `"${formatTimestamp(instant.epochMs).slice(0, "YYYY-MM-DD".length)}"`;
  };
}

/** In UTC, to the microsecond. @param zone written after it: "" for TIMESTAMP, "+00" for TIMESTAMPTZ */
export function writeTimestamp(zone: "" | "+00", readTime: ReadTime): WriteColumn {
  return (value, arrivedAtMs) => {
    if (value === "") return null;
    const instant = readTime(value, arrivedAtMs);
    if (instant === undefined) return new Misfit("type", `${shown(value)} is not a time`);
    const micros = instant.micros === 0 ? "" : `${instant.micros}`.padStart(3, "0");
    return `"${formatTimestamp(instant.epochMs)}${micros}${zone}"`;
  };
}
