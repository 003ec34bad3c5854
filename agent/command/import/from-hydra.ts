import { isIP } from "node:net";
import * as z from "zod";
import { parseWith } from "../../../wire/config.ts";
import {
  absolutePaths,
  asTag,
  type Imported,
  type ImportedFiles,
  Notes,
  openForward,
  tellSettings,
} from "./imported.ts";
import type { LineOf } from "../../config/setting-lines.ts";
import type { HydraRoute } from "./types/hydra-types.ts";

const listener = z.looseObject({ Host: z.string().optional(), Port: z.int().optional() });
const hydraSchema = z.looseObject({
  TagPrefix: z.string().default(""),
  Logs: z.array(z.looseObject({ File: z.string(), Tag: z.string() })).default([]),
  // Tables, or in its older form texts. They are left out, whatever they are.
  Servers: z.unknown().optional(),
  Receiver: listener.optional(),
  Monitor: listener.optional(),
});

type Hydra = z.output<typeof hydraSchema>;

/** Where it listens unless it is told otherwise. source: hydra/config.go and monitor.go, read 2026-11 */
const RECEIVER_PORT = 24_224;
const MONITOR_PORT = 24_223;
const ANY_ADDRESS = "0.0.0.0";

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
export function fromHydra(value: unknown, lineOf: LineOf, file: string): Imported {
  const hydra = parseWith(hydraSchema, value, file);
  const notes = new Notes();
  const logs = hydra.Logs.map((log, i) => ({ log, at: `Logs[${i}]` }));
  const files = logs.flatMap(({ log, at }) => followed(log, at, hydra.TagPrefix, lineOf, notes));
  for (const key of Object.keys(hydra).filter((key) => !KNOWN.has(key))) {
    notes.add(lineOf(key), `${key}: left out, it means nothing to this agent`);
  }
  const servers = [hydra.Servers ?? []].flat();
  const serverLines = servers.map((_, i) => lineOf(`Servers[${i}]`));
  for (const line of serverLines.includes(undefined) ? [lineOf("Servers")] : serverLines) {
    notes.add(line, "[[Servers]]: left out, lines go to a Kinesis stream");
  }
  const stdin = logs
    .filter(({ log }) => log.File === "-")
    .map(({ log, at }) => {
      return { tag: tagOf(log, at, hydra.TagPrefix, lineOf, notes) };
    });
  const settings = {
    ...(files.length > 0 ? { files } : {}),
    ...(stdin[0] ? { stdin: stdin[0] } : {}),
    ...(hydra.Receiver ? { forward: receiver(hydra.Receiver, lineOf, notes) } : {}),
    ...(hydra.Monitor ? { monitor: monitor(hydra.Monitor, lineOf, notes) } : {}),
  };
  const routes = logs.map(({ log, at }) => {
    const line = lineOf(at) ?? 0;
    return { tag: tagOf(log, at, hydra.TagPrefix, lineOf, new Notes()), line, settings: log };
  });
  const received = { tag: "*", line: lineOf("Receiver") ?? 0, settings: undefined };
  return { settings, notes, types: () => typesOf(hydra.Receiver ? [...routes, received] : routes) };
}

/** Loaded late: an agent on a host makes no types. */
async function typesOf(routes: readonly HydraRoute[]) {
  const { hydraTypes } = await import("./types/hydra-types.ts");
  return hydraTypes(routes);
}

type Log = Hydra["Logs"][number];

function tagOf({ Tag }: Log, at: string, prefix: string, lineOf: LineOf, notes: Notes): string {
  return asTag(prefix === "" ? Tag : `${prefix}.${Tag}`, notes.at(lineOf(`${at}.Tag`)));
}

function followed(log: Log, at: string, prefix: string, lineOf: LineOf, notes: Notes): ImportedFiles[] {
  const { File, Tag: _, ...others } = log;
  const tag = prefix === "" ? log.Tag : `${prefix}.${log.Tag}`;
  const place = `set it in weir.config.ts for the tag "${tag}"`;
  const whyOf = (key: string) => (OF_THE_LOG_TYPE.has(key) ? place : undefined);
  const isOfType = ([key]: readonly [string, unknown]) => OF_THE_LOG_TYPE.has(key);
  const [ofTypes, rest] = [true, false].map((is) =>
    Object.fromEntries(Object.entries(others).filter((entry) => isOfType(entry) === is)),
  );
  const line = (key: string) => lineOf(`${at}.${key}`);
  tellSettings(`${File}: `, ofTypes!, line, { add: (line, text) => notes.addOfTypes(line, text) }, whyOf);
  tellSettings(`${File}: `, rest!, line, notes, whyOf);
  if (File === "-") return [];
  const paths = absolutePaths([File], notes.at(lineOf(`${at}.File`)));
  return paths.map((path) => ({ tag: tagOf(log, at, prefix, lineOf, notes), path, start_at: "end" }));
}

type Listener = z.output<typeof listener>;

function receiver({ Host, Port, ...others }: Listener, lineOf: LineOf, notes: Notes) {
  const whyOf = (key: string) =>
    key === "MaxBufferMessages" ? "what waits is bounded by spool.max_bytes" : undefined;
  tellSettings("[Receiver] ", others, (key) => lineOf(`Receiver.${key}`), notes, whyOf);
  const forward = { bind: Host || ANY_ADDRESS, port: Port ?? RECEIVER_PORT };
  return openForward(forward, notes.at(lineOf("Receiver")));
}

function monitor({ Host, Port, ...others }: Listener, lineOf: LineOf, notes: Notes) {
  for (const key of Object.keys(others)) notes.add(lineOf(`Monitor.${key}`), `[Monitor] ${key}: left out`);
  const port = Port ?? MONITOR_PORT;
  if (Host === undefined || Host === "" || Host === "localhost") return { port };
  if (isIP(Host) !== 0) return { port, address: Host };
  notes.add(
    lineOf("Monitor.Host"),
    `[Monitor] Host = "${Host}": left out, monitor.address takes an IP address`,
  );
  return { port };
}
