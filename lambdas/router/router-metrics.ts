import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import { UNROUTED_TYPE } from "../../wire/log-type.ts";
import type { RoutedBatch } from "./router.ts";

/**
 * Counts of committed batches in CloudWatch, by embedded metric format: once in all and once by type. Types are
 * those of the configuration and Weir's own, never a producer's words: each new one would be a metric to pay for.
 */
export class RouterMetrics {
  readonly #metrics: Metrics;

  /** @param functionName the dimension `service` of every metric, so that two stacks stay apart */
  constructor(functionName: string) {
    this.#metrics = new Metrics({ namespace: "Weir", serviceName: functionName });
  }

  count({ commit, contested }: RoutedBatch): void {
    const types = Object.entries(commit.types);
    const sum = (of: "lines" | "rows" | "rejected" | "duplicates" | "copies"): number =>
      types.reduce((total, [, counts]) => total + (counts[of] ?? 0), 0);
    this.#publish(
      {},
      {
        UserRecords: commit.userRecords,
        // A share of all lines is one of what came, however many types take each line.
        Lines: sum("lines") - sum("copies"),
        Rows: sum("rows"),
        Rejected: sum("rejected"),
        Duplicates: sum("duplicates"),
        Quarantined: commit.quarantined,
        ContestedSources: contested.length,
        Conflicts: commit.sources.reduce((total, { conflicts }) => total + conflicts, 0),
        Unrouted: commit.types[UNROUTED_TYPE]?.rejected ?? 0,
      },
    );
    for (const [type, { lines, rows, rejected, duplicates }] of types) {
      this.#publish({ type }, { Lines: lines, Rows: rows, Rejected: rejected, Duplicates: duplicates });
    }
  }

  #publish(dimensions: Readonly<Record<string, string>>, counts: Readonly<Record<string, number>>): void {
    this.#metrics.addDimensions(dimensions);
    for (const [name, value] of Object.entries(counts))
      this.#metrics.addMetric(name, MetricUnit.Count, value);
    this.#metrics.publishStoredMetrics();
  }
}
