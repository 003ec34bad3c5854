import { Stack } from "aws-cdk-lib";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { Topic } from "aws-cdk-lib/aws-sns";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import type { Construct } from "constructs";

export interface AlarmTopicProps {
  readonly key: IKey;
  /**
   * A topic of the user's. Its policy, and its key's, have to let CloudWatch publish.
   *
   * @default a new one
   */
  readonly topicArn: string | undefined;
  /**
   * Who is subscribed to it.
   *
   * @default nobody
   */
  readonly email: string | undefined;
}

/** Where alarms are published. */
export function alarmTopic(scope: Construct, id: string, { key, topicArn, email }: AlarmTopicProps): ITopic {
  const topic =
    topicArn === undefined ? new AlarmTopic(scope, id, key) : Topic.fromTopicArn(scope, id, topicArn);
  if (email !== undefined) topic.addSubscription(new EmailSubscription(email));
  return topic;
}

/** The key's policy lets CloudWatch use it. */
class AlarmTopic extends Topic {
  constructor(scope: Construct, id: string, key: IKey) {
    super(scope, id, { displayName: "Weir", masterKey: key, enforceSSL: true });
    // A policy of its own replaces SNS's default one, under which CloudWatch may publish.
    this.addToResourcePolicy(
      new PolicyStatement({
        sid: "AlarmsPublish",
        principals: [new ServicePrincipal("cloudwatch.amazonaws.com")],
        actions: ["sns:Publish"],
        resources: [this.topicArn],
        conditions: { StringEquals: { "aws:SourceAccount": Stack.of(this).account } },
      }),
    );
  }
}
