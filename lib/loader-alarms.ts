import { Duration } from "aws-cdk-lib";
import { Metric, Stats, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import type { IMetric } from "aws-cdk-lib/aws-cloudwatch";
import type { WeirConfig } from "../wire/config.ts";
import { MAIN_WAREHOUSE } from "../wire/warehouses.ts";
import { type AlarmDefinition, NAMESPACE } from "./alarm-definition.ts";
import { contestedAlarm } from "./line-alarms.ts";
import type { Loader } from "./loader.ts";

/** What may go wrong on the way from the lake to the warehouse. */
export function loaderAlarms(
  { alarms, loader: { everyMinutes } }: WeirConfig,
  { function: handler, node, name }: Loader,
): AlarmDefinition[] {
  const tick = Duration.minutes(everyMinutes);
  const metric = (metricName: string, statistic: string): IMetric =>
    new Metric({
      namespace: NAMESPACE,
      metricName,
      dimensionsMap: { service: handler.functionName },
      statistic,
      period: tick,
    });
  const warehouse = name === MAIN_WAREHOUSE ? "the warehouse" : `the warehouse ${name}`;
  const definitions: AlarmDefinition[] = [
    {
      id: "LoadLag",
      means: `Rows wait for ${warehouse} for more than ${alarms.loadLagTicks} ticks, or the loader is silent.`,
      section: "load-lag",
      metric: metric("LoadLagSeconds", Stats.MAXIMUM),
      threshold: alarms.loadLagTicks * tick.toSeconds(),
      // Two, so that a tick which falls just outside its period is not silence.
      evaluationPeriods: 2,
      treatMissingData: TreatMissingData.BREACHING,
    },
    {
      id: "LoadsFailed",
      means: `${name === MAIN_WAREHOUSE ? "A load" : `A load of ${warehouse}`} was refused for a reason that does not pass by itself.`,
      section: "loads-failed",
      metric: metric("LoadsFailed", Stats.SUM),
      threshold: 0,
      evaluationPeriods: 1,
    },
    {
      id: "WarehouseChanged",
      means:
        "Rows that were loaded are gone: the warehouse was restored or replaced, or a table dropped or emptied.",
      section: "warehouse-changed",
      metric: metric("WarehouseChanges", Stats.SUM),
      threshold: 0,
      evaluationPeriods: 1,
    },
    {
      id: "ConflictingRows",
      means: "Rows were loaded beside others of the same source and offset, and are not the same lines.",
      section: "rows-of-one-place",
      metric: metric("Conflicts", Stats.SUM),
      threshold: alarms.conflictingRows,
      evaluationPeriods: 1,
    },
    {
      id: "ObjectsSetAside",
      means: "The warehouse refuses objects of the lake, and their rows are not in their tables.",
      section: "objects-set-aside",
      metric: metric("ObjectsSetAside", Stats.MAXIMUM),
      threshold: 0,
      evaluationPeriods: 1,
    },
    {
      id: "RowsHeld",
      means: "Rows wait for the warehouse under the name of a type that the configuration does not know.",
      section: "rows-held",
      metric: metric("RowsHeld", Stats.MAXIMUM),
      threshold: 0,
      evaluationPeriods: 1,
    },
    contestedAlarm("Loader", alarms, handler, tick),
  ];
  // The main one's have no prefix; those of another have its warehouse's.
  const prefix = node.id.replace(/Loader$/, "");
  return definitions.map(({ id, ...definition }) => ({ id: `${prefix}${id}`, ...definition }));
}
