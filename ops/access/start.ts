import { InvalidArgumentError } from "commander";
import { instant } from "../erase/command.ts";

/** Where a command begins: in the stream, in the log of commits. */
export type Start = "LATEST" | "TRIM_HORIZON" | Date;

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Reads what --since says: a time, how long ago, or one of Kinesis' own words. @throws InvalidArgumentError */
export function readStart(value: string, nowMs = Date.now()): Start {
  const word = value.toUpperCase().replace("-", "_");
  if (word === "LATEST" || word === "TRIM_HORIZON") return word;
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(value) ?? [];
  const at =
    count === undefined ? timeOf(value) : nowMs - Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
  if (at > nowMs) throw new InvalidArgumentError("It is in the future.");
  return new Date(Math.max(at, 0));
}

function timeOf(value: string): number {
  try {
    return Date.parse(instant(value));
  } catch {
    throw new InvalidArgumentError(
      "It should be a time such as 2026-11-21T10:00:00Z, a while such as 90s, 15m, 2h or 7d, or TRIM_HORIZON.",
    );
  }
}

/** Reads a while such as 90s or 2h. @returns ms @throws InvalidArgumentError */
export function readWhile(value: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(value) ?? [];
  if (count === undefined || Number(count) === 0)
    throw new InvalidArgumentError("It should be a while such as 30s, 5m or 1h.");
  return Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
}
