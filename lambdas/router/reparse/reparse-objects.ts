import { S3ServiceException } from "@aws-sdk/client-s3";
import { parseUnfiledKey } from "../../../wire/keys.ts";
import type { ReparseAnswer, ReparsedObject, RouterCommand } from "../../../wire/router-command.ts";
import { WireError } from "../../../wire/wire-error.ts";
import { objectLines, UnreadableObject } from "../../commit-log/object-lines.ts";
import { RouterError } from "../router-error.ts";
import { writeBatch } from "../write-batch.ts";
import type { ErasedLines } from "./erased-lines.ts";
import type { Reparse } from "./reparse.ts";
import type { ReparseLake } from "./reparse-lake.ts";

export interface ReparseParts {
  readonly reparse: Reparse;
  readonly lake: ReparseLake;
  readonly erased: ErasedLines;
  readonly now: () => Date;
  /** Until the function has to answer. */
  readonly remainingMs: () => number;
  /** The same, for what is on its way then. */
  readonly signal: AbortSignal;
}

/** No object is begun with less time left, or with less than twice what the slowest one took. */
const LEAST_MS = 5_000;

/**
 * Files objects anew, one after the other, as many as there is time for: at least one. What is wrong with one of them
 * does not hold up the others.
 */
export async function reparseObjects(
  { objects, dryRun }: RouterCommand,
  parts: ReparseParts,
): Promise<ReparseAnswer> {
  const pending = [...new Set(objects)];
  const done: ReparsedObject[] = [];
  let slowestMs = 0;
  for (const key of pending) {
    const before = parts.remainingMs();
    const isFirst = done.length === 0;
    if (!isFirst && before < Math.max(LEAST_MS, 2 * slowestMs)) break;
    const reparsed = await attempt(key, dryRun, parts);
    // It has as much time as there is next time.
    if (!isFirst && parts.signal.aborted && reparsed.outcome === "left") break;
    done.push(reparsed);
    slowestMs = Math.max(slowestMs, before - parts.remainingMs());
  }
  return { objects: done, left: pending.slice(done.length) };
}

async function attempt(key: string, dryRun: boolean, parts: ReparseParts): Promise<ReparsedObject> {
  try {
    return await reparseObject(key, dryRun, parts);
  } catch (error) {
    if (!isExpected(error, parts.signal)) throw error;
    const late = parts.signal.aborted ? "there was no time for it: raise router.timeoutSeconds; " : "";
    return { key, outcome: "left", error: late + error.message };
  }
}

function isExpected(error: unknown, { aborted }: AbortSignal): error is Error {
  if (error instanceof UnreadableObject || error instanceof RouterError || error instanceof WireError)
    return true;
  return error instanceof S3ServiceException || (error instanceof Error && (aborted || "$metadata" in error));
}

async function reparseObject(
  key: string,
  dryRun: boolean,
  { reparse, lake, erased, now, signal }: ReparseParts,
): Promise<ReparsedObject> {
  const named = parseUnfiledKey(key);
  if (named === undefined) {
    throw new UnreadableObject(key, "it is no object of rejected lines or quarantined records");
  }
  // Records that could not be opened are of no type, and no erasure looks into them.
  const standing = named.kind === "rejected" ? await erased.standing(key, named.type) : key;
  const lines = standing === undefined ? nothing() : objectLines(standing, await lake.get(standing));
  const { batch, found } = await reparse.file({ ...named, key }, lines);
  if (batch === undefined) return { key, outcome: "unchanged", ...found };
  if (dryRun) return { key, outcome: "filed", ...found };
  const written = await writeBatch(lake.s3, lake.bucket, batch, now(), signal);
  if ("retry" in written) throw written.retry;
  return { key, outcome: "filed", commit: written.committed, ...found };
}

async function* nothing(): AsyncGenerator<Buffer> {}
