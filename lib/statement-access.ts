import { Validations } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Role } from "aws-cdk-lib/aws-iam";

/** Lets a role follow the statements that it has submitted itself. */
export function allowFollowing(role: Role, actions: readonly string[] = []): void {
  role.addToPolicy(
    new PolicyStatement({
      actions: ["redshift-data:DescribeStatement", "redshift-data:GetStatementResult", ...actions],
      resources: ["*"],
      conditions: { StringEquals: { "redshift-data:statement-owner-iam-userid": "${aws:userid}" } },
    }),
  );
  Validations.of(role).acknowledge({
    id: "AwsSolutions-IAM5[Resource::*]",
    reason: "statements have no ARN; the condition narrows the actions to those this role submitted",
  });
}
