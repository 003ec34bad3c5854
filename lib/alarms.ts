import {
  Alarm,
  AlarmRule,
  ComparisonOperator,
  CompositeAlarm,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import type { IAlarm } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { IStream } from "aws-cdk-lib/aws-kinesis";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import type { WeirConfig } from "../wire/config.ts";
import type { AlarmDefinition } from "./alarm-definition.ts";
import { alarmTopic } from "./alarm-topic.ts";
import { deployedFunctions } from "./deployed-functions.ts";
import { functionAlarms, tickAlarms } from "./function-alarms.ts";
import { lineAlarms } from "./line-alarms.ts";
import { loaderAlarms } from "./loader-alarms.ts";
import type { Loader } from "./loader.ts";
import { routerAlarms } from "./router-alarms.ts";
import type { Router } from "./router.ts";
import { sequencerAlarms } from "./sequencer-alarms.ts";
import type { Sequencer } from "./sequencer.ts";

/**
 * A composite alarm's rule has 10,240 characters and 100 alarms, and an alarm's name up to 255 characters. source:
 * PutCompositeAlarm reference, read 2026-11
 */
const ALARMS_IN_RULE = 35;

export interface AlarmsProps {
  readonly config: WeirConfig;
  readonly key: IKey;
  readonly stream: IStream;
  readonly router: Router;
  readonly sequencer: Sequencer;
  readonly loaders: readonly Loader[];
}

/**
 * Each alarm says what it means and where the runbook tells what to do, and publishes when it goes on and when it goes
 * off; one alarm stands for them all. Made last: it watches every function that the stack has by then.
 */
export class Alarms extends Construct {
  readonly topic: ITopic;
  /** All but those that stand for others. */
  readonly all: readonly IAlarm[];

  constructor(
    scope: Construct,
    id: string,
    { config, key, stream, router, sequencer, loaders }: AlarmsProps,
  ) {
    super(scope, id);
    const { topicArn, email } = config.alarms;
    this.topic = alarmTopic(this, "Topic", { key, topicArn, email });
    const action = new SnsAction(this.topic);
    const alarms = [
      ...routerAlarms(config, router, stream),
      ...lineAlarms(config, router.function),
      ...sequencerAlarms(config, sequencer),
      ...loaders.flatMap((loader) => loaderAlarms(config, loader)),
      ...deployedFunctions(this).flatMap((deployed) => [
        ...functionAlarms(config, deployed),
        ...tickAlarms(config, deployed),
      ]),
    ].map((definition) => this.#alarm(definition));
    for (const alarm of alarms) {
      alarm.addAlarmAction(action);
      alarm.addOkAction(action);
    }
    this.#any("Unwell", alarms);
    this.all = alarms;
  }

  #alarm({ id, means, section, ...props }: AlarmDefinition): Alarm {
    return new Alarm(this, id, {
      treatMissingData: TreatMissingData.NOT_BREACHING,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      ...props,
      alarmDescription: `${means} Runbook: docs/runbook.md#${section}`,
    });
  }

  /** One alarm for all of them, or one for groups of them where a rule has no room for all. */
  #any(id: string, alarms: readonly IAlarm[]): IAlarm {
    const groups: IAlarm[] = [];
    if (alarms.length > ALARMS_IN_RULE) {
      for (let at = 0; at < alarms.length; at += ALARMS_IN_RULE) {
        groups.push(this.#any(`${id}-${groups.length + 1}`, alarms.slice(at, at + ALARMS_IN_RULE)));
      }
    }
    return new CompositeAlarm(this, id, {
      alarmDescription: "Any alarm of Weir is on. Runbook: docs/runbook.md#any-alarm",
      alarmRule: AlarmRule.anyOf(...(groups.length > 0 ? groups : alarms)),
    });
  }
}
