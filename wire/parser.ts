import * as z from "zod";
import { accessPreset, apache, nginx } from "./access-parser.ts";
import { DELIMITED_FORMATS, type DelimitedFormat } from "./delimited-formats.ts";
import { PatternError } from "./pattern/pattern-error.ts";
import { Pattern } from "./pattern/pattern.ts";
import { TEXT_FORMATS, type TextFormat } from "./text-formats.ts";
import { within } from "./wrapper.ts";

const regexParser = z
  .strictObject({
    format: z.literal("regex"),
    ...within,
    pattern: z.string().meta({
      description:
        "JavaScript regular expression (flag v) with named groups; must match. It runs in linear time, so lookaheads " +
        "and backreferences are refused",
    }),
    backtracking: z
      .boolean()
      .default(false)
      .meta({
        description:
          "takes any pattern, and its risk: one crafted line may keep the router busy until it times out, again and " +
          "again, and its batch is lost. Lines over 4,096 characters are rejected",
      }),
  })
  .meta({ description: "a regular expression of your own, whose named groups are the fields" })
  .superRefine(({ pattern, backtracking }, context) => {
    const message = regexProblem(pattern, backtracking);
    if (message !== undefined) context.addIssue({ code: "custom", path: ["pattern"], message });
  });

function regexProblem(source: string, backtracking: boolean): string | undefined {
  try {
    const { hasNamedGroup } = new Pattern(source, { alphabet: "unicode", backtracking });
    return hasNamedGroup ? undefined : "needs at least one named group, such as (?<status>\\d+)";
  } catch (error) {
    if (error instanceof PatternError) return `${error.message}; backtracking: true takes it, with its risk`;
    return (error as Error).message;
  }
}

const fieldNames = z
  .array(z.string().min(1))
  .min(1)
  .refine(
    (names) => new Set(names).size === names.length,
    "a name stands twice: its first value would be lost",
  )
  .meta({ description: "field names, in order" });

const delimited = {
  ...within,
  fields: fieldNames,
  fewer: z
    .enum(["reject", "null"])
    .optional()
    .meta({ description: "a line of fewer values: rejected, as if absent, or the last fields have none" }),
  more: z.enum(["reject", "extra"]).optional().meta({
    description: "a line of more values: rejected, as if absent, or they go to _extra, as an array `more`",
  }),
  header: z.enum(["reject", "skip"]).optional().meta({
    description:
      "a line in which each value is its field's name: rejected, as if absent, or skipped and counted as filtered",
  }),
} as const;

const TEXT_NAMES = Object.keys(TEXT_FORMATS) as [TextFormat, ...TextFormat[]];
const DELIMITED_NAMES = Object.keys(DELIMITED_FORMATS) as [DelimitedFormat, ...DelimitedFormat[]];

const single = z.discriminatedUnion("format", [
  z.strictObject({ format: z.literal("json"), ...within }).meta({ description: "one JSON object a line" }),
  z
    .strictObject({ format: z.literal("ltsv"), ...within })
    .meta({ description: "labelled tab-separated values (ltsv.org)" }),
  z.strictObject({ format: z.literal("logfmt"), ...within }).meta({
    description:
      'key=value pairs, as of Go\'s log packages: `level=info msg="a b"`. A key without a value is true',
  }),
  accessPreset,
  nginx,
  apache,
  z.strictObject({ format: z.enum(TEXT_NAMES), ...within }).meta({
    description:
      "`syslog` (RFC 3164, and with times of ISO 8601) gives priority, facility, severity, time, host, ident, pid and " +
      "message; `rfc5424` also message_id and structured_data, an object; `cri` (containers' logs on Kubernetes) time, " +
      "stream, logtag and message; `nginx-error` time, level, pid, tid, connection, message, client, server, request, " +
      "upstream, host and referrer; `apache-error` time, module, level, pid, tid, client, code and message",
  }),
  z.strictObject({ format: z.enum(DELIMITED_NAMES), ...within }).meta({
    description:
      "`cloudfront` (standard logs) and `vpc-flow` (version 2): fields are called as AWS does, with _ for each other " +
      "character; headers are skipped, and values behind the last field go to _extra, as an array `more`",
  }),
  z
    .strictObject({ format: z.literal("csv"), ...delimited, delimiter: z.string().length(1).default(",") })
    .meta({ description: "values with a delimiter between them, quoted as in RFC 4180" }),
  z
    .strictObject({ format: z.literal("tsv"), ...delimited })
    .meta({ description: "values with tabs between them, and no quotes" }),
  regexParser,
  z.strictObject({ format: z.literal("raw"), ...within }).meta({ description: "anything: one field, line" }),
]);

/** More than one of a kind of line in one log. */
const several = z
  .strictObject({ format: z.literal("any"), of: z.array(single).min(2).max(8), ...within })
  .meta({
    description:
      "several of the other formats, tried in order: the first that takes a line reads it, and a line that none takes " +
      "says why each does not",
  });

export const parserSchema = z.discriminatedUnion("format", [...single.options, several]).meta({
  description:
    "how a line becomes fields; `raw` gives one, line. A line that is not in its format, or that may as well be in " +
    "another one, is rejected",
});

export type Parser = z.output<typeof parserSchema>;
export type SingleParser = z.output<typeof single>;
