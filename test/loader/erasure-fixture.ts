import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import {
  type Erasure,
  type ErasedPlace,
  erasureId,
  erasureKey,
  objectsKey,
  placesKey,
  placesManifestKey,
  type RewrittenObject,
} from "../../wire/erasure.ts";
import { objectDigest, partitionDay, rewrittenKey } from "../../wire/keys.ts";
import { BUCKET, type Rig } from "../local/warehouse-fixture.ts";
import type { Batch } from "./lake-fixture.ts";

export interface ErasureSpec {
  readonly type?: string;
  readonly at?: Date;
  readonly where?: Erasure["condition"]["where"];
  /** Rows of these batches that are erased; their objects are as the batches have them. */
  readonly batches?: readonly Batch[];
  readonly erased?: (row: Row) => boolean;
  /** Leaves the objects that it replaces for a later moment. */
  readonly keepsObjects?: boolean;
}

interface Row {
  readonly _src: string;
  readonly _off: number;
  readonly _crc?: number;
  readonly note?: string;
}

/** Writes what `weir erase` leaves in the lake, step by step. */
export async function recordErasure(rig: Rig, spec: ErasureSpec): Promise<Erasure> {
  const { type = "photo", at = new Date("2026-11-21T12:00:00Z"), where = [], batches = [] } = spec;
  const { erased = () => false } = spec;
  const id = erasureId(at, type, "00000001");
  const places: (ErasedPlace & { readonly day: string })[] = [];
  const objects: RewrittenObject[] = [];
  for (const { key, body } of batches.flatMap(({ objects }) => objects)) {
    const lines = zstdDecompressSync(body).toString().split("\n").slice(0, -1);
    const gone = lines.filter((line) => erased(JSON.parse(line) as Row));
    if (gone.length === 0) continue;
    const left = lines.filter((line) => !gone.includes(line));
    for (const line of gone) {
      const { _src: src, _off: off, _crc: crc } = JSON.parse(line) as Row;
      places.push({ src, off, ...(crc !== undefined && { crc }), day: partitionDay(key)! });
    }
    const next = zstdCompressSync(left.map((line) => `${line}\n`).join(""));
    const nextKey = rewrittenKey(key, objectDigest(next));
    if (left.length > 0) await rig.put(nextKey, next);
    const named = left.length > 0 ? { key: nextKey, bytes: next.length } : { bytes: 0 };
    objects.push({ object: key, ...named, rows: left.length, erased: gone.length });
  }
  const days = [...new Set(objects.map(({ object }) => partitionDay(object)!))];
  const ndjson = (lines: readonly object[]): Buffer =>
    zstdCompressSync(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  for (const day of days) {
    const own = places.flatMap(({ day: other, ...place }) => (other === day ? place : []));
    await rig.put(placesKey(id, day), ndjson(own));
    await rig.put(objectsKey(id, day), ndjson(objects.filter(({ object }) => partitionDay(object) === day)));
  }
  const entries = days.map((day) => ({ url: `s3://${BUCKET}/${placesKey(id, day)}`, mandatory: true }));
  await rig.put(placesManifestKey(id), JSON.stringify({ entries }));
  const erasure: Erasure = {
    version: 1,
    id,
    type,
    condition: { where },
    startedAt: at.toISOString(),
    arrivedBefore: at.toISOString(),
    by: "test",
    recordedAt: at.toISOString(),
    places: places.length,
    rows: places.length,
    rejected: 0,
    objects: objects.length,
    days,
    unreadable: [],
  };
  await rig.put(erasureKey(id), JSON.stringify(erasure));
  if (!spec.keepsObjects) for (const { object } of objects) await rig.remove(object);
  return erasure;
}
