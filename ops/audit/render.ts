import { printable, textTable } from "../access/text-table.ts";
import type { AuditArguments } from "./command.ts";
import type { Finding } from "./finding.ts";
import { grouped } from "../access/figures.ts";
import { files } from "./notes.ts";
import type { AuditReport } from "./report.ts";
import { sourceText } from "./source-text.ts";

/** For people at 3 a.m.: the verdict first, then what to do, then what there is to know. */
export function render(title: string, report: AuditReport, options: AuditArguments): string {
  const isAsked = options.source !== undefined || options.host !== undefined;
  const { findings, notes, sources } = report;
  return [
    `${title}: ${verdict(report, isAsked)}`,
    ...findings.map((finding) => findingText(finding, placeText(options))),
    ...leftText(report),
    ...(isAsked ? sources.map((source) => sourceText(source, report)) : tables(report, options)),
    ...(notes.length > 0 ? [notes.map((note) => `- ${printable(note)}`).join("\n")] : []),
  ].join("\n\n");
}

function verdict(report: AuditReport, isAsked: boolean): string {
  const { balanced, findings, left, commits, sourceCount, types, since } = report;
  const lines = types.reduce((sum, type) => sum + type.lines, 0);
  const all = isAsked ? "" : `${grouped(lines)} lines, ${grouped(commits)} commits, `;
  const of = `${all}${files(sourceCount)}${since ? ` since ${since}` : ""}`;
  if (balanced) return `balanced. ${of}.`;
  const count = findings.length + Object.values(left).reduce((sum, n) => sum + n, 0);
  return `NOT BALANCED, ${count === 1 ? "1 fault" : `${grouped(count)} faults`}. ${of}.`;
}

const MAX_NAMED = 4;

function findingText({ text, commits = [], objects = [], fix = [] }: Finding, place: string): string {
  const look = [
    ...commits.map(
      ({ key, firstSequenceNumber, lastSequenceNumber }) =>
        `${key} (${firstSequenceNumber} to ${lastSequenceNumber})`,
    ),
    ...objects,
  ];
  const more =
    look.length > MAX_NAMED ? [`  look at  ${grouped(look.length - MAX_NAMED)} more, with --json`] : [];
  return [
    `! ${printable(text)}`,
    ...look.slice(0, MAX_NAMED).map((one) => `  look at  ${printable(one)}`),
    ...more,
    ...fix.slice(0, MAX_NAMED).map((line) => `  run      ${line}${place}`),
  ].join("\n");
}

function placeText({ stack, local, region }: AuditArguments): string {
  if (local !== undefined) return ` --local ${local}`;
  return ` --stack ${stack}${region === undefined ? "" : ` --region ${region}`}`;
}

function leftText({ left }: AuditReport): string[] {
  const more = Object.entries(left).map(([kind, count]) => `${grouped(count)} more of the kind "${kind}"`);
  return more.length > 0 ? [`! ${more.join(", ")}`] : [];
}

const COUNTS = ["lines", "rows", "rejected", "filtered", "duplicates"] as const;
const right = (title: string) => ({ title, right: true as const });
/** More hours than a screen has lines are in the JSON alone. */
const MAX_HOURS = 48;

function tables(report: AuditReport, { type }: AuditArguments): string[] {
  const { types, hours, tables, hosts, shards } = report;
  const sections = [
    textTable(
      [{ title: "type" }, ...COUNTS.map(right), right("again")],
      types.map((sum) => [sum.type, ...COUNTS.map((name) => grouped(sum[name])), again(sum)]),
    ),
  ];
  if (type !== undefined && hours.length > 0) {
    const rows = hours
      .slice(-MAX_HOURS)
      .map((sum) => [sum.hour, ...COUNTS.map((name) => grouped(sum[name]))]);
    sections.push(textTable([{ title: "arrived" }, ...COUNTS.map(right)], rows));
  }
  if (tables.length > 0) sections.push(tableSection(tables));
  const faulty = hosts.filter(({ undeliveredBytes }) => undeliveredBytes > 0);
  if (faulty.length > 0) {
    const rows = faulty.map((host) => [
      host.host,
      host.state,
      host.lastBeatAt ?? "-",
      grouped(host.undeliveredBytes),
    ]);
    const columns = [
      { title: "host" },
      { title: "state" },
      { title: "last heartbeat" },
      right("undelivered bytes"),
    ];
    sections.push(textTable(columns, rows.slice(0, MAX_HOURS)));
  }
  const doubled = shards.filter(({ repeated, overlapping }) => repeated + overlapping > 0);
  if (doubled.length > 0) {
    const columns = [{ title: "origin" }, right("batches"), right("came again"), right("overlap")];
    const rows = doubled.map((one) => [
      one.origin,
      ...[one.batches, one.repeated, one.overlapping].map(grouped),
    ]);
    sections.push(textTable(columns, rows.slice(0, MAX_HOURS)));
  }
  return sections;
}

function again({ againLeast, againMost }: AuditReport["types"][number]): string {
  if (againMost === 0) return "-";
  return againLeast === againMost ? grouped(againMost) : `${grouped(againLeast)} to ${grouped(againMost)}`;
}

const PARTS = ["loaded", "duplicates", "setAside", "skipped", "gone", "waiting", "early"] as const;
const TITLES = { setAside: "set aside", early: "before it" } as const;

/** The lake's rows are the sum of all that follow, up to the table's own count. */
function tableSection(tables: AuditReport["tables"]): string {
  const used = PARTS.filter(
    (part) => part === "loaded" || part === "waiting" || tables.some((table) => table[part] !== 0),
  );
  const title = (part: (typeof PARTS)[number]): string =>
    part in TITLES ? TITLES[part as keyof typeof TITLES] : part;
  const columns = [
    { title: "table" },
    right("lake rows"),
    ...used.map((part) => right(title(part))),
    right("erased"),
    right("in table"),
  ];
  const rows = tables.map((table) => [
    table.table,
    grouped(table.lake),
    ...used.map((part) => grouped(table[part])),
    grouped(table.erased),
    table.rows === undefined ? "no table" : table.isWhole ? grouped(table.rows) : "-",
  ]);
  return textTable(columns, rows);
}
