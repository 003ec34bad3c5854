import { printable } from "../access/text-table.ts";
import { counted, grouped, rangeText } from "../access/figures.ts";
import type { AuditReport } from "./report.ts";
import type { SourceReport } from "./source-report.ts";

/** "Where is my file", in a few sentences. */
export function sourceText(source: SourceReport, report: AuditReport): string {
  const { host, path, id } = source;
  return [
    `${printable(`${host}:${path}`)} (${id})`,
    ...[...deliveryText(source), endText(source), ...contentText(source, report)].map((line) => `  ${line}`),
  ].join("\n");
}

function deliveryText(source: SourceReport): string[] {
  const { end, bytes, ranges, firstAt, lastAt, missing, leftOut, againBytes, delivered } = source;
  if (firstAt === undefined) return ["Nothing of it has come to the lake."];
  const [first] = delivered;
  const what = ranges === 1 ? rangeText(...first!) : `${grouped(ranges)} ranges up to ${grouped(end)}`;
  const said = [`Delivered: ${what}, ${counted(bytes, "byte")}, from ${firstAt} to ${lastAt}.`];
  if (missing.length > 0) {
    said.push(
      `MISSING: ${missing.map(([from, to]) => rangeText(from, to)).join(", ")}, and no reason is stated.`,
    );
  }
  for (const { reason, bytes, lines } of leftOut) {
    said.push(`Left out by the agent, ${reason}: ${counted(bytes, "byte")}, ${grouped(lines)} lines.`);
  }
  if (againBytes > 0) said.push(`Delivered more than once: ${counted(againBytes, "byte")}.`);
  if (source.conflicts > 0)
    said.push(`${grouped(source.conflicts)} lines claim bytes that another line claims.`);
  if (source.otherHosts.length > 0) said.push(`Claimed as well by ${source.otherHosts.join(", ")}.`);
  return said;
}

function endText({
  whole,
  size,
  read,
  finalSize,
  toldAt,
  lagBytes,
  endReachedAt,
  state,
  error,
}: SourceReport): string {
  if (toldAt === undefined) return "Its agent has said nothing of it: where it ends cannot be known.";
  const failed = error === undefined ? "" : ` The agent cannot read it: ${printable(error)}.`;
  if (finalSize !== undefined) {
    const proven =
      whole === "proven" ? "and all of it is accounted for" : "and not all of it is accounted for";
    return `It ended at ${grouped(finalSize)}, as its agent said at ${toldAt}, ${proven}.${failed}`;
  }
  const lag = lagBytes === 0 ? "all of it is delivered" : `${counted(lagBytes, "byte")} are not delivered`;
  const reached = endReachedAt === undefined ? "" : `, its end reached at ${endReachedAt}`;
  return `Of ${grouped(size!)} bytes ${grouped(read!)} are read${reached}, as its agent said at ${toldAt}: ${lag}. It is ${state}, and may grow.${failed}`;
}

function contentText({ id, types }: SourceReport, { rows, tableRows = {} }: AuditReport): string[] {
  const said: string[] = [];
  if (types.length > 0) said.push(`Log types: ${types.join(", ")}.`);
  if (rows !== undefined && "lines" in rows) {
    const own = rows.lines.filter(({ source }) => source === id);
    const parts = own.map(
      ({ type, rows, rejected }) =>
        `${grouped(rows)} rows and ${grouped(rejected)} rejected lines of ${type}`,
    );
    if (parts.length > 0) said.push(`In the lake: ${parts.join(", ")}.`);
    if (rows.gone > 0)
      said.push(`${grouped(rows.gone)} objects are not there any more: erased, expired or removed.`);
  } else if (rows !== undefined) {
    said.push(
      `Its rows were not counted: they are in ${grouped(rows.objects)} objects or more, of ${counted(rows.bytes, "byte")}; --since makes them fewer.`,
    );
  }
  const tables = Object.entries(tableRows).flatMap(([table, counts]) =>
    counts[id] === undefined ? [] : `${grouped(counts[id])} rows in ${table}`,
  );
  if (Object.keys(tableRows).length > 0)
    said.push(tables.length > 0 ? `Loaded: ${tables.join(", ")}.` : "In no table.");
  return said;
}
