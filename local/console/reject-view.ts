import type { Column, LogType } from "../../wire/log-type.ts";
import { type RejectedLine, rejectedLineSchema, type RejectReason } from "../../wire/reject.ts";
import { lineNumber } from "../reconcile/line-number.ts";
import type { LakeLines } from "./lake-lines.ts";
import type { RejectKind, RejectPlace } from "./reject-places.ts";
import { settingText } from "./setting-text.ts";
import { shellQuoted } from "./shell-quoted.ts";
import type { RejectView } from "./snapshot.ts";

/** A rejected line as it came, and where it stands. */
export interface RejectExample {
  readonly detail: string;
  /** Whole, but for one that is longer than a page shows; U+FFFD for what is not UTF-8 in it. */
  readonly line: string;
  readonly lineBytes: number;
  /** File that it was read from; undefined for what came another way. */
  readonly path: string | undefined;
  /** Counts from 1; undefined where the file has the line no longer at its place. */
  readonly lineNumber: number | undefined;
  readonly source: string;
  readonly offset: number;
  readonly host: string | null;
  readonly tag: string;
  readonly arrivedAt: string;
  /** Names the rejected object. */
  readonly key: string;
}

export interface RejectAnswer extends RejectKind {
  readonly count: number;
  /** Why lines are rejected for this reason, and what of the configuration did it. */
  readonly meaning: string;
  readonly rule: string;
  /** What may help, each a command to paste or words of the configuration. */
  readonly tryWith: readonly { readonly what: string; readonly text: string }[];
  readonly examples: readonly RejectExample[];
}

const LINE_MAX_BYTES = 2 ** 20;
/** Longest line that is offered for a shell. */
const PASTED_CHARS = 2_000;

/** @throws RouteRefusal where an object is gone */
export async function rejectAnswer(
  { view, places }: { readonly view: RejectView; readonly places: readonly RejectPlace[] },
  { types, configFile }: { readonly types: readonly LogType[]; readonly configFile: string },
  lake: LakeLines,
  signal: AbortSignal,
): Promise<RejectAnswer> {
  const examples: RejectExample[] = [];
  for (const place of places) {
    const line = await lineAt(place, lake, signal);
    if (line) examples.push(await exampleOf(line, place.key));
  }
  const { type: name, reason, field, count } = view;
  const type = types.find((type) => type.name === name);
  const tryWith = examples[0] && type ? remedies(type, view, examples[0], configFile) : [];
  return {
    type: name,
    reason,
    field,
    count,
    meaning: MEANINGS[reason],
    rule: ruleOf(types, type, view),
    tryWith,
    examples,
  };
}

async function lineAt(
  { key, index }: RejectPlace,
  lake: LakeLines,
  signal: AbortSignal,
): Promise<RejectedLine | undefined> {
  let at = 0;
  for await (const line of lake.lines(key, signal)) {
    if (at++ === index) return rejectedLineSchema.parse(JSON.parse(line.toString("utf8")));
  }
  return undefined;
}

async function exampleOf(rejected: RejectedLine, key: string): Promise<RejectExample> {
  const bytes = Buffer.from(rejected.data, rejected.encoding);
  const {
    detail,
    tag,
    _path: path,
    _src: source,
    _off: offset,
    _host: host,
    _arrived_at: arrivedAt,
  } = rejected;
  const whole = bytes.toString("utf8");
  return {
    detail,
    line: bytes.length > LINE_MAX_BYTES ? bytes.subarray(0, LINE_MAX_BYTES).toString("utf8") : whole,
    lineBytes: bytes.length,
    path,
    lineNumber: path === undefined ? undefined : await lineNumber(path, offset, whole),
    source,
    offset,
    host,
    tag,
    arrivedAt,
    key,
  };
}

const MEANINGS: Readonly<Record<RejectReason, string>> = {
  unrouted: "No log type takes its tag.",
  unparsed: "It is not in its type's format.",
  missing: "A column that must not be null has no value.",
  type: "A value is not of its column's type.",
  range: "A number is outside its column's range.",
  length: "A text has more bytes than its column.",
  time: "Its event time is absent or cannot be read.",
  "too-large": "Its row is over the 4 MB that COPY takes, or the line over the 10 MiB that a record does.",
};

/** What of the configuration has refused such lines. */
function ruleOf(types: readonly LogType[], type: LogType | undefined, { reason, field }: RejectView): string {
  if (type === undefined) return settingText(types.map(({ name, match }) => ({ name, match })));
  const column = type.columns.find(({ name, field: from = name }) => name === field || from === field);
  if (column && reason !== "time") return settingText(columnOf(column));
  if (reason === "time") return settingText({ time: type.time ?? columnOf(column) });
  return settingText({ parse: type.parse });
}

const columnOf = (column: Column | undefined): object | undefined =>
  column && { ...column, ...(column.nullable && { nullable: undefined }) };

/** The parser's own advice, and the commands that try the type, or look for another one, on the file. */
function remedies(
  { name }: LogType,
  { reason, detail }: RejectView,
  { path, lineNumber, line }: RejectExample,
  configFile: string,
): RejectAnswer["tryWith"] {
  const [, format] = /as in the format ([\w-]+)$/.exec(detail) ?? [];
  const isThere = path !== undefined && lineNumber !== undefined;
  const config = configFile === DEFAULT_CONFIG ? "" : ` --config ${shellQuoted(configFile)}`;
  const tried = isThere
    ? `npx weir try ${name} ${shellQuoted(path)}${config}`
    : `printf '%s\\n' ${shellQuoted(line)} | npx weir try ${name} -${config}`;
  return [
    ...(format === undefined
      ? []
      : [{ what: `Try with the format ${format}`, text: `parse: { format: "${format}" }` }]),
    ...(isThere || line.length <= PASTED_CHARS
      ? [{ what: "See what becomes of its lines, while you edit with --watch", text: tried }]
      : []),
    ...(isThere && reason === "unparsed"
      ? [{ what: "Have a type proposed that fits the file", text: `npx weir infer ${shellQuoted(path)}` }]
      : []),
  ];
}

const DEFAULT_CONFIG = "weir.config.ts";
