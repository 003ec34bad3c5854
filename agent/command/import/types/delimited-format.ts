import type { FluentdSection } from "../fluentd-syntax.ts";
import { withTypes } from "./fluentd-field-types.ts";
import { importTime } from "./fluentd-time.ts";
import type { ImportedField, ImportedFormat, ParserInput } from "./imported-format.ts";
import { rawFormat } from "./named-formats.ts";
import { timed } from "./timed-format.ts";

/** `csv` and `tsv`. */
export function delimitedFormat(format: "csv" | "tsv", parse: FluentdSection): ImportedFormat {
  const { parameters } = parse;
  const keys = list(parameters.get("keys"));
  if (new Set(keys).size < keys.length || keys.length === 0)
    return rawFormat("message", `${format} without keys that are each another: lines are kept as they are`);
  const delimiter = parameters.get("delimiter")?.replace(/^\\t$/, "\t");
  const usual = format === "csv" ? "," : "\t";
  const isOther = delimiter !== undefined && delimiter !== usual;
  if (isOther && delimiter.length !== 1)
    return rawFormat(
      "message",
      `${format} with a delimiter of several characters: lines are kept as they are`,
    );
  // Fluentd takes lines of fewer and of more values.
  const lenient = { fields: keys as [string, ...string[]], fewer: "null", more: "extra" } as const;
  const ours: ParserInput = isOther
    ? { format: "csv", ...lenient, delimiter }
    : format === "csv"
      ? { format: "csv", ...lenient }
      : { format: "tsv", ...lenient };
  const fields = new Map<string, ImportedField>(keys.map((key) => [key, { field: key }]));
  const key = parameters.get("time_key") || "time";
  const plain: ImportedFormat = { parse: ours, fields, isOpen: false, remarks: [] };
  return keys.includes(key)
    ? timed(plain, parse, { key, reading: importTime(parse) })
    : withTypes(plain, parse);
}

function list(value: string | undefined): string[] {
  const text = value ?? "";
  try {
    return text.startsWith("[")
      ? (JSON.parse(text) as unknown[]).map(String)
      : text
          .split(",")
          .map((key) => key.trim())
          .filter(Boolean);
  } catch {
    return [];
  }
}
