import { Misfit } from "../misfit.ts";
import type { Fields } from "./fields.ts";
import { SKIPPED, type Skipped } from "./skipped.ts";

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
export function parseCsv(
  names: readonly string[],
  delimiter: string,
  shape: Shape = {},
): (line: string) => Fields | Misfit | Skipped {
  const most = mostValues(names, shape);
  return (line) => {
    const values = line.includes('"')
      ? splitQuoted(line, delimiter, most)
      : splitUnquoted(line, delimiter, most);
    return values instanceof Misfit ? values : named(names, values, line, shape);
  };
}

/** What is made of lines that do not have one value for each field. */
export interface Shape {
  readonly fewer?: "reject" | "null" | undefined;
  readonly more?: "reject" | "extra" | undefined;
  readonly header?: "reject" | "skip" | undefined;
}

/** Values that a line may have in all. */
const MAX_VALUES = 10_000;

/** One too many is enough to tell that there are too many. */
const mostValues = (names: readonly string[], { more }: Shape): number =>
  more === "extra" ? MAX_VALUES : names.length + 1;

/**
 * TSV has no quoting: a value cannot hold a tab, and quotes are part of it. An empty value is no value.
 * Where a quote is opened in one value and closed in a later one, the writer may have quoted a tab.
 */
export function parseTsv(
  names: readonly string[],
  shape: Shape = {},
): (line: string) => Fields | Misfit | Skipped {
  const most = mostValues(names, shape);
  return (line) => {
    const values = splitUnquoted(line, "\t", most);
    if (values instanceof Misfit) return values;
    if (line.includes('"') && mayQuoteTab(values)) {
      return new Misfit("unparsed", "quotes about a tab, and TSV has no quoting");
    }
    return named(names, values, line, shape);
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

function named(
  names: readonly string[],
  values: readonly (string | null)[],
  line: string,
  { fewer, more, header }: Shape,
): Fields | Misfit | Skipped {
  const isHeader = names.length > 1 && names.every((name, i) => values[i] === name);
  if (DIRECTIVE.test(line)) {
    return header === "skip" ? SKIPPED : new Misfit("unparsed", "a directive of the W3C format, not a row");
  }
  if (isHeader) {
    return header === "skip" ? SKIPPED : new Misfit("unparsed", "a header: each value is its field's name");
  }
  const fits =
    values.length < names.length ? fewer === "null" : values.length === names.length || more === "extra";
  if (!fits) {
    const count = values.length < names.length ? values.length : "more";
    return new Misfit("unparsed", `${count} values for ${names.length} fields`);
  }
  const fields: Record<string, unknown> = {};
  for (let i = 0; i < names.length; i++) fields[names[i]!] = values[i] ?? null;
  if (values.length > names.length) fields["more"] = values.slice(names.length);
  return fields;
}

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
