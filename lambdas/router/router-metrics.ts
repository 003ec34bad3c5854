import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import type { Commit } from "../../wire/commit.ts";
import { UNROUTED_TYPE } from "../../wire/log-type.ts";

/** Counts of committed batches in CloudWatch, by embedded metric format: once in all and once by type. */
export class RouterMetrics {
  readonly #metrics = new Metrics({ namespace: "Weir" });

  constructor() {
    // Powertools adds `service`; alarms look for metrics without dimensions.
    this.#metrics.clearDefaultDimensions();
  }

  count(commit: Commit): void {
    const types = Object.entries(commit.types);
    const sum = (of: "lines" | "rows" | "rejected" | "duplicates"): number =>
      types.reduce((total, [, counts]) => total + counts[of], 0);
    this.#publish(
      {},
      {
        UserRecords: commit.userRecords,
        Lines: sum("lines"),
        Rows: sum("rows"),
        Rejected: sum("rejected"),
        Duplicates: sum("duplicates"),
        Quarantined: commit.objects.filter(({ kind }) => kind === "quarantine").length,
        Unrouted: commit.types[UNROUTED_TYPE]?.rejected ?? 0,
      },
    );
    for (const [type, { lines, rows, rejected, duplicates }] of types) {
      this.#publish({ type }, { Lines: lines, Rows: rows, Rejected: rejected, Duplicates: duplicates });
    }
  }

  /** Even no dimensions are a set of dimensions: without one CloudWatch would not take the document. */
  #publish(dimensions: Readonly<Record<string, string>>, counts: Readonly<Record<string, number>>): void {
    this.#metrics.addDimensions(dimensions);
    for (const [name, value] of Object.entries(counts))
      this.#metrics.addMetric(name, MetricUnit.Count, value);
    this.#metrics.publishStoredMetrics();
  }
}
