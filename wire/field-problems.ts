import { closest, didYouMean } from "./closest.ts";
import { type FormatFields, fieldType, formatFields } from "./format-fields.ts";
import { labelOf } from "./labels.ts";
import type { LogType } from "./log-type.ts";

interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What a column may be filled from whatever the format, besides labels. */
const CONTEXT = ["_line", "_tag", "_path", "_host"];

/**
 * Fields that no line of a type's format ever has: such a column would be NULL in every row, and such an event time would
 * reject every line.
 */
export function* fieldProblems({ parse, time, columns }: Fielded): Generator<Problem> {
  const { from } = parse;
  if (typeof from === "object" && from.format !== "json") {
    const wrapping = formatFields({ format: from.format });
    if (fieldType(from.field, wrapping) === undefined)
      yield { path: ["parse", "from", "field"], message: unknownField(from.field, namesOf(wrapping)) };
  }
  const fields = formatFields(parse);
  const names = namesOf(fields);
  // What is known of the host is read for columns, and event time may have it where one does.
  const isTaken = (field: string): boolean =>
    isContext(field) && columns.some((column) => (column.field ?? column.name) === field);
  if (time && fieldType(time.field, fields) === undefined && !isTaken(time.field))
    yield { path: ["time", "field"], message: unknownField(time.field, names) };
  for (const [i, column] of columns.entries()) {
    const { name, field, nullable } = column;
    if (hasSource(column, fields)) continue;
    if (field !== undefined)
      yield { path: ["columns", i, "field"], message: unknownField(field, [...names, ...CONTEXT]) };
    else if (closest(name, names) !== undefined || (!nullable && column.default === undefined))
      yield { path: ["columns", i, "name"], message: unknownField(name, names) };
  }
}

/**
 * Columns that are NULL in every row, or have their default in every row, and may be meant to: types of several formats
 * share their columns, so that their tables are alike.
 */
export function* fieldWarnings(type: Fielded): Generator<Problem> {
  const told = new Set(Array.from(fieldProblems(type), ({ path }) => path.join(".")));
  const fields = formatFields(type.parse);
  for (const [i, column] of type.columns.entries()) {
    const path = ["columns", i, "name"];
    if (column.default !== undefined || column.field !== undefined || told.has(path.join("."))) continue;
    if (!hasSource(column, fields))
      yield { path, message: `NULL in every row: ${unknownField(column.name, namesOf(fields))}` };
  }
}

type Fielded = Pick<LogType, "parse" | "time" | "columns">;

const namesOf = ({ known }: FormatFields): string[] => [...known.keys()];

function hasSource({ name, field = name, value }: LogType["columns"][number], fields: FormatFields): boolean {
  if (value !== undefined || fieldType(field, fields) !== undefined) return true;
  return isContext(field);
}

const isContext = (field: string): boolean => CONTEXT.includes(field) || labelOf(field) !== undefined;

/** More names than these are read in the documents. */
const LISTED_MAX = 40;

/** Settings that give a field which a format otherwise does not have. */
const GIVEN_BY: Readonly<Record<string, string>> = {
  trailing: 'parse.trailing: "keep" gives it',
  more: 'parse.more: "extra" gives it',
};

function unknownField(field: string, names: readonly string[]): string {
  const said = `no field "${field}" in this format`;
  if (Object.hasOwn(GIVEN_BY, field)) return `${said}: ${GIVEN_BY[field]}`;
  const meant = didYouMean(field, names);
  return meant !== "" || names.length > LISTED_MAX ? said + meant : `${said}: it has ${names.join(", ")}`;
}
