import { basename } from "node:path";
import * as z from "zod";
import { parseWith } from "../../../wire/config.ts";
import {
  absolutePaths,
  asTag,
  type Imported,
  type ImportedSettings,
  type ImportedFiles,
  lingerMs,
  type Note,
  Notes,
  pathSetting,
  tellSettings,
} from "./imported.ts";
import { fromJava } from "./pattern.ts";
import type { LineOf } from "../../config/setting-lines.ts";
import type { FlowRoute } from "./types/kinesis-agent-types.ts";

const option = z.looseObject({
  optionName: z.string().default(""),
  logFormat: z.string().optional(),
  matchPattern: z.string().optional(),
  customFieldNames: z.array(z.string()).optional(),
  delimiter: z.string().optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
});
/** Its default file names settings without giving them a value. */
const text = z
  .string()
  .nullish()
  .transform((text) => text?.trim() || undefined);
const flowSchema = z.looseObject({
  filePattern: z.union([z.string().transform((path) => [path]), z.array(z.string())]),
  kinesisStream: text,
  deliveryStream: text,
  initialPosition: z.enum(["START_OF_FILE", "END_OF_FILE"]).default("END_OF_FILE"),
  maxBufferAgeMillis: z.coerce.number().optional(),
  multiLineStartPattern: z.string().optional(),
  dataProcessingOptions: z.array(option).default([]),
});
const agentJsonSchema = z.looseObject({
  flows: z.array(flowSchema),
  "kinesis.endpoint": text,
  "kinesis.region": text,
  "firehose.endpoint": text,
  assumeRoleARN: text,
  assumeRoleExternalId: text,
  "cloudwatch.emitMetrics": z
    .union([z.boolean(), z.string().transform((text) => text === "true")])
    .optional(),
  "cloudwatch.endpoint": text,
});

type Flow = z.output<typeof flowSchema>;

/** A flow, and where it stands. */
interface Placed {
  readonly flow: Flow;
  readonly at: string;
}

/** Why a setting of a flow is not carried over. */
const FLOW_NOTES: Readonly<Record<string, string>> = {
  partitionKeyOption: "lines are spread over the shards by the room that each has",
  maxBufferSizeRecords: "records are closed by size and age: producer.aggregate_bytes, producer.linger_ms",
  maxBufferSizeBytes: "records are closed by size and age: producer.aggregate_bytes, producer.linger_ms",
  skipHeaderLines: "header lines are sent; they are rejected by their log type and kept",
  truncatedRecordTerminator: "a line that is cut says so in its provenance",
};

/** What does in weir.config.ts, or by itself, what an option did on the host. */
const OPTION_NOTES: Readonly<Record<string, string>> = {
  SINGLELINE: "an event keeps its line feeds",
  CSVTOJSON: 'give its log type format: "csv"',
  LOGTOJSON: "give its log type the format that reads it",
  ADDMETADATA: "every row knows its host and path; other constants are left out",
  ADDEC2METADATA: 'every row knows its host; set host = "..." to name it by its instance',
};

/** Formats of LOGTOJSON that log types know by a name of their own. */
const LOG_FORMATS: Readonly<Record<string, string>> = {
  COMMONAPACHELOG: 'give its log type format: "common"',
  COMBINEDAPACHELOG: 'give its log type format: "combined"',
};

const KEYS = "keys do not belong here: give the host a role, or name a profile in aws.profile";

const TOP_NOTES: Readonly<Record<string, string>> = {
  awsAccessKeyId: KEYS,
  awsSecretAccessKey: KEYS,
  userDefinedCredentialsProvider_classname: KEYS,
  checkpointFile: "weir agent positions carries them over",
};

/**
 * amazon-kinesis-agent's agent.json.
 *
 * @param stream takes only its flows; the first one's if absent. Where no flow names it, it takes the place of Firehose's
 */
export function fromKinesisAgent(value: unknown, lineOf: LineOf, file: string, stream?: string): Imported {
  const {
    flows,
    "kinesis.endpoint": endpoint,
    "kinesis.region": region,
    "firehose.endpoint": firehose,
    assumeRoleARN,
    assumeRoleExternalId,
    "cloudwatch.emitMetrics": emits,
    "cloudwatch.endpoint": metricsEndpoint,
    ...others
  } = parseWith(agentJsonSchema, value, file);
  const notes = new Notes();
  const chosen = stream ?? flows.find(({ kinesisStream }) => kinesisStream !== undefined)?.kinesisStream;
  const replaces = stream !== undefined && flows.every(({ kinesisStream }) => kinesisStream !== stream);
  const placed = flows.map((flow, i) => ({ flow, at: `flows[${i}]` }));
  const taken = placed.filter(({ flow, at }) => isTaken(flow, { chosen, replaces }, notes, lineOf(at)));
  tellSettings("", others, lineOf, notes, (key) => TOP_NOTES[key]);
  const ages = taken.flatMap(({ flow }) => flow.maxBufferAgeMillis ?? []);
  const routes: FlowRoute[] = [];
  const files = taken.flatMap((placed) => followed(placed, lineOf, notes, routes));
  const of = replaces && endpoint === undefined ? firehoseRegion(firehose) : undefined;
  const settings = {
    ...(chosen === undefined ? {} : { stream: chosen }),
    ...(endpoint === undefined ? {} : place(endpoint, notes.at(lineOf("kinesis.endpoint")))),
    ...(region === undefined ? {} : { region }),
    ...(region === undefined && of !== undefined ? { region: of } : {}),
    ...(assumeRoleARN === undefined ? {} : { aws: role(assumeRoleARN, assumeRoleExternalId) }),
    ...(ages.length === 0 ? {} : { producer: { linger_ms: lingerMs(Math.min(...ages)) } }),
    ...(emits ? { cloudwatch: metricsPlace(metricsEndpoint, notes.at(lineOf("cloudwatch.endpoint"))) } : {}),
    ...(files.length > 0 ? { files } : {}),
  };
  if (metricsEndpoint !== undefined && !emits) {
    notes.add(lineOf("cloudwatch.endpoint"), "cloudwatch.endpoint: left out, metrics are not emitted");
  }
  return { settings, notes, types: (notes) => typesOf(routes, notes) };
}

