import { Misfit } from "../misfit.ts";
import type { Fields } from "./fields.ts";

/**
 * row    := value { delimiter value }
 * value  := { any but delimiter or DQUOTE } | DQUOTE { any but DQUOTE | DQUOTE DQUOTE } DQUOTE
 *
 * source: RFC 4180, section 2. A row is one line here: what spans lines is for the agent to join.
 *
 * An empty value is no value; a quoted empty one ("") is an empty text. A row must have as many values
 * as the type has fields. What looks like a row and is none is refused: a header, a directive of the W3C
 * format, rows that were joined into one event.
 */
export function parseCsv(names: readonly string[], delimiter: string): (line: string) => Fields | Misfit {
  return (line) => {
    const most = names.length + 1;
    const values = line.includes('"')
      ? splitQuoted(line, delimiter, most)
      : splitUnquoted(line, delimiter, most);
    return values instanceof Misfit ? values : named(names, values, line);
  };
}

/**
 * TSV has no quoting: a value cannot hold a tab, and quotes are part of it. An empty value is no value.
 * Where a quote is opened in one value and closed in a later one, the writer may have quoted a tab.
 */
export function parseTsv(names: readonly string[]): (line: string) => Fields | Misfit {
  return (line) => {
    const values = splitUnquoted(line, "\t", names.length + 1);
    if (values instanceof Misfit) return values;
    if (line.includes('"') && mayQuoteTab(values)) {
      return new Misfit("unparsed", "quotes about a tab, and TSV has no quoting");
    }
    return named(names, values, line);
  };
}

function mayQuoteTab(values: readonly (string | null)[]): boolean {
  const opens = values.findIndex(
    (value) => value?.startsWith('"') && (value === '"' || !value.endsWith('"')),
  );
  return opens >= 0 && values.some((value, i) => i > opens && value?.endsWith('"'));
}

/** source: https://www.w3.org/TR/WD-logfile, read 2026-11 */
const DIRECTIVE = /^#(?:Version|Fields|Software|Start-Date|End-Date|Date|Remark):/;

function named(names: readonly string[], values: readonly (string | null)[], line: string): Fields | Misfit {
  if (values.length !== names.length) {
    const count = values.length < names.length ? values.length : "more";
    return new Misfit("unparsed", `${count} values for ${names.length} fields`);
  }
  if (names.length > 1 && values.every((value, i) => value === names[i])) {
    return new Misfit("unparsed", "a header: each value is its field's name");
  }
  if (DIRECTIVE.test(line)) return new Misfit("unparsed", "a directive of the W3C format, not a row");
  const fields: Record<string, string | null> = {};
  for (let i = 0; i < names.length; i++) fields[names[i]!] = values[i]!;
  return fields;
}

/** @param most values: one too many is enough to tell that there are too many */
function splitUnquoted(line: string, delimiter: string, most: number): (string | null)[] | Misfit {
  const feed = line.indexOf("\n");
  return feed < 0 ? line.split(delimiter, most).map(present) : lineFeed(feed);
}

function lineFeed(at: number): Misfit {
  return new Misfit("unparsed", `line feed outside of quotes at character ${at}`);
}

function splitQuoted(line: string, delimiter: string, most: number): (string | null)[] | Misfit {
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
    if (!quoted && value.includes("\n")) return lineFeed(at + value.indexOf("\n"));
    values.push(quoted ? value : present(value));
    if (end === line.length || values.length === most) return values;
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
