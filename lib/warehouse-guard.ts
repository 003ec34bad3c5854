import { fileURLToPath } from "node:url";
import { CustomResource, Duration, Stack, Validations } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { Construct } from "constructs";
import type { WeirConfig } from "../wire/config.ts";
import { MAIN_WAREHOUSE, type NamedWarehouse, warehousesOf } from "../wire/warehouses.ts";
import { handlerCode } from "./handler-code.ts";
import { HandlerFunction } from "./handler-function.ts";
import { uniqueName } from "./new-warehouse.ts";
import { findingText } from "./object-access.ts";

const ENTRY = fileURLToPath(new URL("../lambdas/guard/handler.ts", import.meta.url));

const MEMORY_MB = 256;
const TIMEOUT_SECONDS = 120;

export interface WarehouseGuardProps {
  readonly config: WeirConfig;
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
      properties: guarded(this, config),
    });
    resource.node.addDependency(handler.role);
  }
}

interface Guarded {
  readonly Kind: string;
  readonly Name: string;
  readonly Database: string;
  /** Name of the namespace that is made under it. */
  readonly Makes: string;
}

const NOTHING: Guarded = { Kind: "none", Name: "", Database: "", Makes: "" };

/**
 * All texts: CloudFormation would turn anything else into one. The main warehouse has properties of its own, as it had
 * before there were others; those stand in one text, and have no commas or spaces in them.
 */
function guarded(scope: Construct, config: WeirConfig): Record<string, string> {
  const all = warehousesOf(config);
  const main = all.filter(({ name }) => name === MAIN_WAREHOUSE).map((one) => guardedWarehouse(scope, one));
  const others = all.filter(({ name }) => name !== MAIN_WAREHOUSE).map((one) => guardedWarehouse(scope, one));
  const replaces = [config.warehouse, ...Object.values(config.warehouses)].flatMap(
    ({ replaces }) => replaces ?? [],
  );
  return {
    ...(main[0] ?? NOTHING),
    Replaces: replaces.join(","),
    Makes: [...main, ...others].flatMap(({ Makes }) => (Makes === "" ? [] : Makes)).join(","),
    ...(others.length > 0 && {
      Others: others.map(({ Kind, Name, Database }) => `${Kind} ${Name} ${Database}`).join(","),
    }),
  };
}

function guardedWarehouse(scope: Construct, { name, config }: NamedWarehouse): Guarded {
  const { kind: Kind, database: Database } = config;
  if (config.kind === "existing-serverless") return { Kind, Name: config.workgroup, Database, Makes: "" };
  if (config.kind === "provisioned") return { Kind, Name: config.cluster, Database, Makes: "" };
  if (config.namespace !== undefined) return { Kind, Name: config.namespace, Database, Makes: "" };
  const Name = uniqueName(scope, name);
  return { Kind, Name, Database, Makes: Name };
}
