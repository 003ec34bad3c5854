import { Duration } from "aws-cdk-lib";
import {
  Alarm,
  AlarmRule,
  ComparisonOperator,
  CompositeAlarm,
  Metric,
  Stats,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import type { AlarmProps, IMetric } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import type { WeirConfig } from "../wire/config.ts";
import { alarmTopic } from "./alarm-topic.ts";
import type { Loader } from "./loader.ts";
import type { Router } from "./router.ts";

/** Of the metrics that the functions emit themselves; their totals have no dimensions. */
const NAMESPACE = "Weir";

const FIVE_MINUTES = Duration.minutes(5);

export interface AlarmsProps {
  readonly config: WeirConfig;
  readonly key: IKey;
  readonly router: Router;
  readonly loader: Loader | undefined;
}

interface Threshold extends Omit<AlarmProps, "alarmDescription" | "comparisonOperator"> {
  /** What it means, in a sentence. */
  readonly means: string;
  /** Its heading in docs/runbook.md, as the heading's anchor. */
  readonly section: string;
}

/** Each alarm says what it means and where the runbook tells what to do; one alarm stands for them all. */
export class Alarms extends Construct {
  readonly #alarms: Alarm[] = [];

  constructor(scope: Construct, id: string, { config, key, router, loader }: AlarmsProps) {
    super(scope, id);
    this.#watchRouter(config, router);
    if (loader) this.#watchLoader(config, loader);

    const { topicArn, email } = config.alarms;
    const topic = alarmTopic(this, "Topic", { key, topicArn, email });
    for (const alarm of this.#alarms) alarm.addAlarmAction(new SnsAction(topic));
    new CompositeAlarm(this, "Unwell", {
      alarmDescription: "Any alarm of Weir is on. Runbook: docs/runbook.md#any-alarm",
      alarmRule: AlarmRule.anyOf(...this.#alarms),
    });
  }

  #watchRouter({ alarms }: WeirConfig, { function: handler, mapping }: Router): void {
    this.#alarm("IteratorAge", {
      means: `The router is more than ${alarms.iteratorAgeMinutes} minutes behind the stream.`,
      section: "iterator-age",
      metric: handler.metric("IteratorAge", { statistic: Stats.MAXIMUM, period: FIVE_MINUTES }),
      threshold: Duration.minutes(alarms.iteratorAgeMinutes).toMilliseconds(),
      evaluationPeriods: 1,
    });
    this.#alarm("BatchesGivenUp", {
      means: "The router gave up on records; they wait in the failure bucket.",
      section: "batches-given-up",
      metric: mappingCount(mapping.eventSourceMappingId, "OnFailureDestinationDeliveredEventCount"),
      threshold: 0,
      evaluationPeriods: 1,
    });
    this.#alarm("RecordsDropped", {
      means: "Records left the mapping without reaching lake or failure bucket; only the stream has them.",
      section: "records-dropped",
      metric: mappingCount(mapping.eventSourceMappingId, "DroppedEventCount"),
      threshold: 0,
      evaluationPeriods: 1,
    });
    this.#alarm("RouterErrors", {
      means: "The router fails again and again.",
      section: "router-errors",
      ...errors(handler, FIVE_MINUTES),
    });
  }

  #watchLoader({ alarms, loader: { everyMinutes } }: WeirConfig, { function: handler }: Loader): void {
    const tick = Duration.minutes(everyMinutes);
    const dimensionsMap = { service: handler.functionName };
    this.#alarm("LoadLag", {
      means: `Rows wait for the warehouse for more than ${alarms.loadLagTicks} ticks, or the loader is silent.`,
      section: "load-lag",
      metric: new Metric({
        namespace: NAMESPACE,
        metricName: "LoadLagSeconds",
        dimensionsMap,
        statistic: Stats.MAXIMUM,
        period: tick,
      }),
      threshold: alarms.loadLagTicks * tick.toSeconds(),
      // Two, so that a tick which falls just outside its period is not silence.
      evaluationPeriods: 2,
      treatMissingData: TreatMissingData.BREACHING,
    });
    this.#alarm("LoadsFailed", {
      means: "A load was refused for a reason that does not pass by itself.",
      section: "loads-failed",
      metric: new Metric({
        namespace: NAMESPACE,
        metricName: "LoadsFailed",
        dimensionsMap,
        statistic: Stats.SUM,
        period: tick,
      }),
      threshold: 0,
      evaluationPeriods: 1,
    });
    this.#alarm("LoaderErrors", {
      means: "The loader fails again and again.",
      section: "loader-errors",
      ...errors(handler, tick),
    });
  }

  #alarm(id: string, { means, section, ...props }: Threshold): void {
    this.#alarms.push(
      new Alarm(this, id, {
        treatMissingData: TreatMissingData.NOT_BREACHING,
        ...props,
        comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
        alarmDescription: `${means} Runbook: docs/runbook.md#${section}`,
      }),
    );
  }
}

/** Two periods of three: retries and the next tick make a single error good. */
function errors(
  handler: IFunction,
  period: Duration,
): Pick<Threshold, "metric" | "threshold" | "evaluationPeriods" | "datapointsToAlarm"> {
  return {
    metric: handler.metricErrors({ period, statistic: Stats.SUM }),
    threshold: 0,
    evaluationPeriods: 3,
    datapointsToAlarm: 2,
  };
}

/** Event counts of a mapping. Lambda's metrics reference, "Event source mapping metrics", read 2026-11. */
function mappingCount(uuid: string, metricName: string): IMetric {
  return new Metric({
    namespace: "AWS/Lambda",
    metricName,
    dimensionsMap: { EventSourceMappingUUID: uuid },
    statistic: Stats.SUM,
    period: FIVE_MINUTES,
  });
}
