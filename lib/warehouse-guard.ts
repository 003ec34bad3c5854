import { fileURLToPath } from "node:url";
import { CustomResource, Duration, Stack, Validations } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { Construct } from "constructs";
import type { WarehouseConfig } from "../wire/warehouse-config.ts";
import { handlerCode } from "./handler-code.ts";
import { HandlerFunction } from "./handler-function.ts";
import { uniqueName } from "./new-warehouse.ts";
import { findingText } from "./object-access.ts";

const ENTRY = fileURLToPath(new URL("../lambdas/guard/handler.ts", import.meta.url));

const MEMORY_MB = 256;
const TIMEOUT_SECONDS = 120;

export interface WarehouseGuardProps {
  readonly config: WarehouseConfig;
  readonly key: IKey;
  /** How long what the guard logs is kept: a number that CloudWatch Logs takes. */
  readonly logRetentionDays: number;
}

/**
 * Refuses a deployment that would leave a warehouse behind which the configuration does not name. What has to wait for
 * its word depends on it.
 */
export class WarehouseGuard extends Construct {
  constructor(scope: Construct, id: string, { config, key, logRetentionDays }: WarehouseGuardProps) {
    super(scope, id);
    const handler = new HandlerFunction(this, "Handler", {
      description: "Weir guard: refuses a deployment that would leave a warehouse behind",
      code: handlerCode(ENTRY),
      key,
      memoryMb: MEMORY_MB,
      timeoutSeconds: TIMEOUT_SECONDS,
      logRetentionDays,
      environment: {},
    });
    // Namespaces have ARNs of UUIDs, which nobody knows of one that may not be there.
    const anyNamespace = Stack.of(this).formatArn({
      service: "redshift-serverless",
      resource: "namespace",
      resourceName: "*",
    });
    handler.role.addToPolicy(
      new PolicyStatement({ actions: ["redshift-serverless:GetNamespace"], resources: [anyNamespace] }),
    );
    Validations.of(handler.role).acknowledge({
      id: `AwsSolutions-IAM5[Resource::${findingText(Stack.of(this).resolve(anyNamespace))}]`,
      reason:
        "a namespace's ARN is a UUID, and the guard asks by name whether there is one; it reads no more than that",
    });
    handler.role.addToPolicy(
      new PolicyStatement({
        actions: ["cloudformation:DescribeStacks", "cloudformation:ListStackResources"],
        resources: [Stack.of(this).stackId],
      }),
    );
    const resource = new CustomResource(this, "Warehouse", {
      resourceType: "Custom::WeirWarehouse",
      serviceToken: handler.function.functionArn,
      // An answer that is lost holds a deployment up for as long as this; CloudFormation's own is an hour.
      serviceTimeout: Duration.minutes(5),
      properties: { ...guarded(this, config), Replaces: config.replaces ?? "" },
    });
    resource.node.addDependency(handler.role);
  }
}

/** All texts: CloudFormation would turn anything else into one. */
function guarded(
  scope: Construct,
  config: WarehouseConfig,
): Record<"Kind" | "Name" | "Database" | "Makes", string> {
  const { kind: Kind } = config;
  if (config.kind === "none") return { Kind, Name: "", Database: "", Makes: "" };
  const { database: Database } = config;
  if (config.kind === "existing-serverless") return { Kind, Name: config.workgroup, Database, Makes: "" };
  if (config.kind === "provisioned") return { Kind, Name: config.cluster, Database, Makes: "" };
  if (config.namespace !== undefined) return { Kind, Name: config.namespace, Database, Makes: "" };
  const Name = uniqueName(scope);
  return { Kind, Name, Database, Makes: Name };
}
