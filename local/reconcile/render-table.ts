import { UNROUTED_TYPE } from "../../wire/log-type.ts";
import { emptyColumnText } from "../../ops/try/empty-columns.ts";
import { counted, grouped, sizeText } from "./figures.ts";
import { type OverLimit, overLimit } from "./reject-limit.ts";
import type { RejectReport, Report, TypeReport } from "./report.ts";

const COLUMNS = [
  "lines",
  "rows",
  "rejected",
  "filtered",
  "duplicates",
] as const satisfies (keyof TypeReport)[];
const WIDTH = 100;
const INDENT = "  ";
/** Kinds of rejects of a type that are shown with a line of theirs, and how much of it. */
const SHOWN_LINES = 3;
const LINE_CHARS = 2_000;

export interface TableOptions {
  /** Columns of the terminal; without one nothing is cut. */
  readonly width?: number;
  /** Above it a type's rejects stand at the top, with lines of theirs. */
  readonly maxRejectedPercent?: number;
}

/** The report as a table for a terminal, with the reasons of rejects below it. */
export function renderTable(
  report: Report,
  { width = Infinity, maxRejectedPercent = Infinity }: TableOptions = {},
): string {
  const over = overLimit(report, maxRejectedPercent);
  return [
    ...over.flatMap((type) => rejectedType(type, report)),
    ...typeTable(report),
    "",
    ...totals(report),
    ...section(
      "Rejected",
      report.rejects.map((reject) => rejectLines(reject, width)),
    ),
    ...section("NULL in every row", (report.emptyColumns ?? []).map(emptyLines)),
    ...section("Held against", (report.notes ?? []).map(noteLines)),
    ...section("Does not balance", report.problems.map(problemLines)),
    "",
    verdict(report, over),
    "",
  ].join("\n");
}

/**
 *   access: 500 of 500 lines (100.0 %) were rejected, and are no rows
 *
 *      500  unparsed  not in combined format: ...
 *           /var/log/nginx/access.log:1
 *           192.0.2.1 - - [26/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 ...
 */
function rejectedType({ type, lines, rejected }: OverLimit, { rejects }: Report): string[] {
  const kinds = rejects.filter((reject) => reject.type === type);
  const head = INDENT.repeat(2).length + 10;
  const shown = kinds
    .slice(0, SHOWN_LINES)
    .flatMap(({ reason, field, count, example }) => [
      "",
      `${INDENT.repeat(2)}${grouped(count).padStart(8)}  ${reason}${field === undefined ? "" : ` ${field}`}: ${printable(example.detail)}`,
      " ".repeat(head) + placeOf(example),
      " ".repeat(head) + cut(printable(example.line), LINE_CHARS),
    ]);
  const more = kinds.length - SHOWN_LINES;
  return [
    `${INDENT}${type}: ${grouped(rejected)} of ${counted(lines, "line")} (${((100 * rejected) / lines).toFixed(1)} %) were rejected, and are no rows`,
    ...shown,
    ...(more > 0 ? ["", `${INDENT.repeat(2)}and ${counted(more, "other reason")}, below`] : []),
    "",
    INDENT.repeat(2) + adviceOn(type, kinds[0]!.example.path),
    "",
  ];
}

/** What is pushed has a path, too, but no file there. */
function adviceOn(type: string, path: string | undefined): string {
  if (type === UNROUTED_TYPE) return 'Give their tag to a log type: match: { tags: ["TAG"] }';
  return `Which format these lines have: npx weir infer ${path?.startsWith("/") ? path : "FILE"}`;
}

function placeOf({ path, lineNumber, source, offset }: RejectReport["example"]): string {
  if (path === undefined) return `${source}:${offset}`;
  return lineNumber === undefined ? `${path}, at byte ${offset}` : `${path}:${lineNumber}`;
}

/**
 *   type        lines        rows   rejected   filtered   duplicates      bytes
 *   access     10,000 =     9,899 +      101 +        0 +          0     2.1 MB
 */
