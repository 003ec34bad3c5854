import { Misfit, shown } from "../misfit.ts";
import { numberText } from "../parse/fields.ts";
import type { WriteColumn } from "./write-column.ts";

/** JSON must escape these, or Redshift refuses them: quote, backslash, controls, halves of a surrogate pair. */
const NEEDS_A_LOOK = /["\\\p{Cc}\p{Cs}]/u;

/** CHAR holds single-byte characters only. source: Redshift character types reference, read 2026-11 */
const NOT_ASCII = /\P{ASCII}/u;

/**
 * Text, byte for byte; numbers and booleans in their JSON form. Nothing is cut, replaced or trimmed: a
 * text that Redshift would refuse or read as something else is refused here.
 */
export function writeText(kind: "varchar" | "char", maxBytes: number): WriteColumn {
  return (value) => {
    const text = typeof value === "boolean" ? `${value}` : numberText(value);
    if (text === undefined) return new Misfit("type", `${shown(value)} is not text`);
    if (text.length > maxBytes || Buffer.byteLength(text) > maxBytes) {
      return new Misfit("length", `${Buffer.byteLength(text)} bytes in ${kind}(${maxBytes})`);
    }
    if (kind === "char" && NOT_ASCII.test(text)) {
      return new Misfit(
        "type",
        `${shown(text)} has characters of more than one byte, which char cannot hold`,
      );
    }
    return isPlain(text) ? `"${text}"` : escaped(text);
  };
}

/** True when quotes around the text make it JSON, and Redshift takes it. */
export function isPlain(text: string): boolean {
  return !NEEDS_A_LOOK.test(text);
}

function escaped(text: string): string | Misfit {
  if (text.includes("\0")) return new Misfit("type", "holds the character NUL, which Redshift refuses");
  if (!text.isWellFormed()) return new Misfit("type", "holds half a surrogate pair, which is not UTF-8");
  // COPY's default for NULL AS.
  if (text === String.raw`\N`) return new Misfit("type", String.raw`COPY would read \N as null`);
  return JSON.stringify(text);
}

/** As much of a text as fits, in whole characters. */
export function cutText(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text.slice(0, maxBytes));
  let end = Math.min(bytes.length, maxBytes);
  // The byte after the cut would be in the middle of a character.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString("utf8", 0, end);
}
