import { setTimeout as sleep } from "node:timers/promises";
import type { AgentClient } from "../kinesis/kinesis-client.ts";
import type { Logger } from "pino";
import type { Heartbeat } from "../../wire/heartbeat.ts";
import { assertAllRead } from "./assert-files.ts";
import { AgentError } from "../agent-error.ts";
import { Bookkeeper } from "../progress/bookkeeper.ts";
import type { CheckpointFile } from "../progress/checkpoint.ts";
import type { AgentConfig } from "../config/config.ts";
import { GATHER_BYTES } from "../config/producer-config.ts";
import { Heartbeats } from "../progress/heartbeats.ts";
import { Latency } from "../monitor/latency.ts";
import { Pace } from "../monitor/pace.ts";
import type { WatchedSource } from "../monitor/watched-source.ts";
import type { Vitals } from "../monitor/vitals.ts";
import type { Block } from "../framing/block.ts";
import { Aggregator, type Origin } from "../kinesis/aggregator.ts";
import { orAborted } from "../kinesis/or-aborted.ts";
import { Outbox } from "../kinesis/outbox.ts";
import { Producer, type ProducerCounts } from "../kinesis/producer.ts";
import { PutRecords } from "../kinesis/put-records.ts";
import { filesThatFit } from "./memory.ts";
import { HeapTrimmer } from "./heap-trimmer.ts";
import type { PushedInput } from "../push/pushed-input.ts";
import { ShardMap } from "../kinesis/shard-map.ts";
import { untilActive } from "../kinesis/stream.ts";
import type { ReadConfigs, Reloads } from "./reload.ts";
import { steadyClock, toTick } from "../steady-clock.ts";
import type { FileRule } from "../tail/files/file-rule.ts";
import type { TailState } from "../tail/files/tail-state.ts";
import { Tail, type TailOptions } from "../tail/tail.ts";
import { version } from "./version.ts";

/** At which rates and lags are measured, and garbage is. */
const MEASURE_EVERY_MS = 1_000;

/** Failed reads in a row, a second apart, after which a drain ends without what the disk does not give. */
const SPOOL_TRIES = 30;

/** It waits for the stream, lines flow, its configuration changes, or a change was refused and all goes on. */
export type AgentPhase = "waiting" | "ready" | "reloading" | "refused";

export interface RunOptions {
  /** Stops reading; what was read is still delivered, up to the deadline of the configuration. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Stops by itself once every file is delivered to its present end. */
  readonly untilDrained?: boolean;
  /** Configurations to change to while it runs. */
  readonly reloads?: ReadConfigs;
  /** Called when one begins. */
  readonly onPhase?: (phase: AgentPhase) => void;
}

export interface AgentParts {
  readonly client: AgentClient;
  readonly rules: readonly FileRule[];
  readonly tail: Tail;
  readonly pushed: PushedInput | undefined;
  readonly checkpoint: CheckpointFile;
  readonly changes: Reloads;
}

export function makeTail(
  config: AgentConfig,
  rules: readonly FileRule[],
  state: TailState,
  remember: TailOptions["remember"],
  log: Logger,
  salt?: string,
): Tail {
  const {
    poll_ms,
    idle_poll_ms,
    watched_poll_ms,
    scan_ms,
    rotated_idle_ms,
    partial_line_ms,
    max_open_files,
  } = config.tail;
  return new Tail(
    {
      host: config.host,
      salt,
      rules,
      pollMs: poll_ms,
      idlePollMs: idle_poll_ms,
      watchedPollMs: watched_poll_ms,
      scanMs: scan_ms,
      rotatedIdleMs: rotated_idle_ms,
      partialLineMs: partial_line_ms,
      maxOpenFiles: max_open_files,
      maxFiles: filesThatFit(config),
      remember,
      log,
      now: steadyClock.now,
    },
    state,
  );
}

/** The parts at work: files -> lines -> aggregates -> outbox -> Kinesis -> checkpoint. */
export class Agent {
  readonly #config: AgentConfig;
  readonly #options: RunOptions;
  readonly #parts: AgentParts;
  readonly #shards: ShardMap;
  readonly #outbox: Outbox;
  readonly #aggregator: Aggregator;
  readonly #producer: Producer;
  readonly #bookkeeper: Bookkeeper;
  readonly #pace = new Pace(steadyClock.now);
  readonly #read = { lines: 0, bytes: 0, cut: 0 };
  readonly #latency = new Latency();
  readonly #heapTrimmer = new HeapTrimmer();

