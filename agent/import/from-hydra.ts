import * as z from "zod";
import { parseWith } from "../../wire/config.ts";
import { absolutePaths, asTag, type Imported, type ImportedFiles } from "./imported.ts";

const section = z.record(z.string(), z.unknown());
const hydraSchema = z.looseObject({
  TagPrefix: z.string().default(""),
  Logs: z.array(z.looseObject({ File: z.string(), Tag: z.string() })).default([]),
  Servers: z.array(section).default([]),
  Receiver: section.optional(),
  Monitor: z.looseObject({ Host: z.string().optional(), Port: z.int().optional() }).optional(),
});

const KNOWN = new Set(["TagPrefix", "Logs", "Servers", "Receiver", "Monitor"]);

/** What lines are made of is the log type's matter: the agent sends them as they are. */
const OF_THE_LOG_TYPE = new Set([
  "Format",
  "Regexp",
  "Types",
  "TimeParse",
  "TimeKey",
  "TimeFormat",
  "FieldName",
]);

/** fluent-agent-hydra's TOML. Like it, ours begins at the end of files that are there. */
export function fromHydra(value: unknown, file: string): Imported {
  const hydra = parseWith(hydraSchema, value, file);
  const notes: string[] = [];
  const note = (text: string) => void notes.push(text);
  const files = hydra.Logs.flatMap((log) => followed(log, hydra.TagPrefix, note));
  for (const key of Object.keys(hydra).filter((key) => !KNOWN.has(key))) {
    note(`${key}: left out, it means nothing to this agent`);
  }
  if (hydra.Servers.length > 0) note("[[Servers]]: left out, lines go to a Kinesis stream");
  if (hydra.Receiver) note("[Receiver]: left out, only files are carried over");
  const port = hydra.Monitor?.Port;
  if (hydra.Monitor?.Host !== undefined)
    note("Monitor.Host: left out; monitor.address is 127.0.0.1 unless set");
  return { settings: { files, ...(port === undefined ? {} : { monitor: { port } }) }, notes };
}

type Log = z.output<typeof hydraSchema>["Logs"][number];

function followed(log: Log, prefix: string, note: (text: string) => void): ImportedFiles[] {
  const { File, Tag, ...others } = log;
  if (File === "-") {
    note('file "-": left out, standard input is not carried over');
    return [];
  }
  const tag = asTag(prefix === "" ? Tag : `${prefix}.${Tag}`, note);
  for (const [key, setting] of Object.entries(others)) {
    const where = OF_THE_LOG_TYPE.has(key) ? `set it in weir.config.ts for the tag "${tag}"` : "left out";
    note(`${File}: ${key} = ${JSON.stringify(setting)}: ${where}`);
  }
  return absolutePaths([File], note).map((path) => ({ tag, path, start_at: "end" }));
}
