import type { FluentdSection } from "../fluentd-syntax.ts";
import { withTypes } from "./fluentd-field-types.ts";
import { guessedForm, importTime } from "./fluentd-time.ts";
import type { ImportedFormat } from "./imported-format.ts";
import { rawFormat } from "./named-formats.ts";
import { type TranslatedPattern, translatePattern } from "./ruby-pattern.ts";
import { timed } from "./timed-format.ts";

/** `regexp`, and `multiline`, whose pattern is asked of several lines. */
export function patternFormat(
  expression: string,
  parse: FluentdSection,
  isMultiLine: boolean,
): ImportedFormat {
  const pattern = translatePattern(expression, isMultiLine);
  if (pattern === undefined || pattern.names.size === 0)
    return rawFormat("message", "its expression cannot be JavaScript's: lines are kept as they are");
  const { source, backtracking, names } = pattern;
  const key = parse.parameters.get("time_key") || "time";
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
export function multiLineExpression({ parameters }: FluentdSection): string {
  const each = [...parameters]
    .flatMap(([name, value]) => ({ number: Number(/^format(\d+)$/.exec(name)?.[1]), value }))
    .filter(({ number }) => number > 0)
    .sort((a, b) => a.number - b.number);
  return `/${each.map(({ value }) => value.replaceAll(/^\/|\/[a-z]*$/g, "")).join("")}/m`;
}
