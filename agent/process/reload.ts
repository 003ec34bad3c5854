import { isDeepStrictEqual } from "node:util";
import type { Logger } from "pino";
import { AgentError, systemReason } from "../agent-error.ts";
import { assertFiles } from "./assert-files.ts";
import type { AgentConfig } from "../config/config.ts";
import type { Inputs } from "./inputs.ts";
import type { Monitor } from "../monitor/monitor.ts";
import type { ReloadOutcome } from "../monitor/vitals.ts";
import { kinesisClient } from "../kinesis/kinesis-client.ts";
import { regionOf } from "../kinesis/region.ts";
import { describeStream } from "../kinesis/stream.ts";
import { FileRule } from "../tail/files/file-rule.ts";

/** Reads the configuration anew each time that it is asked for. @throws what reading it throws */
export type ReadConfigs = AsyncIterator<() => Promise<AgentConfig>, void>;

/** Changes of configuration while the agent runs. One that cannot be used changes nothing. */
export class Reloads {
  readonly #configs: ReadConfigs;
  readonly #inputs: Inputs;
  readonly #monitor: Monitor;
  readonly #log: Logger;
  readonly #onRefused: () => void;
  #taking: Promise<unknown> = Promise.resolve();
  outcome: ReloadOutcome = { isSuccessful: true, configuredAtMs: Date.now(), taken: 0, refused: 0 };

  constructor(configs: ReadConfigs, inputs: Inputs, monitor: Monitor, log: Logger, onRefused: () => void) {
    this.#configs = configs;
    this.#inputs = inputs;
    this.#monitor = monitor;
    this.#log = log;
    this.#onRefused = onRefused;
  }

  /** Settles once nothing is being prepared: a stop must not leave something behind that begins to listen. */
  get settled(): Promise<unknown> {
    return this.#taking;
  }

  /**
   * Waits for a configuration that can take the place of the present one.
   *
   * @returns undefined when none will come any more
   */
  async next(present: AgentConfig, signal: AbortSignal): Promise<AgentConfig | undefined> {
    for (;;) {
      const { value: read, done } = await this.#configs.next();
      if (done || signal.aborted) return undefined;
      const taking = this.#take(read, present, signal);
      this.#taking = taking.catch(() => {});
      try {
        const next = await taking;
        const { taken, refused } = this.outcome;
        this.outcome = { isSuccessful: true, configuredAtMs: Date.now(), taken: taken + 1, refused };
        return next;
      } catch (error) {
        signal.throwIfAborted();
        this.outcome = { ...this.outcome, isSuccessful: false, refused: this.outcome.refused + 1 };
        this.#onRefused();
        this.#log.error({ reason: systemReason(error) }, "reload refused: the configuration before it stays");
      }
    }
  }

  async #take(
    read: () => Promise<AgentConfig>,
    present: AgentConfig,
    signal: AbortSignal,
  ): Promise<AgentConfig> {
    const next = await read();
    await this.#prepare(next, present, signal);
    return next;
  }

  /** Everything that could go wrong goes wrong here, while the present configuration is at work. */
  async #prepare(next: AgentConfig, present: AgentConfig, signal: AbortSignal): Promise<void> {
    if (next.state_dir !== present.state_dir) {
      const hint = "Restart the agent to move it: checkpoint, lock and spool are there.";
      throw new AgentError("RELOAD", "state_dir", "cannot change while the agent runs", hint);
    }
    if (next.machine !== present.machine) {
      const hint = "Restart the agent: which machine its state belongs to is asked when it starts.";
      throw new AgentError("RELOAD", "machine", "cannot change while the agent runs", hint);
    }
    await assertFiles(
      next.files.map((files) => new FileRule(files)),
      this.#log,
    );
    const keys = ["stream", "region", "endpoint", "aws"] as const;
    const hasOtherStream = keys.some((key) => !isDeepStrictEqual(next[key], present[key]));
    // A stream has a limit for them.
    const hasLargerRecords = next.producer.aggregate_bytes > present.producer.aggregate_bytes;
    if (hasOtherStream || hasLargerRecords) await this.#assertStream(next, signal);
    signal.throwIfAborted();
    await using inputs = await this.#inputs.prepare(next);
    await this.#monitor.configure(next.monitor);
    signal.throwIfAborted();
    await inputs.use();
  }

  async #assertStream(config: AgentConfig, signal: AbortSignal): Promise<void> {
    const client = kinesisClient(config);
    try {
      await regionOf(client);
      if (await describeStream(client, config, this.#log, signal)) return;
    } finally {
      client.destroy();
    }
    throw new AgentError("RELOAD", config.stream, "the stream is not active", "Try again once it is.");
  }
}
