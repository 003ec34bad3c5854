import { type FluentdSection, typeOf } from "../fluentd-syntax.ts";
import { guessedForm, importTime, type TimeReading } from "./fluentd-time.ts";
import { withTypes } from "./fluentd-field-types.ts";
import { type ImportedField, type ImportedFormat, type ParserInput } from "./imported-format.ts";
import { GROK_FORMATS, NAMED_FORMATS, type NamedFormat, rawFormat } from "./named-formats.ts";
import { type TranslatedPattern, translatePattern } from "./ruby-pattern.ts";

/** The `<parse>` section of a source or a filter, or the section itself, as it was before there were such. */
export function parseSection(section: FluentdSection): FluentdSection {
  return section.sections.find(({ name }) => name === "parse") ?? section;
}

/** The format of a source's or a filter's lines. */
export function importFormat(section: FluentdSection): ImportedFormat {
  const parse = parseSection(section);
  const name = (parse === section ? parse.parameters.get("format") : typeOf(parse)) ?? "none";
  return formatNamed(name, parse);
}

function formatNamed(name: string, parse: FluentdSection): ImportedFormat {
  const { parameters } = parse;
  if (name.startsWith("/")) return patternFormat(name, parse, false);
  if (name === "syslog")
    return named(NAMED_FORMATS[syslogKind(parse)], parse) ?? syslogWithoutPriority(parse);
  if (name === "cri") return criFormat(parse);
  const known = Object.hasOwn(NAMED_FORMATS, name) ? named(NAMED_FORMATS[name], parse) : undefined;
  if (known !== undefined) return known;
  switch (name) {
    case "json":
    case "ltsv":
      return openFormat(name, parse);
    case "csv":
    case "tsv":
      return delimitedFormat(name, parse);
    case "regexp":
      return patternFormat(parameters.get("expression") ?? parameters.get("format") ?? "", parse, false);
    case "multiline":
      return patternFormat(multiLineExpression(parse), parse, true);
    case "multi_format":
      return severalFormats(parse);
    case "grok":
    case "multiline_grok":
      return grokFormat(parse);
    case "none":
      return rawFormat(parameters.get("message_key") ?? "message");
    default:
      return rawFormat("message", `the parser ${name} has no equal here: lines are kept as they are`);
  }
}

function named(format: NamedFormat | undefined, parse: FluentdSection): ImportedFormat | undefined {
  if (format === undefined) return undefined;
  const { time, remark } = format;
  const plain: ImportedFormat = {
    parse: format.parse,
    fields: new Map(Object.entries(format.fields)),
    isOpen: false,
    remarks: remark === undefined ? [] : [remark],
  };
  if (time === undefined) return withTypes(plain, parse);
  return timed(plain, parse, { ...time, reading: importTime(parse, time.format) });
}

/** Puts the time in, which is a field of the record only where it is kept, and the types that are said. */
function timed(
  format: ImportedFormat,
  parse: FluentdSection,
  {
    key,
    field = key,
    reading,
  }: { readonly key: string; readonly field?: string; readonly reading: TimeReading },
): ImportedFormat {
  const { time, remark } = reading;
  const fields = new Map(format.fields);
  const isKept = parse.parameters.get("keep_time_key") === "true";
  fields.delete(key);
  if (time === undefined) fields.set(key, { field, type: "varchar(64)" });
  else if (isKept) fields.set(key, { field, type: "timestamp" });
  const remarks = [...format.remarks, ...(remark === undefined ? [] : [remark])];
  return withTypes({ ...format, fields, remarks, ...(time && { time: { field, ...time } }) }, parse);
}

function syslogKind({ parameters }: FluentdSection): string {
  const kind = parameters.get("message_format") ?? "rfc3164";
  if (kind === "auto") return "auto";
  if (kind === "rfc3164") return "syslog";
  return parameters.get("with_priority") === "true" ? "rfc5424" : "";
}

