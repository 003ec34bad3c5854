import { columnNameNear } from "../../wire/log-type.ts";
import type { Format } from "./formats.ts";

/** Values with a delimiter between them, their names in a first line or not. */

const DELIMITERS = ["\t", ",", ";", "|"] as const;

/** Names of columns: no numbers, nothing that is a value rather. */
const NAME = /^[\p{L}_][\p{L}\p{N}_ .\-#/%]{0,62}$/u;

const FIELDS_MIN = 3;
const FIELDS_MAX = 300;

/** @param isFromStart whether the first line is that of the file, which may be a header */
export function delimitedFormats(lines: readonly string[], isFromStart: boolean): Format[] {
  const first = lines[0];
  if (first === undefined) return [];
  return DELIMITERS.flatMap((delimiter) => {
    const names = split(first, delimiter);
    const least = delimiter === "\t" ? 2 : FIELDS_MIN;
    if (names.length < least || names.length > FIELDS_MAX) return [];
    const isHeader =
      isFromStart && new Set(names).size === names.length && names.every((name) => NAME.test(name));
    const fields = isHeader ? names : names.map((_, i) => `column_${i + 1}`);
    const header = isHeader ? ({ header: "skip" } as const) : {};
    const toConfirm = isHeader ? {} : { toConfirm: "the file has no header: name the fields" };
    const format = delimiter === "\t" ? ({ format: "tsv" } as const) : ({ format: "csv" } as const);
    const own = delimiter === "," || delimiter === "\t" ? {} : { delimiter };
    return [{ parse: { ...format, fields, ...header, ...own }, ...toConfirm }];
  });
}

/** Names the fields of the lines behind it. source: W3C Working Draft "Extended Log File Format", read 2026-11 */
export const FIELDS = "#Fields: ";

/** Logs that name their fields in a comment, such as those of IIS. */
export function extendedFormats(lines: readonly string[]): Format[] {
  const header = lines.find((line) => line.startsWith(FIELDS));
  if (header === undefined) return [];
  const fields = header.slice(FIELDS.length).trim().split(/\s+/);
  if (new Set(fields).size < fields.length) return [];
  const comments = ["#"];
  // Event time is one field: date and time, which stand beside each other, are read as one.
  if (fields[0] === "date" && fields[1] === "time") {
    const names = fields.slice(2).map((name, i) => columnNameNear(name) ?? `field_${i + 3}`);
    if (new Set([...names, "time"]).size <= names.length) return [];
    const groups = names.map((name) => ` (?<${name}>\\S+)`).join("");
    return [{ parse: { format: "regex", pattern: String.raw`^(?<time>\S+ \S+)${groups}$` }, comments }];
  }
  return [{ parse: { format: "csv", fields, delimiter: " " }, comments }];
}

/** As far as a first line has it: quotes around values are gone. */
const split = (line: string, delimiter: string): string[] =>
  line
    .replace(/\r$/, "")
    .split(delimiter)
    .map((value) => /^"(.*)"$/.exec(value.trim())?.[1] ?? value);
