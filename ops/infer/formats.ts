import { Misfit } from "../../lambdas/router/misfit.ts";
import { noEvent } from "../../lambdas/router/no-event.ts";
import type { Fields } from "../../lambdas/router/parse/fields.ts";
import { type Parse, parserOf } from "../../lambdas/router/parse/parser.ts";
import { SKIPPED } from "../../lambdas/router/parse/skipped.ts";
import { parserSchema } from "../../wire/parser.ts";
import type { z } from "zod";
import { delimitedFormats, extendedFormats, FIELDS } from "./delimited.ts";
import { lineShape } from "./line-shape.ts";

/** As a configuration has it. */
export type ParseInput = z.input<typeof parserSchema>;

/** A format that lines may have. */
export interface Format {
  readonly parse: ParseInput;
  /** Whether fields that were read make sense: some formats take almost any text. */
  readonly makesSense?: (fields: Fields) => boolean;
  /** What a person has to know of it. */
  readonly toConfirm?: string;
  readonly comments?: readonly string[];
}

/** What was read of the lines. */
export interface ReadAs {
  readonly format: Format;
  readonly fields: readonly Fields[];
  /** Lines that are not in the format. */
  readonly others: readonly string[];
  /** Lines in the format, of all that hold an event. */
  readonly share: number;
}

const text = (fields: Fields, name: string): string => (typeof fields[name] === "string" ? fields[name] : "");
const is = (name: string, pattern: RegExp) => (fields: Fields) => pattern.test(text(fields, name));

const TRAILING =
  'lines have more behind the last field, which is the field trailing; with the server\'s own format string, as format "nginx" or "apache" with logFormat, it becomes fields of its own';

const OR_TEXT = "lines that are no such thing are text, in the field line";

/** From those that ask the most of a line to those that take most. */
const KNOWN: readonly Format[] = [
  { parse: { format: "alb" }, makesSense: is("type", /^(?:https?|h2|grpcs|wss?)$/) },
  { parse: { format: "s3-access" }, makesSense: is("operation", /^[A-Z0-9]+\.[A-Z0-9_.]+$/) },
  { parse: { format: "vpc-flow" }, makesSense: is("action", /^(?:ACCEPT|REJECT)$/) },
  { parse: { format: "cloudfront" }, makesSense: is("date", /^\d{4}-\d\d-\d\d$/) },
  { parse: { format: "vhost_combined" } },
  { parse: { format: "nginx-main" } },
  { parse: { format: "combined" } },
  { parse: { format: "lighttpd" } },
  { parse: { format: "common" } },
  { parse: { format: "combined", spacesInUser: true } },
  {
    parse: { format: "combined", trailing: "keep" },
    toConfirm: TRAILING,
  },
  {
    parse: { format: "common", trailing: "keep" },
    toConfirm: TRAILING,
  },
  { parse: { format: "nginx-error" } },
  { parse: { format: "apache-error" } },
  { parse: { format: "rfc5424" } },
  { parse: { format: "cri" } },
  { parse: { format: "syslog" }, makesSense: isSyslog },
  { parse: { format: "json" } },
  { parse: { format: "ltsv" }, makesSense: (fields) => Object.keys(fields).length > 1 },
  { parse: { format: "logfmt" }, makesSense: isLogfmt },
];

