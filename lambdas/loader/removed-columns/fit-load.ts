import { PREFIX } from "../../../wire/keys.ts";
import type { Lake } from "../lake.ts";
import type { OpenLoad } from "../open-load.ts";
import { type LoadObject, manifestBody, ndjson, readKey, readObjects } from "../set-aside/load-objects.ts";
import { columnsFingerprint, type Target } from "../target.ts";
import { ColumnRegistry } from "./column-registry.ts";
import { copyUncovered } from "./uncovered-objects.ts";

/** Of objects that one step reads, compressed. See claim.ts. */
const STEP_MAX_BYTES = 32 * 2 ** 20;

/**
 * Makes a load fit that was planned when the table had other columns: what it has no column for any more goes into
 * `_extra`, as in a load that is planned today. A large one takes several steps, so that none takes longer than an
 * invocation may.
 *
 * @returns the load, with `fitting` unless all of it fits
 */
export async function fitLoad(load: OpenLoad, target: Target, lake: Lake): Promise<OpenLoad> {
  const columns = columnsFingerprint(target);
  if (load.columns === columns) return load;
  const objects = await objectsOf(load, lake);
  const registry = new ColumnRegistry(lake);
  const { fitting } = load;
  let next = fitting?.columns === columns ? fitting.objects : 0;
  const uncovered: string[] = [];
  for (let bytes = 0; next < objects.length && bytes < STEP_MAX_BYTES; next++) {
    const object = objects[next]!;
    if (await registry.covers(target, object.config ?? "")) continue;
    uncovered.push(readKey(object));
    bytes += object.bytes;
  }
  const { keys } = await copyUncovered(uncovered, load.id, target, lake);
  const step = keys.size > 0 ? await withCopies(load, objects, keys, `${columns}-${next}`, lake) : load;
  return next < objects.length ? { ...step, fitting: { columns, objects: next } } : fitted(step, columns);
}

function fitted(load: OpenLoad, columns: string): OpenLoad {
  const { fitting: _, ...rest } = load;
  return { ...rest, columns };
}

/** A load of an earlier release has no list of its objects. */
async function objectsOf(load: OpenLoad, lake: Lake): Promise<readonly LoadObject[]> {
  if (load.objects !== undefined) return readObjects(load, lake);
  const manifests = await Promise.all(load.manifests.map(({ key }) => readManifest(key, lake)));
  const keys = manifests.flat();
  const bytes = load.bytes / Math.max(keys.length, 1);
  return keys.map((object_key) => ({ object_key, commit_key: "", rows: 0, bytes }));
}

/** Files of a load never change, so that it has others then. Nor is it the same statement any more. */
async function withCopies(
  load: OpenLoad,
  objects: readonly LoadObject[],
  copies: ReadonlyMap<string, string>,
  name: string,
  lake: Lake,
): Promise<OpenLoad> {
  const folder = `${PREFIX.loads}${load.id}/`;
  const manifests: OpenLoad["manifests"] = [];
  for (const manifest of load.manifests) {
    const key = `${folder}rows-${manifest.codec}-${name}.manifest`;
    const keys = await readManifest(manifest.key, lake);
    const read = keys.map((key) => ({ object_key: copies.get(key) ?? key }));
    await lake.put(key, manifestBody(read, manifest.codec, lake.bucket));
    manifests.push({ ...manifest, key });
  }
  // What was looked for in rows that were others is looked for anew.
  const { search: _, ...rest } = load;
  const next = { ...rest, manifests, attempt: load.attempt + 1 };
  if (load.objects === undefined) return next;
  const key = `${folder}objects-${name}.ndjson`;
  const copied = objects.map((object) => ({
    ...object,
    copy_key: copies.get(readKey(object)) ?? object.copy_key,
  }));
  await lake.put(key, ndjson(copied));
  return { ...next, objects: { ...load.objects, key } };
}

/** Keys of its objects; none of one that is gone or spoilt: COPY says so. */
async function readManifest(key: string, lake: Lake): Promise<string[]> {
  try {
    const { entries } = JSON.parse((await lake.text(key)) ?? '{"entries":[]}') as {
      entries: { url: string }[];
    };
    return entries.map(({ url }) => url.replace(/^s3:\/\/[^/]+\//, ""));
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}
