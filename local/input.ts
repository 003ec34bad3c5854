import { once } from "node:events";
import { join, resolve } from "node:path";
import { takesEvents } from "../agent/config.ts";
import type { WeirConfig } from "../wire/config.ts";
import type { AgentFile } from "./agent-file.ts";
import { readAgentSources } from "./agent-sources.ts";
import type { LakeTotals } from "./console/watch-lake.ts";
import { type LogFiles, type LogGlobs, tagOf } from "./log-files.ts";
import type { AgentSource } from "./reconcile/agent-source.ts";
import { countFiles, type Truth } from "./reconcile/truth.ts";
import { RunError } from "./run-error.ts";
import { typeOfTag } from "./tag-types.ts";
import type { LineMaker } from "./traffic/line-maker.ts";
import { generateTraffic, SAMPLE_TYPES } from "./traffic/traffic.ts";

/** What the lake is held against. */
export interface Account {
  /** By type, from the files themselves. */
  readonly truth: Truth;
  /** By source, from the agent. */
  readonly sources?: readonly AgentSource[];
}

/** Where lines come from. */
export interface Input {
  /** Paths or globs by tag, for the agent, where it has no configuration of its own. */
  readonly files: LogGlobs;
  /** That configuration. */
  readonly agentFile?: AgentFile;
  /** Where nothing comes from by itself, how something may. */
  readonly hint?: string;
  /** The agent need not follow anything: a drain takes all there is. */
  readonly isThere: boolean;
  /** Settles when the input has ended, or at the signal. */
  ended(signal: AbortSignal): Promise<void>;
  /** What there was to deliver; asked for once the agent has drained. */
  account(): Promise<Account>;
}

/** Files that are there, for types of the configuration. */
export function logFilesInput(logs: LogFiles, { types }: WeirConfig): Input {
  let truth: Truth = {};
  const tag = (name: string): string => tagOf(types.find((type) => type.name === name)!);
  return {
    files: Object.fromEntries(Object.entries(logs).map(([type, paths]) => [tag(type), paths])),
    isThere: false,
    ended: async (signal) => void (truth = await countFiles(logs, signal)),
    account: async () => ({ truth }),
  };
}

export interface TrafficSettings {
  readonly dir: string;
  readonly linesPerType: number | undefined;
  readonly linesPerSecond: number | undefined;
  readonly seed: number;
}

/** Sample traffic, until it is all written or nobody wants more. */
export function trafficInput(
  settings: TrafficSettings,
  types: readonly LineMaker[],
  lake: LakeTotals,
  finish: AbortSignal,
): Input {
  const { linesPerType, linesPerSecond, seed } = settings;
  const dir = resolve(settings.dir, "logs");
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
    account: async () => ({ truth }),
  };
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
    account: async () => ({ truth: {} }),
  };
}

export function noInput(configFile: string): RunError {
  const message = `--once: ${configFile} has none of the sample's types, and nothing else is named to be sent`;
  return new RunError("INPUT", message, HOW_TO_SEND);
}

const HOW_TO_SEND =
  "Files are sent with --logs TYPE=GLOB, what an agent of yours takes with --agent AGENT.toml.";

/** Whatever an agent's own configuration names, followed until somebody ends it. */
export function agentInput(file: AgentFile, stateDir: string, once: boolean, finish: AbortSignal): Input {
  return {
    files: {},
    agentFile: file,
    isThere: once,
    ended: (signal) => (once ? Promise.resolve() : untilAborted(AbortSignal.any([finish, signal]))),
    account: async () => ({ truth: {}, sources: await readAgentSources(stateDir, file.config) }),
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
