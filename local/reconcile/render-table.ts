import { counted, grouped, sizeText } from "./figures.ts";
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

/** The report as a table for a terminal, with the reasons of rejects below it; at most 100 columns. */
export function renderTable(report: Report): string {
  return [
    ...typeTable(report),
    "",
    ...totals(report),
    ...section("Rejected", report.rejects.map(rejectLines)),
    ...section("Does not balance", report.problems.map(problemLines)),
    "",
    verdict(report),
    "",
  ].join("\n");
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

function rejectLines({ type, reason, field, count, example }: RejectReport): string[] {
  const what = field === undefined ? reason : `${reason} ${field}`;
  const head = `${INDENT.repeat(2)}${grouped(count).padStart(8)}  ${type.padEnd(10)} ${what.padEnd(18)} `;
  const place = ` (${example.source}:${example.offset})`;
  return [head + cut(printable(example.detail), WIDTH - head.length - place.length) + place];
}

function problemLines(problem: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of printable(problem).split(" ")) {
    if (line !== "" && line.length + word.length + 1 > WIDTH - 6) {
      lines.push(line);
      line = "";
    }
    line += line === "" ? word : ` ${word}`;
  }
  return [...lines, line].map((text, i) => INDENT.repeat(2) + (i === 0 ? "! " : "  ") + text);
}

function verdict({ balanced, seconds, problems, types }: Report): string {
  const lines = Object.values(types).reduce((sum, counts) => sum + counts.lines, 0);
  return balanced
    ? `${INDENT}Balanced: ${counted(lines, "line")} accounted for in ${seconds.toFixed(1)} s.`
    : `${INDENT}Not balanced: ${counted(problems.length, "problem")} in ${counted(lines, "line")}.`;
}

/** Details hold what was found in a log line: control characters stay out of the terminal. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, "·");
}

function cut(text: string, width: number): string {
  const characters = Array.from(text);
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 1)).join("")}…`;
}
