import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import type { TickReport } from "./tick.ts";

/** What a tick did, in CloudWatch by embedded metric format: in all on every tick, so that alarms have data. */
export class LoaderMetrics {
  readonly #metrics: Metrics;

  /** @param functionName the dimension `service` of every metric, so that two stacks stay apart */
  constructor(functionName: string) {
    this.#metrics = new Metrics({ namespace: "Weir", serviceName: functionName });
  }

  count({ lagSeconds, events, unreadable, contested }: TickReport): void {
    this.#metrics.addMetric("LoadLagSeconds", MetricUnit.Seconds, lagSeconds);
    const loaded = events.filter((event) => event.kind === "loaded");
    const failed = events.filter((event) => event.kind === "failed");
    const rows = loaded.reduce((sum, { rows }) => sum + rows, 0);
    this.#publish({
      RowsLoaded: rows,
      LoadsFailed: failed.length + unreadable,
      ContestedSources: contested,
    });
    for (const { table, rows } of loaded) this.#publish({ RowsLoaded: rows }, table);
    for (const { table } of failed) this.#publish({ LoadsFailed: 1 }, table);
  }

  #publish(counts: Readonly<Record<string, number>>, table?: string): void {
    if (table !== undefined) this.#metrics.addDimension("table", table);
    for (const [name, count] of Object.entries(counts)) {
      this.#metrics.addMetric(name, MetricUnit.Count, count);
    }
    this.#metrics.publishStoredMetrics();
  }
}
