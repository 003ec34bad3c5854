import { Misfit } from "../misfit.ts";
import { jsonWithSource } from "../parse/fields.ts";
import { isPlain } from "./text.ts";

/** source: "Limitations" of SUPER, Redshift database developer guide, read 2026-11 */
const TEXT_MAX_BYTES = 65_535;
const MAX_DEPTH = 1_000;
const SUPER_MAX_BYTES = 16 * 2 ** 20;

/** Escapes that JSON.stringify writes only for NUL and for halves of surrogate pairs. */
const REFUSED_ESCAPE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/;

/** Below this many characters neither a text can be too long nor the nesting too deep. */
const SURELY_FITS_CHARS = 2 * MAX_DEPTH;

/** A number of three exponent digits, in JSON without spaces: it may be beyond any double. */
const LARGE_EXPONENT = /(?:^|[:,[])-?[\d.]+[eE][+-]?\d\d\d/;

/** Any JSON value as it is, numbers with all their digits. */
export function writeSuper(value: unknown): string | Misfit {
  const text = jsonText(value);
  return text instanceof Misfit ? text : checkSuper(text);
}

/** A value as JSON, not yet checked. */
export function jsonText(value: unknown): string | Misfit {
  if (typeof value === "string" && isPlain(value)) return `"${value}"`;
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof RangeError) return tooDeep();
    throw error;
  }
}

/** @param text JSON as jsonText writes it @returns the text, or why SUPER does not take it */
export function checkSuper(text: string): string | Misfit {
  if (text.includes("\\u") && REFUSED_ESCAPE.test(text)) {
    return new Misfit("type", "holds NUL or half a surrogate pair, which Redshift refuses");
  }
  const fits = text.length <= SURELY_FITS_CHARS ? text : checkLong(text);
  // Last, since the stack holds what is not nested too deep.
  if (fits === text && LARGE_EXPONENT.test(text) && holdsInfinity(text)) {
    return new Misfit("range", "holds a number beyond any of Redshift's");
  }
  return fits;
}

function checkLong(text: string): string | Misfit {
  if (Buffer.byteLength(text) > SUPER_MAX_BYTES) {
    return new Misfit("length", `${Buffer.byteLength(text)} bytes of JSON`);
  }
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (character === '"') {
      const end = textEnd(text, at);
      if (end - at > TEXT_MAX_BYTES / 3) {
        const bytes = Buffer.byteLength(JSON.parse(text.slice(at, end)) as string);
        if (bytes > TEXT_MAX_BYTES) return new Misfit("length", `a text of ${bytes} bytes in SUPER`);
      }
      at = end - 1;
    } else if (character === "{" || character === "[") {
      if (++depth > MAX_DEPTH) return tooDeep();
    } else if (character === "}" || character === "]") {
      depth--;
    }
  }
  return text;
}

/** Index after the closing quote of the JSON text that begins at `at`. */
function textEnd(text: string, at: number): number {
  for (let i = at + 1; ; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === '"') return i + 1;
  }
}

function holdsInfinity(text: string): boolean {
  let infinite = false;
  jsonWithSource.parse(text, (_key, value) => {
    if (value === Infinity || value === -Infinity) infinite = true;
    return value;
  });
  return infinite;
}

function tooDeep(): Misfit {
  return new Misfit("type", `nested more than ${MAX_DEPTH} deep`);
}
