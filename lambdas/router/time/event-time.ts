import type { LogType } from "../../../wire/log-type.ts";
import { parseClf } from "./clf.ts";
import { EPOCH_UNITS, parseEpoch, unitOf } from "./epoch.ts";
import type { Instant } from "./instant.ts";
import { parseIso8601 } from "./iso8601.ts";
import { readPattern } from "./pattern-time.ts";
import { parseSyslog } from "./syslog.ts";
import { zoneOf } from "./zone.ts";
import { ZoneNames } from "./zone-names.ts";

type TimeSettings = Omit<NonNullable<LogType["time"]>, "field">;
export type TimeFormat = TimeSettings["format"];

/**
 * Reads a field's value as an instant.
 *
 * @param arrivedAtMs when Kinesis took the record
 * @returns undefined for what is not an instant, in this format, of the years 1 to 9999
 */
export type ReadTime = (value: unknown, arrivedAtMs: number) => Instant | undefined;

/** @throws TypeError for a format that configurations may not have */
export function readTime(format: TimeFormat, settings: Partial<TimeSettings> = {}): ReadTime {
  const local = zoneOf(settings.zone ?? "UTC");
  const zone = settings.zone === undefined ? undefined : local;
  const pattern = (text: string): ReadTime => readPattern(text, local, new ZoneNames(settings.abbreviations));
  switch (format) {
    case "iso8601":
      return (value, arrivedAtMs) =>
        typeof value === "string" ? parseIso8601(value, arrivedAtMs, zone) : undefined;
    case "clf":
      return (value) => (typeof value === "string" ? parseClf(value) : undefined);
    case "syslog":
      // Daemons of newer systems write ISO 8601 in its place: hosts differ, and a file does from an upgrade on.
      return (value, arrivedAtMs) =>
        typeof value === "string"
          ? (parseSyslog(value, arrivedAtMs, local) ?? parseIso8601(value, arrivedAtMs, zone))
          : undefined;
    case "epoch":
      return (value) => parseEpoch(value, unitOf);
    case "epoch-seconds":
    case "epoch-millis":
    case "epoch-micros":
    case "epoch-nanos": {
      const unit = EPOCH_UNITS[format.slice("epoch-".length) as keyof typeof EPOCH_UNITS];
      return (value) => parseEpoch(value, unit);
    }
  }
  return pattern(format);
}

/** How the times of a column are read. */
export function readColumnTime(
  { name, field = name, time: own }: LogType["columns"][number],
  time: LogType["time"],
): ReadTime {
  const settings = own ?? (field === time?.field ? time : { ...time, format: "iso8601" });
  return readTime(settings.format, settings);
}
