import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { ArnFormat, CustomResource, Duration, Stack } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Role } from "aws-cdk-lib/aws-iam";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { Construct } from "constructs";
import type { WeirConfig } from "../wire/config.ts";
import { loaderGrants, warehouseTables } from "../wire/loader-grants.ts";
import { handlerCode } from "./handler-code.ts";
import { HandlerFunction } from "./handler-function.ts";
import { allowFollowing } from "./statement-access.ts";
import type { AdminSecret, ServerlessWarehouse } from "./warehouse.ts";

const ENTRY = fileURLToPath(new URL("../lambdas/grants/handler.ts", import.meta.url));

const MEMORY_MB = 256;
/** It may wake a warehouse, and tries again for a minute. */
const TIMEOUT_SECONDS = 300;

export interface LoaderGrantsProps {
  readonly config: WeirConfig;
  readonly key: IKey;
  /** Name of the warehouse in the configuration. */
  readonly name: string;
  readonly warehouse: ServerlessWarehouse;
  readonly adminSecret: AdminSecret;
  /** The loader's user in the database. */
  readonly user: string;
}

/**
 * The loader's rights in the warehouse, given at deployment by its administrator: when the warehouse is made, and again
 * when there is another table to load or another statement to run. Removing it takes nothing away.
 */
export class LoaderGrants extends Construct {
  constructor(scope: Construct, id: string, props: LoaderGrantsProps) {
    super(scope, id);
    const { config, key, name, warehouse, adminSecret, user } = props;
    const handler = new HandlerFunction(this, "Handler", {
      description: "Weir grants: what the loader may do in the warehouse",
      code: handlerCode(ENTRY, config),
      key,
      memoryMb: MEMORY_MB,
      timeoutSeconds: TIMEOUT_SECONDS,
      logRetentionDays: config.stack.logRetentionDays,
      environment: {},
    });
    allowAdministration(handler.role, props);
    const resource = new CustomResource(this, "Resource", {
      resourceType: "Custom::WeirLoaderGrants",
      serviceToken: handler.function.functionArn,
      // Should the function not even start, a deployment does not wait for an hour.
      serviceTimeout: Duration.seconds(2 * TIMEOUT_SECONDS),
      properties: {
        Workgroup: warehouse.workgroupName,
        Database: warehouse.database,
        Secret: adminSecret.name,
        User: user,
        Tables: warehouseTables(config, name).map(({ schema, table }) => `${schema}.${table}`),
        ...(config.readers.views !== undefined && { Views: config.readers.views }),
        Statements: statementsDigest(),
      },
    });
    resource.node.addDependency(handler);
  }
}

/** Another one when other statements are granted, whatever the user and the tables. */
function statementsDigest(): string {
  const statements = loaderGrants({
    user: "user",
    database: "database",
    tables: [{ schema: "s", table: "t" }],
  });
  return createHash("sha256").update(JSON.stringify(statements)).digest("hex").slice(0, 12);
}

/** Submitting statements as the administrator, whose password the Data API reads in the caller's name. */
function allowAdministration(role: Role, { warehouse, adminSecret }: LoaderGrantsProps): void {
  role.addToPolicy(
    new PolicyStatement({
      actions: ["redshift-data:BatchExecuteStatement", "redshift-data:ExecuteStatement"],
      resources: [warehouse.workgroupArn],
    }),
  );
  const { region } = Stack.of(role);
  const secret = Stack.of(role).formatArn({
    service: "secretsmanager",
    resource: "secret",
    // Secrets Manager adds six characters to the name. "Access to secrets by name", read 2026-11
    resourceName: `${adminSecret.name}-??????`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  role.addToPolicy(new PolicyStatement({ actions: ["secretsmanager:GetSecretValue"], resources: [secret] }));
  role.addToPolicy(
    new PolicyStatement({
      actions: ["kms:Decrypt"],
      resources: [adminSecret.keyArn],
      conditions: {
        StringEquals: { "kms:ViaService": `secretsmanager.${region}.amazonaws.com` },
        StringLike: { "kms:EncryptionContext:SecretARN": secret },
      },
    }),
  );
  allowFollowing(role);
}
