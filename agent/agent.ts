import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { KinesisClient } from "@aws-sdk/client-kinesis";
import type { Logger } from "pino";
import { AgentError, systemReason } from "./agent-error.ts";
import { CheckpointFile, makeStateDirectory } from "./checkpoint.ts";
import type { AgentConfig } from "./config.ts";
import { Heartbeats } from "./heartbeats.ts";
import { agentStatus, Monitor } from "./monitor.ts";
import { Aggregator } from "./producer/aggregator.ts";
import { kinesisClient } from "./producer/kinesis-client.ts";
import { Outbox } from "./producer/outbox.ts";
import { Producer, type ProducerCounts } from "./producer/producer.ts";
import { ShardMap } from "./producer/shard-map.ts";
import { untilActive } from "./producer/stream.ts";
import { StateLock } from "./state-lock.ts";
import { FileRule } from "./tail/file-rule.ts";
import type { FollowedFile } from "./tail/followed-file.ts";
import { Tail } from "./tail/tail.ts";

/** A crash sends again what was acknowledged since the last checkpoint, so at most a second of it. */
const CHECKPOINT_EVERY_MS = 1_000;

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
    const shards = new ShardMap(client, config.stream);
    await untilActive(client, config.stream, shards, options.log, options.signal);
    const tail = makeTail(config, rules, state, options.log);
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
  state: Awaited<ReturnType<CheckpointFile["load"]>>,
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
  readonly #parts: Parts;
  readonly #outbox: Outbox;
  readonly #aggregator: Aggregator;
  readonly #producer: Producer;
  readonly #heartbeats: Heartbeats | undefined;
  readonly #reported = new WeakSet<FollowedFile>();
  #nextBeatMs = 0;

  constructor(config: AgentConfig, options: RunOptions, parts: Parts) {
    const { client, shards } = parts;
    const { aggregate_bytes, linger_ms, compression, max_buffered_bytes, max_in_flight } = config.producer;
    this.#config = config;
    this.#options = options;
    this.#parts = parts;
    this.#outbox = new Outbox(max_buffered_bytes);
    this.#aggregator = new Aggregator({
      maxBytes: aggregate_bytes,
      lingerMs: linger_ms,
      compression,
      shards,
      seal: (record) => this.#outbox.put(record),
    });
    this.#producer = new Producer({
      client,
      stream: config.stream,
      outbox: this.#outbox,
      shards,
      maxInFlight: max_in_flight,
      log: options.log,
    });
    if (config.heartbeat.enabled) {
      this.#heartbeats = new Heartbeats(config.host, agentIdentity(), this.#aggregator);
    }
  }

  async run(): Promise<ProducerCounts> {
    const { port } = this.#config.monitor;
    const status = () => agentStatus(this.#parts.tail.files());
    await using _monitor = port === 0 ? undefined : await Monitor.start(port, status);
    const over = new AbortController();
    const failed = new AbortController();
    const work = [this.#producer.run(over.signal), this.#keepBooks(over.signal)];
    for (const job of work) job.catch((error: unknown) => failed.abort(error));
    try {
      await this.#read(AbortSignal.any([this.#options.signal, failed.signal]));
      await this.#drain(failed.signal);
      return this.#producer.counts;
    } finally {
      over.abort();
      await Promise.allSettled(work);
      this.#aggregator.close();
      await this.#parts.tail.close();
      await this.#parts.checkpoint.save(this.#parts.tail.state, new Date());
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const { untilDrained = false } = this.#options;
    for await (const { file, window, isEnd } of this.#parts.tail.blocks(signal, untilDrained)) {
      file.frame(window, isEnd, (line) => this.#aggregator.add(file, window, line));
      if (!(await arrived(this.#outbox.room(signal), signal))) return;
    }
  }

  /** Waits for the last acknowledgements, then tells what they made of each file. */
  async #drain(failed: AbortSignal): Promise<void> {
    const { deadline_ms } = this.#config.shutdown;
    const { signal: stopped, untilDrained = false } = this.#options;
    const limit = untilDrained && !stopped.aborted ? stopped : AbortSignal.timeout(deadline_ms);
    const signal = AbortSignal.any([failed, limit]);
    this.#aggregator.flush();
    const isDelivered = await arrived(this.#outbox.empty(signal), signal);
    if (isDelivered) {
      this.#beat(Date.now());
      this.#aggregator.flush();
    }
    if (isDelivered && (await arrived(this.#outbox.empty(signal), signal))) return;
    failed.throwIfAborted();
    const { bytes } = this.#outbox;
    const hint = "They are read again at the next start.";
    const message = `${bytes} bytes were not acknowledged in time`;
    throw new AgentError("UNDELIVERED", this.#config.stream, message, hint);
  }

  /** Saves checkpoints and sends heartbeats, until the signal. */
  async #keepBooks(signal: AbortSignal): Promise<void> {
    const { checkpoint, tail } = this.#parts;
    this.#nextBeatMs = Date.now() + this.#config.heartbeat.interval_ms;
    const everyMs = Math.min(CHECKPOINT_EVERY_MS, this.#config.heartbeat.interval_ms);
    while (await arrived(sleep(everyMs, undefined, { signal }), signal)) {
      try {
        await checkpoint.save(tail.state, new Date());
      } catch (error) {
        // Positions fall behind and nothing else: the next attempt may find room again.
        this.#options.log.error(
          { path: checkpoint.path, reason: systemReason(error) },
          "no checkpoint was written",
        );
      }
      const ended = Array.from(tail.files()).filter((file) => this.#isNewlyEnded(file));
      if (ended.length > 0 || Date.now() >= this.#nextBeatMs) this.#beat(Date.now(), ended);
    }
  }

  #isNewlyEnded(file: FollowedFile): boolean {
    if (file.phase !== "ended") this.#reported.delete(file);
    return file.phase === "ended" && !file.delivery.isPending && !this.#reported.has(file);
  }

  /** @param ended tells of these only, while it is not yet time to tell of all */
  #beat(nowMs: number, ended?: readonly FollowedFile[]): void {
    const { tail } = this.#parts;
    const isDue = ended === undefined || nowMs >= this.#nextBeatMs;
    const files = isDue ? [...tail.files()].filter((file) => !this.#reported.has(file)) : ended;
    this.#heartbeats?.beat(files, new Date(nowMs));
    if (isDue) this.#nextBeatMs = nowMs + this.#config.heartbeat.interval_ms;
    for (const file of files) {
      if (file.phase !== "ended" || file.delivery.isPending) continue;
      this.#reported.add(file);
      tail.forget(file);
    }
  }
}

/** @returns false when the signal came first @throws what the wait failed with otherwise */
async function arrived(wait: Promise<void>, signal: AbortSignal): Promise<boolean> {
  try {
    await wait;
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

function agentIdentity() {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(manifest) as { version: string };
  return { version, node: process.version, pid: process.pid, startedAt: new Date().toISOString() };
}
