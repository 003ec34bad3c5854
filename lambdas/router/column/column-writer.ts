import { parseColumnType } from "../../../wire/column-type.ts";
import { isComputed } from "../../../wire/computed-column.ts";
import type { Column, LogType } from "../../../wire/log-type.ts";
import { Misfit } from "../misfit.ts";
import { readColumnTime, readTime, type ReadTime } from "../time/event-time.ts";
import { writeBoolean } from "./boolean.ts";
import { writeDate, writeTimestamp } from "./moment.ts";
import { writeDecimal, writeFloat, writeInteger } from "./number.ts";
import { writeSuper } from "./super.ts";
import { cutText, writeText } from "./text.ts";
import type { WriteColumn } from "./write-column.ts";

/** Writes the values of a column of a type as both say; what is computed may also be a Date. */
export function columnWriter(column: Column, type: Pick<LogType, "time" | "nulls">): WriteColumn {
  const write = writerOf(column, type);
  if (!isComputed(column)) return write;
  const writeIso = kindWriter(column.type, readTime("iso8601"));
  return (value, arrivedAtMs) =>
    value instanceof Date ? writeIso(value.toISOString(), arrivedAtMs) : write(value, arrivedAtMs);
}

/** What is written where a column has no value, if it has a default. The configuration has been checked for ones that fit. */
export function defaultText(column: Column): string | Misfit | undefined {
  if (column.default === undefined) return undefined;
  return kindWriter(column.type, readTime("iso8601"))(column.default, 0) ?? undefined;
}

function writerOf(column: Column, type: Pick<LogType, "time" | "nulls">): WriteColumn {
  const fits = kindWriter(column.type, readColumnTime(column, type.time));
  const write = column.onMisfit === "truncate" ? truncating(fits, column.type) : fits;
  const nulls = nullsOf(column, type);
  if (nulls.size === 0) return write;
  return (value, arrivedAtMs) =>
    typeof value === "string" && nulls.has(value) ? null : write(value, arrivedAtMs);
}

/** Texts that are no value in a column. */
export const nullsOf = ({ nulls }: Column, type: Pick<LogType, "nulls">): ReadonlySet<string> =>
  new Set(nulls ?? type.nulls);

function truncating(write: WriteColumn, type: string): WriteColumn {
  const parsed = parseColumnType(type)!;
  const maxBytes = "maxBytes" in parsed ? parsed.maxBytes : Infinity;
  return (value, arrivedAtMs) => {
    const written = write(value, arrivedAtMs);
    const isLong = written instanceof Misfit && written.reason === "length" && typeof value === "string";
    return isLong ? write(cutText(value, maxBytes), arrivedAtMs) : written;
  };
}

/**
 * @param type as in the configuration, checked there
 * @param readTime for times and dates
 */
function kindWriter(type: string, readTime: ReadTime): WriteColumn {
  const parsed = parseColumnType(type)!;
  switch (parsed.kind) {
    case "smallint":
    case "integer":
    case "bigint":
      return writeInteger(parsed.kind);
    case "real":
    case "double precision":
      return writeFloat(parsed.kind);
    case "decimal":
      return writeDecimal(parsed.precision, parsed.scale);
    case "varchar":
    case "char":
      return writeText(parsed.kind, parsed.maxBytes);
    case "boolean":
      return writeBoolean;
    case "date":
      return writeDate(readTime);
    case "timestamp":
      return writeTimestamp("", readTime);
    case "timestamptz":
      return writeTimestamp("+00", readTime);
    case "super":
      break;
  }
  return writeSuper;
}
