import { type Codec, codecOf, PREFIX } from "../../../wire/keys.ts";
import type { Lake } from "../lake.ts";
import type { OpenLoad } from "../open-load.ts";

/** An object of a load, as `objects.ndjson` beside its manifests has it. The first three are columns of COPY. */
export interface LoadObject {
  readonly object_key: string;
  readonly commit_key: string;
  readonly rows: number;
  readonly bytes: number;
  /** Fingerprint of the configuration that it was routed by. */
  readonly config?: string;
  /** What COPY reads in its place: the same rows, without fields that have no column. */
  readonly copy_key?: string;
}

/** The key that COPY reads. */
export const readKey = ({
  object_key,
  copy_key = object_key,
}: Pick<LoadObject, "object_key" | "copy_key">): string => copy_key;

/** An object that the warehouse refuses: a row of weir.set_aside. */
export interface RefusedObject extends Pick<LoadObject, "object_key" | "commit_key" | "rows"> {
  /** The first line at fault, where the warehouse names one. */
  readonly line?: number | undefined;
  /** The warehouse's own words. */
  readonly error: string;
  /** Whether those name the object; without, it was found by leaving out the others. */
  readonly isNamed: boolean;
  /** When it was set aside or tried again. ISO 8601. */
  readonly at: string;
}

const CODECS = ["zstd", "gzip"] as const;

type Manifests = OpenLoad["manifests"];

/** The manifests of some objects, one for each codec that they have. */
export function manifestsOf(
  objects: readonly Pick<LoadObject, "object_key" | "rows">[],
  name: (codec: Codec) => string,
): Manifests {
  return CODECS.flatMap((codec) => {
    const own = objects.filter(({ object_key }) => codecOf(object_key) === codec);
    if (own.length === 0) return [];
    return [{ key: name(codec), codec, rows: own.reduce((sum, { rows }) => sum + rows, 0) }];
  });
}

/** A missing object fails the load: without `mandatory` COPY would go on without it. */
export function manifestBody(
  objects: Iterable<Pick<LoadObject, "object_key" | "copy_key">>,
  codec: Codec,
  bucket: string,
): string {
  const own = [...objects].filter(({ object_key }) => codecOf(object_key) === codec);
  return JSON.stringify({
    entries: own.map((object) => ({ url: `s3://${bucket}/${readKey(object)}`, mandatory: true })),
  });
}

/** Writes the manifests of some of a load's objects under a name of their own. */
export async function putManifests(
  load: OpenLoad,
  objects: readonly LoadObject[],
  name: string,
  lake: Lake,
): Promise<Manifests> {
  const manifests = manifestsOf(objects, (codec) => `${PREFIX.loads}${load.id}/${name}-${codec}.manifest`);
  for (const { key, codec } of manifests) await lake.put(key, manifestBody(objects, codec, lake.bucket));
  return manifests;
}

export const readObjects = (load: OpenLoad, lake: Lake): Promise<LoadObject[]> =>
  readLines(load.objects?.key, lake);

export const readRefused = (load: OpenLoad, lake: Lake): Promise<RefusedObject[]> =>
  readLines(load.refused?.key, lake);

/** Writes what a load leaves out, under a name of this attempt's. */
export async function putRefused(
  load: OpenLoad,
  refused: readonly RefusedObject[],
  lake: Lake,
): Promise<NonNullable<OpenLoad["refused"]>> {
  const key = `${PREFIX.loads}${load.id}/refused-${load.attempt}.ndjson`;
  await lake.put(key, ndjson(refused));
  return { key, rows: refused.length };
}

export const ndjson = (values: Iterable<object>): string =>
  [...values].map((value) => `${JSON.stringify(value)}\n`).join("");

/** @throws Error where a file that the load names is gone */
async function readLines<T>(key: string | undefined, lake: Lake): Promise<T[]> {
  if (key === undefined) return [];
  const text = await lake.text(key);
  if (text === undefined) throw new Error(`${key} is gone`);
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as T);
}
