import * as z from "zod";
import { toDotPath } from "zod/v4/core";
import { configProblems, fieldText } from "./config-problems.ts";
import { expressionProblems } from "./expression-problems.ts";
import { identifier, logTypeSchema } from "./log-type.ts";
import { lookupTables, TABLE_EXAMPLE } from "./lookup-table.ts";
import { typeNameProblems } from "./type-names.ts";
import { quantity } from "./quantity.ts";
import { readersProblems, readersSchema } from "./readers.ts";
import { kmsKeyArn, stackSchema } from "./stack-config.ts";
import { warehouseSchema } from "./warehouse-config.ts";
import { destinationProblem, warehousesProblems, warehousesSchema, warehouseOf } from "./warehouses.ts";

const keyArn = kmsKeyArn.optional();

const retentionHours = quantity("h", 24, 8_760).default(168);

const stream = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("new").optional(),
    mode: z
      .union([z.literal("on-demand"), z.strictObject({ shards: z.int().min(1).max(10_000) })])
      .default("on-demand")
      .meta({ description: "capacity of the Kinesis stream" }),
    retentionHours: retentionHours.meta({ unit: "h", description: "how far back a shard can be replayed" }),
  }),
  z.strictObject({
    kind: z.literal("existing"),
    name: z
      .string()
      .regex(/^[a-zA-Z0-9_.-]{1,128}$/, "a stream's name")
      .meta({ description: "a stream of yours, in the stack's account and region" }),
    keyArn: keyArn.meta({ description: "its key; none where it has one of Kinesis' or is not encrypted" }),
    retentionHours: retentionHours.meta({
      unit: "h",
      description: "what the stream has: alarms reckon with it",
    }),
  }),
]);

const lake = z.strictObject({
  bucket: z
    .strictObject({
      bucketName: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "a bucket's name"),
      keyArn: keyArn.meta({ description: "its key; none where it has one of S3's" }),
    })
    .optional()
    .meta({
      description:
        "a bucket of yours, used instead of a new one: as it is, so versions, life cycle and encryption are yours to set",
    }),
  compression: z
    .enum(["zstd", "gzip"])
    .default("zstd")
    .meta({ description: "of row objects; zstd costs half the CPU of gzip" }),
  maxHoursPerBatch: z.int().min(1).max(1_000).default(24).meta({
    description: "a batch with events of more hours than this is filed by arrival time instead of event time",
  }),
});

const WITHOUT_FACTOR =
  "a shard's batches go through the router one after the other, so that a range of sequence numbers says what is in " +
  "it. Leave the setting out; for more at a time, give the stream more shards (stream.mode): a shard takes 1 MB/s, and " +
  "the router far more";

/** Says why a setting is gone, beside what is unknown. */
function removedSetting({ code, keys }: z.core.$ZodRawIssue): string | undefined {
  if (code !== "unrecognized_keys" || !keys.includes("parallelizationFactor")) return undefined;
  const names = keys.map((key) => `"${key}"`).join(", ");
  return `Unrecognized key${keys.length > 1 ? "s" : ""}: ${names}: parallelizationFactor is no more: ${WITHOUT_FACTOR}`;
}

const routerSettings = {
  memoryMb: quantity("MB", 256, 10_240).default(1_024).meta({ unit: "MB" }),
  timeoutSeconds: quantity("s", 10, 900).default(120).meta({ unit: "s" }),
  batchSize: z
    .int()
    .min(1)
    .max(10_000)
    .default(1_000)
    .meta({ description: "Kinesis records per invocation, at most" }),
  batchingWindowSeconds: quantity("s", 0, 300)
    .default(30)
    .meta({ unit: "s", description: "longest wait for a fuller batch" }),
  retryAttempts: z
    .int()
    .min(0)
    .max(10_000)
    .default(10)
    .meta({ description: "then the batch goes to the failure destination" }),
  maxRecordAgeSeconds: quantity("s", 60, 604_800).default(86_400).meta({ unit: "s" }),
};
const router = z.strictObject(routerSettings, { error: removedSetting });

