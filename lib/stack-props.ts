import { DefaultStackSynthesizer, PermissionsBoundary } from "aws-cdk-lib";
import type { StackProps } from "aws-cdk-lib";
import type { StackConfig } from "../wire/stack-config.ts";

/** What the configuration says of the stack, as the CDK has it. */
export function stackProps({
  account,
  region,
  terminationProtection,
  permissionsBoundary,
  bootstrapQualifier,
}: StackConfig): StackProps {
  return {
    env: { account, region },
    terminationProtection,
    ...(permissionsBoundary !== undefined && {
      permissionsBoundary: permissionsBoundary.startsWith("arn:")
        ? PermissionsBoundary.fromArn(permissionsBoundary)
        : PermissionsBoundary.fromName(permissionsBoundary),
    }),
    ...(bootstrapQualifier !== undefined && {
      synthesizer: new DefaultStackSynthesizer({ qualifier: bootstrapQualifier }),
    }),
  };
}
