import type { DataApi } from "../data-api.ts";
import type { Outcome } from "../outcome.ts";
import type { StatementName } from "../load-statement.ts";
import type { Found, Refusal } from "./fault-search.ts";
import { type LoadObject, readKey } from "./load-objects.ts";

/** A row of SYS_LOAD_ERROR_DETAIL: what COPY refused, and why. */
export interface LoadErrorDetail {
  /** s3://bucket/key, of which there is room for 256 characters. */
  readonly file: string;
  readonly line: number;
  readonly column: string | undefined;
  readonly reason: string;
}

type Failed = Extract<Outcome, { kind: "failed" }>;

/** source: SYS_LOAD_ERROR_DETAIL, Redshift database developer guide, read 2026-11 */
const FILE_NAME_CHARS = 256;
/** Rows that are read of it: each is less than a kilobyte. */
const MAX_DETAILS = 10_000;
/** Details that stand in an error's text. */
const TOLD_DETAILS = 5;

/** COPY says only that it failed: file, line and reason are in SYS_LOAD_ERROR_DETAIL. */
export async function loadErrorDetails({ queryIds }: Failed, api: DataApi): Promise<LoadErrorDetail[]> {
  if (queryIds === undefined || queryIds.length === 0) return [];
  try {
    const rows = await api.ask([
      `SELECT trim(file_name), line_number, trim(column_name), trim(error_message)
FROM sys_load_error_detail WHERE query_id IN (${queryIds.join(", ")}) ORDER BY file_name, line_number LIMIT ${MAX_DETAILS}`,
    ]);
    return rows.map(([file, line, column, reason]) => ({
      file: String(file),
      line: Number(line),
      column: column === undefined || column === "" ? undefined : String(column),
      reason: String(reason),
    }));
  } catch {
    return []; // the view adds to the error, it does not stand for it
  }
}

export function withDetails(error: string, details: readonly LoadErrorDetail[]): string {
  const told = details.slice(0, TOLD_DETAILS).map((detail) => `${detail.file} ${textOf(detail)}`);
  return [error, ...told].join("\n");
}

const textOf = ({ line, column, reason }: LoadErrorDetail): string =>
  `line ${line}, ${column ?? "row"}: ${reason}`;

/** Statements that read or write rows of the load's objects. */
const OF_ROWS: ReadonlySet<StatementName | undefined> = new Set([
  "copy-rows",
  "count",
  "fresh",
  "insert-rows",
]);

/** An object that is not there is at fault itself, whatever else its error's words resemble. */
const MISSING_OBJECT = /NoSuchKey|Status 404|mandatory/i;

/** What says nothing of the rows: rights, credentials, room, locks, and tables that are not what they were. */
const ENVIRONMENT =
  /permission denied|must be owner|access ?denied|not authorized|credential|expired|assume|status 403|disk full|no space|lock timeout|statement timeout|(?:relation|table|schema|column|database|role|user) .*does not exist|unknown column|(?:generated|identity) column|syntax error/i;

/** Whether a refusal may be of the data: only then is it looked for. */
export function isOfData(
  { error, statement }: Pick<Failed, "error" | "statement">,
  details: readonly LoadErrorDetail[],
): boolean {
  // Of a load that an earlier release has submitted nobody may know which statement it was: the rows are named all the same.
  if (statement === undefined ? details.length === 0 : !OF_ROWS.has(statement)) return false;
  return details.length > 0 || MISSING_OBJECT.test(error) || !ENVIRONMENT.test(error);
}

/**
 * What a failed statement says of some of a load's objects, by the details or by its very words.
 *
 * @param left indexes of the objects that the statement read
 */
export function refusalOf(
  error: string,
  details: readonly LoadErrorDetail[],
  objects: readonly LoadObject[],
  left: readonly number[],
): Refusal {
  const first = new Map<string, LoadErrorDetail>();
  for (const detail of details) if (!first.has(detail.file)) first.set(detail.file, detail);
  const named = [...first.values()].flatMap((detail): Found[] => {
    const matching = left.filter((index) => isFile(readKey(objects[index]!), detail.file));
    // A name that is cut off may be that of several: then none of them is named.
    if (matching.length !== 1) return [];
    return [{ index: matching[0]!, line: detail.line, error: textOf(detail), isNamed: true }];
  });
  if (named.length > 0) return { error, named };
  const spoken = left.filter((index) => error.includes(readKey(objects[index]!)));
  return { error, named: spoken.map((index) => ({ index, error, isNamed: true })) };
}

function isFile(key: string, file: string): boolean {
  const path = file.replace(/^s3:\/\/[^/]+\//, "");
  return file.length < FILE_NAME_CHARS ? path === key : key.startsWith(path);
}