const loader = z.strictObject({
  everyMinutes: quantity("min", 1, 60).default(15).meta({
    unit: "min",
    description:
      "one tick loads every table. A new warehouse is paid for by the tick: README.md reckons it up",
  }),
  reservedConcurrency: z
    .int()
    .min(1)
    .max(1_000)
    .optional()
    .meta({
      description:
        "executions of the loader's function kept free for it, and its limit. Not needed for correctness; a new account " +
        "of 10 executions in all has none to reserve",
    }),
  memoryMb: quantity("MB", 512, 10_240).default(512).meta({
    unit: "MB",
    description: "of a loader's function: with more, it plans larger loads, and reads the log faster",
  }),
  timeoutSeconds: quantity("s", 60, 900).default(300).meta({
    unit: "s",
    description:
      "of a loader's function. A tick reads the log for so long at most, and saves what it has read; no load is waited for",
  }),
  loadTimeoutMinutes: quantity("min", 1, 1_440)
    .default(120)
    .meta({
      unit: "min",
      description:
        "how long a load may take before it is cancelled and tried again, and how long each of its statements may wait " +
        "and run",
    }),
  ledgerDays: quantity("days", 1, 3_650)
    .default(90)
    .meta({
      unit: "days",
      description:
        "how long the ledger remembers a source from which nothing more came. What such a source sends again later is " +
        "loaded again, so it is longer than the stream's retention, and than an agent may be away",
    }),
});

const foreign = z.strictObject({
  tag: z
    .union([z.literal("partition-key"), z.strictObject({ field: z.string().min(1) })])
    .default("partition-key")
    .meta({
      description:
        "where records of other producers have their tag: the partition key, or a field of the JSON record. A record " +
        "without a text there has its partition key for a tag",
    }),
  splitLines: z
    .boolean()
    .default(true)
    .meta({
      description:
        "records of other producers hold one event a line, or one JSON object after another; with false a record " +
        "is one event, whatever it holds: for producers that put events of several lines, such as stack traces",
    }),
});

const percent = z.number().min(0).max(100);

const fleetWatch = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .meta({ description: "hosts and files are watched by the agents' heartbeats, a function every minute" }),
  silentMinutes: quantity("min", 3, 10_080).default(10).meta({
    unit: "min",
    description:
      "how long the heartbeats of a host may stay away: several times the agents' heartbeat.interval_ms",
  }),
  stuckMinutes: quantity("min", 3, 10_080)
    .default(15)
    .meta({ unit: "min", description: "how long a file's bytes may wait while none of it is delivered" }),
  stoppedMinutes: quantity("min", 3, 525_600).optional().meta({
    unit: "min",
    description:
      "how long an agent that was asked to end may be away, for hosts that are to stay; none where hosts come and go",
  }),
  forgetHours: quantity("h", 1, 8_760)
    .default(24)
    .meta({ unit: "h", description: "a host that was not heard for so long is not expected back" }),
});

const alarms = z.strictObject({
  iteratorAgeMinutes: quantity("min", 1, 1_440)
    .default(15)
    .meta({ unit: "min", description: "how far the router may be behind the stream" }),
  writeThrottledMinutes: quantity("min", 1, 60)
    .default(5)
    .meta({ unit: "min", description: "how long, in a row, the stream may refuse records" }),
  rejectedPercent: percent
    .default(5)
    .meta({ unit: "%", description: "share of a type's lines that may be rejected, within 15 minutes" }),
  unroutedPercent: percent
    .default(1)
    .meta({ unit: "%", description: "share of all lines that may be of no type, within 15 minutes" }),
  rejectedMinLines: z.int().min(1).max(1_000_000).default(10).meta({
    description: "fewer rejected or unrouted lines than these, within 15 minutes, are no share to be told of",
  }),
  quarantinedRecords: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(0)
    .meta({ description: "records that may be quarantined, within 5 minutes" }),
  contestedSources: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(0)
    .meta({ description: "sources that two hosts may claim, as often as a batch or a tick sees it" }),
  conflictingLines: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(0)
    .meta({ description: "lines that may claim bytes of another line of their batch, within 5 minutes" }),
  conflictingRows: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(0)
    .meta({ description: "rows that may be loaded beside others of their source and offset, within a tick" }),
  sequencerLagMinutes: quantity("min", 1, 1_440)
    .default(5)
    .meta({ unit: "min", description: "how long a commit may wait for its place in the log" }),
  loadLagTicks: z
    .int()
    .min(1)
    .max(100)
    .default(3)
    .meta({ description: "how old the oldest unloaded commit may be, in loader ticks" }),
  undeliveredTicks: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(0)
    .meta({ description: "ticks that may lie in the queue of those that could not be delivered" }),
  throttledCalls: z.int().min(0).max(1_000_000).default(0).meta({
    description: "calls of a function that Lambda may refuse, in two of three periods of 5 minutes or a tick",
  }),
  durationPercent: percent.min(1).default(80).meta({
    unit: "%",
    description: "share of a function's time-out that its slowest calls, 1 of 20, may take",
  }),
  fleet: fleetWatch.prefault({}),
  email: z.email().optional().meta({ description: "subscribed to the alarm topic" }),
  topicArn: z
    .string()
    .startsWith("arn:")
    .optional()
    .meta({
      description:
        "a topic of yours, used instead of a new one; its policy, and its key's, must let CloudWatch publish, and the " +
        "role of the function Fleet",
    }),
});

