import { type FluentdSection, typeOf } from "../fluentd-syntax.ts";
import { delimitedFormat } from "./delimited-format.ts";
import { withTypes } from "./fluentd-field-types.ts";
import { importTime } from "./fluentd-time.ts";
import type { ImportedFormat } from "./imported-format.ts";
import { GROK_FORMATS, NAMED_FORMATS, type NamedFormat, rawFormat } from "./named-formats.ts";
import { multiLineExpression, patternFormat } from "./pattern-format.ts";
import { timed } from "./timed-format.ts";
import { within } from "./wrapped-format.ts";

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
  return timed(open, parse, { key: parameters.get("time_key") || "time", reading });
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
