import { ArnFormat, RemovalPolicy, Stack } from "aws-cdk-lib";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IGrantable } from "aws-cdk-lib/aws-iam";
import { Key } from "aws-cdk-lib/aws-kms";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { Construct } from "constructs";

export type EncryptionKeyProps =
  | { readonly kind: "new" }
  | {
      /** A key of the user's, whose policy lets in what docs/security.md lists. */
      readonly kind: "existing";
      readonly keyArn: string;
    };

export function encryptionKey(scope: Construct, id: string, props: EncryptionKeyProps): IKey {
  return props.kind === "new" ? new EncryptionKey(scope, id) : Key.fromKeyArn(scope, id, props.keyArn);
}

/**
 * The one customer-managed key of the pipeline: stream, lake, warehouse, logs, alarms. Kept when the
 * stack goes, as everything it encrypts is.
 */
class EncryptionKey extends Key {
  constructor(scope: Construct, id: string) {
    super(scope, id, {
      description: "Weir: stream, lake, warehouse, logs and alarms",
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    const { account, region } = Stack.of(this);
    const logGroups = Stack.of(this).formatArn({
      service: "logs",
      resource: "log-group",
      resourceName: "*",
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    this.addToResourcePolicy(
      new PolicyStatement({
        sid: "LogGroupsOfThisAccount",
        principals: [new ServicePrincipal(`logs.${region}.amazonaws.com`)],
        actions: ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
        resources: ["*"],
        conditions: { ArnLike: { "kms:EncryptionContext:aws:logs:arn": logGroups } },
      }),
    );
    this.addToResourcePolicy(
      new PolicyStatement({
        sid: "AlarmsPublishToTheTopic",
        principals: [new ServicePrincipal("cloudwatch.amazonaws.com")],
        actions: ["kms:Decrypt", "kms:GenerateDataKey"],
        resources: ["*"],
        conditions: { StringEquals: { "aws:SourceAccount": account } },
      }),
    );
  }
}

/**
 * Use of the key, but only through one service: a stolen role cannot decrypt what it holds itself.
 *
 * @param key of a stream or bucket; none where the service encrypts with a key of its own, for which nobody needs rights
 */
export function allowKeyUse(
  grantee: IGrantable,
  key: IKey | undefined,
  service: "kinesis" | "s3" | "sns",
  actions: readonly string[],
): void {
  if (!key) return;
  grantee.grantPrincipal.addToPrincipalPolicy(
    new PolicyStatement({
      actions: [...actions],
      resources: [key.keyArn],
      conditions: { StringEquals: { "kms:ViaService": `${service}.${Stack.of(key).region}.amazonaws.com` } },
    }),
  );
}
