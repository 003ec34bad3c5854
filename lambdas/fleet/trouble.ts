import * as z from "zod";

/** Times by AWS's clocks, in milliseconds of the epoch. */
const instant = z.int();

export const troubleSchema = z.strictObject({
  since: instant,
  /** Those who are subscribed know of it. */
  isTold: z.boolean(),
  /** Since when all is well again, while it is not yet believed. */
  wellSince: instant.optional(),
  /** When it was told that all is well: kept for a while, so that a relapse is known for one. */
  overAt: instant.optional(),
  relapses: z.int().min(0),
});

/** Something that is wrong, from when it begins until it is told that it is over, and some hours more. */
export type Trouble = z.output<typeof troubleSchema>;

/** What is well has to stay so for as long before it is told; with each relapse for twice as long. */
const WELL_FOR_MS = 5 * 60_000;
const MAX_DOUBLINGS = 5;
/** After so long without a relapse, the next one is a first one. */
const REMEMBERED_MS = 6 * 3_600_000;

type OpenTrouble = Trouble & { overAt?: undefined };

export const isOpen = (trouble: Trouble | undefined): trouble is OpenTrouble =>
  trouble !== undefined && trouble.overAt === undefined;

/** Something to tell, or nothing. */
export type Change = "begins" | "ends" | undefined;

/**
 * What became of a trouble. Who is told only of what differs from what he was told last hears of each change once,
 * whatever happens between two runs.
 *
 * @param since when it began, where something is wrong now; undefined where all is well
 */
export function follow(
  before: Trouble | undefined,
  since: number | undefined,
  now: number,
): Trouble | undefined {
  if (since !== undefined) {
    if (before === undefined) return { since, isTold: false, relapses: 0 };
    if (!isOpen(before)) return { since, isTold: false, relapses: before.relapses + 1 };
    const { wellSince: _, ...open } = before;
    return open;
  }
  if (before === undefined) return undefined;
  if (!isOpen(before)) return now - before.overAt! > REMEMBERED_MS ? undefined : before;
  if (before.isTold) return { ...before, wellSince: before.wellSince ?? now };
  // Nobody has heard of it.
  return before.relapses > 0 ? { ...before, overAt: now } : undefined;
}

/** What those who are subscribed do not know yet. */
export function changeOf(trouble: Trouble | undefined, now: number): Change {
  if (!isOpen(trouble)) return undefined;
  const { isTold, wellSince, relapses } = trouble;
  if (!isTold) return "begins";
  const wellForMs = WELL_FOR_MS * 2 ** Math.min(relapses, MAX_DOUBLINGS);
  return wellSince !== undefined && now - wellSince >= wellForMs ? "ends" : undefined;
}

/** The trouble, once they know. */
export function told(trouble: Trouble, change: Change, now: number): Trouble {
  if (change === "begins") return { ...trouble, isTold: true };
  const { wellSince: _, ...over } = trouble;
  return change === "ends" ? { ...over, isTold: false, overAt: now } : trouble;
}
