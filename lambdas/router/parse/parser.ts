import type { LogType } from "../../../wire/log-type.ts";
import { Misfit } from "../misfit.ts";
import { parseCombined, parseCommon } from "./access-log.ts";
import { parseCsv, parseTsv } from "./delimited.ts";
import type { Fields } from "./fields.ts";
import { parseJson } from "./json.ts";
import { parseLtsv } from "./ltsv.ts";

/** Reads one line, its line end gone, into fields; says why where it cannot. */
export type Parse = (line: string) => Fields | Misfit;

export function parserOf(parse: LogType["parse"]): Parse {
  switch (parse.format) {
    case "json":
      return parseJson;
    case "ltsv":
      return parseLtsv;
    case "combined":
      return parseCombined;
    case "common":
      return parseCommon;
    case "csv":
      return parseCsv(parse.fields, parse.delimiter);
    case "tsv":
      return parseTsv(parse.fields);
    case "regex":
      return parseRegex(new RegExp(parse.pattern, "v"));
    case "raw":
      break;
  }
  return (line) => ({ line });
}

/** Named groups are the fields; a group that took no part has no value. */
function parseRegex(pattern: RegExp): Parse {
  return (line) => pattern.exec(line)?.groups ?? new Misfit("unparsed", "the pattern does not match");
}
