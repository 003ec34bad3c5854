import fc from "fast-check";
import { expect, test } from "vitest";
import {
  afterLoad,
  afterProbe,
  type FaultSearch,
  isCredible,
  type Next,
  type Refusal,
} from "../../lambdas/loader/set-aside/fault-search.ts";

interface Warehouse {
  readonly size: number;
  readonly bad: ReadonlySet<number>;
  /** How many objects at fault a load names, and whether a probe names all of them. */
  readonly names: { readonly load: number; readonly probe: boolean };
}

/** Searches to the end. @returns what was found, by how many statements; undefined where the search gave up */
function search({ size, bad, names }: Warehouse): { found: number[]; steps: number } | undefined {
  const found = new Map<number, boolean>();
  const left = ([from, to]: readonly [number, number]): number[] =>
    Array.from({ length: to - from }, (_, i) => from + i).filter((index) => !found.has(index));
  const refusal = (read: readonly number[], named: number): Refusal | undefined => {
    const wrong = read.filter((index) => bad.has(index));
    if (wrong.length === 0) return undefined;
    const told = wrong.slice(0, named).map((index) => ({ index, error: `${index}`, isNamed: true }));
    return { error: "refused", named: told };
  };
  let state: FaultSearch | undefined;
  for (let steps = 0; ; steps++) {
    const [suspect] = state?.suspects.slice(-1) ?? [];
    let next: Next | undefined;
    if (suspect) {
      const read = left(suspect);
      next = afterProbe(state!, size, read, refusal(read, names.probe ? size : 0));
    } else {
      const refused = refusal(left([0, size]), names.load);
      if (refused === undefined) return { found: [...found.keys()].sort((a, b) => a - b), steps };
      next = afterLoad(state, size, refused);
    }
    if (next === undefined) return undefined;
    for (const { index, isNamed } of next.found) found.set(index, isNamed);
    if (next.rest !== undefined) {
      for (const index of state!.suspects.flatMap(left)) found.set(index, false);
    }
    const suspects = next.rest === undefined ? [...next.search.suspects] : [];
    while (suspects.length > 0 && left(suspects.at(-1)!).length === 0) suspects.pop();
    state = { ...next.search, suspects };
    const all = [...found.values()].map((isNamed) => ({ isNamed }));
    if (suspects.length === 0 && !isCredible(state, size, all)) return undefined;
  }
}

const warehouse = fc.integer({ min: 1, max: 400 }).chain((size) =>
  fc.record({
    size: fc.constant(size),
    bad: fc.uniqueArray(fc.nat(size - 1), { minLength: 1, maxLength: Math.min(size, 5) }),
    names: fc.record({ load: fc.nat(2), probe: fc.boolean() }),
  }),
);

test("finds exactly the objects at fault, in steps that grow with the logarithm of how many there are", () =>
  fc.assert(
    fc.property(warehouse, ({ size, bad, names }) => {
      const result = search({ size, bad: new Set(bad), names });
      // Where nothing is named and nothing is good, all may be refused for another reason.
      if (bad.length === size && size > 1 && !names.probe && names.load === 0) {
        expect(result).toBeUndefined();
        return;
      }
      expect(result?.found).toEqual(bad.toSorted((a, b) => a - b));
      expect(result!.steps).toBeLessThanOrEqual(4 + bad.length * (2 * Math.ceil(Math.log2(size)) + 4));
    }),
    { numRuns: 500 },
  ));

test("one of ten thousand that nothing names takes thirty statements", () => {
  const result = search({ size: 10_000, bad: new Set([6_789]), names: { load: 0, probe: false } });
  expect(result).toMatchObject({ found: [6_789] });
  expect(result!.steps).toBeLessThanOrEqual(30);
});

test("any number that the warehouse names takes four", () => {
  const bad = new Set(Array.from({ length: 5_000 }, (_, i) => 2 * i));
  const result = search({ size: 10_000, bad, names: { load: 1, probe: true } });
  expect(result?.found).toHaveLength(5_000);
  expect(result!.steps).toBeLessThanOrEqual(4);
});

test("where there are very many that nothing names, leaves out what it could not look into, and loads the rest", () => {
  const bad = new Set(Array.from({ length: 100 }, (_, i) => 9 * i));
  const result = search({ size: 10_000, bad, names: { load: 0, probe: false } });
  expect(result!.steps).toBeLessThanOrEqual(125);
  expect([...bad].every((index) => result!.found.includes(index))).toBe(true);
  expect(result!.found.length).toBeLessThan(10_000);
});

test("gives up where all is refused for a reason that names nothing, however many there are", () => {
  for (const size of [2, 3, 30, 1_000]) {
    const bad = new Set(Array.from({ length: size }, (_, i) => i));
    expect(search({ size, bad, names: { load: 0, probe: false } })).toBeUndefined();
  }
});
