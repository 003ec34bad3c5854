import { Misfit } from "../misfit.ts";
import type { Fields } from "./fields.ts";

/**
 * line := { space } pair { space { space } pair } { space }
 * pair := key [ "=" [ value ] ]         key of anything but space, "=" and DQUOTE
 * value := word | DQUOTE { any but DQUOTE or "\\" | "\\" any } DQUOTE
 *
 * A key without "=" is true, one without a value has none. Quoted values have the escapes of JSON and Go. A line without
 * any "=" is text, not logfmt.
 *
 * source: https://brandur.org/logfmt and github.com/go-logfmt/logfmt, read 2026-11
 */
const PAIR = /[ \t]*([^\s="]+)(?:(=)(?:"((?:[^"\\]|\\[^])*)"|([^\s"]*)))?(?=[ \t]|$)/y;

export function parseLogfmt(line: string): Fields | Misfit {
  const fields: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  const end = line.trimEnd().length;
  let [at, hasPair] = [0, false];
  while (at < end) {
    PAIR.lastIndex = at;
    const [, key, equals, quoted, word] = PAIR.exec(line) ?? [];
    if (key === undefined) return new Misfit("unparsed", `no key=value at character ${at}`);
    if (key in fields) return new Misfit("unparsed", "key stands twice", key);
    fields[key] = equals === undefined ? true : quoted === undefined ? word || null : unquoted(quoted);
    hasPair ||= equals !== undefined;
    at = PAIR.lastIndex;
  }
  return hasPair ? { ...fields } : new Misfit("unparsed", "no key=value in it");
}

const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|([^]))/g;
const CHARACTERS: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", f: "\f", v: "\v" };

function unquoted(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replaceAll(ESCAPE, (_, byte: string | undefined, unit: string | undefined, letter: string) => {
    const code = byte ?? unit;
    return code === undefined
      ? (CHARACTERS[letter] ?? letter)
      : String.fromCharCode(Number.parseInt(code, 16));
  });
}
