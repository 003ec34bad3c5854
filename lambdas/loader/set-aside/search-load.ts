import type { LoadParts } from "../load.ts";
import type { OpenLoad } from "../open-load.ts";
import { timestamp } from "../ledger-commit.ts";
import { afterLoad, afterProbe, isCredible, type FaultSearch, type Next } from "./fault-search.ts";
import { type LoadErrorDetail, refusalOf } from "./load-errors.ts";
import {
  type LoadObject,
  putManifests,
  putRefused,
  readObjects,
  readRefused,
  type RefusedObject,
} from "./load-objects.ts";
import { CONTROL, controlKey } from "./probe-sql.ts";

type Parts = Pick<LoadParts, "lake" | "now">;

/** Whether the load's statement is a probe, and not the load itself. */
export const isProbe = ({ search }: OpenLoad): boolean => search !== undefined && search.suspects.length > 0;

/** A load and its objects, while some of them are under suspicion. */
class Search {
  readonly load: OpenLoad;
  readonly objects: readonly LoadObject[];
  readonly refused: readonly RefusedObject[];
  readonly #keys: ReadonlySet<string>;

  constructor(load: OpenLoad, objects: readonly LoadObject[], refused: readonly RefusedObject[]) {
    this.load = load;
    this.objects = objects;
    this.refused = refused;
    this.#keys = new Set(refused.map(({ object_key }) => object_key));
  }

  static async of(load: OpenLoad, { lake }: Parts): Promise<Search> {
    return new Search(load, await readObjects(load, lake), await readRefused(load, lake));
  }

  get size(): number {
    return this.objects.length;
  }

  /** Indexes of the objects of an interval that were not found yet. */
  left([from, to]: readonly [number, number]): number[] {
    const left: number[] = [];
    for (let index = from; index < to; index++) {
      if (!this.#keys.has(this.objects[index]!.object_key)) left.push(index);
    }
    return left;
  }

  /** What the statement that has just ended read. */
  get read(): number[] {
    return this.left(this.load.search?.suspects.at(-1) ?? [0, this.size]);
  }
}

/**
 * The load's next statement after its last one was refused, with what is known of the reason.
 *
 * @returns undefined where the data is not at fault, or cannot be looked into
 */
export async function refusedOn(
  load: OpenLoad,
  error: string,
  details: readonly LoadErrorDetail[],
  parts: Parts,
): Promise<OpenLoad | undefined> {
  if (load.objects === undefined) return undefined;
  const search = await Search.of(load, parts);
  const refusal = refusalOf(error, details, search.objects, search.read);
  const next = isProbe(load)
    ? afterProbe(load.search!, search.size, search.read, refusal)
    : afterLoad(load.search, search.size, refusal);
  return next && advanced(search, next, parts);
}

/** The load's next statement after a probe that found nothing. */
export async function probedOn(load: OpenLoad, parts: Parts): Promise<OpenLoad> {
  const search = await Search.of(load, parts);
  const next = afterProbe(load.search!, search.size, search.read, undefined)!;
  return (await advanced(search, next, parts)) ?? endSearch(load, parts);
}

async function advanced(before: Search, next: Next, parts: Parts): Promise<OpenLoad | undefined> {
  const { search, found } = next.rest === undefined ? next : withRest(before, next, next.rest);
  const at = timestamp(parts.now().toISOString());
  const refused = [
    ...before.refused,
    ...found.map(({ index, ...why }): RefusedObject => {
      const { object_key, commit_key, rows } = before.objects[index]!;
      return { object_key, commit_key, rows, ...why, at };
    }),
  ];
  const after = new Search(before.load, before.objects, refused);
  const suspects = [...search.suspects];
  while (suspects.length > 0 && after.left(suspects.at(-1)!).length === 0) suspects.pop();
  const going = { ...search, suspects };
  if (suspects.length > 0) return probing(after, going, found.length > 0, parts);
  if (!isCredible(search, after.size, refused)) return undefined;
  return { ...(await without(after, parts)), search: going };
}

function withRest(before: Search, { search, found }: Next, error: string): Next {
  const known = new Set(found.map(({ index }) => index));
  const rest = before.load
    .search!.suspects.flatMap((suspect) => before.left(suspect))
    .filter((index) => !known.has(index));
  const reason = `some of these objects are refused: ${error}`;
  return {
    search: { ...search, suspects: [] },
    found: [...found, ...rest.map((index) => ({ index, error: reason, isNamed: false }))],
  };
}

async function probing(
  search: Search,
  next: FaultSearch,
  isChanged: boolean,
  { lake }: Parts,
): Promise<OpenLoad> {
  const { load, objects, refused } = search;
  const suspects = search.left(next.suspects.at(-1)!).map((index) => objects[index]!);
  await lake.put(controlKey(load), CONTROL);
  return {
    ...load,
    ...(isChanged && { refused: await putRefused(load, refused, lake) }),
    search: { ...next, probe: await putManifests(load, suspects, `probe-${load.attempt}`, lake) },
  };
}

/** The load of what was not found to be at fault. */
async function without({ load, objects, refused }: Search, { lake }: Parts): Promise<OpenLoad> {
  const keys = new Set(refused.map(({ object_key }) => object_key));
  const left = objects.filter(({ object_key }) => !keys.has(object_key));
  const { refused: _, ...bare } = load;
  return {
    ...bare,
    manifests: await putManifests(load, left, `rows-${load.attempt}`, lake),
    rows: left.reduce((sum, { rows }) => sum + rows, 0),
    bytes: left.reduce((sum, { bytes }) => sum + bytes, 0),
    ...(refused.length > 0 && { refused: await putRefused(load, refused, lake) }),
  };
}

/** The load with its search given up: what the warehouse has named stays out, and the rest is tried as it is. */
export async function endSearch(load: OpenLoad, parts: Parts): Promise<OpenLoad> {
  if (load.search === undefined) return load;
  const { search: ended, ...rest } = load;
  const search = await Search.of(rest, parts);
  const kept = search.refused.filter(({ isNamed }) => isNamed || ended.hasGood);
  return without(new Search(rest, search.objects, kept), parts);
}
