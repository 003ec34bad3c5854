import * as z from "zod";
import { parseColumnType } from "./column-type.ts";
import { PARTITION_KEY_MAX_CHARS } from "./limits.ts";

/**
 * A log type: which user records it takes, how a line is read, which columns come of it and where
 * they go. Plain data, so that it reaches the Lambdas as JSON.
 */

/** Names that become table names, column names and key prefixes. A leading underscore is Weir's own. */
const identifier = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,62}$/, "lower-case letters, digits and _, beginning with a letter, at most 63");

const fieldPath = z
  .string()
  .min(1)
  .meta({ description: "name of a parsed field; dots reach into nested JSON objects" });

const regexSource = z.string().superRefine((source, context) => {
  let pattern: RegExp;
  try {
    pattern = new RegExp(source, "v");
  } catch (error) {
    context.addIssue({ code: "custom", message: (error as Error).message });
    return;
  }
  if (!/\(\?<[A-Za-z_]/.test(pattern.source)) {
    context.addIssue({ code: "custom", message: "needs at least one named group, such as (?<status>\\d+)" });
  }
});

/** Formats of web servers' access logs. lambdas/router/parse/access-format.ts has what a line of each holds. */
const ACCESS_FORMAT_NAMES = ["common", "combined", "vhost_combined", "nginx-main", "lighttpd"] as const;
export type AccessFormatName = (typeof ACCESS_FORMAT_NAMES)[number];

const parser = z
  .discriminatedUnion("format", [
    z.strictObject({ format: z.literal("json") }),
    z.strictObject({ format: z.literal("ltsv") }),
    z
      .strictObject({
        format: z.enum(ACCESS_FORMAT_NAMES),
        spacesInUser: z
          .boolean()
          .default(false)
          .meta({
            description:
              "a user's name may be several words, of which the first begins with a letter; otherwise such a line " +
              "is rejected, since it may as well be of a format with another field before the time",
          }),
      })
      .meta({
        description:
          "an access log of a web server. All give host, user, time, method, path, protocol, status and bytes. " +
          "`common` and `combined` (Apache's, and nginx's default) also give ident; all but `common` give referer " +
          "and agent; `vhost_combined` (Apache on Debian) gives vhost and port, which stand first; `nginx-main` (the " +
          "log_format main of nginx's packages) gives x_forwarded_for, which stands last; `lighttpd` gives vhost in " +
          "the place of ident. A request that is not `METHOD path PROTOCOL` is one field, request",
      }),
    z.strictObject({
      format: z.literal("csv"),
      fields: z.array(z.string().min(1)).min(1).meta({ description: "field names, in order" }),
      delimiter: z.string().length(1).default(","),
    }),
    z.strictObject({
      format: z.literal("tsv"),
      fields: z.array(z.string().min(1)).min(1).meta({ description: "field names, in order" }),
    }),
    z.strictObject({
      format: z.literal("regex"),
      pattern: regexSource.meta({
        description: "JavaScript regular expression (flag v) with named groups; must match",
      }),
    }),
    z.strictObject({ format: z.literal("raw") }),
  ])
  .meta({
    description:
      "how a line becomes fields; `raw` gives one, line. A line that is not in its format, or that may as well be in " +
      "another one, is rejected",
  });

const time = z.strictObject({
  field: fieldPath,
  format: z.enum(["iso8601", "clf", "epoch-seconds", "epoch-millis", "syslog"]).meta({
    description:
      "`clf` is 10/Oct/2000:13:55:36 -0700; `syslog` is Oct 10 13:55:36, its year taken from arrival; " +
      "`iso8601` without a zone is UTC",
  }),
});

const column = z.strictObject({
  name: identifier,
  field: fieldPath.optional().meta({ description: "parsed field it is filled from; its own name if absent" }),
  type: z.string().refine((text) => parseColumnType(text) !== undefined, {
    message:
      "not a column type: use smallint, integer, bigint, real, double precision, decimal(p,s), boolean, " +
      "date, timestamp, timestamptz, varchar(n), char(n) or super",
  }),
  nullable: z.boolean().default(true).meta({ description: "false rejects lines without a value" }),
  encode: z.enum(["raw", "az64", "bytedict", "delta", "lzo", "runlength", "text255", "zstd"]).optional(),
});

const destination = z.discriminatedUnion("to", [
  z.strictObject({ to: z.literal("s3") }).meta({ description: "rows stay in the lake" }),
  z
    .strictObject({
      to: z.literal("redshift"),
      schema: identifier.default("logs"),
      table: identifier.optional().meta({ description: "the type's name if absent" }),
      distribution: z
        .union([z.literal("even"), z.literal("auto"), z.literal("all"), z.strictObject({ key: identifier })])
        .default("auto"),
      sort: z.array(z.string()).default(["_time"]).meta({ description: "compound sort key" }),
    })
    .meta({ description: "rows are also loaded into this table" }),
]);

export const logTypeSchema = z
  .strictObject({
    name: identifier,
    match: z
      .strictObject({
        tags: z.array(z.string().min(1).max(PARTITION_KEY_MAX_CHARS)).min(1).meta({
          description: "tags it takes; * stands for any characters, and the first type that matches wins",
        }),
      })
      .optional()
      .meta({ description: "a type without it takes the tag of its own name" }),
    parse: parser,
    time: time.optional().meta({ description: "where event time is; without it event time is arrival time" }),
    columns: z.array(column).min(1).max(1_500),
    destinations: z
      .array(destination)
      .min(1)
      .default([{ to: "s3" }]),
  })
  .superRefine((type, context) => {
    const seen = new Set<string>();
    type.columns.forEach(({ name }, i) => {
      if (seen.has(name))
        context.addIssue({ code: "custom", path: ["columns", i, "name"], message: `"${name}" twice` });
      seen.add(name);
    });
    type.destinations.forEach((target, i) => {
      if (target.to !== "redshift") return;
      const keys =
        typeof target.distribution === "object" ? [...target.sort, target.distribution.key] : target.sort;
      for (const key of keys) {
        if (!seen.has(key) && !METADATA_NAMES.has(key)) {
          context.addIssue({
            code: "custom",
            path: ["destinations", i],
            message: `no column "${key}" to sort or distribute by`,
          });
        }
      }
    });
  });

export type LogType = z.output<typeof logTypeSchema>;
export type Column = LogType["columns"][number];
export type RedshiftDestination = Extract<LogType["destinations"][number], { to: "redshift" }>;

/**
 * Columns that Weir puts on every row, before the type's own. `_extra` holds the fields without a
 * column. (`_src`, `_off`) is the identity of a row; `_arrived_at` is when Kinesis took its record.
 * Times are UTC.
 */
export const METADATA_COLUMNS = [
  { name: "_time", type: "timestamp", nullable: false, encode: "az64" },
  { name: "_src", type: "varchar(160)", nullable: false, encode: "zstd" },
  { name: "_off", type: "bigint", nullable: false, encode: "az64" },
  { name: "_host", type: "varchar(255)", nullable: true, encode: "zstd" },
  { name: "_arrived_at", type: "timestamp", nullable: false, encode: "az64" },
  { name: "_extra", type: "super", nullable: true, encode: "zstd" },
] as const satisfies readonly Column[];

const METADATA_NAMES = new Set<string>(METADATA_COLUMNS.map(({ name }) => name));

/** Every column of a type's rows, in table order. */
export function rowColumns(type: LogType): readonly Column[] {
  return [...METADATA_COLUMNS, ...type.columns];
}

/** The reserved tag of agents' heartbeats, and the log type they are filed under. */
export const HEARTBEAT_TYPE = "_weir.agent";

/** The type under which lines that no type takes are kept. */
export const UNROUTED_TYPE = "_unrouted";
