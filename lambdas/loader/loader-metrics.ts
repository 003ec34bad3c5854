import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import type { LoadEvent, LoadNumbers } from "./load.ts";
import type { TickReport } from "./tick.ts";

export interface LoaderMetricsOptions {
  /** Tables of the configuration: nobody else can add to the metrics there are to pay for. */
  readonly tables: readonly string[];
  /** What the warehouse runs with, 0 where nobody knows or it is not paid for by its RPUs. */
  readonly baseCapacityRpu: number;
}

/** What a warehouse that wakes up is paid for at least. source: Redshift Serverless billing, read 2026-11 */
const MIN_BUSY_SECONDS = 60;

type Unit = (typeof MetricUnit)[keyof typeof MetricUnit];
type Loaded = Extract<LoadEvent, { kind: "loaded" }>;

/** Each one's number of a load. */
const OF_A_LOAD: readonly (readonly [name: string, unit: Unit, of: keyof LoadNumbers])[] = [
  ["RowsLoaded", MetricUnit.Count, "rows"],
  ["BytesLoaded", MetricUnit.Bytes, "bytes"],
  ["DuplicatesRemoved", MetricUnit.Count, "duplicates"],
  ["Conflicts", MetricUnit.Count, "conflicts"],
  ["RowsErased", MetricUnit.Count, "erased"],
];

/**
 * What a tick did, in CloudWatch by embedded metric format: in all on every tick, so that alarms have data, and by
 * table. A metric is paid for by the hours in which it has a value, so of a table only its lag is told always.
 */
export class LoaderMetrics {
  readonly #metrics: Metrics;
  readonly #options: LoaderMetricsOptions;

  /** @param functionName the dimension `service` of every metric, so that two stacks stay apart */
  constructor(functionName: string, options: LoaderMetricsOptions) {
    this.#metrics = new Metrics({ namespace: "Weir", serviceName: functionName });
    this.#options = options;
  }

  count(report: TickReport): void {
    this.#countAll(report);
    for (const table of this.#options.tables) this.#countTable(table, report);
  }

  #countAll({
    lagSeconds,
    events,
    unreadable,
    refused,
    held = [],
    contested,
    busySeconds,
  }: TickReport): void {
    const loaded = events.filter((event) => event.kind === "loaded");
    this.#metrics.addMetric("LoadLagSeconds", MetricUnit.Seconds, lagSeconds);
    for (const [name, unit, of] of OF_A_LOAD) this.#metrics.addMetric(name, unit, sum(loaded, of));
    this.#metrics.addMetric("LoadsFailed", MetricUnit.Count, failures(events) + unreadable);
    this.#metrics.addMetric("WarehouseChanges", MetricUnit.Count, changes(events));
    this.#metrics.addMetric("ObjectsSetAside", MetricUnit.Count, refused?.objects ?? 0);
    this.#metrics.addMetric("RowsSetAside", MetricUnit.Count, refused?.rows ?? 0);
    const rowsHeld = held.reduce((sum, { rows }) => sum + rows, 0);
    this.#metrics.addMetric("RowsHeld", MetricUnit.Count, rowsHeld);
    this.#metrics.addMetric("ContestedSources", MetricUnit.Count, contested);
    const { baseCapacityRpu } = this.#options;
    if (busySeconds !== undefined && baseCapacityRpu > 0) {
      const rpuSeconds = Math.max(busySeconds, MIN_BUSY_SECONDS) * baseCapacityRpu;
      this.#metrics.addMetric("RpuSecondsEstimated", MetricUnit.Count, rpuSeconds);
    }
    this.#metrics.publishStoredMetrics();
  }

  #countTable(table: string, { behind = [], refusedByTable = {}, ...report }: TickReport): void {
    const lagSeconds = behind.find((one) => one.table === table)?.lagSeconds ?? 0;
    const events = report.events.filter((event) => "table" in event && event.table === table);
    const loaded = events.filter((event) => event.kind === "loaded");
    this.#metrics.addDimension("table", table);
    this.#metrics.addMetric("LoadLagSeconds", MetricUnit.Seconds, lagSeconds);
    for (const [name, unit, of] of OF_A_LOAD) {
      const number = sum(loaded, of);
      if (number > 0) this.#metrics.addMetric(name, unit, number);
    }
    for (const { seconds } of loaded) {
      if (seconds !== undefined) this.#metrics.addMetric("LoadSeconds", MetricUnit.Seconds, seconds);
    }
    const refused = refusedByTable[table];
    if (refused) {
      this.#metrics.addMetric("ObjectsSetAside", MetricUnit.Count, refused.objects);
      this.#metrics.addMetric("RowsSetAside", MetricUnit.Count, refused.rows);
    }
    const failed = failures(events);
    if (failed > 0) this.#metrics.addMetric("LoadsFailed", MetricUnit.Count, failed);
    const changed = changes(events);
    if (changed > 0) this.#metrics.addMetric("WarehouseChanges", MetricUnit.Count, changed);
    this.#metrics.publishStoredMetrics();
  }
}

const sum = (loaded: readonly Loaded[], of: keyof LoadNumbers): number =>
  loaded.reduce((sum, event) => sum + (event[of] ?? 0), 0);

const failures = (events: readonly LoadEvent[]): number =>
  events.filter(({ kind }) => kind === "failed").length;

/** What somebody has taken out of the warehouse, or put into it; a ledger that has more than the state is none. */
const changes = (events: readonly LoadEvent[]): number =>
  events.filter(
    (event) =>
      event.kind === "rows-gone" ||
      event.kind === "unknown-rows" ||
      (event.kind === "diverged" && event.ledger < event.state),
  ).length;
