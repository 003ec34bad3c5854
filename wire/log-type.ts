import * as z from "zod";
import { didYouMean } from "./closest.ts";
import { encodes, ENCODINGS } from "./column-encoding.ts";
import { columnTypeProblem, parseColumnType } from "./column-type.ts";
import { computedProblems } from "./computed-column.ts";
import { EXPRESSION_MAX_CHARS } from "./expression/syntax.ts";
import { fieldProblems } from "./field-problems.ts";
import { PARTITION_KEY_MAX_CHARS, SORT_KEY_MAX_COLUMNS, TABLE_MAX_COLUMNS } from "./limits.ts";
import { lookupTables } from "./lookup-table.ts";
import { parserSchema } from "./parser.ts";
import { columnNameProblem, schemaNameProblem, tableNameProblem } from "./redshift-names.ts";
import { timeSettings } from "./time-settings.ts";

/**
 * A log type: which user records it takes, how a line is read, which columns come of it and where
 * they go. Plain data, so that it reaches the Lambdas as JSON.
 */

/**
 * Names that become table names, column names and key prefixes. A leading underscore is Weir's own. Redshift takes 127
 * bytes, and PostgreSQL, which stands in for it on a laptop, 63.
 */
const IDENTIFIER = /^[a-z][a-z0-9_]{0,62}$/;
const IDENTIFIER_RULE =
  "lower-case letters, digits and _, beginning with a letter, at most 63: a leading _ is Weir's own";
export const identifier = z.string().regex(IDENTIFIER, IDENTIFIER_RULE);

/** Fields are called anything; the error says what to call the column of such a one. */
const columnName = z.string().regex(IDENTIFIER, {
  error: ({ input }) => {
    const field = String(input);
    const near = columnNameNear(field);
    const hint = near === undefined ? "" : `; for example name: "${near}", field: ${JSON.stringify(field)}`;
    return `${IDENTIFIER_RULE}${hint}`;
  },
});

/** @returns the name that a column may have which is nearest to this one, undefined if none is */
export function columnNameNear(field: string): string | undefined {
  const name = field
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^[^a-z]+|_+$/g, "")
    .slice(0, 63);
  return IDENTIFIER.test(name) ? name : undefined;
}

const fieldPath = z
  .string()
  .min(1)
  .meta({
    description:
      "name of a parsed field; in JSON, dots reach into objects, and numbers into arrays, where no name has the dots itself. " +
      "`_line` is the whole line, `_tag` its tag, `_path` and `_host` where it was read, `_labels.NAME` a label of that host",
  });

const time = z.strictObject({ field: fieldPath, ...timeSettings });

const nulls = z.array(z.string()).max(16);

const expression = z.string().min(1).max(EXPRESSION_MAX_CHARS);

/** As Fluentd's inline classifier writes them: "*" is open. */
const bound = z.union([z.number(), z.literal("*")]);

const column = z.strictObject({
  name: columnName.meta({
    description:
      "lower-case letters, digits and _, beginning with a letter; in a type with a table not one that Redshift " +
      "keeps for itself, such as oid, ctid or xmin",
  }),
  field: fieldPath.optional().meta({
    description:
      "parsed field it is filled from; its own name if absent. One that no line of the format has is an error",
  }),
  value: expression.optional().meta({
    description:
      "an expression whose value it is filled with, in the place of a field, such as `int(status) >= 500`: " +
      "docs/expressions.md. The fields that it reads stay in _extra, but for those in `remove`",
  }),
  classes: z
    .record(z.string().min(1), z.tuple([bound, bound]))
    .optional()
    .meta({
      description:
        "ranges of numbers by the text that the column gets for them, from the first number up to before the second, " +
        '"*" for no bound: `{ fast: ["*", 0.1], slow: [0.1, "*"] }`. What is in none of them, or no number, has no value',
    }),
  default: z
    .union([z.string(), z.number(), z.boolean()])
    .optional()
    .meta({ description: "what is written where there is no value" }),
  type: z.string().refine((text) => parseColumnType(text) !== undefined, {
    error: ({ input }) => columnTypeProblem(String(input)),
  }),
  time: z
    .strictObject(timeSettings)
    .optional()
    .meta({
      description:
        "how times of this column are read, for timestamp, timestamptz and date. If absent, as the type's time where it " +
        "is filled from the same field, and as `iso8601` in the zone of the type's time otherwise",
    }),
  nullable: z.boolean().default(true).meta({ description: "false rejects lines without a value" }),
  nulls: nulls
    .optional()
    .meta({ description: 'texts that are no value, such as "-", "N/A" or ""; the type\'s if absent' }),
  onMisfit: z
    .enum(["reject", "truncate", "extra"])
    .optional()
    .meta({
      description:
        "what becomes of a line whose value does not fit: `reject`, as if absent, rejects it, `truncate` cuts texts to " +
        "the column's length, and `extra` leaves the column empty and keeps the value in _extra",
    }),
  encode: z.enum(ENCODINGS).optional(),
});

