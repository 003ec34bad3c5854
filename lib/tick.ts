import { Duration, Stack, Validations } from "aws-cdk-lib";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { Schedule, ScheduleExpression, ScheduleTargetInput } from "aws-cdk-lib/aws-scheduler";
import { LambdaInvoke } from "aws-cdk-lib/aws-scheduler-targets";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";

export interface TickProps {
  readonly target: IFunction;
  readonly every: Duration;
  /** What the function is called in descriptions; the loader, unless it is said. */
  readonly name?: string;
}

/** Invokes a function at a fixed rate, with `{}`. Ticks that could not be delivered go to a queue. */
export class Tick extends Construct {
  readonly target: IFunction;
  readonly every: Duration;
  readonly undelivered: IQueue;

  constructor(scope: Construct, id: string, { target, every, name = "loader" }: TickProps) {
    super(scope, id);
    this.target = target;
    this.every = every;
    const undelivered = new Queue(this, "Undelivered", {
      // A tick holds no data, so SQS's own key is enough, and Scheduler needs no key of ours.
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    this.undelivered = undelivered;
    Validations.of(undelivered).acknowledge({
      id: "AwsSolutions-SQS3",
      reason: "it is a dead-letter queue: of a schedule, which the rule does not look at",
    });
    const role = new Role(this, "Role", {
      description: `Weir: Scheduler invokes the ${name}`,
      assumedBy: new ServicePrincipal("scheduler.amazonaws.com", {
        conditions: { StringEquals: { "aws:SourceAccount": Stack.of(this).account } },
      }),
    });
    role.addToPolicy(
      new PolicyStatement({ actions: ["lambda:InvokeFunction"], resources: [target.functionArn] }),
    );
    role.addToPolicy(
      new PolicyStatement({ actions: ["sqs:SendMessage"], resources: [undelivered.queueArn] }),
    );
    const schedule = new Schedule(this, "Schedule", {
      description: `Weir ${name}: its tick`,
      schedule: ScheduleExpression.rate(every),
      target: new LambdaInvoke(target, {
        input: ScheduleTargetInput.fromObject({}),
        deadLetterQueue: undelivered,
        retryAttempts: 0,
        maxEventAge: every,
        // As it stands: the target's own grant would cover every version and alias of the function.
        role: role.withoutPolicyUpdates(),
      }),
    });
    schedule.node.addDependency(role);
  }
}