/** Loaded late: an agent on a host makes no types. */
async function typesOf(routes: readonly FlowRoute[], notes: Notes) {
  const { kinesisAgentTypes } = await import("./types/kinesis-agent-types.ts");
  return kinesisAgentTypes(routes, notes);
}

function isTaken(
  { filePattern, kinesisStream, deliveryStream }: Flow,
  { chosen, replaces }: { readonly chosen: string | undefined; readonly replaces: boolean },
  notes: Notes,
  line: number | undefined,
): boolean {
  if (kinesisStream !== undefined && kinesisStream === chosen) return true;
  if (replaces && kinesisStream === undefined && deliveryStream !== undefined) {
    const what = `the delivery stream ${deliveryStream} is taken for the stream ${chosen}`;
    notes.add(line, `${filePattern.join(", ")}: ${what}`);
    return true;
  }
  const target =
    kinesisStream === undefined ? `the delivery stream ${deliveryStream}` : `stream ${kinesisStream}`;
  const way =
    kinesisStream === undefined
      ? "; --stream NAME takes that for a stream where no flow has that name"
      : `; for another agent, import it with --stream ${kinesisStream}`;
  notes.add(line, `${filePattern.join(", ")}: left out, it goes to ${target}${way}`);
  return false;
}

function followed({ flow, at }: Placed, lineOf: LineOf, notes: Notes, routes: FlowRoute[]): ImportedFiles[] {
  const {
    filePattern,
    initialPosition,
    multiLineStartPattern: start,
    dataProcessingOptions: options,
    kinesisStream: _,
    deliveryStream: __,
    maxBufferAgeMillis: ___,
    ...others
  } = flow;
  const note = notes.at(lineOf(`${at}.filePattern`));
  const paths = absolutePaths(filePattern, note);
  if (paths.length === 0) return [];
  const tag = asTag(basename(paths[0]!).replace(/[.*?[{].*$/, "") || "log", note);
  notes.addOfTypes(
    lineOf(`${at}.filePattern`),
    `${paths.join(", ")}: flows have no tags; it is "${tag}" now, change it to a log type's`,
  );
  tellSettings(
    `${paths[0]}: `,
    others,
    (key) => lineOf(`${at}.${key}`),
    notes,
    (key) => FLOW_NOTES[key],
  );
  for (const [i, { optionName, logFormat = "" }] of options.entries()) {
    const line = lineOf(`${at}.dataProcessingOptions[${i}]`);
    const why = LOG_FORMATS[logFormat] ?? OPTION_NOTES[optionName] ?? "left out";
    notes.addOfTypes(
      line,
      `${paths[0]}: dataProcessingOptions ${`${optionName} ${logFormat}`.trim()}: ${why}`,
    );
  }
  routes.push({ tag, line: lineOf(at) ?? 0, options });
  const pattern = start ? fromJava(start) : undefined;
  if (start && pattern === undefined) {
    const line = lineOf(`${at}.multiLineStartPattern`);
    notes.add(line, `${paths[0]}: multiLineStartPattern ${start}: left out, JavaScript does not know it`);
  }
  return [
    {
      tag,
      path: pathSetting(paths),
      start_at: initialPosition === "START_OF_FILE" ? "head" : "end",
      ...(pattern === undefined ? {} : { multi_line: { start: pattern } }),
    },
  ];
}

function role(role_arn: string, external_id: string | undefined): NonNullable<ImportedSettings["aws"]> {
  return external_id === undefined ? { role_arn } : { role_arn, external_id };
}

/** The region where that says it all. */
function place(endpoint: string, note: Note): { region?: string; endpoint?: string } {
  const region = /^(?:https?:\/\/)?kinesis\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/?$/.exec(endpoint)?.[1];
  return region === undefined ? asUrl(endpoint, "kinesis.endpoint", note) : { region };
}

/** The region that Firehose was in: the stream is likely to be there, unless it has an endpoint of its own. */
function firehoseRegion(endpoint: string | undefined): string | undefined {
  return /^(?:https?:\/\/)?firehose\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/?$/.exec(endpoint ?? "")?.[1];
}

/** The stream's region has a CloudWatch of its own. */
function metricsPlace(endpoint: string | undefined, note: Note): { endpoint?: string } {
  const isUsual =
    endpoint === undefined ||
    /^(?:https?:\/\/)?monitoring\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?\/?$/.test(endpoint);
  return isUsual ? {} : asUrl(endpoint, "cloudwatch.endpoint", note);
}

function asUrl(endpoint: string, setting: string, note: Note): { endpoint?: string } {
  const url = endpoint.includes("://") ? endpoint : `https://${endpoint}`;
  if (URL.canParse(url)) return { endpoint: url };
  note(`${setting}: left out, it is no URL`);
  return {};
}
