import { printable, textTable } from "../../access/text-table.ts";
import type { ReparseTally } from "./reparse-tally.ts";
import type { UnfiledObject } from "./unfiled-objects.ts";

/** Of objects and reasons that are named one by one; JSON has all of them. */
const NAMED = 20;
const EXAMPLE_CHARS = 100;

const COLUMNS = [
  { title: "type" },
  { title: "reason" },
  { title: "field" },
  { title: "lines", right: true },
  { title: "example" },
] as const;

/** What there is to be filed anew. */
export function objectsText(objects: readonly UnfiledObject[], unit: Unit): string {
  if (objects.length === 0) return `no ${unit.of} that nobody has filed anew`;
  const from = objects.reduce(
    (a, { arrivedFrom }) => (arrivedFrom < a ? arrivedFrom : a),
    objects[0]!.arrivedFrom,
  );
  const to = objects.reduce((a, { arrivedTo }) => (arrivedTo > a ? arrivedTo : a), "");
  const rows = objects.reduce((sum, { rows }) => sum + rows, 0);
  return `${counted(rows, unit.one)} in ${counted(objects.length, "object")}, arrived ${from} to ${to}`;
}

/** What is filed anew, in words. */
export interface Unit {
  /** "line", "record" */
  readonly one: string;
  /** "rejected lines of photo" */
  readonly of: string;
}

/** @param would it is not done yet */
export function tallyText(tally: ReparseTally, unit: Unit, would: boolean): string[] {
  const { read, rows, rejected, filtered, duplicates, quarantined, filed, unchanged, left, reasons } = tally;
  const parts = [
    `${rows} rows`,
    `${rejected} rejected ${unit.one === "line" ? "still" : "lines"}`,
    ...(unit.one === "record" ? [`${quarantined} records quarantined still`] : []),
    ...(filtered > 0 ? [`${filtered} filtered`] : []),
    ...(duplicates > 0 ? [`${duplicates} duplicates`] : []),
  ];
  const types = Object.entries(tally.types).map(
    ([type, { rows, rejected }]) => `${type} ${rows} + ${rejected}`,
  );
  return [
    `${counted(read, unit.one)} ${would ? "would be" : "are"}: ${parts.join(", ")}`,
    ...(types.length > 1 ? [`by type, rows + rejected: ${types.join(", ")}`] : []),
    `${counted(filed, "object")} ${would ? "would be" : "were"} filed anew, ${unchanged} would not change`,
    ...(reasons.length === 0 ? [] : [textTable(COLUMNS, reasons.slice(0, NAMED).map(reasonRow))]),
    ...rest(reasons.length),
    ...left.slice(0, NAMED).map(({ error }) => `left as it is: ${error}`),
    ...rest(left.length),
  ].map(printable);
}

function reasonRow({ type, reason, field = "", count, example }: ReparseTally["reasons"][number]): string[] {
  const { detail, line, place } = example;
  const said = line === undefined ? detail : `${detail}: ${line}`;
  const short = said.length > EXAMPLE_CHARS ? `${said.slice(0, EXAMPLE_CHARS)}...` : said;
  return [type || "-", reason, field || "-", `${count}`, `${short.replaceAll(/\s/g, " ")} (${place})`];
}

const rest = (count: number): string[] => (count > NAMED ? [`and ${count - NAMED} more of these`] : []);

export const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? "" : "s"}`;
