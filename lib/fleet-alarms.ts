import { Duration } from "aws-cdk-lib";
import { Metric, Stats } from "aws-cdk-lib/aws-cloudwatch";
import type { WeirConfig } from "../wire/config.ts";
import { type AlarmDefinition, FIVE_MINUTES, NAMESPACE } from "./alarm-definition.ts";
import type { FleetWatch } from "./fleet-watch.ts";

/**
 * What fleet watch counts. It publishes itself, with the names of hosts and files, so these show and do not publish;
 * that it runs at all, and can publish, is told by the alarms that every function has.
 */
export function fleetAlarms({ alarms }: WeirConfig, { function: handler }: FleetWatch): AlarmDefinition[] {
  const { silentMinutes, stuckMinutes } = alarms.fleet;
  const counted = (metricName: string, id: string, means: string, section: string): AlarmDefinition => ({
    id,
    means,
    section,
    isQuiet: true,
    metric: new Metric({
      namespace: NAMESPACE,
      metricName,
      dimensionsMap: { service: handler.functionName },
      statistic: Stats.MAXIMUM,
      period: FIVE_MINUTES,
    }),
    threshold: 0,
    evaluationPeriods: 1,
  });
  const silent = `The heartbeats of a host have stayed away for more than ${Duration.minutes(silentMinutes).toHumanString()}.`;
  return [
    counted("SilentHosts", "SilentHosts", silent, "silent-hosts"),
    counted(
      "StalledAgents",
      "StalledAgents",
      `An agent has delivered nothing for ${stuckMinutes} minutes, though all of its files wait.`,
      "stalled-agents",
    ),
    counted(
      "StuckFiles",
      "StuckFiles",
      `A file's bytes have waited for ${stuckMinutes} minutes, and none was delivered.`,
      "stuck-files",
    ),
    counted("UnreadableFiles", "UnreadableFiles", "An agent cannot read a file.", "unreadable-files"),
    counted("HostsLeftOut", "HostsLeftOut", "There are more hosts than fleet watch follows.", "silent-hosts"),
  ];
}