  constructor(config: AgentConfig, options: RunOptions, parts: AgentParts) {
    const { producer, heartbeat, host, stream } = config;
    const { client, tail, pushed, checkpoint } = parts;
    const { log } = options;
    this.#config = config;
    this.#options = options;
    this.#parts = parts;
    const rateLimit = producer.rate_limit_percent / 100;
    const shards = new ShardMap({ client, stream, rateLimit, now: steadyClock.now });
    this.#shards = shards;
    this.#outbox = new Outbox(producer.max_buffered_bytes, shards, steadyClock);
    this.#aggregator = new Aggregator({
      maxBytes: producer.aggregate_bytes,
      lingerMs: producer.linger_ms,
      gatherBytes: Math.min(producer.max_buffered_bytes, GATHER_BYTES),
      compression: producer.compression,
      ordering: producer.ordering,
      labels: config.labels,
      shards,
      seal: (record) => this.#outbox.put(record),
    });
    const requests = new PutRecords(client, stream, producer.wire);
    this.#producer = new Producer({
      stream,
      requests: { send: this.#latency.timed((parcels, signal) => requests.send(parcels, signal)) },
      outbox: this.#outbox,
      shards,
      maxInFlight: producer.max_in_flight,
      clock: steadyClock,
      random: Math.random,
      log,
    });
    const heartbeats = heartbeat.enabled ? new Heartbeats(host, THIS_AGENT, this.#aggregator) : undefined;
    this.#bookkeeper = new Bookkeeper({
      tail,
      pushed,
      checkpoint,
      heartbeats,
      heartbeatMs: heartbeat.interval_ms,
      stamp: () => this.#stamp,
      log,
    });
  }

  get sent(): ProducerCounts {
    return this.#producer.counts;
  }

  get vitals(): Vitals {
    const { host, stream, producer, monitor } = this.#config;
    const { rules, tail, pushed, checkpoint, changes } = this.#parts;
    const files = [...this.#sources()];
    return {
      agent: THIS_AGENT,
      host,
      stream,
      files,
      missing: missing(rules, files),
      pace: this.#pace,
      tail: tail.counts,
      waitingFiles: tail.waiting,
      read: this.#read,
      filters: rules,
      pushed: pushed?.vitals,
      sent: this.#aggregator.sent,
      producer: this.#producer.counts,
      shards: this.#producer.byShard,
      latency: this.#latency,
      openShards: this.#shards.shards.length,
      putFailure: this.#producer.failure,
      bufferedBytes: this.#outbox.bytes,
      maxBufferedBytes: producer.max_buffered_bytes,
      checkpoint,
      stalledMs: monitor.stalled_ms,
      maxFileSeries: monitor.max_file_series,
      reload: changes.outcome,
    };
  }

  async run(): Promise<void> {
    const { client, changes } = this.#parts;
    const { log, signal, onPhase } = this.#options;
    onPhase?.("waiting");
    // A reload names a stream that is there, or the one before.
    const wasThere = changes.outcome.taken > 0;
    const active = inTime(untilActive(client, this.#config, this.#shards, wasThere, log, signal), signal);
    if (!(await this.#keepWatchUntil(active))) return;
    this.#heapTrimmer.trimStart();
    onPhase?.("ready");
    const over = new AbortController();
    const failed = new AbortController();
    const jobs = [
      this.#producer.run(over.signal),
      this.#bookkeeper.run(over.signal),
      this.#measure(over.signal),
    ];
    for (const job of jobs) job.catch((error: unknown) => failed.abort(error));
    try {
      const either = AbortSignal.any([signal, failed.signal]);
      await Promise.all([this.#follow(either), this.#readPushed(either)]);
      await this.#deliverRest(failed.signal);
      if (this.#options.untilDrained && !signal.aborted) assertAllRead(this.#parts.tail, this.#config.stream);
    } finally {
      over.abort();
      await Promise.allSettled(jobs);
      this.#aggregator.close();
      await this.#bookkeeper.save();
    }
  }

  /** Runs until the signal. */
  async #measure(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(toTick(MEASURE_EVERY_MS), undefined, { signal }).catch(() => {});
      this.#pace.look(this.#sources(), this.#stamp);
      this.#heapTrimmer.trim();
    }
  }

  *#sources(): Generator<WatchedSource> {
    const { tail, pushed } = this.#parts;
    yield* tail.files();
    if (pushed) yield pushed.reader;
  }

  /** Stays the same while nothing comes and nothing happens to a file; undefined while there is something to do. */
  get #stamp(): number | undefined {
    const { tail, pushed } = this.#parts;
    return tail.stamp === undefined ? undefined : tail.stamp + (pushed?.reader.size ?? 0);
  }

  /** A drain takes what the spool has, and stdin to its end. */
  async #readPushed(signal: AbortSignal): Promise<void> {
    const { pushed } = this.#parts;
    if (pushed === undefined) return;
    const { reader } = pushed;
    if (!this.#options.untilDrained) return this.#deliver(reader.blocks(signal), signal);
    // While stdin is taken the spool must be read, or it could fill up for good.
    const isOver = new AbortController();
    const taken = pushed.readStdin(signal).finally(() => isOver.abort());
    const blocks = reader.blocks(AbortSignal.any([signal, isOver.signal]));
    await Promise.all([taken, this.#deliver(blocks, signal)]);
    await this.#deliver(reader.drain(signal, SPOOL_TRIES), signal);
  }

  #follow(signal: AbortSignal): Promise<void> {
    const { tail } = this.#parts;
    const blocks = this.#options.untilDrained ? tail.drain(signal) : tail.blocks(signal);
    return this.#deliver(blocks, signal, (room) => this.#keepWatchUntil(room));
  }

  /** @param whileFull is awaited in the place of room that there is not yet */
  async #deliver(
    blocks: AsyncIterable<Block<Origin>>,
    signal: AbortSignal,
    whileFull = (room: Promise<boolean>): Promise<boolean> => room,
  ): Promise<void> {
    for await (const { runs, extent } of blocks) {
      for (const framed of runs) {
        this.#read.lines += this.#aggregator.pack(framed);
        if (framed.run.standing === "cut") this.#read.cut++;
      }
      this.#read.bytes += extent;
      if (!(await inTime(orAborted(this.#aggregator.compressed, signal), signal))) return;
      const room = inTime(this.#outbox.room(signal), signal);
      const isFull = this.#outbox.bytes >= this.#config.producer.max_buffered_bytes;
      if (!(await (isFull ? whileFull(room) : room))) return;
    }
  }

  /** Files come and go, whatever is waited for. */
  async #keepWatchUntil(wait: Promise<boolean>): Promise<boolean> {
    const over = new AbortController();
    const { signal } = over;
    const end = (): void => over.abort();
    wait.then(end, end);
    // No race: each would leave a reaction with what is waited for, and that may last for days.
    while (!signal.aborted) {
      await sleep(this.#config.tail.poll_ms, undefined, { signal }).catch(() => {});
      if (!signal.aborted) await this.#parts.tail.keepWatch();
    }
    return wait;
  }

  /** Waits for the last acknowledgements, then tells what they made of each file. */
  async #deliverRest(failed: AbortSignal): Promise<void> {
    const { signal: stopped, untilDrained = false } = this.#options;
    const { deadline_ms } = this.#config.shutdown;
    const limit = untilDrained && !stopped.aborted ? stopped : AbortSignal.timeout(deadline_ms);
    const signal = AbortSignal.any([failed, limit]);
    if (await inTime(this.#deliverPacked(signal), signal)) {
      this.#bookkeeper.beat(true);
      if (await inTime(this.#deliverPacked(signal), signal)) return;
    }
    failed.throwIfAborted();
    const hint = "They are read again at the next start.";
    const message = `${this.#outbox.bytes} bytes were not acknowledged in time`;
    throw new AgentError("UNDELIVERED", this.#config.stream, message, hint);
  }

  /** @throws AbortError, and what zlib fails with */
  async #deliverPacked(signal: AbortSignal): Promise<void> {
    this.#aggregator.flush();
    await orAborted(this.#aggregator.compressed, signal);
    await this.#outbox.empty(signal);
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

/** Named files that are not there. */
function missing(rules: readonly FileRule[], files: readonly WatchedSource[]): Vitals["missing"] {
  const locations = new Set(files.map(({ location }) => location));
  return rules.flatMap(({ tag, named }) =>
    named.filter((path) => !locations.has(path)).map((path) => ({ tag, path })),
  );
}

const THIS_AGENT: Heartbeat["agent"] = {
  version: version(),
  node: process.version,
  pid: process.pid,
  startedAt: new Date().toISOString(),
};
