import type { Erasure, RewrittenObject } from "../../wire/erasure.ts";
import { partitionDay } from "../../wire/keys.ts";

/** Reads the files of erasures that the lake records. */
export interface ErasureReader {
  record(id: string): Promise<Pick<Erasure, "days">>;
  /** What an erasure has rewritten of the objects of a day. */
  objects(id: string, day: string): AsyncIterable<RewrittenObject>;
}

/**
 * What stands in the place of objects, by their keys; of those that were not rewritten there is nothing. One
 * erasure of a type ends before the next begins, so what one has written the next may have replaced.
 *
 * @param ids of the erasures, the earliest first
 * @param keys as commits name them
 */
export async function standingObjects(
  ids: readonly string[],
  keys: Iterable<string>,
  reader: ErasureReader,
): Promise<Map<string, RewrittenObject>> {
  const replaced = new Map<string, RewrittenObject>();
  if (ids.length === 0) return replaced;
  /** The object that there is now, and the one that a commit names. */
  const named = new Map([...keys].map((key) => [key, key]));
  for (const id of ids) {
    const days = new Set((await reader.record(id)).days);
    const wanted = new Set([...named.keys()].map(partitionDay).filter((day) => day && days.has(day)));
    for (const day of wanted) {
      for await (const next of reader.objects(id, day!)) {
        const name = named.get(next.object);
        if (name === undefined) continue;
        named.delete(next.object);
        if (next.key !== undefined) named.set(next.key, name);
        replaced.set(name, next);
      }
    }
  }
  return replaced;
}
