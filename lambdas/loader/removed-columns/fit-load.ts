import { PREFIX } from "../../../wire/keys.ts";
import type { Lake } from "../lake.ts";
import type { OpenLoad } from "../open-load.ts";
import {
  type LoadObject,
  ndjson,
  putManifests,
  readKey,
  readObjects,
  readRefused,
} from "../set-aside/load-objects.ts";
import type { Target } from "../target.ts";
import { ColumnRegistry } from "./column-registry.ts";
import { copyUncovered } from "./uncovered-objects.ts";

/** Of objects that one step reads, compressed. See claim.ts. */
const STEP_MAX_BYTES = 32 * 2 ** 20;

/**
 * Makes a load fit that was planned when the table had another configuration: what the table has no column for any
 * more goes into `_extra`, as in a load that is planned today. A large one takes several steps, so that none takes longer
 * than an invocation may.
 *
 * @returns the load, of the table's configuration once all of it fits
 */
export async function fitLoad(load: OpenLoad, target: Target, lake: Lake): Promise<OpenLoad> {
  const { config } = target;
  if (load.config === config) return load;
  const columns = new ColumnRegistry(lake);
  // A load of an earlier release has no list of its objects.
  const isCovered = load.config !== undefined && (await columns.covers(target, load.config));
  if (isCovered || load.objects === undefined) return fitted(load, config);
  const objects = await readObjects(load, lake);
  let next = load.fitting?.config === config ? load.fitting.objects : 0;
  const step: string[] = [];
  for (let bytes = 0; next < objects.length && bytes < STEP_MAX_BYTES; next++) {
    const object = objects[next]!;
    if (await columns.covers(target, object.config ?? "")) continue;
    step.push(readKey(object));
    bytes += object.bytes;
  }
  const { keys } = await copyUncovered(step, load.id, target, lake);
  const fitting = keys.size > 0 ? await withCopies(load, objects, keys, `${config}-${next}`, lake) : load;
  return next < objects.length ? { ...fitting, fitting: { config, objects: next } } : fitted(fitting, config);
}

function fitted(load: OpenLoad, config: string): OpenLoad {
  const { fitting: _, ...rest } = load;
  return { ...rest, config };
}

/** Files of a load never change, so that it has others then. Nor is it the same statement any more. */
async function withCopies(
  load: OpenLoad,
  before: readonly LoadObject[],
  keys: ReadonlyMap<string, string>,
  name: string,
  lake: Lake,
): Promise<OpenLoad> {
  const objects = before.map((object): LoadObject => {
    const copy_key = keys.get(readKey(object));
    return copy_key === undefined ? object : { ...object, copy_key };
  });
  const key = `${PREFIX.loads}${load.id}/objects-${name}.ndjson`;
  await lake.put(key, ndjson(objects));
  const refused = new Set((await readRefused(load, lake)).map(({ object_key }) => object_key));
  const left = objects.filter(({ object_key }) => !refused.has(object_key));
  const manifests = await putManifests(load, left, `rows-${name}`, lake);
  // What was looked for in rows that were others is looked for anew.
  const { search: _, ...rest } = load;
  return { ...rest, objects: { key, rows: objects.length }, manifests, attempt: load.attempt + 1 };
}
