import { zoneOffsetMs } from "../../../wire/time-zone.ts";

/**
 * The instant that a clock on the wall of a zone shows.
 *
 * @param wallMs what it shows, as if it were UTC
 * @param arrivedAtMs when Kinesis took the record
 * @returns ms of the epoch
 */
export type Zone = (wallMs: number, arrivedAtMs: number) => number;

/** @param name as wire/time-zone.ts has it */
export function zoneOf(name: string): Zone {
  const offsetMs = zoneOffsetMs(name);
  return offsetMs === undefined ? namedZone(name) : (wallMs) => wallMs - offsetMs;
}

const DAY_MS = 86_400_000;

/** Clocks run ahead. */
const AHEAD_MS = 300_000;

/**
 * Where clocks are put back, an hour of the wall comes twice: it is the latest that arrival allows, so that what
 * arrives within the hour is right, and what arrives later of the first hour is one late. Where they are put forward,
 * an hour of the wall never comes: it counts on from the hour before.
 */
function namedZone(name: string): Zone {
  const offsetAt = offsets(name);
  return (wallMs, arrivedAtMs) => {
    const [before, after] = [offsetAt(wallMs - DAY_MS), offsetAt(wallMs + DAY_MS)];
    const [first, second] = [wallMs - before, wallMs - after];
    if (before === after) return first;
    const isSecond = offsetAt(second) === after;
    if (offsetAt(first) !== before) return isSecond ? second : first;
    return isSecond && second <= arrivedAtMs + AHEAD_MS ? second : first;
  };
}

/** Zones change at a quarter of an hour of UTC. */
const SLOT_MS = 900_000;
const MAX_REMEMBERED = 4_096;

/** @returns what a zone is ahead of UTC at an instant, in ms */
function offsets(name: string): (epochMs: number) => number {
  const format = new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset" });
  const remembered = new Map<number, number>();
  return (epochMs) => {
    const slot = Math.floor(epochMs / SLOT_MS);
    let offset = remembered.get(slot);
    if (offset === undefined) {
      const parts = format.formatToParts(slot * SLOT_MS);
      offset = offsetMs(parts.find(({ type }) => type === "timeZoneName")!.value);
      if (remembered.size >= MAX_REMEMBERED) remembered.clear();
      remembered.set(slot, offset);
    }
    return offset;
  };
}

/** Of `GMT`, `GMT+01:00`, and `GMT-00:01:15` as it was before there were zones. */
function offsetMs(text: string): number {
  const [, sign, hours = 0, minutes = 0, seconds = 0] =
    /^GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text) ?? [];
  return (sign === "-" ? -1_000 : 1_000) * (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds));
}
