import { Duration, Stack } from "aws-cdk-lib";
import { AlarmStatusWidget, Dashboard, GraphWidget, Metric, Stats } from "aws-cdk-lib/aws-cloudwatch";
import type { GraphWidgetProps, IAlarm, IMetric } from "aws-cdk-lib/aws-cloudwatch";
import type { IStream } from "aws-cdk-lib/aws-kinesis";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import type { WeirConfig } from "../wire/config.ts";
import { warehouseTables } from "../wire/loader-grants.ts";
import { FIVE_MINUTES, NAMESPACE } from "./alarm-definition.ts";
import { deployedFunctions } from "./deployed-functions.ts";
import type { FleetWatch } from "./fleet-watch.ts";
import type { Loader } from "./loader.ts";
import type { Router } from "./router.ts";
import type { Sequencer } from "./sequencer.ts";

export interface PipelineDashboardProps {
  readonly config: WeirConfig;
  readonly stream: IStream;
  readonly router: Router;
  readonly sequencer: Sequencer;
  readonly loaders: readonly Loader[];
  readonly fleet: FleetWatch | undefined;
  readonly alarms: readonly IAlarm[];
}

/** In columns, of 24. */
const [HALF, THIRD] = [12, 8];

/**
 * One page for whoever is called at night: the alarms, then the way of lines from the stream to the tables. Types and
 * tables are those of the configuration. Made last, as the alarms are.
 */
export class PipelineDashboard extends Construct {
  constructor(scope: Construct, id: string, props: PipelineDashboardProps) {
    super(scope, id);
    const { alarms, loaders, fleet } = props;
    const { stackName, region } = Stack.of(this);
    // Dashboards belong to an account, not to a region.
    const dashboard = new Dashboard(this, "Page", {
      dashboardName: `${stackName}-${region}`,
      defaultInterval: Duration.hours(12),
    });
    dashboard.addWidgets(
      new AlarmStatusWidget({ title: "Alarms", alarms: [...alarms], width: 24, height: 4 }),
    );
    dashboard.addWidgets(...streamGraphs(props));
    dashboard.addWidgets(...lineGraphs(props));
    if (fleet) dashboard.addWidgets(...fleetGraphs(fleet));
    for (const loader of loaders) dashboard.addWidgets(...loaderGraphs(props.config, loader));
    dashboard.addWidgets(...functionGraphs(this));
  }
}

function streamGraphs({ config, stream, router, sequencer }: PipelineDashboardProps): GraphWidget[] {
  const { iteratorAgeMinutes } = config.alarms;
  const alarmed = { value: Duration.minutes(iteratorAgeMinutes).toMilliseconds(), label: "alarm" };
  const lost = { value: Duration.hours(config.stream.retentionHours).toMilliseconds(), label: "lost" };
  const [period, Sum, Maximum] = [FIVE_MINUTES, { statistic: Stats.SUM }, { statistic: Stats.MAXIMUM }];
  return [
    graph("Stream: bytes in, and records refused", THIRD, {
      left: [stream.metricIncomingBytes({ ...Sum, period })],
      right: [stream.metricWriteProvisionedThroughputExceeded({ ...Sum, period })],
    }),
    graph("Iterator age, and what it may come to", THIRD, {
      left: [router.function.metric("IteratorAge", { ...Maximum, period })],
      leftAnnotations: [alarmed, lost],
    }),
    graph("Commits that wait for their place in the log", THIRD, {
      left: [own(sequencer.function, "SequencerLagSeconds", Stats.MAXIMUM)],
    }),
  ];
}

function lineGraphs({ config, router }: PipelineDashboardProps): GraphWidget[] {
  const outcomes = ["Rows", "Rejected", "Duplicates", "Unrouted", "Quarantined", "Conflicts"];
  const lines = config.types.map(({ name: type }) => own(router.function, "Lines", Stats.SUM, { type }));
  return [
    graph("Lines by type", HALF, { left: lines }),
    graph("What became of them", HALF, {
      left: outcomes.map((name) => own(router.function, name, Stats.SUM)),
    }),
  ];
}

function fleetGraphs({ function: handler }: FleetWatch): GraphWidget[] {
  const wrong = ["SilentHosts", "StalledAgents", "StuckFiles", "UnreadableFiles"];
  const hosts = ["Hosts", "StoppedHosts", "HostsLeftOut"];
  const most = (metric: string): IMetric => own(handler, metric, Stats.MAXIMUM);
  return [
    graph("Fleet: hosts", THIRD, { left: hosts.map(most) }),
    graph("Fleet: silent hosts, and files that do not progress", THIRD, { left: wrong.map(most) }),
    graph("Fleet: bytes that wait on hosts", THIRD, { left: [most("BytesWaiting")] }),
  ];
}

function loaderGraphs(config: WeirConfig, { name, function: handler }: Loader): GraphWidget[] {
  const tables = warehouseTables(config, name).map(({ schema, table }) => `${schema}.${table}`);
  const byTable = (metric: string, statistic: string): IMetric[] =>
    tables.map((table) => own(handler, metric, statistic, { table }));
  const counted = ["DuplicatesRemoved", "Conflicts", "RowsErased", "RowsHeld", "LoadsFailed"];
  return [
    graph(`Warehouse ${name}: seconds behind the lake, by table`, THIRD, {
      left: byTable("LoadLagSeconds", Stats.MAXIMUM),
    }),
    graph(`Warehouse ${name}: rows loaded, by table`, THIRD, { left: byTable("RowsLoaded", Stats.SUM) }),
    graph(`Warehouse ${name}: seconds that loads take, by table`, THIRD, {
      left: byTable("LoadSeconds", Stats.MAXIMUM),
    }),
    graph(`Warehouse ${name}: rows left out, kept apart or held; loads that failed`, THIRD, {
      left: [
        ...counted.map((metric) => own(handler, metric, Stats.SUM)),
        own(handler, "RowsSetAside", Stats.MAXIMUM),
      ],
    }),
    graph(`Warehouse ${name}: bytes loaded`, THIRD, { left: [own(handler, "BytesLoaded", Stats.SUM)] }),
    graph(`Warehouse ${name}: RPU-seconds of loading, an estimate`, THIRD, {
      left: [own(handler, "RpuSecondsEstimated", Stats.SUM)],
    }),
  ];
}

function functionGraphs(scope: Construct): GraphWidget[] {
  const functions = deployedFunctions(scope).map(({ name, function: handler }) => ({ label: name, handler }));
  const [period, statistic] = [FIVE_MINUTES, Stats.SUM];
  return [
    graph("Functions: errors, and calls refused", HALF, {
      left: functions.map(({ label, handler }) => handler.metricErrors({ label, period, statistic })),
      right: functions.map(({ label, handler }) => handler.metricThrottles({ label, period, statistic })),
    }),
    graph("Functions: slowest calls, ms", HALF, {
      left: functions.map(({ label, handler }) =>
        handler.metricDuration({ label, period, statistic: Stats.MAXIMUM }),
      ),
    }),
  ];
}

/** A metric that the functions emit themselves, in all or of a type or table. */
function own(
  { functionName }: IFunction,
  metricName: string,
  statistic: string,
  of: Readonly<Record<string, string>> = {},
): Metric {
  const [label = metricName] = Object.values(of);
  const dimensionsMap = { service: functionName, ...of };
  return new Metric({
    namespace: NAMESPACE,
    metricName,
    dimensionsMap,
    statistic,
    label,
    period: FIVE_MINUTES,
  });
}

const graph = (title: string, width: number, props: GraphWidgetProps): GraphWidget =>
  new GraphWidget({ title, width, ...props });
