import * as z from "zod";
import type { Commit } from "../../../wire/commit.ts";
import { compareCursors, type Cursor, cursorSchema } from "../../commit-log/cursor.ts";
import { minuteOf } from "../set-aside.ts";

const count = z.int().min(0);

/** Rows of one type that no type of the configuration takes, as an interval [from, to) of the log. */
const heldTypeSchema = z.strictObject({
  from: cursorSchema,
  to: cursorSchema,
  commits: count,
  rows: count,
  /** Minute of the oldest commit. */
  oldestAt: z.iso.datetime().optional(),
});

/**
 * What the loader holds: nothing of the log before `cursor` is of an unknown type, but for what is held. Such rows are
 * never counted as none of anybody's: their type may have been renamed, or taken out by mistake.
 */
export const heldSchema = z.strictObject({
  cursor: cursorSchema,
  types: z.record(z.string(), heldTypeSchema),
});

export type HeldType = z.output<typeof heldTypeSchema>;
export type Held = z.output<typeof heldSchema>;

/** What the configuration knows of types. */
export interface KnownTypes {
  /** Present and former names, whatever their destinations. */
  readonly names: ReadonlySet<string>;
  /** Types of which nothing is to be loaded any more. */
  readonly retired: ReadonlySet<string>;
}

/** Types of Weir's own begin so: heartbeats, and lines of no type. They have no tables. */
const OWN_PREFIX = "_";

export function isUnknown(type: string, { names }: KnownTypes): boolean {
  return !names.has(type) && !type.startsWith(OWN_PREFIX);
}

/**
 * Adds a commit's rows to what is held. What comes before the end of a type's interval is there already, but for what
 * could not be read until now.
 */
export function hold(
  types: Held["types"],
  at: { readonly key: string; readonly at: Cursor; readonly next: Cursor },
  commit: Commit,
  known: KnownTypes,
  isRecovered = false,
): Held["types"] {
  const held = new Map(Object.entries(types));
  for (const [type, { rows }] of Object.entries(commit.types)) {
    if (rows === 0 || !isUnknown(type, known)) continue;
    const before = held.get(type);
    if (before && !isRecovered && compareCursors(at.at, before.to) < 0) continue;
    const [oldestAt] = [before?.oldestAt, minuteOf(at.key).oldestAt]
      .filter((minute) => minute !== undefined)
      .toSorted();
    const next = {
      from: before && before.commits > 0 ? first(before.from, at.at) : at.at,
      to: before && compareCursors(before.to, at.next) > 0 ? before.to : at.next,
      commits: (before?.commits ?? 0) + 1,
      rows: (before?.rows ?? 0) + rows,
      ...(oldestAt !== undefined && { oldestAt }),
    };
    held.set(type, next);
  }
  return Object.fromEntries(held);
}

const first = (a: Cursor, b: Cursor): Cursor => (compareCursors(a, b) < 0 ? a : b);
