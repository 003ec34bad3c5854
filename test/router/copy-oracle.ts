import { parseColumnType } from "../../wire/column-type.ts";
import { rowColumns, type LogType } from "../../wire/log-type.ts";

/**
 * What COPY JSON 'auto' would say to a row, written from Redshift's reference apart from the router:
 * undefined, or why it would fail.
 */
export function copyRefuses(line: string, type: LogType): string | undefined {
  if (Buffer.byteLength(line) > 4 * 2 ** 20) return "row over 4 MB";
  if (/\\u0000/.test(line.replaceAll("\\\\", ""))) return "NUL";
  const row = JSON.parse(line) as Record<string, unknown>;
  const names = Object.keys(row);
  if (new Set(names.map((name) => name.toLowerCase())).size !== names.length) return "a name twice";
  const columns = new Map(rowColumns(type).map((column) => [column.name, column]));
  for (const [name, value] of Object.entries(row)) {
    const column = columns.get(name);
    if (column === undefined) return `no column ${name}`;
    const why = refuses(value, column.type);
    if (why !== undefined) return `${name}: ${why}`;
  }
  for (const { name, nullable } of columns.values()) {
    if (!nullable && (row[name] === undefined || row[name] === null)) return `${name} is null`;
  }
  return undefined;
}

const INTEGER_BITS = { smallint: 16n, integer: 32n, bigint: 64n } as const;

function refuses(value: unknown, typeText: string): string | undefined {
  const type = parseColumnType(typeText)!;
  if (type.kind === "super") return refusesSuper(value, 0);
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean")
    return "not a scalar";
  const text = String(value);
  if (!text.isWellFormed()) return "not UTF-8";
  if (text === "\\N") return "read as null";
  const bytes = Buffer.byteLength(text);
  switch (type.kind) {
    case "smallint":
    case "integer":
    case "bigint": {
      if (!/^-?\d+$/.test(text)) return "not an integer";
      const half = 2n ** (INTEGER_BITS[type.kind] - 1n);
      if (BigInt(text) < -half || BigInt(text) >= half) return "out of range";
      return typeof value === "number" && !Number.isSafeInteger(value) ? "digits lost" : undefined;
    }
    case "real":
    case "double precision": {
      if (typeof value !== "number" || !Number.isFinite(value)) return "not a number";
      const [least, most] = type.kind === "real" ? [1e-37, 1e37] : [1e-307, 1e308];
      return value !== 0 && (Math.abs(value) < least || Math.abs(value) > most) ? "out of range" : undefined;
    }
    case "decimal": {
      const [, whole, fraction = ""] = /^-?(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
      if (whole === undefined || typeof value !== "string") return "not a decimal as text";
      const integerDigits = whole === "0" ? 0 : whole.length;
      return integerDigits > type.precision - type.scale || fraction.length > type.scale
        ? "out of range"
        : undefined;
    }
    case "varchar":
      return bytes > type.maxBytes ? "too long" : undefined;
    case "char":
      return bytes > type.maxBytes || bytes !== text.length ? "too long or not single-byte" : undefined;
    case "boolean":
      return typeof value === "boolean" ? undefined : "not a boolean";
    case "date":
      return realDay(text) && text.length === 10 ? undefined : "not a date";
    case "timestamp":
    case "timestamptz":
      break;
  }
  const zone = type.kind === "timestamp" ? "" : String.raw`\+00`;
  const clock = String.raw`([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}(\d{3})?`;
  const shape = new RegExp(String.raw`^\d{4}-\d\d-\d\d ${clock}${zone}$`);
  return shape.test(text) && realDay(text.slice(0, 10)) ? undefined : "not a timestamp";
}

function realDay(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return (
    !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 10) === text && !text.startsWith("0000")
  );
}

function refusesSuper(value: unknown, depth: number): string | undefined {
  if (typeof value === "string") {
    if (!value.isWellFormed()) return "not UTF-8";
    return Buffer.byteLength(value) > 65_535 ? "text too long" : undefined;
  }
  if (typeof value === "number") return Number.isFinite(value) ? undefined : "not finite";
  if (typeof value !== "object" || value === null) return undefined;
  if (depth >= 1_000) return "too deep";
  for (const [key, below] of Object.entries(value)) {
    const why = refusesSuper(key, depth) ?? refusesSuper(below, depth + 1);
    if (why !== undefined) return why;
  }
  return undefined;
}
