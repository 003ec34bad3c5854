import { WireError } from "./wire-error.ts";

/**
 * A line of a segment: a commit under its key.
 *
 * entry := {"key":<key>,"commit":<body>} LF
 *        | {"key":<key>,"unreadable":<why>} LF     a body that is no JSON, or too large
 *
 * Written in this order and without white space between, so that a body is found without reading it.
 */
const ENTRY = /^\{"key":("(?:[^"\\]|\\.)*"),"(commit|unreadable)":/;

export type SegmentEntry = { readonly key: string } & (
  | { readonly json: string }
  | { readonly unreadable: string }
);

/** @param body JSON; written as it is where it is one line */
export function entryLine(key: string, body: Buffer): Buffer {
  const line = body.includes(0x0a) ? Buffer.from(JSON.stringify(JSON.parse(body.toString()))) : body;
  return Buffer.concat([Buffer.from(`{"key":${JSON.stringify(key)},"commit":`), line, Buffer.from("}\n")]);
}

/** The line of a commit that nobody can read. */
export function unreadableLine(key: string, why: string): Buffer {
  return Buffer.from(`${JSON.stringify({ key, unreadable: why })}\n`);
}

/** @param line without its line feed @throws WireError BAD_SEGMENT */
export function parseEntry(line: string): SegmentEntry {
  const [prefix, quotedKey, kind] = ENTRY.exec(line) ?? [];
  if (prefix === undefined || !line.endsWith("}")) {
    throw new WireError("BAD_SEGMENT", `no entry of a segment: ${line.slice(0, 100)}`);
  }
  const key = JSON.parse(quotedKey!) as string;
  const json = line.slice(prefix.length, -1);
  return kind === "commit" ? { key, json } : { key, unreadable: JSON.parse(json) as string };
}
