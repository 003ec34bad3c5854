import { basename } from "node:path";
import * as z from "zod";
import { parseWith } from "../../wire/config.ts";
import {
  absolutePaths,
  asTag,
  type Imported,
  type ImportedSettings,
  type ImportedFiles,
  lingerMs,
  pathSetting,
} from "./imported.ts";

const flowSchema = z.looseObject({
  filePattern: z.union([z.string().transform((path) => [path]), z.array(z.string())]),
  kinesisStream: z.string().optional(),
  deliveryStream: z.string().optional(),
  initialPosition: z.enum(["START_OF_FILE", "END_OF_FILE"]).default("END_OF_FILE"),
  maxBufferAgeMillis: z.coerce.number().optional(),
});
const agentJsonSchema = z.looseObject({
  flows: z.array(flowSchema),
  "kinesis.endpoint": z.string().optional(),
  assumeRoleARN: z.string().optional(),
  assumeRoleExternalId: z.string().optional(),
});

type Flow = z.output<typeof flowSchema>;
type Note = (text: string) => void;

/** Why a setting of a flow is not carried over. */
const FLOW_NOTES: Readonly<Record<string, string>> = {
  partitionKeyOption: "lines are spread over the shards by the room that each has",
  maxBufferSizeRecords: "records are closed by size and age: producer.aggregate_bytes, producer.linger_ms",
  maxBufferSizeBytes: "records are closed by size and age: producer.aggregate_bytes, producer.linger_ms",
  multiLineStartPattern: "each line is an event of its own",
  skipHeaderLines: "header lines are sent; they are rejected by their log type and kept",
  truncatedRecordTerminator: "a line that is cut says so in its provenance",
  dataProcessingOptions: "how a line is read is said in weir.config.ts",
};

const TOP_NOTES: Readonly<Record<string, string>> = {
  checkpointFile: "positions are not carried over; the agent keeps its own under state_dir",
};

/** amazon-kinesis-agent's agent.json. @param stream takes only its flows; the first one's if absent */
export function fromKinesisAgent(value: unknown, file: string, stream?: string): Imported {
  const {
    flows,
    "kinesis.endpoint": endpoint,
    assumeRoleARN,
    assumeRoleExternalId,
    ...others
  } = parseWith(agentJsonSchema, value, file);
  const notes: string[] = [];
  const note: Note = (text) => void notes.push(text);
  const chosen = stream ?? flows.find(({ kinesisStream }) => kinesisStream !== undefined)?.kinesisStream;
  const taken = flows.filter((flow) => isTaken(flow, chosen, note));
  for (const [key, setting] of Object.entries(others)) {
    note(`${key} = ${JSON.stringify(setting)}: ${TOP_NOTES[key] ?? topNote(key)}`);
  }
  const ages = taken.flatMap(({ maxBufferAgeMillis: age }) => (age === undefined ? [] : [age]));
  const settings = {
    ...(chosen === undefined ? {} : { stream: chosen }),
    ...(endpoint === undefined ? {} : place(endpoint)),
    ...(assumeRoleARN === undefined ? {} : { aws: role(assumeRoleARN, assumeRoleExternalId) }),
    ...(ages.length === 0 ? {} : { producer: { linger_ms: lingerMs(Math.min(...ages)) } }),
    files: taken.flatMap((flow) => followed(flow, note)),
  };
  return { settings, notes };
}

function isTaken(
  { filePattern, kinesisStream, deliveryStream }: Flow,
  chosen: string | undefined,
  note: Note,
): boolean {
  if (kinesisStream !== undefined && kinesisStream === chosen) return true;
  const target =
    kinesisStream === undefined ? `the delivery stream ${deliveryStream}` : `stream ${kinesisStream}`;
  const way =
    kinesisStream === undefined ? "" : `; for another agent, import it with --stream ${kinesisStream}`;
  note(`${filePattern.join(", ")}: left out, it goes to ${target}${way}`);
  return false;
}

function followed(flow: Flow, note: Note): ImportedFiles[] {
  const {
    filePattern,
    initialPosition,
    kinesisStream: _,
    deliveryStream: __,
    maxBufferAgeMillis: ___,
    ...others
  } = flow;
  const paths = absolutePaths(filePattern, note);
  if (paths.length === 0) return [];
  const tag = asTag(basename(paths[0]!).replace(/[.*?[{].*$/, "") || "log", note);
  note(`${paths.join(", ")}: flows have no tags; it is "${tag}" now, change it to a log type's`);
  for (const [key, setting] of Object.entries(others)) {
    note(`${paths[0]}: ${key} = ${JSON.stringify(setting)}: ${FLOW_NOTES[key] ?? "left out"}`);
  }
  return [{ tag, path: pathSetting(paths), start_at: initialPosition === "START_OF_FILE" ? "head" : "end" }];
}

function topNote(key: string): string {
  return key.startsWith("cloudwatch.") ? "set monitor.port and scrape /metrics" : "left out";
}

function role(role_arn: string, external_id: string | undefined): NonNullable<ImportedSettings["aws"]> {
  return external_id === undefined ? { role_arn } : { role_arn, external_id };
}

/** The region where that says it all. */
function place(endpoint: string): { region: string } | { endpoint: string } {
  const region = /^(?:https:\/\/)?kinesis\.([a-z0-9-]+)\.amazonaws\.com$/.exec(endpoint)?.[1];
  if (region !== undefined) return { region };
  return { endpoint: endpoint.includes("://") ? endpoint : `https://${endpoint}` };
}
