import { createHash } from "node:crypto";
import { codecOf, PREFIX } from "../../../wire/keys.ts";
import type { Lake } from "../lake.ts";
import { columnsFingerprint, type Target } from "../target.ts";
import { rewriteObject } from "./rewrite-object.ts";

/** Objects that are read at a time: small ones cost a round trip each. */
const AT_A_TIME = 4;

export interface Copies {
  /** By the keys of the objects that they stand for. */
  readonly keys: ReadonlyMap<string, string>;
  /** What went into `_extra`. */
  readonly fields: ReadonlySet<string>;
}

/**
 * Copies those of these objects, for this load alone, that have fields without a column in the table, with these
 * fields in `_extra`. What is gone or spoilt is left to COPY, which says so.
 */
export async function copyUncovered(
  keys: readonly string[],
  loadId: string,
  target: Target,
  lake: Lake,
): Promise<Copies> {
  const columns = new Set(target.columns.map(({ name }) => name));
  const copies = { keys: new Map<string, string>(), fields: new Set<string>() };
  const copy = async (key: string): Promise<void> => {
    const body = await lake.read(key);
    const object = body && (await rewriteObject(body, codecOf(key), columns));
    if (!object) return;
    const copyKey = `${PREFIX.loadCopies}${loadId}/${columnsFingerprint(target)}/${shortName(key)}`;
    await lake.put(copyKey, object.body);
    copies.keys.set(key, copyKey);
    for (const field of object.fields) copies.fields.add(field);
  };
  for (let i = 0; i < keys.length; i += AT_A_TIME) {
    await Promise.all(keys.slice(i, i + AT_A_TIME).map(copy));
  }
  return copies;
}

/** SYS_LOAD_ERROR_DETAIL has room for 256 characters of a key. */
function shortName(key: string): string {
  const hash = createHash("sha256").update(key).digest("hex").slice(0, 32);
  return `${hash}${/\.[^/]*$/.exec(key)?.[0] ?? ""}`;
}
