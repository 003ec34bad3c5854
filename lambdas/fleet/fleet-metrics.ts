import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import type { FleetReport } from "./run.ts";

/** How the fleet is, in CloudWatch by embedded metric format: all of it on every run, so that alarms have data. */
export class FleetMetrics {
  readonly #metrics: Metrics;

  /** @param functionName the dimension `service` of every metric, so that two stacks stay apart */
  constructor(functionName: string) {
    this.#metrics = new Metrics({ namespace: "Weir", serviceName: functionName });
  }

  count({ counts, hostsLeftOut, heartbeats, unreadable, lagSeconds }: FleetReport): void {
    const values = {
      Hosts: counts.hosts,
      SilentHosts: counts.silent,
      StalledAgents: counts.stalled,
      StoppedHosts: counts.stopped,
      StuckFiles: counts.stuckFiles,
      UnreadableFiles: counts.unreadableFiles,
      FilesBehind: counts.filesBehind,
      HostsLeftOut: hostsLeftOut,
      Heartbeats: heartbeats,
      HeartbeatsUnreadable: unreadable,
    };
    for (const [name, value] of Object.entries(values)) {
      this.#metrics.addMetric(name, MetricUnit.Count, value);
    }
    this.#metrics.addMetric("BytesWaiting", MetricUnit.Bytes, counts.bytesWaiting);
    if (lagSeconds !== undefined) {
      this.#metrics.addMetric("HeartbeatAgeSeconds", MetricUnit.Seconds, lagSeconds);
    }
    this.#metrics.publishStoredMetrics();
  }
}
