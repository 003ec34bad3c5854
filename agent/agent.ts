import { readFileSync } from "node:fs";
import type { KinesisClient } from "@aws-sdk/client-kinesis";
import type { Logger } from "pino";
import type { Heartbeat } from "../wire/heartbeat.ts";
import { AgentError } from "./agent-error.ts";
import { Bookkeeper } from "./bookkeeper.ts";
import { CheckpointFile, makeStateDirectory } from "./checkpoint.ts";
import type { AgentConfig } from "./config.ts";
import { Heartbeats } from "./heartbeats.ts";
import { agentStatus, Monitor } from "./monitor.ts";
import { Aggregator } from "./producer/aggregator.ts";
import { steadyClock } from "./producer/clock.ts";
import { kinesisClient } from "./producer/kinesis-client.ts";
import { Outbox } from "./producer/outbox.ts";
import { nothingSent, Producer, type ProducerCounts } from "./producer/producer.ts";
import { PutRecords } from "./producer/put-records.ts";
import { ShardMap } from "./producer/shard-map.ts";
import { untilActive } from "./producer/stream.ts";
import { StateLock } from "./state-lock.ts";
import type { TailState } from "./tail/file-finder.ts";
import { FileRule } from "./tail/file-rule.ts";
import { Tail, type TailOptions } from "./tail/tail.ts";

export interface RunOptions {
  /** Stops reading; what was read is still delivered, up to the deadline of the configuration. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Stops by itself once every file is delivered to its present end. */
  readonly untilDrained?: boolean;
}

/**
 * Follows the configured files and delivers their lines to the stream, until it is told to stop.
 *
 * @returns what was sent
 * @throws AgentError; lines without acknowledgement are read again at the next start
 */
export async function runAgent(config: AgentConfig, options: RunOptions): Promise<ProducerCounts> {
  await makeStateDirectory(config.state_dir);
  await using _lock = await StateLock.take(config.state_dir);
  const rules = config.files.map((files) => new FileRule(files));
  await assertFiles(rules, options.log);
  const checkpoint = new CheckpointFile(config.state_dir);
  const state = await checkpoint.load();
  // Finds out now, not after the first lines, that the state directory cannot be written.
  await checkpoint.save(state, new Date());
  const client = kinesisClient(config);
  try {
    const { stream, producer } = config;
    const rateLimit = producer.rate_limit_percent / 100;
    const shards = new ShardMap({ client, stream, rateLimit, now: steadyClock.now });
    const { log, signal } = options;
    const isActive = inTime(untilActive(client, config, shards, log, signal), signal);
    if (!(await isActive)) return nothingSent();
    const tail = makeTail(config, rules, state, (found) => checkpoint.trySave(found, log), log);
    return await new Agent(config, options, { client, shards, tail, checkpoint }).run();
  } finally {
    client.destroy();
  }
}

/** @throws AgentError FILES */
async function assertFiles(rules: readonly FileRule[], log: Logger): Promise<void> {
  const problems = await Promise.all(rules.map((rule) => rule.problems()));
  const fatal = problems.flatMap((problem) => problem.fatal);
  if (fatal.length > 0) {
    const hint = "Directories must exist and be readable; files may come later.";
    throw new AgentError("FILES", "configuration", fatal.join("; "), hint);
  }
  for (const { unreadable } of problems) for (const problem of unreadable) log.error(problem);
}

function makeTail(
  config: AgentConfig,
  rules: readonly FileRule[],
  state: TailState,
  remember: TailOptions["remember"],
  log: Logger,
): Tail {
  const { poll_ms, scan_ms, rotated_idle_ms, partial_line_ms, max_open_files } = config.tail;
  return new Tail(
    {
      host: config.host,
      rules,
      pollMs: poll_ms,
      scanMs: scan_ms,
      rotatedIdleMs: rotated_idle_ms,
      partialLineMs: partial_line_ms,
      maxOpenFiles: max_open_files,
      remember,
      log,
      now: Date.now,
    },
    state,
  );
}

interface Parts {
  readonly client: KinesisClient;
  readonly shards: ShardMap;
  readonly tail: Tail;
  readonly checkpoint: CheckpointFile;
}

