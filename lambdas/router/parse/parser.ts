import { accessFormatOf } from "../../../wire/access-parser.ts";
import { DELIMITED_FORMATS } from "../../../wire/delimited-formats.ts";
import type { Parser, SingleParser } from "../../../wire/parser.ts";
import { Pattern } from "../../../wire/pattern/pattern.ts";
import { TEXT_FORMATS } from "../../../wire/text-formats.ts";
import { Misfit } from "../misfit.ts";
import { accessLogParser } from "./access-log.ts";
import { parseCsv, parseTsv } from "./delimited.ts";
import type { Fields } from "./fields.ts";
import { parseJson } from "./json.ts";
import { parseLogfmt } from "./logfmt.ts";
import { parseLtsv } from "./ltsv.ts";
import { SKIPPED, type Skipped } from "./skipped.ts";
import { syslogFields } from "./syslog.ts";
import { parseWrapped } from "./wrapped.ts";

/** Reads one line, its line end gone, into fields; says why where it cannot. */
export type Parse = (line: string) => Fields | Misfit | Skipped;

/**
 * @param known fields that the type's columns and time are filled from; any when absent
 * @param isNoEvent tells lines that are skipped, wrapped or not
 */
export function parserOf(
  parser: Parser,
  known?: ReadonlySet<string>,
  isNoEvent: (line: string) => boolean = () => false,
): Parse {
  const skipping =
    (parse: Parse): Parse =>
    (line) =>
      isNoEvent(line) ? SKIPPED : parse(line);
  const parse = skipping(parser.format === "any" ? firstOf(parser.of, known) : singleOf(parser, known));
  const { from } = parser;
  if (from === undefined) return parse;
  const format = typeof from === "string" ? "json" : from.format;
  return parseWrapped(from, skipping(singleOf({ format })), parse);
}

function singleOf(parser: SingleParser, known?: ReadonlySet<string>): Parse {
  switch (parser.format) {
    case "json":
      return parseJson;
    case "ltsv":
      return parseLtsv(known);
    case "logfmt":
      return parseLogfmt;
    case "common":
    case "combined":
    case "vhost_combined":
    case "nginx-main":
    case "lighttpd":
    case "alb":
    case "s3-access":
    case "nginx":
    case "apache":
      return accessLogParser(accessFormatOf(parser)!, parser);
    case "syslog":
    case "rfc5424": {
      const parse = textParser(TEXT_FORMATS[parser.format]);
      return (line) => syslogFields(parse(line));
    }
    case "cri":
    case "nginx-error":
    case "apache-error":
      return textParser(TEXT_FORMATS[parser.format]);
    case "cloudfront":
    case "vpc-flow": {
      const { fields, delimiter } = DELIMITED_FORMATS[parser.format];
      const shape = { more: "extra", header: "skip" } as const;
      return delimitedParser(fields.split(" "), delimiter, shape);
    }
    case "csv":
      return parseCsv(parser.fields, parser.delimiter, parser);
    case "tsv":
      return parseTsv(parser.fields, parser);
    case "regex":
      return parseRegex(
        new Pattern(parser.pattern, { alphabet: "unicode", backtracking: parser.backtracking }),
      );
    case "raw":
      break;
  }
  return (line) => ({ line });
}

/** @returns for what none reads, why each does not */
function firstOf(parsers: readonly SingleParser[], known?: ReadonlySet<string>): Parse {
  const all = parsers.map((parser) => ({ name: parser.format, parse: parserOf(parser, known) }));
  return (line) => {
    const reasons: string[] = [];
    for (const { name, parse } of all) {
      const fields = parse(line);
      if (!(fields instanceof Misfit)) return fields;
      reasons.push(`${name}: ${fields.detail}`);
    }
    return new Misfit("unparsed", `in none of ${all.length} formats. ${reasons.join("; ")}`);
  };
}

/** AWS writes "-" for no value, and names of its own in headers. */
function delimitedParser(
  names: readonly string[],
  delimiter: string,
  shape: Parameters<typeof parseCsv>[2],
): Parse {
  const parse = delimiter === "\t" ? parseTsv(names, shape) : parseCsv(names, delimiter, shape);
  const header = names.join(delimiter);
  return (line) => {
    if (line.startsWith("#") || line.replaceAll("-", "_") === header) return SKIPPED;
    const fields = parse(line);
    if (fields instanceof Misfit || fields === SKIPPED) return fields;
    return Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [name, value === "-" ? null : value]),
    );
  };
}

const textParser = (pattern: string): ((line: string) => Fields | Misfit) =>
  parseRegex(new Pattern(pattern, { alphabet: "unicode", backtracking: false }));

/** Named groups are the fields; a group that took no part has no value. */
function parseRegex(pattern: Pattern): (line: string) => Fields | Misfit {
  return (line) => {
    if (line.length > pattern.maxChars) {
      return new Misfit(
        "unparsed",
        `over ${pattern.maxChars} characters, too long for a pattern that backtracks`,
      );
    }
    return pattern.exec(line)?.groups ?? new Misfit("unparsed", "the pattern does not match");
  };
}