const destination = z.discriminatedUnion("to", [
  z.strictObject({ to: z.literal("s3") }).meta({ description: "rows stay in the lake" }),
  z
    .strictObject({
      to: z.literal("redshift"),
      warehouse: z
        .string()
        .optional()
        .meta({ description: "one of `warehouses`; if absent, `main`, or the only one there is" }),
      schema: identifier.default("logs"),
      table: identifier.optional().meta({ description: "the type's name if absent" }),
      from: z
        .union([
          z.literal(["beginning", "now"]),
          z.iso.datetime({
            error: 'neither "beginning" nor "now", nor a time in UTC such as "2026-11-21T10:00:00Z"',
          }),
        ])
        .default("beginning")
        .meta({
          description:
            "where a table begins that is new to the loader: with all that the lake holds, with what comes once the " +
            "loader knows it, or with what arrived from a time on, in UTC. A table that was loaded before goes on where " +
            "it was. Rows of earlier columns that do not fit are set aside",
        }),
      distribution: z
        .union([z.literal("even"), z.literal("auto"), z.literal("all"), z.strictObject({ key: identifier })])
        .default("auto"),
      sort: z.array(z.string()).default(["_time"]).meta({ description: "compound sort key" }),
    })
    .meta({ description: "rows are also loaded into this table" }),
]);

/** Each makes a row of a line, so that rows take so many times the memory of lines. */
const MAX_COPIES = 4;

/** A table has Weir's own columns besides, and the loader's staging tables some more. */
const MAX_COLUMNS = TABLE_MAX_COLUMNS - 20;

export const logTypeSchema = z
  .strictObject({
    name: identifier,
    formerNames: z
      .array(identifier)
      .default([])
      .meta({
        description:
          "what the type was called before: rows that are still to be loaded under such a name go to its tables. Without " +
          "it, rows of a name that is gone are held, and told",
      }),
    match: z
      .strictObject({
        tags: z.array(z.string().min(1).max(PARTITION_KEY_MAX_CHARS)).min(1).meta({
          description: "tags it takes; * stands for any characters, and the first type that matches wins",
        }),
      })
      .optional()
      .meta({ description: "a type without it takes the tag of its own name" }),
    parse: parserSchema,
    time: time.optional().meta({ description: "where event time is; without it event time is arrival time" }),
    skip: z
      .strictObject({
        blank: z.boolean().optional().meta({
          description:
            "empty lines, and but for `csv` and `tsv` those of white space; true if absent, but for `raw`",
        }),
        comments: z
          .array(z.string().min(1))
          .max(8)
          .optional()
          .meta({ description: 'what lines begin with that hold no event, such as "#"' }),
      })
      .optional()
      .meta({ description: "lines that become no row and are counted as filtered" }),
    invalidUtf8: z.enum(["reject", "replace"]).optional().meta({
      description:
        "a line with bytes that are not UTF-8: rejected, as if absent, or read with U+FFFD for them",
    }),
    nulls: nulls
      .optional()
      .meta({ description: "texts that are no value in any column, nor for event time" }),
    drop: expression.optional().meta({
      description:
        "lines for which this expression is true become no row and are counted as filtered. One that cannot be worked out " +
        "drops nothing",
    }),
    copy: z
      .array(
        z.strictObject({
          to: z.string().meta({
            description: "a type, which reads and files the line by itself as if it had come under its tag",
          }),
          when: expression.optional().meta({
            description: "only lines for which this expression, of fields of the type that copies, is true",
          }),
        }),
      )
      .min(1)
      .max(MAX_COPIES)
      .optional()
      .meta({
        description:
          "types that get each line too, as the stores of Fluentd's copy do: also lines that are dropped or rejected here. " +
          "What has come as a copy is not copied on",
      }),
    remove: z.array(fieldPath).min(1).optional().meta({
      description: "fields that are kept nowhere where no column takes them, also not in _extra",
    }),
    tables: lookupTables.optional().meta({
      description: "tables of this type's own for `lookup`, before those of the configuration",
    }),
    columns: z
      .array(column)
      .min(1)
      .max(
        MAX_COLUMNS,
        `at most ${MAX_COLUMNS}, as a table of Redshift's has: _extra takes fields without a column`,
      ),
    destinations: z
      .array(destination)
      .min(1)
      .default([{ to: "s3" }]),
  })
  .superRefine((type, context) => {
    const problem: Problem = (path, message) =>
      context.addIssue({ code: "custom", path: [...path], message });
    const seen = new Set<string>();
    type.columns.forEach((column, i) => {
      const { name, type, time } = column;
      if (seen.has(name)) problem(["columns", i, "name"], `"${name}" twice`);
      const refused = misfitProblem(column);
      if (refused !== undefined) problem(["columns", i, "onMisfit"], refused);
      for (const found of computedProblems(column)) problem(["columns", i, ...found.path], found.message);
      if (time && !TIME_KINDS.has(parseColumnType(type)?.kind))
        problem(["columns", i, "time"], `${type} is no time`);
      seen.add(name);
    });
    for (const { path, message } of fieldProblems(type)) problem(path, message);
    if (type.destinations.some(({ to }) => to === "redshift")) checkColumns(type.columns, problem);
    type.destinations.forEach((target, i) => {
      if (target.to === "redshift") {
        checkTarget(type, target, (path, message) => problem(["destinations", i, ...path], message));
      }
    });
  });

