import { accessFormatOf, type Parser } from "../../../wire/parser.ts";
import { Pattern } from "../../../wire/pattern/pattern.ts";
import { Misfit } from "../misfit.ts";
import { accessLogParser } from "./access-log.ts";
import { parseCsv, parseTsv } from "./delimited.ts";
import type { Fields } from "./fields.ts";
import { parseJson } from "./json.ts";
import { parseLtsv } from "./ltsv.ts";

/** Reads one line, its line end gone, into fields; says why where it cannot. */
export type Parse = (line: string) => Fields | Misfit;

/** @param known fields that the type's columns and time are filled from; any when absent */
export function parserOf(parse: Parser, known?: ReadonlySet<string>): Parse {
  switch (parse.format) {
    case "json":
      return parseJson;
    case "ltsv":
      return parseLtsv(known);
    case "common":
    case "combined":
    case "vhost_combined":
    case "nginx-main":
    case "lighttpd":
    case "nginx":
    case "apache":
      return accessLogParser(accessFormatOf(parse)!, parse);
    case "csv":
      return parseCsv(parse.fields, parse.delimiter);
    case "tsv":
      return parseTsv(parse.fields);
    case "regex":
      return parseRegex(
        new Pattern(parse.pattern, { alphabet: "unicode", backtracking: parse.backtracking }),
      );
    case "raw":
      break;
  }
  return (line) => ({ line });
}

/** Named groups are the fields; a group that took no part has no value. */
function parseRegex(pattern: Pattern): Parse {
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
