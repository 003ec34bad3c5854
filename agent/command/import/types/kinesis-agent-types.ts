import type { Notes } from "../imported.ts";
import type { ImportedField, ImportedFormat, TypeDraft } from "./imported-format.ts";
import { APACHE_ERROR_TIME, rawFormat } from "./named-formats.ts";
import { translatePattern } from "./ruby-pattern.ts";
import { quoted } from "./ruby-value.ts";
import { draftOf } from "./type-draft.ts";

/** What an option of `dataProcessingOptions` says. */
export interface ProcessingOption {
  readonly optionName: string;
  readonly logFormat?: string | undefined;
  readonly matchPattern?: string | undefined;
  readonly customFieldNames?: readonly string[] | undefined;
  readonly delimiter?: string | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** A flow that is sent. */
export interface FlowRoute {
  readonly tag: string;
  readonly line: number;
  readonly options: readonly ProcessingOption[];
}

interface KnownFormat {
  readonly parse: ImportedFormat["parse"];
  readonly time?: string;
  readonly fields: Readonly<Record<string, ImportedField>>;
}

const COMMON = {
  host: { field: "host" },
  ident: { field: "ident" },
  authuser: { field: "user" },
  datetime: { field: "time", type: "timestamp" },
  request: { value: "method + ' ' + path + ' ' + protocol", type: "varchar(8192)" },
  response: { field: "status", type: "smallint" },
  bytes: { field: "bytes", type: "bigint" },
};
const SYSLOG: KnownFormat = {
  parse: { format: "syslog" },
  time: "syslog",
  fields: {
    timestamp: { field: "time", type: "timestamp" },
    hostname: { field: "host" },
    program: { field: "ident" },
    processid: { field: "pid" },
    message: { field: "message" },
  },
};

/** source: processing/parsers of amazon-kinesis-agent, read 2026-11 */
const FORMATS: Readonly<Record<string, KnownFormat>> = {
  COMMONAPACHELOG: {
    parse: { format: "any", of: [{ format: "common" }, { format: "combined" }] },
    time: "clf",
    fields: COMMON,
  },
  COMBINEDAPACHELOG: {
    parse: { format: "any", of: [{ format: "combined" }, { format: "nginx-main" }] },
    time: "clf",
    fields: { ...COMMON, referer: { field: "referer" }, agent: { field: "agent" } },
  },
  APACHEERRORLOG: {
    parse: { format: "apache-error" },
    fields: {
      timestamp: { field: "time", type: "varchar(64)" },
      module: { field: "module" },
      severity: { field: "level" },
      processid: { field: "pid" },
      threadid: { field: "tid" },
      client: { field: "client" },
      message: { field: "message" },
    },
  },
  SYSLOG,
  RFC3339SYSLOG: SYSLOG,
};

/** The log types of flows: the options are what turned a line into a record. */
export function kinesisAgentTypes(flows: readonly FlowRoute[], notes: Notes): TypeDraft[] {
  return flows.map(({ tag, line, options }) => {
    const format = formatOf(options);
    const fields = new Map(format.fields);
    for (const { metadata = {} } of options) {
      for (const [key, value] of Object.entries(metadata)) {
        if (typeof value === "string") fields.set(key, { value: quoted(value), type: "varchar(255)" });
        else notes.add(line, `metadata ${key}: left out, it is no text`);
      }
    }
    return draftOf(
      { format, fields, drops: [], removed: new Set() },
      { line, tags: [tag], destinations: undefined },
    );
  });
}

function formatOf(options: readonly ProcessingOption[]): ImportedFormat {
  for (const option of options) {
    if (option.optionName === "CSVTOJSON") return delimited(option);
    if (option.optionName === "LOGTOJSON") return parsed(option);
  }
  return rawFormat("line", "its lines were sent as they are: `weir infer` says what they may be");
}

function delimited({ customFieldNames: names = [], delimiter = "," }: ProcessingOption): ImportedFormat {
  const plain = delimiter.replace(/^\\t$/, "\t").replace(/^\\(?=\W$)/, "");
  if (plain.length !== 1 || names.length === 0 || new Set(names).size < names.length)
    return rawFormat(
      "line",
      "CSVTOJSON without fields that are each another, or with a delimiter of several characters",
    );
  const lenient = { fields: names as [string, ...string[]], fewer: "null", more: "extra" } as const;
  return {
    parse: plain === "\t" ? { format: "tsv", ...lenient } : { format: "csv", ...lenient, delimiter: plain },
    fields: new Map(names.map((field) => [field, { field }])),
    isOpen: false,
    remarks: [],
  };
}

function parsed({ logFormat = "", matchPattern, customFieldNames }: ProcessingOption): ImportedFormat {
  const known = Object.hasOwn(FORMATS, logFormat) ? FORMATS[logFormat] : undefined;
  const names = customFieldNames ?? (known === undefined ? [] : Object.keys(known.fields));
  if (matchPattern !== undefined) return byPattern(matchPattern, names);
  if (known === undefined) return rawFormat("line", `LOGTOJSON ${logFormat}: has no equal here`);
  const fields: [string, ImportedField][] = Object.values(known.fields).map((field, i) => [
    names[i] ?? `field_${i + 1}`,
    field,
  ]);
  const own: [string, ImportedField][] = names.includes("request")
    ? ["method", "path", "protocol"].map((field) => [field, { field }])
    : [];
  return {
    parse: known.parse,
    fields: new Map([...fields, ...own]),
    isOpen: false,
    ...(known.time !== undefined && { time: { field: "time", format: known.time } }),
    remarks: known.time === undefined ? [APACHE_ERROR_TIME] : [],
  };
}

/** Groups have no names there, and get those of the fields. */
function byPattern(pattern: string, names: readonly string[]): ImportedFormat {
  let count = 0;
  const java = pattern.replaceAll(/\\[^]|\[(?:\\[^]|[^\]\\])*\]|\((?!\?)|\(\?<(?![=!])\w+>/g, (found) => {
    if (found === String.raw`\h`) return String.raw`[ \t]`;
    if (!found.startsWith("(")) return found;
    return `(?<${groupName(names, count++)}>`;
  });
  const translated = translatePattern(`^(?:${java})$`);
  if (translated === undefined || count === 0 || count !== names.length)
    return rawFormat(
      "line",
      `matchPattern has ${count} groups for ${names.length} fields, or is no pattern of ours`,
    );
  const fields = new Map<string, ImportedField>(
    names.map((name, i) => [name, { field: groupName(names, i) }]),
  );
  const { source, backtracking, remarks } = translated;
  return {
    parse: { format: "regex", pattern: source, ...(backtracking && { backtracking }) },
    fields,
    isOpen: false,
    remarks: [...remarks, "event time is arrival time: say which field has it, and its form, as `time`"],
  };
}

/** The field's name, where a group may have it. */
function groupName(names: readonly string[], i: number): string {
  const name = names[i];
  return name !== undefined && /^[A-Za-z_]\w*$/.test(name) && names.indexOf(name) === i ? name : `f${i + 1}`;
}
