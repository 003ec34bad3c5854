import { readAhead } from "../../lambdas/commit-log/read-ahead.ts";
import { objectLines, UnreadableObject } from "../../lambdas/commit-log/object-lines.ts";
import type { LakeObject } from "../../wire/commit.ts";
import { AccessError } from "../access/access-error.ts";
import type { Place } from "../access/place.ts";
import type { FoundCommit } from "../commits/read-commits.ts";
import { EraseLake } from "../erase/lake.ts";
import type { Audit } from "./audit.ts";

/** What is read for the rows of some files, at most, compressed: a few minutes of a network. */
const MAX_BYTES = 512 * 2 ** 20;
const MAX_OBJECTS = 5_000;
const READ_AHEAD = { items: 4, bytes: 32 * 2 ** 20 };

/** Lines of a source in the lake, of one type. */
export interface SourceLines {
  readonly source: string;
  readonly type: string;
  rows: number;
  rejected: number;
}

export type CountedRows =
  | {
      readonly lines: readonly SourceLines[];
      /** Objects that are not there any more: erased, expired or removed. */
      readonly gone: number;
    }
  /** Too much to be read. */
  | { readonly objects: number; readonly bytes: number };

/** The objects of commits that have bytes of the files that are asked for. */
export class RowObjects {
  readonly #audit: Audit;
  readonly objects = new Map<string, LakeObject>();
  bytes = 0;

  constructor(audit: Audit) {
    this.#audit = audit;
  }

  /** Call after the audit has seen it. */
  add(found: FoundCommit): void {
    if (!("commit" in found)) return;
    const { sources, objects } = found.commit;
    const types = new Set<string>();
    for (const { id, types: own } of sources) if (this.has(id)) for (const type of own) types.add(type);
    if (types.size === 0) return;
    for (const object of objects) {
      if (object.kind === "quarantine" || !types.has(object.type) || this.objects.has(object.key)) continue;
      this.bytes += object.bytes;
      // Beyond the limit they are only counted.
      if (this.objects.size <= MAX_OBJECTS) this.objects.set(object.key, object);
    }
  }

  has(source: string): boolean {
    return this.#audit.sources.get(source) !== undefined;
  }
}

/** Counts the lines of the files in the lake's objects. */
export async function countRows(wanted: RowObjects, place: Place): Promise<CountedRows> {
  const { objects, bytes } = wanted;
  if (objects.size > MAX_OBJECTS || bytes > MAX_BYTES) return { objects: objects.size, bytes };
  const lake = new EraseLake(place);
  const sums = new Map<string, SourceLines>();
  let gone = 0;
  const all = async function* (): AsyncGenerator<LakeObject> {
    yield* objects.values();
  };
  const read = async ({
    key,
  }: LakeObject): Promise<readonly string[] | { readonly failed: unknown } | undefined> => {
    try {
      const body = await lake.get(key);
      if (body === undefined) return undefined;
      const sources: string[] = [];
      for await (const line of objectLines(key, body)) sources.push(sourceOf(line));
      return sources;
    } catch (failed) {
      return { failed };
    }
  };
  for await (const { item, result } of readAhead(all(), read, READ_AHEAD)) {
    if (result === undefined) gone++;
    else if ("failed" in result) throw unreadable(item.key, result.failed);
    else for (const source of result) if (wanted.has(source)) count(sums, source, item);
  }
  return { lines: [...sums.values()], gone };
}

function count(sums: Map<string, SourceLines>, source: string, { kind, type }: LakeObject): void {
  const name = `${source} ${type}`;
  const sum = sums.get(name) ?? { source, type, rows: 0, rejected: 0 };
  sums.set(name, sum);
  if (kind === "data") sum.rows++;
  else sum.rejected++;
}

const sourceOf = (line: Buffer): string => String((JSON.parse(line.toString()) as { _src?: unknown })._src);

function unreadable(key: string, cause: unknown): unknown {
  const isSpoilt = cause instanceof SyntaxError || cause instanceof UnreadableObject;
  return isSpoilt ? new AccessError("BAD_LAKE", `${key} cannot be read: ${cause.message}`) : cause;
}