const LEVEL = /^\[?(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|FATAL|SEVERE)\b/i;

/** Text with a time before it is no syslog: there stands a host, and mostly a program. */
function isSyslog(fields: Fields): boolean {
  const [time, host] = [text(fields, "time"), text(fields, "host")];
  return (/^[A-Z]/.test(time) || time.includes("T")) && /^(?!\d+$)[\w.:-]+$/.test(host) && !LEVEL.test(host);
}

/** Text may have a key=value or two in it. */
function isLogfmt(fields: Fields): boolean {
  const values = Object.values(fields);
  const bare = values.filter((value) => value === true).length;
  return values.length - bare >= 2 && bare * 4 <= values.length;
}

/** Fields of JSON that often hold another line. */
const WRAPPED = ["log", "message", "msg", "MESSAGE", "line"];

/** Enough of the lines to take a format for theirs. */
const ENOUGH = 0.99;
const ALMOST = 0.9;

/** Where a format has a name, a few lines of another kind are better rejected than all read as text. */
const MOSTLY = 0.97;

/** Lines by which formats are chosen. */
const LINES_MAX = 2_000;

/** @returns the format that most of the lines have, and what is read of them; raw where they have none */
export function readLinesAs(all: readonly string[], isFromStart: boolean): ReadAs {
  const every = Math.ceil(all.length / LINES_MAX);
  const lines = all.filter((line, i) => i % every === 0 || line.startsWith(FIELDS));
  const known = bestOf(lines, KNOWN);
  const format =
    known && known.share >= ENOUGH
      ? (wrapped(known)?.format ?? known.format)
      : (severalOf(lines, known) ?? unnamed(lines, isFromStart, known)).format;
  return readAs(all, format);
}

/** The first format that takes as good as all lines, or the one that takes the most. */
function bestOf(lines: readonly string[], formats: readonly Format[]): ReadAs | undefined {
  let best: ReadAs | undefined;
  for (const format of formats) {
    const read = readAs(lines, format);
    if (read.share > (best?.share ?? 0)) best = read;
    if (read.share >= 0.999) return read;
  }
  return best;
}

export function readAs(lines: readonly string[], format: Format): ReadAs {
  const parse = parseOf(format);
  const [fields, others]: [Fields[], string[]] = [[], []];
  for (const line of lines) {
    const read = parse(line);
    if (read === SKIPPED) continue;
    if (read instanceof Misfit || format.makesSense?.(read) === false) others.push(line);
    else fields.push(read);
  }
  return { format, fields, others, share: fields.length / Math.max(1, fields.length + others.length) };
}

function parseOf({ parse, comments }: Format): Parse {
  const parser = parserSchema.parse(parse);
  const skip = comments && { comments: [...comments] };
  return parserOf(parser, undefined, noEvent({ parse: parser, skip }));
}

/** A line in a field of another, as Docker's and other shippers' JSON has it. */
function wrapped({ format, fields }: ReadAs): ReadAs | undefined {
  const outer = format.parse.format;
  if (outer !== "json" && outer !== "cri" && outer !== "syslog" && outer !== "rfc5424") return undefined;
  const field = WRAPPED.find((name) => fields.every((one) => typeof one[name] === "string"));
  if (field === undefined) return undefined;
  const lines = fields.map((one) => (one[field] as string).replace(/\r?\n$/, ""));
  const formats = KNOWN.filter(({ parse }) => parse.format !== "syslog" && parse.format !== "cri");
  const inner = bestOf(lines, formats);
  if (!inner || inner.share < ALMOST) return undefined;
  const from = outer === "json" ? field : { format: outer, field };
  const parse = { ...inner.format.parse, from } as ParseInput;
  const { toConfirm } = inner.format;
  if (inner.share === 1)
    return { ...inner, format: { parse, ...(toConfirm !== undefined && { toConfirm }) } };
  // What a program prints before its log begins, and when it dies.
  const either = { format: "any", of: [parse, { format: "raw", from }] } as ParseInput;
  return { ...inner, format: { parse: either, toConfirm: [toConfirm, OR_TEXT].filter(Boolean).join("; ") } };
}

/** Two formats in one log. */
function severalOf(lines: readonly string[], known: ReadAs | undefined): ReadAs | undefined {
  if (!known || known.share < 0.3) return undefined;
  const second = bestOf(
    known.others,
    KNOWN.filter(({ parse }) => parse.format !== known.format.parse.format),
  );
  if (!second || second.share < ALMOST) return undefined;
  const both = [known.format.parse, second.format.parse] as Extract<ParseInput, { format: "any" }>["of"];
  const checks = [known.format, second.format];
  const makesSense = (fields: Fields): boolean => checks.some((one) => one.makesSense?.(fields) ?? true);
  const read = readAs(lines, { parse: { format: "any", of: both }, makesSense });
  return read.share >= ENOUGH ? read : undefined;
}

const COMMENT = "#";

/** Some lines of a log may be comments. */
function commentsOf(lines: readonly string[]): string[] | undefined {
  const count = lines.filter((line) => line.startsWith(COMMENT)).length;
  return count > 0 && count * 4 <= lines.length ? [COMMENT] : undefined;
}

/** Values with a delimiter between them, or text with a header; if neither, the known format, or raw. */
function unnamed(lines: readonly string[], isFromStart: boolean, known: ReadAs | undefined): ReadAs {
  const comments = commentsOf(lines);
  const events = comments ? lines.filter((line) => !line.startsWith(COMMENT)) : lines;
  const skipped = comments && { comments };
  const formats = [
    ...extendedFormats(lines),
    ...delimitedFormats(events, isFromStart).map((format) => ({ ...format, ...skipped })),
  ];
  const delimited = bestOf(lines, formats);
  if (delimited && delimited.share >= 0.98) return delimited;
  const shape = lineShape(events);
  const found = shape && readAs(lines, { parse: { format: "regex", pattern: shape.pattern }, ...skipped });
  if (known && known.share >= MOSTLY) return known;
  const best = [known, found].filter((one) => one !== undefined).sort((a, b) => b.share - a.share)[0];
  if (best && best.share >= ALMOST) return best;
  const toConfirm = "lines have no shape in common that is known here";
  return readAs(lines, { parse: { format: "raw" }, toConfirm });
}