/** `weir.config.ts`: what is deployed and which log types there are. */
export const weirConfigSchema = z
  .strictObject({
    stack: stackSchema.prefault({}),
    stream: stream.prefault({}),
    lake: lake.prefault({}),
    router: router.prefault({}),
    warehouse: warehouseSchema.default({ kind: "none" }),
    warehouses: warehousesSchema,
    loader: loader.prefault({}),
    foreign: foreign.prefault({}),
    alarms: alarms.prefault({}),
    readers: readersSchema.prefault({}).meta({
      description:
        "whoever queries the warehouse. What the loader cannot give them it tells, and loads all the same",
    }),
    tables: lookupTables.optional().meta({
      description: `tables for \`lookup\` in the expressions of all types: ${TABLE_EXAMPLE}. A large one may be imported`,
    }),
    hashSalt: z
      .string()
      .min(16)
      .max(256)
      .optional()
      .meta({
        description:
          "key of `hash` in expressions, of 16 characters or more: whoever has it can try which value a hash stands for, and " +
          "another one gives other hashes. Taken from the environment (`process.env.HASH_SALT`), it stays out of the " +
          "repository; the functions have it in their configuration, and whoever may read their code, too",
      }),
    types: z.array(logTypeSchema).min(1),
    retired: z
      .array(
        z.strictObject({
          type: identifier.meta({ description: "name of a type that is no more" }),
          waiting: z.literal("discard").meta({
            description: "rows of it that are not loaded yet stay in the lake alone; how many is logged",
          }),
        }),
      )
      .default([])
      .meta({
        description:
          "types that were removed, or renamed for good. Rows of a type that is neither here nor among `types`, by name " +
          "or former name, are held for the warehouse, and told",
      }),
  })
  .superRefine(({ stack, types, retired, readers, ...config }, context) => {
    for (const { path, message } of readersProblems(readers, types, (target) =>
      warehouseOf(config, target),
    )) {
      context.addIssue({ code: "custom", path: [...path], message });
    }
    for (const { path, message } of warehousesProblems(config, stack.region)) {
      context.addIssue({ code: "custom", path: [...path], message });
    }
    for (const { path, message } of typeNameProblems(types, retired)) {
      context.addIssue({ code: "custom", path: [...path], message });
    }
    for (const { path, message } of expressionProblems(types, config)) {
      context.addIssue({ code: "custom", path: [...path], message });
    }
    const names = new Set<string>();
    const tables = new Set<string>();
    types.forEach((type, i) => {
      if (names.has(type.name))
        context.addIssue({ code: "custom", path: ["types", i, "name"], message: `"${type.name}" twice` });
      names.add(type.name);
      type.destinations.forEach((target, j) => {
        if (target.to !== "redshift") return;
        const path = ["types", i, "destinations", j];
        const table = `${target.schema}.${target.table ?? type.name}`;
        const problem = destinationProblem(config, target, table);
        if (problem) context.addIssue({ code: "custom", ...problem, path: [...path, ...problem.path] });
        const place = `${warehouseOf(config, target)}/${table}`;
        if (tables.has(place)) context.addIssue({ code: "custom", path, message: `table ${table} twice` });
        tables.add(place);
      });
    });
  });

