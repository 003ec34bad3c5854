import { StatementError } from "./warehouse-error.ts";
import type { CopyCommand } from "./copy-command.ts";

/** One column that COPY fills. */
export interface CopyColumn {
  readonly name: string;
  /** PostgreSQL's name of the type; `super` for SUPER. */
  readonly type: string;
  /** Of VARCHAR and CHAR. */
  readonly maxBytes: number | undefined;
}

/** A row that COPY refuses: a row of SYS_LOAD_ERROR_DETAIL. */
export class LoadError extends StatementError {
  override name = "LoadError";
  readonly file: string;
  readonly line: number;
  readonly column: CopyColumn | undefined;
  /** source: Redshift "Load error reference", read 2026-11 */
  readonly errorCode: number;
  readonly reason: string;

  constructor(
    table: string,
    at: { file: string; line: number; column?: CopyColumn | undefined; errorCode: number; reason: string },
  ) {
    const name = table.split(".").at(-1)!.replaceAll('"', "");
    super(
      `ERROR: Load into table '${name}' failed.  Check 'sys_load_error_detail' system table for details.`,
    );
    this.file = at.file;
    this.line = at.line;
    this.column = at.column;
    this.errorCode = at.errorCode;
    this.reason = at.reason;
  }
}

export const ERROR_CODE = { tooLong: 1204, badValue: 1207, notAscii: 1215, badLine: 1216 } as const;

/** A value that does not fit its column; the caller knows the file and line. */
export class ValueError extends Error {
  override name = "ValueError";
  readonly errorCode: number;
  readonly column: CopyColumn | undefined;

  constructor(errorCode: number, reason: string, column?: CopyColumn) {
    super(reason);
    this.errorCode = errorCode;
    this.column = column;
  }
}

/** A number whose digits a double cannot hold. */
interface RawNumber {
  readonly rawJSON: string;
}
const raw = JSON as unknown as {
  rawJSON(text: string): RawNumber;
  isRawJSON(value: unknown): value is RawNumber;
};

/** Sixteen digits in a row may be more than a double holds: then numbers keep their own digits. */
const MANY_DIGITS = /\d{16}/;
const keepDigits = (_key: string, value: unknown, context?: { source?: string }): unknown =>
  typeof value === "number" && context?.source !== undefined ? raw.rawJSON(context.source) : value;

const ESCAPES: Record<string, string> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };

/**
 * One NDJSON line as a line of PostgreSQL's COPY text format, by JSON 'auto': a field fills the
 * column of its very name, other fields are ignored, a column without a field is NULL.
 *
 * @throws ValueError
 */
export function copyRow(
  line: string,
  columns: readonly CopyColumn[],
  timeFormat: CopyCommand["timeFormat"],
): string {
  const fields = parseObject(line);
  let row = "";
  for (const column of columns) {
    if (row !== "") row += "\t";
    const value = fields[column.name];
    row += value === undefined || value === null ? "\\N" : escape(text(value, column, timeFormat));
  }
  return `${row}\n`;
}

function parseObject(line: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = MANY_DIGITS.test(line) ? JSON.parse(line, keepDigits) : JSON.parse(line);
  } catch (error) {
    throw new ValueError(ERROR_CODE.badLine, `Invalid JSON format. ${(error as Error).message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ValueError(ERROR_CODE.badLine, "Invalid JSON format. Not an object.");
  }
  return value as Record<string, unknown>;
}

function text(value: unknown, column: CopyColumn, timeFormat: CopyCommand["timeFormat"]): string {
  if (column.type === "super") return JSON.stringify(value);
  const text = plain(value);
  if (column.maxBytes !== undefined) return checkLength(text, column, column.maxBytes);
  if (timeFormat !== "auto" && column.type.startsWith("timestamp")) {
    return new Date(Number(text) * (timeFormat === "epochsecs" ? 1_000 : 1)).toISOString();
  }
  return text;
}

function plain(value: unknown): string {
  if (typeof value === "string") return value;
  if (raw.isRawJSON(value)) return value.rawJSON;
  return JSON.stringify(value); // numbers and booleans as they stand, documents as text
}

/** Redshift's lengths are bytes, where PostgreSQL's are characters; CHAR holds single bytes only. */
function checkLength(text: string, column: CopyColumn, maxBytes: number): string {
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes) throw new ValueError(ERROR_CODE.tooLong, "String length exceeds DDL length", column);
  if (column.type === "character" && bytes !== text.length) {
    throw new ValueError(ERROR_CODE.notAscii, "Multibyte character not supported for CHAR", column);
  }
  return text;
}

const escape = (text: string): string => text.replace(/[\\\t\n\r]/g, (character) => ESCAPES[character]!);
