import { setTimeout as sleep } from "node:timers/promises";
import type { AgentStatus } from "../../agent/monitor/agent-status.ts";
import type { WeirConfig } from "../../wire/config.ts";
import { type AgentFile, describeAgentFile } from "./agent-file.ts";
import type { Cloud } from "../cloud.ts";
import type { Gauges } from "../run/gauges.ts";
import type { Input } from "../run/input.ts";
import { LocalAgent } from "./local-agent.ts";
import { freePort } from "../part.ts";
import type { RunOptions } from "../run/run.ts";
import { senderSettings } from "./sender-settings.ts";
import { tagsText, typeOfTag, UnroutedTags } from "./tag-types.ts";

const STATUS_EVERY_MS = 1_000;
/** Warnings and errors of the agent's log, by pino's numbers. */
const WARNING = 40;
/** Things that an agent may warn of, once each: beyond them its log has the rest. */
const WARNINGS_MAX = 50;

type Parts = {
  readonly cloud: Cloud;
  readonly gauges: Gauges;
  readonly config: WeirConfig;
  readonly stack: AsyncDisposableStack;
};

/** Says what the agent is about to do, where that is its user's own to know, and how to send to it. */
export async function tellInput(
  { agentFile, hint }: Input,
  { types }: WeirConfig,
  { say, show }: RunOptions,
): Promise<void> {
  if (hint !== undefined) say(hint);
  if (!agentFile) return;
  await describeAgentFile(agentFile, say);
  say(`  tags and their types: ${tagsText(types)}`);
  show(senderSettings(agentFile));
}

/** @returns undefined where there is nothing for an agent to do */
export async function startAgent(
  input: Input,
  options: RunOptions,
  parts: Parts,
): Promise<LocalAgent | undefined> {
  const { files, starts, agentFile, isThere } = input;
  if (!agentFile && Object.keys(files).length === 0) return undefined;
  const { dir, say, signal } = options;
  const { cloud, gauges, config, stack } = parts;
  const monitorPort = await freePort();
  const created = await LocalAgent.create({
    dir,
    stream: cloud.deployment.stream.name,
    endpoint: cloud.kinesisEndpoint,
    environment: { ...agentFile?.variables, ...cloud.environment },
    files,
    starts,
    settings: agentFile?.settings,
    readsStdin: agentFile?.config.stdin !== undefined,
    monitorPort,
    log: logOf(options, agentFile),
    onEvent: say,
    signal,
  });
  const agent = stack.use(created);
  if (!isThere) agent.start();
  gauges.signs.agentStarted();
  const watching = new AbortController();
  stack.defer(() => watching.abort());
  const typeOf = typeOfTag(config.types);
  const unrouted = new UnroutedTags(typeOf, options.configFile, say);
  if (agentFile) unrouted.see(tagsOf(agentFile));
  void watchAgent(monitorPort, watching.signal, (status) => {
    // The spool has no tag of its own: what is in it has many.
    gauges.onAgentStatus(status, (tag) => (tag === "" ? "pushed" : typeOf(tag)));
    unrouted.see(Object.keys(status.sent));
  });
  return agent;
}

/** A failing agent ends the input, which would go nowhere without it. @throws PartError, AbortError */
export async function untilEnded(
  input: Input,
  agent: LocalAgent | undefined,
  signal: AbortSignal,
): Promise<void> {
  const failed = new AbortController();
  agent?.running.catch(() => failed.abort());
  try {
    await input.ended(AbortSignal.any([signal, failed.signal]));
    signal.throwIfAborted();
  } finally {
    if (failed.signal.aborted) await agent?.running;
  }
}

/** Tags that the file itself names; what is pushed to [forward] brings its own. */
function tagsOf({ config: { files, stdin, line_sockets } }: AgentFile): string[] {
  return [...files, ...line_sockets, ...(stdin ? [stdin] : [])]
    .map(({ tag }) => tag)
    .filter((tag) => !tag.includes("${"));
}

/** What the agent warns of is its user's to see where the configuration is theirs: once each. */
function logOf({ log, say }: RunOptions, agentFile: AgentFile | undefined): (line: string) => void {
  const told = new Set<string>();
  return (line) => {
    log("agent", line);
    const text = agentFile && warningOf(line);
    if (text === undefined || told.has(text) || told.size >= WARNINGS_MAX) return;
    told.add(text);
    say(`agent: ${text}`);
  };
}

function warningOf(line: string): string | undefined {
  try {
    const { level, msg, reason, hint, peer, path, file } = JSON.parse(line) as Record<string, unknown>;
    if (typeof level !== "number" || level < WARNING) return undefined;
    return [msg, file ?? path, peer, reason, hint].filter((part) => typeof part === "string").join(": ");
  } catch {
    return undefined;
  }
}

async function watchAgent(
  port: number,
  signal: AbortSignal,
  onStatus: (status: AgentStatus) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/`, { signal });
      onStatus((await response.json()) as AgentStatus);
    } catch {
      // it starts, or starts again
    }
    await sleep(STATUS_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}