export type WeirConfig = z.output<typeof weirConfigSchema>;
export type WeirConfigInput = z.input<typeof weirConfigSchema>;

/** Gives `weir.config.ts` its types; the values are checked when the file is read. */
export function defineConfig(config: WeirConfigInput): WeirConfigInput {
  return config;
}

/** Place in a file, from 1 on. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A field at fault. */
export interface FieldProblem extends Partial<Place> {
  /** `types[1].columns[0].type` */
  readonly field: string;
  /** `types[1] "access" columns[0] "status" type` */
  readonly name: string;
  readonly message: string;
}

/** A configuration that cannot be used, with every field at fault. */
export class ConfigError extends Error {
  override name = "ConfigError";
  readonly file: string;
  readonly problems: readonly string[];
  /** The same as `problems`, of fields with their places. */
  readonly fields: readonly FieldProblem[];

  /** @param told what people read instead of `problems`, which go without places and names */
  constructor(
    file: string,
    problems: readonly string[],
    { told = problems, fields = [] }: { told?: readonly string[]; fields?: readonly FieldProblem[] } = {},
  ) {
    super(`${file}:\n${told.map((problem) => `  ${problem}`).join("\n")}`);
    this.file = file;
    this.problems = problems;
    this.fields = fields;
  }
}

/** Finds where the value at a path is written; undefined where that is not certain. */
export type PlaceOf = (path: readonly PropertyKey[]) => Place | undefined;

/** A configuration that was read from a file. */
export interface ReadConfig {
  readonly config: WeirConfig;
  readonly placeOf: PlaceOf;
}

/** Settings with a default, which no check of another part asks for. */
const APART = new Set<PropertyKey>(["router", "loader", "alarms", "lake", "stream", "foreign"]);

/**
 * @param file named in the error
 * @param placeOf for a file that somebody writes: the error says where, and tells fields with names beside their numbers,
 *   such as `line 9, column 11: types[1] "access" columns[0] "status" type: not a column type`
 * @throws ConfigError with a line for each field at fault, such as `types[1].columns[0].type: not a column type`
 */
export function parseConfig(value: unknown, file: string, placeOf?: PlaceOf): WeirConfig {
  return parseWith(weirConfigSchema, value, file, { placeOf, isApart: ([first = ""]) => APART.has(first) });
}

interface ParseOptions {
  readonly placeOf?: PlaceOf | undefined;
  /** Whether the value at a path can be left out without anything else being wrong then. */
  readonly isApart?: (path: readonly PropertyKey[]) => boolean;
}

/** Checks `value` against any configuration schema. @throws ConfigError */
export function parseWith<S extends z.ZodType>(
  schema: S,
  value: unknown,
  file: string,
  { placeOf, isApart }: ParseOptions = {},
): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const found = configProblems(schema, value, isApart).map(({ path, key, message }) => {
    const place = placeOf?.(key === undefined ? path : [...path, key]);
    return { field: toDotPath([...path]), name: fieldText(path, value), message, ...place };
  });
  found.sort(byPlace);
  const problems = found.map(({ field, message }) => problemText(field, message));
  const told = found.map(({ name, message, ...place }) => placeText(place) + problemText(name, message));
  throw new ConfigError(file, problems, { told: placeOf ? told : problems, fields: found });
}

/** Those without a place come last. */
const byPlace = (a: Partial<Place>, b: Partial<Place>): number => {
  const [line, other] = [a.line ?? Infinity, b.line ?? Infinity];
  return line === other ? (a.column ?? 0) - (b.column ?? 0) : line < other ? -1 : 1;
};

const problemText = (field: string, message: string): string =>
  field === "" ? message : `${field}: ${message}`;

export function placeText({ line, column }: Partial<Place>): string {
  return line === undefined ? "" : `line ${line}, column ${column}: `;
}
