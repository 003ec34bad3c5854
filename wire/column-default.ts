import { parseColumnType, type ColumnType } from "./column-type.ts";

/** Whether a default is what its column holds: each line without a value would be rejected otherwise. */
export function defaultProblem(
  type: string,
  value: string | number | boolean | undefined,
): string | undefined {
  const column = parseColumnType(type);
  if (value === undefined || column === undefined || isHeld(value, column)) return undefined;
  return `${JSON.stringify(value)} is no ${type}`;
}

const INTEGER_BITS = { smallint: 16, integer: 32, bigint: 64 } as const;
const FLOAT_RANGE = { real: [1e-37, 1e37], "double precision": [1e-307, 1e308] } as const;

function isHeld(value: string | number | boolean, column: ColumnType): boolean {
  switch (column.kind) {
    case "varchar":
    case "char":
      return isStorable(`${value}`, column.kind) && Buffer.byteLength(`${value}`) <= column.maxBytes;
    case "smallint":
    case "integer":
    case "bigint":
      return Number.isSafeInteger(value) && Math.abs(Number(value)) < 2 ** (INTEGER_BITS[column.kind] - 1);
    case "real":
    case "double precision": {
      const [least, most] = FLOAT_RANGE[column.kind];
      const size = typeof value === "number" ? Math.abs(value) : NaN;
      return size === 0 || (size >= least && size <= most);
    }
    case "decimal": {
      const [, whole = "", fraction = ""] = /^-?(\d+)(?:\.(\d+))?$/.exec(`${value}`) ?? [];
      const { precision, scale } = column;
      const digits = whole.replace(/^0+/, "").length;
      return (
        typeof value === "number" && whole !== "" && digits <= precision - scale && fraction.length <= scale
      );
    }
    case "boolean":
      return typeof value === "boolean";
    case "date":
    case "timestamp":
    case "timestamptz":
      return typeof value === "string" && isInstant(value, column.kind === "date");
    case "super":
      break;
  }
  return typeof value !== "string" || isStorable(value, "super");
}

/** What Redshift refuses of any text, and COPY would take for null. */
function isStorable(text: string, kind: "varchar" | "char" | "super"): boolean {
  if (text.includes("\0") || !text.isWellFormed()) return false;
  return kind === "super"
    ? Buffer.byteLength(text) <= 65_535
    : text !== String.raw`\N` && (kind !== "char" || !/\P{ASCII}/u.test(text));
}

/** Years that Redshift's columns and people's logs have. */
const FIRST = Date.parse("0001-01-02T00:00:00Z");
const LAST = Date.parse("9999-12-30T00:00:00Z");

const INSTANT = /^(\d{4}-\d\d-\d\d)(?:[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)?)?$/;

/** A day that there is, with a time of day, but where a day alone is enough. */
function isInstant(text: string, isDate: boolean): boolean {
  const [, day = ""] = INSTANT.exec(text) ?? [];
  if (day === "" || (!isDate && day === text)) return false;
  const [midnight, instant] = [Date.parse(`${day}T00:00:00Z`), Date.parse(text)];
  if (Number.isNaN(midnight) || Number.isNaN(instant)) return false;
  return new Date(midnight).toISOString().startsWith(day) && instant >= FIRST && instant <= LAST;
}
