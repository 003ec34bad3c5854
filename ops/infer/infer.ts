import { Misfit } from "../../lambdas/router/misfit.ts";
import { lineText } from "../../lambdas/router/line-text.ts";
import { type LogType, logTypeSchema } from "../../wire/log-type.ts";
import { Tally } from "../try/tally.ts";
import type { FileLine } from "../try/read-lines.ts";
import { chosenFields, type ColumnInput, columnsOf, fieldsOf, nullsOf } from "./columns.ts";
import { joined, type MultiLine, multiLineOf } from "./events.ts";
import { type ParseInput, type ReadAs, readLinesAs } from "./formats.ts";
import type { Stretch } from "./sample.ts";
import { timeFieldOf } from "./time-field.ts";

/** A log type as a configuration has it. */
export interface TypeInput {
  readonly name: string;
  readonly match?: { readonly tags: readonly string[] };
  readonly parse: ParseInput;
  readonly time?: { readonly field: string; readonly format: string };
  readonly skip?: { readonly comments: readonly string[] };
  readonly nulls?: readonly string[];
  readonly columns: readonly ColumnInput[];
  readonly destinations?: readonly { readonly to: "s3" | "redshift" }[];
}

/** What a person has to know of a proposed type. */
export interface Remarks {
  readonly parse: string | undefined;
  readonly time: string | undefined;
  /** By the name of the column. */
  readonly columns: ReadonlyMap<string, string>;
}

export interface Proposal {
  readonly type: TypeInput;
  readonly remarks: Remarks;
  readonly multiLine: MultiLine | undefined;
  /** What becomes of the sample as this type. */
  readonly tally: Tally;
}

export interface Named {
  readonly name: string;
  readonly tags?: readonly string[] | undefined;
  /** Whether rows are to be loaded into the main warehouse as well. */
  readonly hasTable?: boolean;
}

const SHOWN_REJECTS = 5;

/** Fields that no line of a format is without. Of others it may be chance that the sample has them. */
const ALWAYS: Readonly<Record<string, readonly string[]>> = {
  "apache-error": ["level"],
  "nginx-error": ["level", "pid"],
  combined: ["host", "status"],
  common: ["host", "status"],
  cri: ["stream"],
  lighttpd: ["host", "status"],
  "nginx-main": ["host", "status"],
  regex: ["level"],
  rfc5424: ["priority", "severity", "facility"],
  syslog: ["host"],
  vhost_combined: ["vhost", "host", "status"],
};

/** Proposes a log type for lines, and tries it on them. */
export function infer(stretches: readonly Stretch[], named: Named): Proposal {
  const lines = stretches.flat();
  const isFromStart = lines[0]?.number === 1;
  const read = readLinesAs(textsOf(lines), isFromStart);
  const single = propose(read, lines, named);
  const isRaw = read.format.parse.format === "raw";
  const multiLine = isRaw || single.tally.rejected > 0 ? multiLineOf(stretches) : undefined;
  if (multiLine === undefined) return single;
  const events = joined(stretches, multiLine);
  const several = propose(readLinesAs(textsOf(events), isFromStart), events, named, multiLine);
  const isBetter = isRaw || several.tally.rejectedPercent < single.tally.rejectedPercent;
  return isBetter ? several : single;
}

/** As the router reads them; what is no text is left to the trial. */
function textsOf(lines: readonly FileLine[]): string[] {
  return lines.flatMap(({ data }) => {
    const text = lineText(data);
    return text instanceof Misfit || text.trim() === "" ? [] : [text];
  });
}

function propose(read: ReadAs, lines: readonly FileLine[], named: Named, multiLine?: MultiLine): Proposal {
  const { format } = read;
  const fields = fieldsOf(read.fields);
  const time = timeFieldOf(fields);
  const chosen = chosenFields(fields, time?.field);
  const nulls = nullsOf(chosen);
  const always = format.parse.from === undefined ? (ALWAYS[format.parse.format] ?? []) : [];
  const columns = columnsOf(chosen, nulls, (path) => always.includes(path));
  const type: TypeInput = {
    name: named.name,
    ...(named.tags && { match: { tags: named.tags } }),
    parse: format.parse,
    ...(time && { time: { field: time.field, format: time.form.format } }),
    ...(format.comments && { skip: { comments: format.comments } }),
    ...(nulls.length > 0 && { nulls }),
    columns: columns.length > 0 ? columns.map(({ column }) => column) : [LINE],
    ...(named.hasTable && { destinations: [{ to: "s3" as const }, { to: "redshift" as const }] }),
  };
  const tally = new Tally(checked(type), { rows: 1, rejects: SHOWN_REJECTS });
  for (const line of lines) tally.take(line);
  const remarks = {
    parse: format.toConfirm,
    time: time
      ? time.form.toConfirm
      : "no field has times of one form in every line, so event time is arrival time",
    columns: new Map(
      columns.flatMap(({ column, comment }) => (comment === undefined ? [] : [[column.name, comment]])),
    ),
  };
  return { type, remarks, multiLine, tally };
}

/** The whole line, for what has no fields. */
const LINE: ColumnInput = { name: "line", field: "_line", type: "varchar(65535)" };

const checked = (type: TypeInput): LogType => logTypeSchema.parse(type);
