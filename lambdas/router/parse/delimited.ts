import { Misfit } from "../misfit.ts";
import type { Fields } from "./fields.ts";

/**
 * row    := value { delimiter value }
 * value  := { any but delimiter or DQUOTE } | DQUOTE { any but DQUOTE | DQUOTE DQUOTE } DQUOTE
 *
 * source: RFC 4180, section 2. A row is one line here: what spans lines is for the agent to join.
 *
 * An empty value is no value; a quoted empty one ("") is an empty text. A row must have as many values
 * as the type has fields.
 */
export function parseCsv(names: readonly string[], delimiter: string): (line: string) => Fields | Misfit {
  return (line) => {
    const values = line.includes('"') ? splitQuoted(line, delimiter) : line.split(delimiter).map(present);
    return values instanceof Misfit ? values : named(names, values);
  };
}

/** TSV has no quoting: a value cannot hold a tab. An empty value is no value. */
export function parseTsv(names: readonly string[]): (line: string) => Fields | Misfit {
  return (line) => named(names, line.split("\t").map(present));
}

function named(names: readonly string[], values: readonly (string | null)[]): Fields | Misfit {
  if (values.length !== names.length) {
    return new Misfit("unparsed", `${values.length} values for ${names.length} fields`);
  }
  const fields: Record<string, string | null> = {};
  for (let i = 0; i < names.length; i++) fields[names[i]!] = values[i]!;
  return fields;
}

function splitQuoted(line: string, delimiter: string): (string | null)[] | Misfit {
  const values: (string | null)[] = [];
  let at = 0;
  for (;;) {
    const quoted = line[at] === '"';
    const end = quoted ? quotedEnd(line, at) : delimiterOrEnd(line, delimiter, at);
    if (end < 0) return new Misfit("unparsed", `quote at character ${at} is never closed`);
    const value = quoted ? line.slice(at + 1, end - 1).replaceAll('""', '"') : line.slice(at, end);
    if (!quoted && value.includes('"')) {
      return new Misfit("unparsed", `quote within the unquoted value at character ${at}`);
    }
    values.push(quoted ? value : present(value));
    if (end === line.length) return values;
    if (line[end] !== delimiter) {
      return new Misfit("unparsed", `text after the closing quote at character ${end}`);
    }
    at = end + 1;
  }
}

/** Index after the closing quote of a value that begins at `at`, -1 if it is never closed. */
function quotedEnd(line: string, at: number): number {
  for (let quote = line.indexOf('"', at + 1); quote >= 0; quote = line.indexOf('"', quote + 2)) {
    if (line[quote + 1] !== '"') return quote + 1;
  }
  return -1;
}

function delimiterOrEnd(line: string, delimiter: string, at: number): number {
  const end = line.indexOf(delimiter, at);
  return end < 0 ? line.length : end;
}

function present(text: string): string | null {
  return text === "" ? null : text;
}