/** source: parser_syslog.rb of Fluentd, read 2026-11 */
const RFC5424_WITHOUT_PRIORITY = String.raw`/\A(?<time>[^ ]+) (?<host>[!-~]{1,255}) (?<ident>[!-~]{1,48}) (?<pid>[!-~]{1,128}) (?<msgid>[!-~]{1,32}) (?<extradata>-|(?:\[.*?\])+)(?: (?<message>.+))?\z/m`;

function syslogWithoutPriority(parse: FluentdSection): ImportedFormat {
  const format = patternFormat(RFC5424_WITHOUT_PRIORITY, parse, false);
  const time = { field: "time", format: "iso8601" };
  const fields = new Map([...format.fields].filter(([name]) => name !== "time"));
  return { ...format, fields, time, remarks: [] };
}

/** What the container wrote may be parsed, too. */
function criFormat(parse: FluentdSection): ImportedFormat {
  const outer = named(NAMED_FORMATS["cri"], parse)!;
  const inner = parse.sections.find(({ name }) => name === "parse");
  return inner === undefined ? outer : within(outer, "message", importFormat(parse), true);
}

/**
 * A format that is in a field of another one.
 *
 * @param keepsTime whether the outer line's time is the event's, though the inner one has one
 * @returns the outer one where it cannot be
 */
export function within(
  outer: ImportedFormat,
  key: string,
  inner: ImportedFormat,
  keepsTime = false,
): ImportedFormat {
  const source = outer.fields.get(key) ?? { field: key };
  const wrapper = outer.parse.format;
  const isWrapper = /^(?:json|cri|syslog|rfc5424|ltsv|logfmt)$/.test(wrapper);
  if (outer.parse.from !== undefined || !isWrapper || !("field" in source)) {
    const remark = `${key} is parsed once more in Fluentd, which a type cannot of ${wrapper}: it is left as it is`;
    return { ...outer, remarks: [...outer.remarks, remark] };
  }
  const { field } = source;
  const from = wrapper === "json" ? field : { field, format: wrapper as "cri" };
  const others = [...outer.fields].filter(([name]) => name !== key);
  const time = outer.time && (keepsTime || !inner.time) ? outerTime(outer.time, inner) : inner.time;
  const isOwn = time !== undefined && time !== inner.time && inner.isOpen;
  const remark = `where the line in ${field} has a field ${outer.time?.field} too, that is taken for its time`;
  return {
    ...inner,
    parse: { ...inner.parse, from },
    fields: new Map([...others, ...inner.fields]),
    isOpen: outer.isOpen || inner.isOpen,
    ...(time && { time }),
    remarks: [
      ...outer.remarks,
      ...(time === inner.time
        ? inner.remarks
        : inner.remarks.filter((one) => !one.includes("event time is arrival time"))),
      ...(isOwn ? [remark] : []),
    ],
  };
}

/** A field of the inner line keeps its name, and that of the outer one stands below `outer` then. */
function outerTime(time: NonNullable<ImportedFormat["time"]>, inner: ImportedFormat): ImportedFormat["time"] {
  const isTaken = [...inner.fields.values()].some(
    (source) => "field" in source && source.field === time.field,
  );
  return isTaken || inner.time?.field === time.field ? { ...time, field: `outer.${time.field}` } : time;
}

function openFormat(format: "json" | "ltsv", parse: FluentdSection): ImportedFormat {
  const { parameters } = parse;
  const separators = ["delimiter", "delimiter_pattern", "label_delimiter"].filter((name) =>
    parameters.has(name),
  );
  const remarks =
    format === "ltsv" && separators.length > 0
      ? [`${separators.join(", ")}: ltsv has tabs and colons here; other separators need a regex`]
      : [];
  const open: ImportedFormat = { parse: { format }, fields: new Map(), isOpen: true, remarks };
  const saysTime = ["time_key", "time_format", "time_type"].some((name) => parameters.has(name));
  if (!saysTime) {
    const remark =
      "event time is arrival time: if its lines have a time, say its field and its form as `time`";
    return withTypes({ ...open, remarks: [...remarks, remark] }, parse);
  }
  const reading = importTime(parse, format === "json" ? "epoch-seconds" : undefined);
  return timed(open, parse, { key: parameters.get("time_key") ?? "time", reading });
}

