import { createInterface } from "node:readline";
import { createZstdDecompress } from "node:zlib";
import {
  type Erasure,
  erasureKey,
  objectsKey,
  parseErasure,
  parseErasureKey,
  parseRewrittenObject,
  type RewrittenObject,
} from "../../../wire/erasure.ts";
import { PREFIX } from "../../../wire/keys.ts";
import { standingObjects } from "../../commit-log/standing-objects.ts";
import type { Lake } from "../lake.ts";
import { LoaderError } from "../loader-error.ts";
import { type Target, typesOf } from "../target.ts";

/** What zlib says of bytes that are not what was compressed. */
const SPOILT = /^(?:Z|ZSTD)_/;

/** Whether an erasure is not what it should be; what S3 says may pass. */
export function isBadErasure(error: unknown): error is Error {
  const { code = "" } = error as { readonly code?: string };
  return error instanceof Error && (code === "NO_ERASURE" || code === "BAD_ERASURE" || SPOILT.test(code));
}

/** The erasures that are recorded in the lake, as they are when a tick begins. */
export class LakeErasures {
  readonly #lake: Lake;
  /** Ids by log type, the earliest first. */
  readonly #ids: ReadonlyMap<string, readonly string[]>;

  private constructor(lake: Lake, ids: ReadonlyMap<string, readonly string[]>) {
    this.#lake = lake;
    this.#ids = ids;
  }

  /** One listing: there are as many records as erasures, and mostly none. */
  static async list(lake: Lake): Promise<LakeErasures> {
    const ids = new Map<string, string[]>();
    for (const key of await lake.keysIn(PREFIX.erasures)) {
      const parsed = parseErasureKey(key);
      if (parsed) ids.set(parsed.type, [...(ids.get(parsed.type) ?? []), parsed.id]);
    }
    return new LakeErasures(lake, ids);
  }

  /** Of all types whose rows a table takes: an id begins with its time. */
  of(target: Pick<Target, "type" | "formerNames">): readonly string[] {
    const ids = typesOf(target).flatMap((type) => this.#ids.get(type) ?? []);
    return target.formerNames.length > 0 ? ids.toSorted((a, b) => (a < b ? -1 : 1)) : ids;
  }

  /** @throws LoaderError NO_ERASURE where somebody removed it @throws WireError BAD_ERASURE */
  async record(id: string): Promise<Erasure> {
    const key = erasureKey(id);
    const json = await this.#lake.readOnce(key);
    if (json === undefined) throw new LoaderError("NO_ERASURE", `${key} is not there any more`);
    return parseErasure(json, key);
  }

  /** What stands in the place of objects, by their keys; of those that were not rewritten there is nothing. */
  async rewritten(
    target: Pick<Target, "type" | "formerNames">,
    keys: Iterable<string>,
  ): Promise<Map<string, RewrittenObject>> {
    return standingObjects(this.of(target), keys, {
      record: (id) => this.record(id),
      objects: (id, day) => this.#objects(id, day),
    });
  }

  /** A day of a large lake has very many: they are read one by one. */
  async *#objects(id: string, day: string): AsyncGenerator<RewrittenObject> {
    const key = objectsKey(id, day);
    const body = await this.#lake.stream(key);
    if (body === undefined) throw new LoaderError("NO_ERASURE", `${key} is not there any more`);
    const unpacked = createZstdDecompress();
    // Whatever fails is thrown by the reading of what it was to unpack.
    body.on("error", (error) => unpacked.destroy(error));
    try {
      for await (const line of createInterface({ input: body.pipe(unpacked) }))
        yield parseRewrittenObject(line, key);
    } finally {
      body.destroy();
      unpacked.destroy();
    }
  }
}
