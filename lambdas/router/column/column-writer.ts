import { parseColumnType } from "../../../wire/column-type.ts";
import type { ReadTime } from "../time/event-time.ts";
import { writeBoolean } from "./boolean.ts";
import { writeDate, writeTimestamp } from "./moment.ts";
import { writeDecimal, writeFloat, writeInteger } from "./number.ts";
import { writeSuper } from "./super.ts";
import { writeText } from "./text.ts";
import type { WriteColumn } from "./write-column.ts";

/**
 * @param type as in the configuration, checked there
 * @param readTime for times and dates
 */
export function columnWriter(type: string, readTime: ReadTime): WriteColumn {
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