/** The parts at work: files -> lines -> aggregates -> outbox -> Kinesis -> checkpoint. */
class Agent {
  readonly #config: AgentConfig;
  readonly #options: RunOptions;
  readonly #tail: Tail;
  readonly #outbox: Outbox;
  readonly #aggregator: Aggregator;
  readonly #producer: Producer;
  readonly #bookkeeper: Bookkeeper;

  constructor(config: AgentConfig, options: RunOptions, { client, shards, tail, checkpoint }: Parts) {
    const { producer, heartbeat, host, stream } = config;
    const { log } = options;
    this.#config = config;
    this.#options = options;
    this.#tail = tail;
    this.#outbox = new Outbox(producer.max_buffered_bytes, shards, steadyClock);
    this.#aggregator = new Aggregator({
      maxBytes: producer.aggregate_bytes,
      lingerMs: producer.linger_ms,
      compression: producer.compression,
      ordering: producer.ordering,
      shards,
      seal: (record) => this.#outbox.put(record),
    });
    this.#producer = new Producer({
      stream,
      requests: new PutRecords(client, stream),
      outbox: this.#outbox,
      shards,
      maxInFlight: producer.max_in_flight,
      clock: steadyClock,
      random: Math.random,
      log,
    });
    const heartbeats = heartbeat.enabled ? new Heartbeats(host, thisAgent(), this.#aggregator) : undefined;
    this.#bookkeeper = new Bookkeeper({
      tail,
      checkpoint,
      heartbeats,
      heartbeatMs: heartbeat.interval_ms,
      log,
    });
  }

  async run(): Promise<ProducerCounts> {
    const { port } = this.#config.monitor;
    const status = () => agentStatus(this.#aggregator.sent, this.#tail.files());
    await using _monitor = port === 0 ? undefined : await Monitor.start(port, status);
    const over = new AbortController();
    const failed = new AbortController();
    const jobs = [this.#producer.run(over.signal), this.#bookkeeper.run(over.signal)];
    for (const job of jobs) job.catch((error: unknown) => failed.abort(error));
    try {
      await this.#read(AbortSignal.any([this.#options.signal, failed.signal]));
      await this.#deliverRest(failed.signal);
      return this.#producer.counts;
    } finally {
      over.abort();
      await Promise.allSettled(jobs);
      this.#aggregator.close();
      await this.#tail.close();
      await this.#bookkeeper.save();
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const blocks = this.#options.untilDrained ? this.#tail.drain(signal) : this.#tail.blocks(signal);
    for await (const { file, window, isEnd } of blocks) {
      file.frameRuns(window, isEnd, (run) => this.#aggregator.addLines(file, window, run));
      if (!(await inTime(this.#outbox.room(signal), signal))) return;
    }
  }

  /** Waits for the last acknowledgements, then tells what they made of each file. */
  async #deliverRest(failed: AbortSignal): Promise<void> {
    const { signal: stopped, untilDrained = false } = this.#options;
    const { deadline_ms } = this.#config.shutdown;
    const limit = untilDrained && !stopped.aborted ? stopped : AbortSignal.timeout(deadline_ms);
    const signal = AbortSignal.any([failed, limit]);
    this.#aggregator.flush();
    if (await inTime(this.#outbox.empty(signal), signal)) {
      this.#bookkeeper.beat();
      this.#aggregator.flush();
      if (await inTime(this.#outbox.empty(signal), signal)) return;
    }
    failed.throwIfAborted();
    const hint = "They are read again at the next start.";
    const message = `${this.#outbox.bytes} bytes were not acknowledged in time`;
    throw new AgentError("UNDELIVERED", this.#config.stream, message, hint);
  }
}

/** @returns false when the signal came first @throws what the wait failed with otherwise */
async function inTime(wait: Promise<void>, signal: AbortSignal): Promise<boolean> {
  try {
    await wait;
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

function thisAgent(): Heartbeat["agent"] {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(manifest) as { version: string };
  return { version, node: process.version, pid: process.pid, startedAt: new Date().toISOString() };
}
