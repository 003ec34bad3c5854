import type { KinesisClient } from "@aws-sdk/client-kinesis";
import type { Logger } from "pino";
import { Agent, type AgentParts, makeTail, type RunOptions } from "./agent.ts";
import { AgentError } from "../agent-error.ts";
import { assertFiles } from "./assert-files.ts";
import type { AgentState } from "../progress/checkpoint-schema.ts";
import { CheckpointFile, makeStateDirectory } from "../progress/checkpoint.ts";
import { CloudWatchHeartbeat } from "../monitor/cloudwatch/cloudwatch-heartbeat.ts";
import { cloudWatchSender } from "../monitor/cloudwatch/cloudwatch-sender.ts";
import type { AgentConfig } from "../config/config.ts";
import { readLabels } from "./labels.ts";
import { warnOfExposure } from "../config/exposure.ts";
import { Inputs } from "./inputs.ts";
import { adoptState } from "./adopt-state.ts";
import { readMachine } from "../machine/read-machine.ts";
import { volumeOf } from "../machine/volume.ts";
import { warnOfMemory } from "./memory.ts";
import { Monitor } from "../monitor/monitor.ts";
import { kinesisClient } from "../kinesis/kinesis-client.ts";
import type { ProducerCounts } from "../kinesis/producer.ts";
import { regionOf } from "../kinesis/region.ts";
import { Reloads } from "./reload.ts";
import { StateLock } from "../progress/state-lock.ts";
import { FileRule } from "../tail/files/file-rule.ts";
import type { TailState } from "../tail/files/tail-state.ts";
import type { Tail } from "../tail/tail.ts";

/**
 * Follows the configured files and delivers their lines to the stream, until it is told to stop.
 *
 * @returns what was sent since the last change of configuration
 * @throws AgentError; lines without acknowledgement are read again at the next start
 */
export async function runAgent(first: AgentConfig, options: RunOptions): Promise<ProducerCounts> {
  const { log, reloads } = options;
  await assertRegion(first);
  await makeStateDirectory(first.state_dir);
  await using _lock = await StateLock.take(first.state_dir);
  await assertFiles(makeRules(first), log);
  const checkpoint = new CheckpointFile(first.state_dir);
  // Held until it is taken up, and no longer: it may be of many thousands of files.
  let state: AgentState | undefined = await adopt(first, checkpoint, log);
  const isRenewed = checkpoint.renewal !== undefined;
  await using inputs = await Inputs.open(first, state.spool, !options.untilDrained, log, isRenewed);
  // Finds out now, not after the first lines, that the state directory cannot be written. What is sent under new ids is
  // sent once they are known there.
  await checkpoint.save({ ...state, spool: inputs.position }, new Date());
  // Open from before the stream answers until the end: what is acknowledged is on disk.
  await inputs.listen();
  await using monitor = new Monitor();
  await monitor.configure(first.monitor);
  const onRefused = () => options.onPhase?.("refused");
  const changes = new Reloads(reloads ?? noReloads(), inputs, monitor, log, onRefused);
  const remember = async (found: TailState) => {
    await checkpoint.trySave({ ...found, spool: inputs.position }, log);
  };
  let tail: Tail | undefined;
  try {
    for (let config = first; ;) {
      warnOfMemory(config, log);
      warnOfExposure(config.forward, log);
      const rules = makeRules(config);
      const { salt } = checkpoint.machine;
      tail = await instead(tail, makeTail(config, rules, state, remember, log, salt));
      state = undefined;
      const { pushed } = inputs;
      const term = await runTerm(config, options, { rules, tail, pushed, checkpoint, changes, monitor });
      if (term.next === undefined) return term.sent;
      config = term.next;
      state = { ...tail.state, spool: inputs.position };
      await pushed?.readAgain();
    }
  } finally {
    await tail?.close();
  }
}

/** What an earlier process has left, for this machine. @throws AgentError CHECKPOINT_CORRUPT */
async function adopt(config: AgentConfig, checkpoint: CheckpointFile, log: Logger): Promise<AgentState> {
  const found = await readMachine(config.machine);
  const volume = await volumeOf(config.state_dir);
  const state = await checkpoint.load();
  const { machine, isRestored } = checkpoint;
  const { host } = config;
  const adoption = adoptState({ state, machine, isRestored, volume, found, host, now: new Date(), log });
  checkpoint.machine = adoption.machine;
  checkpoint.renewal = adoption.renewal;
  return adoption.state;
}

/** Without one nothing could ever be sent. @throws AgentError REGION */
async function assertRegion(config: AgentConfig): Promise<void> {
  const client = kinesisClient(config);
  await regionOf(client).finally(() => client.destroy());
}

/** @returns the tail that goes on with the open files of the one before */
async function instead(before: Tail | undefined, next: Tail): Promise<Tail> {
  if (before) next.takeOver(before);
  await before?.close();
  return next;
}

/** Runs with one configuration. @returns the one that takes its place, undefined at the end */
async function runTerm(
  config: AgentConfig,
  options: RunOptions,
  { monitor, ...parts }: Omit<AgentParts, "client"> & { readonly monitor: Monitor },
): Promise<{ readonly sent: ProducerCounts; readonly next: AgentConfig | undefined }> {
  const { log, onPhase } = options;
  const change = new AbortController();
  const over = new AbortController();
  const next = parts.changes.next(config, AbortSignal.any([options.signal, over.signal])).then((next) => {
    if (next === undefined) return next;
    log.info("the configuration has changed");
    onPhase?.("reloading");
    change.abort();
    return next;
  });
  // Nobody waits for it when the agent ends otherwise.
  next.catch(() => {});
  const signal = AbortSignal.any([options.signal, change.signal]);
  const isReplaced = () => change.signal.aborted && !options.signal.aborted;
  const client = kinesisClient(config);
  const labels = await readLabels(config, process.env, log);
  const agent = new Agent({ ...config, labels }, { ...options, signal }, { ...parts, client });
  monitor.show(() => agent.vitals);
  const telling = tellCloudWatch(config, agent, client, log, over.signal);
  try {
    await agent.run();
  } catch (error) {
    const isUndelivered = error instanceof AgentError && error.code === "UNDELIVERED";
    if (!isUndelivered || !isReplaced()) throw error;
    log.warn(`${error.message}; they are read again`);
  } finally {
    over.abort();
    await Promise.all([telling, parts.changes.settled]);
    client.destroy();
  }
  return { sent: agent.sent, next: isReplaced() ? await next : undefined };
}

async function tellCloudWatch(
  { cloudwatch }: AgentConfig,
  agent: Agent,
  client: KinesisClient,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  if (cloudwatch === undefined) return;
  const send = cloudWatchSender(cloudwatch, client);
  const options = { config: cloudwatch, vitals: () => agent.vitals, send, log };
  await new CloudWatchHeartbeat(options).run(signal);
}

function makeRules(config: AgentConfig): FileRule[] {
  return config.files.map((files) => new FileRule(files));
}

async function* noReloads(): AsyncGenerator<never, void> {}