function typeTable({ types }: Report): string[] {
  const entries = Object.entries(types);
  const names = Math.max(5, ...entries.map(([name]) => name.length));
  const row = (name: string, cells: readonly string[], signs: readonly string[], bytes: string): string =>
    `${INDENT}${name.padEnd(names)} ${cells.map((cell, i) => `${cell.padStart(i === 0 ? 12 : 11)} ${signs[i]}`).join("")}${bytes.padStart(10)}`;
  const blank = COLUMNS.map(() => " ");
  const sum = (key: keyof TypeReport): number =>
    entries.reduce((total, [, counts]) => total + counts[key], 0);
  const rule = `${INDENT}${"─".repeat(names + 75)}`;
  const line = (name: string, of: (key: keyof TypeReport) => number): string =>
    row(
      name,
      COLUMNS.map((key) => grouped(of(key))),
      ["=", "+", "+", "+", " "],
      sizeText(of("bytes")),
    );
  return [
    row("type", [...COLUMNS], blank, "bytes"),
    rule,
    ...entries.map(([name, counts]) => line(name, (key) => counts[key])),
    rule,
    line("total", sum),
  ];
}

function totals({ kinesis, s3, warehouse, quarantined }: Report): string[] {
  const perRecord = kinesis.records === 0 ? 0 : kinesis.userRecords / kinesis.records;
  return [
    `Kinesis    ${counted(kinesis.records, "record")}, ${sizeText(kinesis.bytes)}, ` +
      `${counted(kinesis.userRecords, "user record")} (${perRecord.toFixed(1)} in each)`,
    `S3         ${counted(s3.objects, "object")}, ${sizeText(s3.bytes)}` +
      (quarantined > 0 ? `, ${counted(quarantined, "record")} in quarantine` : ""),
    `Warehouse  ${counted(warehouse.rows, "row")} by ${counted(warehouse.loads, "load")}`,
  ].map((text) => INDENT + text);
}

function section(title: string, items: readonly string[][]): string[] {
  return items.length === 0 ? [] : ["", INDENT + title, ...items.flat()];
}

function rejectLines({ type, reason, field, count, example }: RejectReport, width: number): string[] {
  const what = field === undefined ? reason : `${reason} ${field}`;
  const head = `${INDENT.repeat(2)}${grouped(count).padStart(8)}  ${type.padEnd(10)} ${what.padEnd(18)} `;
  const place = ` (${placeOf(example)})`;
  return [head + cut(printable(example.detail), width - head.length - place.length) + place];
}

/**
 *   - access 500 rows, status: no line had a value in the field "sttus": did you mean "status"?
 */
const emptyLines = ({ type, rows, ...empty }: NonNullable<Report["emptyColumns"]>[number]): string[] =>
  wrapped(`${type}, ${counted(rows, "row")}: ${emptyColumnText(empty)}`, "- ");

const noteLines = (note: string): string[] => wrapped(note, "- ");
const problemLines = (problem: string): string[] => wrapped(problem, "! ");

function wrapped(text: string, mark: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of printable(text).split(" ")) {
    if (line !== "" && line.length + word.length + 1 > WIDTH - 6) {
      lines.push(line);
      line = "";
    }
    line += line === "" ? word : ` ${word}`;
  }
  return [...lines, line].map((text, i) => INDENT.repeat(2) + (i === 0 ? mark : "  ") + text);
}

function verdict({ balanced, seconds, problems, types }: Report, over: readonly OverLimit[]): string {
  const lines = Object.values(types).reduce((sum, counts) => sum + counts.lines, 0);
  if (!balanced) {
    return `${INDENT}Not balanced: ${counted(problems.length, "problem")} in ${counted(lines, "line")}.`;
  }
  const sum = `${counted(lines, "line")} accounted for in ${seconds.toFixed(1)} s`;
  if (over.length === 0) return `${INDENT}Balanced: ${sum}.`;
  const names = over.map(({ type }) => type).join(", ");
  return `${INDENT}Balanced, but too many rejected of ${names}: ${sum}.`;
}

/** Details hold what was found in a log line: control characters stay out of the terminal. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, "·");
}

function cut(text: string, width: number): string {
  const characters = Array.from(text);
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 1)).join("")}…`;
}