function misfitProblem({ onMisfit, type, nullable }: Column): string | undefined {
  const kind = parseColumnType(type)?.kind;
  if (onMisfit === "truncate" && kind !== "varchar" && kind !== "char") return `cuts texts only, not ${type}`;
  return onMisfit === "extra" && !nullable ? "leaves the column empty, which must not be null" : undefined;
}

const TIME_KINDS: ReadonlySet<string | undefined> = new Set(["date", "timestamp", "timestamptz"]);

type Problem = (path: readonly (string | number)[], message: string) => void;

/** What Redshift refuses of columns at CREATE TABLE. */
function checkColumns(columns: readonly Column[], problem: Problem): void {
  columns.forEach(({ name, type, encode }, i) => {
    const refused = columnNameProblem(name);
    if (refused !== undefined) problem(["columns", i, "name"], refused);
    if (encode !== undefined && !encodes(encode, type)) {
      const possible = ENCODINGS.filter((encoding) => encodes(encoding, type)).join(", ");
      const message = `Redshift has no encoding ${encode} for ${type}: it has ${possible}; left out, it chooses one`;
      problem(["columns", i, "encode"], message);
    }
  });
}

/** What Redshift refuses of a table at CREATE TABLE, and the Data API of its statements. */
function checkTarget(
  type: { readonly name: string; readonly columns: readonly Column[] },
  { schema, table = type.name, distribution, sort }: RedshiftDestination,
  problem: Problem,
): void {
  const [schemaProblem, tableProblem] = [schemaNameProblem(schema), tableNameProblem(table)];
  if (schemaProblem !== undefined) problem(["schema"], schemaProblem);
  if (tableProblem !== undefined) problem(["table"], tableProblem);
  const types = new Map([...METADATA_COLUMNS, ...type.columns].map(({ name, type }) => [name, type]));
  const checkKey = (path: readonly (string | number)[], key: string): void => {
    if (!types.has(key))
      problem(path, `no column "${key}" to sort or distribute by${didYouMean(key, [...types.keys()])}`);
    if (types.get(key) === "super") {
      problem(
        path,
        `"${key}" is super, and Redshift has no such keys: take another column, or one filled from a field of it`,
      );
    }
  };
  if (typeof distribution === "object") checkKey(["distribution", "key"], distribution.key);
  sort.forEach((key, i) => {
    checkKey(["sort", i], key);
    if (sort.indexOf(key) < i) problem(["sort", i], `"${key}" twice`);
  });
  if (sort.length > SORT_KEY_MAX_COLUMNS) {
    const message = `${sort.length} columns, and Redshift sorts by ${SORT_KEY_MAX_COLUMNS} at most: the first few do the most`;
    problem(["sort"], message);
  }
}

export type LogType = z.output<typeof logTypeSchema>;
export type Column = LogType["columns"][number];
export type RedshiftDestination = Extract<LogType["destinations"][number], { to: "redshift" }>;

/**
 * Columns that Weir puts on every row, before the type's own. `_extra` holds the fields without a
 * column. (`_src`, `_off`) is the identity of a row, and `_crc` the CRC-32 of its line's bytes: two rows of one identity
 * that differ in it are no copies of each other. `_arrived_at` is when Kinesis took its record. Times are UTC.
 */
export const METADATA_COLUMNS = [
  { name: "_time", type: "timestamp", nullable: false, encode: "az64" },
  { name: "_src", type: "varchar(160)", nullable: false, encode: "zstd" },
  { name: "_off", type: "bigint", nullable: false, encode: "az64" },
  { name: "_crc", type: "bigint", nullable: true, encode: "az64" },
  { name: "_host", type: "varchar(255)", nullable: true, encode: "zstd" },
  { name: "_arrived_at", type: "timestamp", nullable: false, encode: "az64" },
  { name: "_extra", type: "super", nullable: true, encode: "zstd" },
] as const satisfies readonly Column[];

/** Every column of a type's rows, in table order. */
export function rowColumns(type: LogType): readonly Column[] {
  return [...METADATA_COLUMNS, ...type.columns];
}

/** The reserved tag of agents' heartbeats, and the log type they are filed under. */
export const HEARTBEAT_TYPE = "_weir.agent";

/** The type under which lines that no type takes are kept. */
export const UNROUTED_TYPE = "_unrouted";
