import { readFile, stat } from "node:fs/promises";
import { type FailureRecord, parseFailureRecord } from "../../wire/failure-record.ts";
import { WireError } from "../../wire/wire-error.ts";

const FILE_MAX_BYTES = 256 * 2 ** 20;

/** Messages within messages: SQS of SNS of a record, in a list. */
const MAX_DEPTH = 8;

/**
 * Reads failure records from a file: one as it is, a list of them, one a line, or in messages as SQS and SNS deliver them
 * (`Body`, `Message`, and `Messages` as `aws sqs receive-message` prints them, `Records` and `body` as Lambda does).
 *
 * @throws WireError BAD_FAILURE_RECORD
 */
export async function recordsOfFile(path: string): Promise<FailureRecord[]> {
  const bad = (why: string, cause?: unknown): WireError =>
    new WireError("BAD_FAILURE_RECORD", `${path} ${why}`, undefined, { cause });
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > FILE_MAX_BYTES) throw bad(`has ${size} bytes, and at most ${FILE_MAX_BYTES} are read`);
    text = await readFile(path, "utf8");
  } catch (cause) {
    if (cause instanceof WireError) throw cause;
    throw bad(`cannot be read: ${(cause as Error).message}`, cause);
  }
  const found = valuesOf(text).flatMap((value) => opened(value, MAX_DEPTH));
  if (found.length === 0) throw bad("has no failure record");
  return found.map((value, i) => parseFailureRecord(value, found.length === 1 ? path : `${path} (${i + 1})`));
}

/** One JSON text, or one a line. */
function valuesOf(text: string): unknown[] {
  const whole = parsed(text);
  if (whole !== undefined) return [whole];
  // What is no JSON is named as no record.
  return text.split("\n").flatMap((line) => (line.trim() === "" ? [] : [parsed(line) ?? line]));
}

/** What is within lists and messages. */
function opened(value: unknown, depth: number): unknown[] {
  if (depth === 0) return [value];
  if (Array.isArray(value)) return value.flatMap((one) => opened(one, depth - 1));
  if (typeof value !== "object" || value === null || "KinesisBatchInfo" in value) return [value];
  const { Messages, Records, Body, body, Message } = value as Readonly<Record<string, unknown>>;
  for (const list of [Messages, Records]) if (Array.isArray(list)) return opened(list, depth - 1);
  const text = [Body, body, Message].find((one) => typeof one === "string");
  return text === undefined ? [value] : opened(parsed(text) ?? text, depth - 1);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
