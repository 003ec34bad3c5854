import { once } from "node:events";
import { mkdir, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { takesEvents } from "../../agent/config/config.ts";
import type { WeirConfig } from "../../wire/config.ts";
import type { AgentFile } from "../agent/agent-file.ts";
import type { LakeTotals } from "../console/watch-lake.ts";
import { type LogFiles, type LogGlobs, type LogStarts, tagOf } from "../agent/log-files.ts";
import { countEvents } from "../reconcile/count-events.ts";
import { countFiles, type Truth } from "../reconcile/truth.ts";
import { RunError } from "./run-error.ts";
import { typeOfTag } from "../agent/tag-types.ts";
import type { LineMaker } from "../traffic/line-maker.ts";
import { generateTraffic, SAMPLE_TYPES } from "../traffic/traffic.ts";

/** Something that lines come from. */
export interface Input {
  /** Paths or globs by tag, for the agent, where it has no configuration of its own. */
  readonly files: LogGlobs;
  /** Patterns of lines that begin an event, by tag. */
  readonly starts?: Readonly<Record<string, string>>;
  /** Configuration of its own. */
  readonly agentFile?: AgentFile;
  /** Advice on how something may come, where nothing does by itself. */
  readonly hint?: string;
  /** The agent need not follow anything: a drain takes all there is. */
  readonly isThere: boolean;
  /** Settles when the input has ended, or at the signal. */
  ended(signal: AbortSignal): Promise<void>;
  /** What there was to deliver, by type, once it has ended; undefined where nobody but the agent can tell. */
  truth(): Truth | undefined;
}

/**
 * Files that are there, for types of the configuration.
 *
 * @param starts patterns of lines that begin an event, by type
 */
export function logFilesInput(logs: LogFiles, starts: LogStarts, { types }: WeirConfig): Input {
  let truth: Truth = {};
  const byTag = <T>(byType: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(
      Object.entries(byType).map(([name, value]) => [
        tagOf(types.find((type) => type.name === name)!),
        value,
      ]),
    );
  return {
    files: byTag(logs),
    starts: byTag(starts),
    isThere: true,
    async ended(signal) {
      const counted = { ...(await countFiles(logs, signal)) };
      for (const [type, start] of Object.entries(starts))
        counted[type] = await countEvents(counted[type]!, start);
      truth = counted;
    },
    truth: () => truth,
  };
}

export interface TrafficSettings {
  readonly dir: string;
  readonly linesPerType: number | undefined;
  readonly linesPerSecond: number | undefined;
  readonly seed: number;
}

/** Sample traffic, until it is all written or nobody wants more. @param dir where it is written */
export function trafficInput(
  { linesPerType, linesPerSecond, seed, dir }: TrafficSettings,
  types: readonly LineMaker[],
  lake: LakeTotals,
  finish: AbortSignal,
): Input {
  let truth: Truth = {};
  return {
    files: Object.fromEntries(types.map(({ type }) => [type, [join(dir, `${type}.log*`)]])),
    isThere: false,
    async ended(signal) {
      truth = await generateTraffic({
        dir,
        seed,
        types,
        ...(linesPerType !== undefined && { linesPerType }),
        ...(linesPerSecond !== undefined && { linesPerSecond }),
        releasable: (type, file) => lake.holds(type, file),
        signal: AbortSignal.any([finish, signal]),
      });
    },
    truth: () => truth,
  };
}

/** Makes a folder for the traffic of one run: logs, logs-2 and so on, of which none is written to twice. */
export async function trafficDir(dir: string): Promise<string> {
  for (let run = 1; ; run++) {
    const path = resolve(dir, run === 1 ? "logs" : `logs-${run}`);
    await mkdir(path, { recursive: true });
    if ((await readdir(path)).length === 0) return path;
  }
}

/** Formats of the sample's types. A type of another format that has such a name is its user's own. */
const SAMPLE_FORMATS: Readonly<Record<string, string>> = { access: "combined", photo: "json", user: "ltsv" };

/** Sample types that a configuration takes as what they are. */
export function sampleTypesOf({ types }: WeirConfig): LineMaker[] {
  const typeOf = typeOfTag(types);
  return SAMPLE_TYPES.filter(({ type: tag }) => {
    const type = types.find(({ name }) => name === typeOf(tag));
    return type?.name === tag && type.parse.format === SAMPLE_FORMATS[tag];
  });
}

/** Nothing but what others put into the stream, until somebody ends it. */
export function noTraffic(finish: AbortSignal): Input {
  return {
    files: {},
    hint: `no sample traffic: the configuration has none of the sample's types. ${HOW_TO_SEND}`,
    isThere: false,
    ended: (signal) => untilAborted(AbortSignal.any([finish, signal])),
    truth: () => ({}),
  };
}

export function noInput(configFile: string): RunError {
  const message = `--once: ${configFile} has none of the sample's types, and nothing else is named to be sent`;
  return new RunError("INPUT", message, HOW_TO_SEND);
}

const HOW_TO_SEND =
  "Files are sent with --logs TYPE=GLOB, what an agent of yours takes with --agent AGENT.toml.";

/** Whatever an agent's own configuration names, followed until somebody ends it. */
export function agentInput(file: AgentFile, once: boolean, finish: AbortSignal): Input {
  return {
    files: {},
    agentFile: file,
    isThere: once,
    ended: (signal) => (once ? Promise.resolve() : untilAborted(AbortSignal.any([finish, signal]))),
    truth: () => undefined,
  };
}

/** @throws RunError INPUT: what is pushed has no end of its own */
export function assertEnds({ path, config }: AgentFile): void {
  if (config.files.length > 0 || config.stdin || !takesEvents(config)) return;
  const hint =
    "Leave --once out, send what there is, and end it with Ctrl-C: it drains and adds up then, too.";
  throw new RunError("INPUT", `--once: ${path} has pushed input only, and nothing that ends`, hint);
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}
