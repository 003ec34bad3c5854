import * as z from "zod";
import { erasureTermSchema } from "./erasure-condition.ts";
import { PREFIX } from "./keys.ts";
import { WireError } from "./wire-error.ts";

/**
 * Erasures: rows and rejected lines that were removed from the lake and the warehouse on purpose, and are to stay away
 * when they come again.
 *
 * erasures/<id>.json                                   the record, written once all below it stands; never changes
 * erasures/<id>/plan.json                              what was asked for, from the beginning on
 * erasures/<id>/places/dt=YYYY-MM-DD.ndjson.zst        { places } erased from objects of that day, as COPY reads them
 * erasures/<id>/places.manifest                        names those, for COPY
 * erasures/<id>/objects/dt=YYYY-MM-DD.ndjson.zst       { rewritten objects } of that day
 * erasures/<id>/done.json                              what was replaced is removed, and the tables have been seen to
 * erasures/open-<type>.json                            the same as plan.json, of the one that is not done
 *
 * id := <YYYYMMDDTHHMMSSZ>-<type>-<8 hexadecimal digits>
 *
 * What the record says holds once it is there: readers of the lake read a rewritten object in the place of the one it
 * replaces, which is removed when nobody can be reading it any more. A record speaks of places, not of what stood
 * there; its condition has the values that were asked for.
 */

const count = z.int().min(0);
const instant = z.iso.datetime();
const day = z.iso.date();
const ID = /^\d{8}T\d{6}Z-([a-z_][a-z0-9_.]*)-[0-9a-f]{8}$/;

export const erasureConditionSchema = z.strictObject({
  /** All of these hold; none: no row is meant by its columns. */
  where: z.array(erasureTermSchema),
  /** The row or line has this text in it. */
  contains: z.string().min(1).optional(),
  /** Of the rows' event time, and of rejected lines' arrival. */
  since: instant.optional(),
  until: instant.optional(),
});

export const erasurePlanSchema = z.object({
  version: z.literal(1),
  id: z.string().regex(ID),
  type: z.string(),
  /** What the type was called before: its lines are under these names as well. */
  formerNames: z.array(z.string()).optional(),
  condition: erasureConditionSchema,
  startedAt: instant,
  /** What arrived later is not meant by the condition. */
  arrivedBefore: instant,
  /** The erasure whose places are erased where they came again. */
  again: z.string().regex(ID).optional(),
  by: z.string(),
  reason: z.string().optional(),
});

export const erasureSchema = erasurePlanSchema.extend({
  recordedAt: instant,
  /** Lines of `places`. */
  places: count,
  rows: count,
  rejected: count,
  /** That were replaced. */
  objects: count,
  /** Of which there are files of places and objects. */
  days: z.array(day),
  /** Objects that could not be looked at and stay as they are: the first of them, with the reasons. */
  unreadable: z.array(z.string()),
});

/** A row or line that was erased. `crc` is absent where the lake's version 1 has none. */
export const erasedPlaceSchema = z.object({ src: z.string(), off: z.int(), crc: z.uint32().optional() });

/** An object and what stands in its place. */
export const rewrittenObjectSchema = z.object({
  object: z.string(),
  /** Absent where no line is left. */
  key: z.string().optional(),
  bytes: count,
  rows: count,
  erased: count,
});

export type ErasureCondition = z.output<typeof erasureConditionSchema>;
export type ErasurePlan = z.output<typeof erasurePlanSchema>;
export type Erasure = z.output<typeof erasureSchema>;
export type ErasedPlace = z.output<typeof erasedPlaceSchema>;
export type RewrittenObject = z.output<typeof rewrittenObjectSchema>;

export function erasureId(at: Date, type: string, random: string): string {
  return `${at.toISOString().slice(0, 19).replace(/[-:]/g, "")}Z-${type}-${random.slice(0, 8)}`;
}

const folder = (id: string): string => `${PREFIX.erasures}${id}/`;

export const erasureKey = (id: string): string => `${PREFIX.erasures}${id}.json`;
export const erasurePlanKey = (id: string): string => `${folder(id)}plan.json`;
export const erasureDoneKey = (id: string): string => `${folder(id)}done.json`;
export const placesKey = (id: string, day: string): string => `${folder(id)}places/dt=${day}.ndjson.zst`;
export const placesManifestKey = (id: string): string => `${folder(id)}places.manifest`;
export const objectsPrefix = (id: string): string => `${folder(id)}objects/dt=`;
export const objectsKey = (id: string, day: string): string => `${objectsPrefix(id)}${day}.ndjson.zst`;
export const objectsDay = (key: string): string => /dt=(\d{4}-\d\d-\d\d)\.ndjson\.zst$/.exec(key)?.[1] ?? "";
const OPEN_KEY = new RegExp(String.raw`^${PREFIX.erasures}open-([^/]+)\.json$`);
export const openErasureKey = (type: string): string => `${PREFIX.erasures}open-${type}.json`;

/** The type of which an erasure is not done, by the key that says so. */
export const parseOpenErasureKey = (key: string): string | undefined => OPEN_KEY.exec(key)?.[1];

/** The erasure, and its type, that a key is the record of. */
export function parseErasureKey(key: string): { readonly id: string; readonly type: string } | undefined {
  if (!key.startsWith(PREFIX.erasures) || !key.endsWith(".json")) return undefined;
  const id = key.slice(PREFIX.erasures.length, -".json".length);
  const type = ID.exec(id)?.[1];
  return type === undefined ? undefined : { id, type };
}

/** @throws WireError BAD_ERASURE */
export function parseErasure(json: string, key: string): Erasure {
  return parsed(erasureSchema, json, key);
}

/** @throws WireError BAD_ERASURE */
export function parseErasurePlan(json: string, key: string): ErasurePlan {
  return parsed(erasurePlanSchema, json, key);
}

/** @param line of a file of rewritten objects @throws WireError BAD_ERASURE */
export function parseRewrittenObject(line: string, key: string): RewrittenObject {
  return parsed(rewrittenObjectSchema, line, key);
}

function parsed<T>(schema: z.ZodType<T>, json: string, key: string): T {
  try {
    return schema.parse(JSON.parse(json));
  } catch (cause) {
    throw new WireError("BAD_ERASURE", `${key} is not what an erasure has there`, undefined, { cause });
  }
}
