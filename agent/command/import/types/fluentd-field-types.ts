import type { FluentdSection } from "../fluentd-syntax.ts";
import type { ImportedField, ImportedFormat } from "./imported-format.ts";
import { importTime } from "./fluentd-time.ts";

/** Ruby's casts as types of columns. */
const TYPES: Readonly<Record<string, string>> = {
  integer: "bigint",
  float: "double precision",
  bool: "boolean",
  string: "",
  time: "timestamp",
  array: "",
};

/** Puts in what `types` and the settings of nulls say. */
export function withTypes(
  format: ImportedFormat,
  { parameters, ...section }: FluentdSection,
): ImportedFormat {
  const fields = new Map(format.fields);
  const remarks = [...format.remarks];
  for (const [name, kind, detail] of casts(parameters)) {
    const field: ImportedField = fields.get(name) ?? { field: name };
    // What is the event's time already is kept only where that is said.
    if (!Object.hasOwn(TYPES, kind) || (format.time?.field === name && !fields.has(name))) continue;
    if (kind === "array") remarks.push(`${name}: is a text here and no array; split it in a value`);
    if (kind === "time") fields.set(name, { ...field, ...timeColumn(detail, { ...section, parameters }) });
    else fields.set(name, TYPES[kind] === "" ? field : { ...field, type: TYPES[kind]! });
  }
  const nulls = nullTexts(parameters);
  return { ...format, fields, remarks, ...(nulls.length > 0 && { nulls }) };
}

/** `name:kind:detail`, with commas between them, or a hash. */
function casts(parameters: ReadonlyMap<string, string>): [string, string, string][] {
  const text = parameters.get("types") ?? "";
  if (text.startsWith("{")) {
    try {
      const entries = Object.entries(JSON.parse(text) as Record<string, unknown>);
      return entries.map(([name, kind]) => parts(`${name}:${String(kind)}`, ":"));
    } catch {
      return [];
    }
  }
  const between = parameters.get("types_delimiter") ?? ",";
  const label = parameters.get("types_label_delimiter") ?? ":";
  return text
    .split(between)
    .filter(Boolean)
    .map((cast) => parts(cast.trim(), label));
}

function parts(cast: string, label: string): [string, string, string] {
  const [name = "", kind = "", ...detail] = cast.split(label);
  return [name, kind.toLowerCase(), detail.join(label)];
}

function timeColumn(format: string, section: FluentdSection): Pick<ImportedField, "type" | "time"> {
  const parameters = new Map(section.parameters).set("time_format", format);
  const { time } = format === "" ? { time: undefined } : importTime({ ...section, parameters });
  return time === undefined ? {} : { type: "timestamp", time };
}

/** Texts that are no value, where a pattern names them one by one. */
function nullTexts(parameters: ReadonlyMap<string, string>): string[] {
  const [, names] =
    /^\/?\^\(?(?:\?:)?([\w\-|./]*)\)?\$\/?$/.exec(parameters.get("null_value_pattern") ?? "") ?? [];
  const empty = parameters.get("null_empty_string") === "true" ? [""] : [];
  return [...(names === undefined ? [] : names.split("|")), ...empty];
}
