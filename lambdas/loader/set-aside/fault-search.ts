import * as z from "zod";

const count = z.int().min(0);

/**
 * The search for the objects of a load that the warehouse refuses. An interval of them that is under suspicion is
 * probed: COPY reads it into a temporary table. Where the warehouse names objects, they are found; where it does not,
 * the interval is halved, until an object is alone. Then the load is tried without what was found.
 */
export const faultSearchSchema = z.strictObject({
  /** Intervals [from, to) of the load's objects, by their index; the last one is probed next. */
  suspects: z.array(z.tuple([count, count])),
  /** Statements that the search took. */
  steps: count,
  /** Some objects were probed and found good, so the refusal is of data, and not of all that is asked. */
  hasGood: z.boolean(),
  /** All that is left was probed and found good. */
  isSound: z.boolean(),
});

export type FaultSearch = z.output<typeof faultSearchSchema>;

/** An object at fault, by its index. */
export interface Found {
  readonly index: number;
  readonly line?: number | undefined;
  readonly error: string;
  readonly isNamed: boolean;
}

/** What a statement that failed says of the objects that it was about. */
export interface Refusal {
  readonly error: string;
  readonly named: readonly Found[];
}

export interface Next {
  readonly search: FaultSearch;
  readonly found: readonly Found[];
  /** The search has taken too long: what is still under suspicion is set aside as it is, for this reason. */
  readonly rest?: string;
}

/**
 * Statements of one search. A single object among 10,000 takes 30; those that the warehouse names take three or four,
 * however many they are.
 */
const MAX_STEPS = 120;

const BEGUN: FaultSearch = { suspects: [], steps: 0, hasGood: false, isSound: false };

/**
 * After the load itself was refused.
 *
 * @param size objects of the load, those that were found before among them
 * @returns undefined where the data is not at fault, as far as can be seen
 */
export function afterLoad(
  search: FaultSearch | undefined,
  size: number,
  { named }: Refusal,
): Next | undefined {
  const { steps, isSound } = search ?? BEGUN;
  if (steps >= MAX_STEPS || (isSound && named.length === 0)) return undefined;
  // One that is named is mostly the only one; where there is another, a probe names all that it can.
  const suspects: FaultSearch["suspects"] = search === undefined && named.length > 0 ? [] : [[0, size]];
  return { search: { ...(search ?? BEGUN), suspects, steps: steps + 1 }, found: named };
}

/**
 * After the last of the suspects was probed.
 *
 * @param left the indexes of the probed interval that were not found before
 * @param refusal undefined where the probe found nothing wrong
 */
export function afterProbe(
  search: FaultSearch,
  size: number,
  left: readonly number[],
  refusal: Refusal | undefined,
): Next | undefined {
  const suspects = [...search.suspects];
  const [from, to] = suspects.pop()!;
  const next = { ...search, steps: search.steps + 1 };
  if (refusal === undefined) {
    const isSound = from === 0 && to === size;
    return { search: { ...next, suspects, hasGood: true, isSound }, found: [] };
  }
  const { error, named } = refusal;
  if (next.steps >= MAX_STEPS) {
    // What was found good need not wait any longer, and what was not is tried again later, by fewer at a time.
    return search.hasGood ? { search: next, found: named, rest: error } : undefined;
  }
  if (named.length > 0) {
    // Others may hide behind those that were named.
    if (left.length > named.length) suspects.push([from, to]);
    return { search: { ...next, suspects }, found: named };
  }
  if (left.length <= 1) {
    const found = left.map((index) => ({ index, error, isNamed: false }));
    return { search: { ...next, suspects }, found };
  }
  const middle = left[Math.ceil(left.length / 2)]!;
  suspects.push([middle, to], [from, middle]);
  return { search: { ...next, suspects }, found: [] };
}

/**
 * Whether what was found is to be believed. Where nothing was good, and nothing named, all of it was refused for a
 * reason that has to do with none of it.
 */
export function isCredible(
  search: FaultSearch,
  size: number,
  found: readonly Pick<Found, "isNamed">[],
): boolean {
  return size === 1 || search.hasGood || found.length < size || found.some(({ isNamed }) => isNamed);
}
