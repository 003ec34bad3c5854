import { accessFieldNames } from "./access-log/format.ts";
import { accessFormatOf } from "./access-parser.ts";
import { DELIMITED_FORMATS } from "./delimited-formats.ts";
import type { ValueType } from "./expression/value.ts";
import type { Parser, SingleParser } from "./parser.ts";
import { TEXT_FORMATS } from "./text-formats.ts";

/** What is known of the fields of a format before there is a line. */
export interface FormatFields {
  readonly known: ReadonlyMap<string, ValueType>;
  /** What any other field is; undefined where there are none. */
  readonly rest: ValueType | undefined;
}

export function formatFields(parser: Parser): FormatFields {
  try {
    return allFields(parser);
  } catch {
    // A pattern or a template that is none is told where it stands, and may have meant any field.
    return { known: new Map(), rest: "any" };
  }
}

function allFields(parser: Parser): FormatFields {
  const { from } = parser;
  const own = parser.format === "any" ? eitherOf(parser.of.map(allFields)) : singleFields(parser);
  if (from === undefined) return own;
  const format = typeof from === "string" ? "json" : from.format;
  const outer = singleFields({ format });
  const rest = own.rest ?? outer.rest;
  return { known: new Map([...outer.known, ["outer", "map"], ...own.known]), rest: rest && "any" };
}

/** @returns what a field is that a name, or the names down to it, leads to; undefined where the format never has it */
export function fieldType(path: string, { known, rest }: FormatFields): ValueType | undefined {
  const exact = known.get(path);
  if (exact !== undefined) return exact;
  const outer = known.get(path.split(".", 1)[0]!);
  return outer === "map" || outer === "any" ? "any" : rest;
}

function singleFields(parser: SingleParser): FormatFields {
  switch (parser.format) {
    case "json":
      return { known: new Map(), rest: "any" };
    case "ltsv":
    case "logfmt":
      return { known: new Map(), rest: "text" };
    case "syslog":
      return texts(groupNames(TEXT_FORMATS.syslog), PRIORITY);
    case "rfc5424":
      return texts(groupNames(TEXT_FORMATS.rfc5424), [...PRIORITY, ["structured_data", "map"]]);
    case "cri":
    case "nginx-error":
    case "apache-error":
      return texts(groupNames(TEXT_FORMATS[parser.format]));
    case "cloudfront":
    case "vpc-flow":
      return texts(DELIMITED_FORMATS[parser.format].fields.split(" "), MORE);
    case "csv":
    case "tsv":
      return texts(parser.fields, parser.more === "extra" ? MORE : []);
    case "regex":
      return texts(groupNames(parser.pattern));
    case "raw":
      return texts(["line"]);
    case "common":
    case "combined":
    case "vhost_combined":
    case "nginx-main":
    case "lighttpd":
    case "alb":
    case "s3-access":
    case "nginx":
    case "apache":
      break;
  }
  const format = accessFormatOf(parser)!;
  const { trailing = format.grows ? "keep" : "reject" } = parser;
  const more = trailing === "keep" ? ["trailing"] : [];
  return texts([...accessFieldNames(format), "request", ...more]);
}

const PRIORITY = [
  ["facility", "number"],
  ["severity", "number"],
] as const;
const MORE = [["more", "list"]] as const;

const texts = (
  names: readonly string[],
  others: readonly (readonly [string, ValueType])[] = [],
): FormatFields => ({
  known: new Map([...names.map((name) => [name, "text"] as const), ...others]),
  rest: undefined,
});

/** A field may be what it is in any of the formats. */
function eitherOf(formats: readonly FormatFields[]): FormatFields {
  const known = new Map<string, ValueType>();
  for (const [name, type] of formats.flatMap((format) => [...format.known]))
    known.set(name, (known.get(name) ?? type) === type ? type : "any");
  const rests = formats.flatMap(({ rest }) => rest ?? []);
  // What one of the formats knows another may have as anything.
  if (rests.includes("any")) for (const name of known.keys()) known.set(name, "any");
  return {
    known,
    rest: rests.length === 0 ? undefined : rests.every((rest) => rest === "text") ? "text" : "any",
  };
}

/** @throws SyntaxError for a pattern that is none */
function groupNames(pattern: string): string[] {
  // An empty alternative matches at once, and its match names all groups.
  const { groups = {} } = new RegExp(`(?:${pattern})|`, "v").exec("")!;
  return Object.keys(groups);
}
