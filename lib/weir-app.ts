import { readFileSync } from "node:fs";
import { App, Tags, Validations } from "aws-cdk-lib";
import type { AppProps } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import type { WeirConfig } from "../wire/config.ts";
import { stackName } from "../wire/stack-config.ts";
import { WeirStack } from "./weir-stack.ts";

/**
 * CloudFormation replaces a namespace, and the workgroup with it, when any of its tags changes, says the reference of
 * AWS::RedshiftServerless::Namespace (read 2026-11); the type's schema says that they are updated in place. Until
 * somebody has seen which of them holds, there are none to change.
 */
const NEVER_TAGGED = ["AWS::RedshiftServerless::Namespace", "AWS::RedshiftServerless::Workgroup"];

/**
 * The CDK app: one stack, checked against CloudFormation's rules and cdk-nag's AwsSolutions when it is
 * synthesized. Looks nothing up in the account, so it needs no credentials.
 *
 * The feature flags of cdk.json are read here too: without the CDK command line the template is the same.
 */
export function weirApp(config: WeirConfig, props: AppProps = {}): App {
  const app = new App({
    analyticsReporting: false,
    ...props,
    context: { ...featureFlags(), ...props.context },
  });
  const name = stackName(config.stack);
  const stack = new WeirStack(app, name, { config });
  for (const [key, value] of Object.entries({ ...config.stack.tags, weir: name })) {
    Tags.of(stack).add(key, value, { excludeResourceTypes: NEVER_TAGGED });
  }
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return app;
}

function featureFlags(): Record<string, unknown> {
  const file = readFileSync(new URL("../cdk.json", import.meta.url), "utf8");
  return (JSON.parse(file) as { context: Record<string, unknown> }).context;
}
