import * as z from "zod";
import { apacheFormat } from "./access-log/apache.ts";
import { ACCESS_FORMATS, type AccessFormat, type AccessFormatName } from "./access-log/format.ts";
import { nginxFormat } from "./access-log/nginx.ts";
import { PatternError } from "./pattern/pattern-error.ts";
import { Pattern } from "./pattern/pattern.ts";

const regexParser = z
  .strictObject({
    format: z.literal("regex"),
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

const accessSettings = {
  spacesInUser: z
    .boolean()
    .default(false)
    .meta({
      description:
        "a user's name may be several words, of which the first begins with a letter; otherwise such a line " +
        "is rejected, since it may as well be of a format with another field before the time",
    }),
  escapes: z.enum(["keep", "decode"]).default("keep").meta({
    description:
      '`decode` gives the texts that the server has escaped: `\\"`, `\\\\`, `\\n`, and `\\xhh` where it is UTF-8',
  }),
  trailing: z
    .enum(["reject", "keep"])
    .default("reject")
    .meta({
      description:
        "`keep` takes lines with more behind the last field, such as times taken, as field `trailing`, which goes to " +
        "_extra where no column takes it",
    }),
} as const;

const ACCESS_FORMAT_NAMES = Object.keys(ACCESS_FORMATS) as [AccessFormatName, ...AccessFormatName[]];

const accessPreset = z.strictObject({ format: z.enum(ACCESS_FORMAT_NAMES), ...accessSettings }).meta({
  description:
    "an access log of a web server. All give host, user, time, method, path, protocol, status and bytes. " +
    "`common` and `combined` (Apache's, and nginx's default) also give ident; all but `common` give referer " +
    "and agent; `vhost_combined` (Apache on Debian) gives vhost and port, which stand first; `nginx-main` (the " +
    "log_format main of nginx's packages) gives x_forwarded_for, which stands last; `lighttpd` gives vhost in " +
    "the place of ident. A request that is not `METHOD path PROTOCOL` is one field, request",
});

const COMPILERS = { nginx: nginxFormat, apache: apacheFormat } as const;

const accessTemplate = <Server extends keyof typeof COMPILERS>(server: Server, description: string) =>
  z
    .strictObject({ format: z.literal(server), logFormat: z.string().min(1), ...accessSettings })
    .superRefine(({ logFormat }, context) => {
      try {
        COMPILERS[server](logFormat);
      } catch (error) {
        context.addIssue({ code: "custom", path: ["logFormat"], message: (error as Error).message });
      }
    })
    .meta({ description });

const nginx = accessTemplate(
  "nginx",
  "an access log of nginx. logFormat is the string of its log_format, or the whole directive. Fields are called as the " +
    "variables, without the $; $request gives method, path and protocol, or request where it is no such thing",
);
const apache = accessTemplate(
  "apache",
  "an access log of Apache. logFormat is the string of its LogFormat, or the whole directive. Fields are called as in " +
    "`combined` where it has them; headers of requests by their names (x_forwarded_for), of responses with response_, " +
    "cookies with cookie_ before them; %D is duration_us, %T duration_s, %I bytes_received, %O bytes_sent, %v vhost, " +
    "%p port",
);

export const parserSchema = z
  .discriminatedUnion("format", [
    z.strictObject({ format: z.literal("json") }),
    z.strictObject({ format: z.literal("ltsv") }),
    accessPreset,
    nginx,
    apache,
    z.strictObject({
      format: z.literal("csv"),
      fields: fieldNames,
      delimiter: z.string().length(1).default(","),
    }),
    z.strictObject({
      format: z.literal("tsv"),
      fields: fieldNames,
    }),
    regexParser,
    z.strictObject({ format: z.literal("raw") }),
  ])
  .meta({
    description:
      "how a line becomes fields; `raw` gives one, line. A line that is not in its format, or that may as well be in " +
      "another one, is rejected",
  });

export type Parser = z.output<typeof parserSchema>;
/** Of an access log. */
export type AccessParse = Extract<Parser, { format: AccessFormatName | keyof typeof COMPILERS }>;

/** @returns undefined for a parser of something else than access logs */
export function accessFormatOf(parser: Parser): AccessFormat | undefined {
  if (parser.format === "nginx" || parser.format === "apache")
    return COMPILERS[parser.format](parser.logFormat);
  return Object.hasOwn(ACCESS_FORMATS, parser.format)
    ? ACCESS_FORMATS[parser.format as AccessFormatName]
    : undefined;
}
