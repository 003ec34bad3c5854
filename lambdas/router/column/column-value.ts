import { isComputed, rangeOf } from "../../../wire/computed-column.ts";
import type { Expression } from "../../../wire/expression/expression.ts";
import { parseNumber } from "../../../wire/expression/text-functions.ts";
import { Failure, type LineValues, numberOf } from "../../../wire/expression/value.ts";
import type { Column } from "../../../wire/log-type.ts";
import { type FieldPath, fieldReader } from "../field-path.ts";

/** Where the value of a column comes from. */
interface ColumnValue {
  readonly read: (line: LineValues) => unknown;
  /** The field that is kept in the column, and so not in _extra; undefined where what is kept is computed. */
  readonly takes: string | undefined;
  /** Fields that are looked at. */
  readonly reads: Iterable<string>;
}

export function columnValue(
  column: Column,
  compile: (source: string) => Expression,
  path: (field: string) => FieldPath,
): ColumnValue {
  const { name, field = name, value, classes } = column;
  const expression = value === undefined ? undefined : compile(value);
  const readField = fieldReader(path(field));
  const read = expression
    ? (line: LineValues) => expression.of(line)
    : ({ fields }: LineValues) => readField(fields);
  return {
    read: classes ? classified(read, classes) : read,
    takes: isComputed(column) ? undefined : field,
    reads: expression?.fields ?? [field],
  };
}

/** The name of the range that a number lies in; none for what is no number. */
function classified(
  read: (line: LineValues) => unknown,
  classes: NonNullable<Column["classes"]>,
): (line: LineValues) => unknown {
  const ranges = Object.entries(classes).map(([name, bounds]) => [name, ...rangeOf(bounds)] as const);
  return (line) => {
    const value = read(line);
    if (value instanceof Failure) return value;
    const number = typeof value === "string" ? parseNumber(value) : numberOf(value);
    return number === undefined ? null : ranges.find(([, from, to]) => from <= number && number < to)?.[0];
  };
}