function delimitedFormat(format: "csv" | "tsv", parse: FluentdSection): ImportedFormat {
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
  const key = parameters.get("time_key") ?? "time";
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

function patternFormat(expression: string, parse: FluentdSection, isMultiLine: boolean): ImportedFormat {
  const pattern = translatePattern(expression, isMultiLine);
  if (pattern === undefined || pattern.names.size === 0)
    return rawFormat("message", "its expression cannot be JavaScript's: lines are kept as they are");
  const { source, backtracking, names } = pattern;
  const key = parse.parameters.get("time_key") ?? "time";
  const plain: ImportedFormat = {
    parse: { format: "regex", pattern: source, ...(backtracking && { backtracking }) },
    fields: new Map([...names].map(([theirs, field]) => [theirs, { field }])),
    isOpen: false,
    remarks: remarksOf(pattern),
  };
  const field = names.get(key);
  if (field === undefined) return withTypes(plain, parse);
  const [, group] = new RegExp(String.raw`\(\?<${field}>((?:\\.|[^()\\])*)\)`).exec(source) ?? [];
  return timed(plain, parse, { key, field, reading: importTime(parse, undefined, guessedForm(group)) });
}

function remarksOf({ backtracking, remarks }: TranslatedPattern): string[] {
  if (!backtracking) return [...remarks];
  const risk =
    "its expression looks ahead or back, and so a crafted line can keep the router busy: rewrite it without";
  return [...remarks, risk];
}

/** `format1` to `format20`, one after the other; a dot finds line feeds, too. */
function multiLineExpression({ parameters }: FluentdSection): string {
  const each = [...parameters]
    .flatMap(([name, value]) => ({ number: Number(/^format(\d+)$/.exec(name)?.[1]), value }))
    .filter(({ number }) => number > 0)
    .sort((a, b) => a.number - b.number);
  return `/${each.map(({ value }) => value.replaceAll(/^\/|\/[a-z]*$/g, "")).join("")}/m`;
}

function severalFormats(parse: FluentdSection): ImportedFormat {
  const formats = parse.sections
    .filter(({ name }) => name === "pattern")
    .map((pattern) => formatNamed(pattern.parameters.get("format") ?? typeOf(pattern), pattern));
  const of = formats.flatMap(({ parse }) => (parse.format === "any" ? parse.of : [parse])).slice(0, 8);
  const [first] = formats;
  if (first === undefined)
    return rawFormat("message", "multi_format without a <pattern>: lines are kept as they are");
  const times = new Set(formats.map(({ time }) => JSON.stringify(time)));
  const isOneTime = times.size === 1 && first.time !== undefined;
  const remark =
    isOneTime || times.size === 1 ? [] : ["its patterns have other times each: event time is arrival time"];
  const { time: _, ...rest } = first;
  return {
    ...rest,
    parse: of.length > 1 ? { format: "any", of } : first.parse,
    fields: new Map(formats.toReversed().flatMap(({ fields }) => [...fields])),
    isOpen: formats.some(({ isOpen }) => isOpen),
    ...(isOneTime && { time: first.time }),
    remarks: [...new Set(formats.flatMap(({ remarks }) => remarks)), ...remark],
  };
}

function grokFormat(parse: FluentdSection): ImportedFormat {
  const pattern = parse.parameters.get("grok_pattern") ?? "";
  const name = /^%\{(\w+)\}$/.exec(pattern)?.[1] ?? "";
  const format = Object.hasOwn(GROK_FORMATS, name)
    ? named(NAMED_FORMATS[GROK_FORMATS[name]!], parse)
    : undefined;
  return (
    format ??
    rawFormat(
      "message",
      `grok_pattern ${pattern}: has no equal here, write a regex; lines are kept as they are`,
    )
  );
}
