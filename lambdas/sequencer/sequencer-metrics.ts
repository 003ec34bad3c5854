import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import type { RunReport } from "./run.ts";

/** What a run did, in CloudWatch by embedded metric format: all of it on every run, so that alarms have data. */
export class SequencerMetrics {
  readonly #metrics: Metrics;

  /** @param functionName the dimension `service` of every metric, so that two stacks stay apart */
  constructor(functionName: string) {
    this.#metrics = new Metrics({ namespace: "Weir", serviceName: functionName });
  }

  count({ segments, commits, late, unreadable, lagSeconds }: RunReport): void {
    this.#metrics.addMetric("SequencerLagSeconds", MetricUnit.Seconds, lagSeconds);
    const counts = {
      Segments: segments,
      CommitsSequenced: commits,
      CommitsFoundLate: late,
      CommitsUnreadable: unreadable,
    };
    for (const [name, count] of Object.entries(counts)) {
      this.#metrics.addMetric(name, MetricUnit.Count, count);
    }
    this.#metrics.publishStoredMetrics();
  }
}
