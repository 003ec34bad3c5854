import { parseColumnType } from "../../../wire/column-type.ts";
import type { WriteColumn } from "../column/write-column.ts";
import { Misfit } from "../misfit.ts";
import { copyBytes, equalBytes, MINUS, numberEnd, POINT, QUOTE } from "./bytes.ts";
import { KIND, type Kind } from "./spans.ts";

/**
 * Writes a span into one column, as WriteColumn would write its value.
 *
 * @returns offset after what was written, `at` for no value, -1 where the general path shall decide
 */
export type CopyColumn = (
  kind: Kind,
  bytes: Uint8Array,
  from: number,
  to: number,
  out: Buffer,
  at: number,
) => number;

/** Types that are copied; the values of others are read as text and written by their WriteColumn. */
export function columnCopier(
  type: string,
  write: WriteColumn,
  arrivedAt: { readonly ms: number },
): CopyColumn {
  const parsed = parseColumnType(type)!;
  switch (parsed.kind) {
    case "varchar":
    case "char":
      return textCopier(parsed.maxBytes);
    case "smallint":
      return integerCopier(2 ** 15);
    case "integer":
      return integerCopier(2 ** 31);
    case "bigint":
      return integerCopier(Infinity);
    case "super":
      return (kind, bytes, from, to, out, at) =>
        kind === KIND.text ? copyText(bytes, from, to, out, at) : copyBytes(bytes, from, out, at, to - from);
    case "boolean":
    case "date":
    case "decimal":
    case "double precision":
    case "real":
    case "timestamp":
    case "timestamptz":
      break;
  }
  return writeValue(write, arrivedAt);
}

/** Copies nothing for a text that is no value. */
export function copierButFor(nulls: ReadonlySet<string>, copy: CopyColumn): CopyColumn {
  if (nulls.size === 0) return copy;
  const texts = [...nulls].map((text) => Buffer.from(text));
  return (kind, bytes, from, to, out, at) =>
    kind === KIND.text && texts.some((text) => isText(text, bytes, from, to))
      ? at
      : copy(kind, bytes, from, to, out, at);
}

const isText = (text: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean =>
  text.length === to - from && equalBytes(text, 0, bytes, from, text.length);

function textCopier(maxBytes: number): CopyColumn {
  return (kind, bytes, from, to, out, at) =>
    kind === KIND.array || to - from > maxBytes ? -1 : copyText(bytes, from, to, out, at);
}

export function copyText(bytes: Uint8Array, from: number, to: number, out: Buffer, at: number): number {
  out[at] = QUOTE;
  at = copyBytes(bytes, from, out, at + 1, to - from);
  out[at] = QUOTE;
  return at + 1;
}

/** @param half of the range: -half to half - 1 */
function integerCopier(half: number): CopyColumn {
  return (kind, bytes, from, to, out, at) => {
    if (kind !== KIND.number && (kind !== KIND.text || numberEnd(bytes, from, to) !== to)) return -1;
    const negative = bytes[from] === MINUS;
    let value = 0;
    for (let i = negative ? from + 1 : from; i < to; i++) {
      if (bytes[i] === POINT) return -1;
      value = value * 10 + bytes[i]! - 0x30;
    }
    return value >= half ? -1 : copyBytes(bytes, from, out, at, to - from);
  };
}

function writeValue(write: WriteColumn, arrivedAt: { readonly ms: number }): CopyColumn {
  return (kind, bytes, from, to, out, at) => {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString("latin1");
    const written = write(kind === KIND.text ? text : JSON.parse(text), arrivedAt.ms);
    if (written === null) return at;
    return written instanceof Misfit ? -1 : at + out.write(written, at, "latin1");
  };
}
