import {
  Alarm,
  AlarmRule,
  ComparisonOperator,
  CompositeAlarm,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import type { IAlarm, IAlarmAction } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { IStream } from "aws-cdk-lib/aws-kinesis";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import type { WeirConfig } from "../wire/config.ts";
import type { AlarmDefinition } from "./alarm-definition.ts";
import { alarmTopic } from "./alarm-topic.ts";
import { deployedFunctions } from "./deployed-functions.ts";
import type { FleetWatch } from "./fleet-watch.ts";
import { fleetAlarms } from "./fleet-alarms.ts";
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
}

/** What is watched. */
export interface WatchedParts {
  readonly stream: IStream;
  readonly router: Router;
  readonly sequencer: Sequencer;
  readonly loaders: readonly Loader[];
  readonly fleet: FleetWatch | undefined;
}

/**
 * Each alarm says what it means and where the runbook tells what to do, and publishes when it goes on and when it goes
 * off; one alarm stands for them all.
 */
export class Alarms extends Construct {
  readonly topic: ITopic;
  readonly #config: WeirConfig;

  constructor(scope: Construct, id: string, { config, key }: AlarmsProps) {
    super(scope, id);
    this.#config = config;
    const { topicArn, email } = config.alarms;
    this.topic = alarmTopic(this, "Topic", { key, topicArn, email });
  }

  /**
   * Called once, and last: it watches every function that the stack has by then.
   *
   * @returns all alarms but those that stand for others
   */
  watch({ stream, router, sequencer, loaders, fleet }: WatchedParts): readonly IAlarm[] {
    const config = this.#config;
    const action = new SnsAction(this.topic);
    const alarms = [
      ...routerAlarms(config, router, stream),
      ...lineAlarms(config, router.function),
      ...sequencerAlarms(config, sequencer),
      ...loaders.flatMap((loader) => loaderAlarms(config, loader)),
      ...(fleet ? fleetAlarms(config, fleet) : []),
      ...deployedFunctions(this).flatMap((deployed) => [
        ...functionAlarms(config, deployed),
        ...tickAlarms(config, deployed),
      ]),
    ].map((definition) => this.#alarm(definition, action));
    this.#any("Unwell", alarms);
    return alarms;
  }

  #alarm({ id, means, section, isQuiet = false, ...props }: AlarmDefinition, action: IAlarmAction): Alarm {
    const alarm = new Alarm(this, id, {
      treatMissingData: TreatMissingData.NOT_BREACHING,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      ...props,
      alarmDescription: `${means} Runbook: docs/runbook.md#${section}`,
    });
    if (isQuiet) return alarm;
    alarm.addAlarmAction(action);
    alarm.addOkAction(action);
    return alarm;
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
