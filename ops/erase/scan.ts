import { objectDigest, partitionDay, PREFIX, rewrittenKey } from "../../wire/keys.ts";
import type { ErasedPlace, ErasurePlan, RewrittenObject } from "../../wire/erasure.ts";
import type { EraseLake } from "./lake.ts";
import { linesOf, packedLines, UnreadableObject } from "./lines.ts";
import type { Matcher } from "./matcher.ts";

/** What an erasure finds in the objects that are filed under one day. */
export interface FoundDay {
  readonly day: string;
  /** Objects that were looked at. */
  readonly scanned: number;
  readonly rows: number;
  readonly rejected: number;
  readonly places: readonly ErasedPlace[];
  readonly objects: readonly RewrittenObject[];
  readonly unreadable: readonly UnreadableObject[];
}

/** Objects that are worked on at a time, each of which is held whole. */
const CONCURRENT_OBJECTS = 8;

/**
 * Looks through all objects of some types, day by day, whatever time they are filed under: rows of one batch may be filed by
 * arrival. Objects that no commit names are among them, since they hold lines as well.
 *
 * @param put is given what is left of an object; without it nothing is written
 */
export async function* scan(
  lake: EraseLake,
  types: readonly string[],
  matcher: Matcher,
  { isDone, put }: { isDone?: (day: string) => boolean; put?: (key: string, body: Buffer) => Promise<void> },
): AsyncGenerator<FoundDay> {
  for await (const { day, keys } of days(lake, types)) {
    if (isDone?.(day)) continue;
    const found: Found[] = [];
    const unreadable: UnreadableObject[] = [];
    await eachOf(keys, async (key) => {
      try {
        const one = await look(lake, key, matcher, put);
        if (one) found.push(one);
      } catch (error) {
        if (!(error instanceof UnreadableObject)) throw error;
        unreadable.push(error);
      }
    });
    found.sort((a, b) => (a.object.object < b.object.object ? -1 : 1));
    yield {
      day,
      scanned: keys.length,
      rows: erasedOf(found, PREFIX.data),
      rejected: erasedOf(found, PREFIX.rejected),
      places: found.flatMap(({ places }) => places),
      objects: found.map(({ object }) => object),
      unreadable,
    };
  }
}

const erasedOf = (found: readonly Found[], prefix: string): number =>
  found.reduce((sum, { object }) => sum + (object.object.startsWith(prefix) ? object.erased : 0), 0);

interface Found {
  readonly object: RewrittenObject;
  readonly places: readonly ErasedPlace[];
}

/** Names of the types that an erasure is for. */
export const typesOf = ({ type, formerNames = [] }: Pick<ErasurePlan, "type" | "formerNames">): string[] => [
  type,
  ...formerNames,
];

/** Prefixes of the objects of some types, or of one day of them. */
export const prefixesOf = (types: readonly string[], day?: string): string[] =>
  [PREFIX.data, PREFIX.rejected].flatMap((prefix) =>
    types.map((type) => `${prefix}type=${type}/${day === undefined ? "" : `dt=${day}/`}`),
  );

/** Keys by day, of rows and of rejected lines: all listings are sorted by it. */
async function* days(
  lake: EraseLake,
  types: readonly string[],
): AsyncGenerator<{ day: string; keys: string[] }> {
  const listings = prefixesOf(types).map((prefix) => lake.keys(prefix));
  const next = await Promise.all(listings.map((listing) => listing.next()));
  const dayAt = (i: number): string | undefined => {
    const key = next[i]!.value;
    return key === undefined ? undefined : partitionDay(key as string);
  };
  /** Passes over what is no object of lines. */
  const settle = async (i: number): Promise<void> => {
    while (!next[i]!.done && dayAt(i) === undefined) next[i] = await listings[i]!.next();
  };
  for (;;) {
    for (const i of listings.keys()) await settle(i);
    const [day] = [...listings.keys()].flatMap((i) => dayAt(i) ?? []).toSorted();
    if (day === undefined) return;
    const keys: string[] = [];
    for (const i of listings.keys()) {
      while (dayAt(i) === day) {
        keys.push(next[i]!.value as string);
        next[i] = await listings[i]!.next();
      }
    }
    yield { day, keys };
  }
}

async function look(
  lake: EraseLake,
  key: string,
  matcher: Matcher,
  put?: (key: string, body: Buffer) => Promise<void>,
): Promise<Found | undefined> {
  const packed = await lake.get(key);
  // Removed since it was listed: by whoever removes what an erasure has replaced.
  if (packed === undefined) return undefined;
  const lines = await linesOf(key, packed);
  const match = (line: Buffer): ErasedPlace | undefined =>
    key.startsWith(PREFIX.rejected) ? matcher.rejected(line) : matcher.row(line);
  const places: ErasedPlace[] = [];
  const left: Buffer[] = [];
  for (const [i, line] of lines.entries()) {
    const place = matched(match, line, key, i);
    if (place) places.push(place);
    else left.push(line);
  }
  if (places.length === 0) return undefined;
  const counts = { rows: left.length, erased: places.length };
  if (left.length === 0) return { object: { object: key, bytes: 0, ...counts }, places };
  const body = packedLines(key, left);
  const newKey = rewrittenKey(key, objectDigest(body));
  await put?.(newKey, body);
  return { object: { object: key, key: newKey, bytes: body.length, ...counts }, places };
}

function matched(
  match: (line: Buffer) => ErasedPlace | undefined,
  line: Buffer,
  key: string,
  index: number,
): ErasedPlace | undefined {
  try {
    return match(line);
  } catch (cause) {
    throw new UnreadableObject(key, `line ${index + 1} is no JSON: ${(cause as Error).message}`, { cause });
  }
}

/** Stops at the first failure, once nothing is on its way any more. */
async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const pending = items.values();
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (const item of pending) {
      if (failures.length > 0) return;
      await work(item).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_OBJECTS }, worker));
  if (failures.length > 0) throw failures[0];
}
