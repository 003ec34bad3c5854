import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { systemReason } from "../../agent-error.ts";
import type { Vitals } from "../vitals.ts";
import type { CloudWatchConfig } from "../../config/cloudwatch-config.ts";
import type { SendMetrics } from "./cloudwatch-sender.ts";
import { heartbeatMetrics, NO_TOTALS, type Totals, totalsOf } from "./heartbeat-metrics.ts";

/** CloudWatch may take this long; delivery does not wait for it. */
const TIMEOUT_MS = 10_000;

export interface CloudWatchOptions {
  readonly config: CloudWatchConfig;
  readonly vitals: () => Vitals;
  readonly send: SendMetrics;
  readonly log: Logger;
}

/**
 * Tells CloudWatch how the agent is, one request at a time. A request that fails is told once and not
 * repeated: the next one has what this one would have had.
 */
export class CloudWatchHeartbeat {
  readonly #options: CloudWatchOptions;
  /** As of the last request that succeeded. */
  #totals: Totals = NO_TOTALS;
  #isFailing = false;

  constructor(options: CloudWatchOptions) {
    this.#options = options;
  }

  /** Runs until the signal, and never fails. */
  async run(signal: AbortSignal): Promise<void> {
    const { interval_ms } = this.#options.config;
    for (;;) {
      await sleep(interval_ms, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      await this.#beat(signal);
    }
  }

  async #beat(signal: AbortSignal): Promise<void> {
    const { config, vitals: ask, send, log } = this.#options;
    const vitals = ask();
    const values = { host: vitals.host, stream: vitals.stream };
    const dimensions = config.dimensions.map((Name) => ({ Name, Value: values[Name] }));
    const totals = totalsOf(vitals);
    try {
      const data = heartbeatMetrics(vitals, this.#totals, dimensions, Date.now());
      await send(data, AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]));
      this.#totals = totals;
      if (this.#isFailing) log.info("CloudWatch takes metrics again");
      this.#isFailing = false;
    } catch (error) {
      if (signal.aborted) return;
      const reason = systemReason(error);
      if (!this.#isFailing) log.warn({ reason }, "CloudWatch does not take metrics; delivery goes on");
      this.#isFailing = true;
    }
  }
}
