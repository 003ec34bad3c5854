import { fileURLToPath } from "node:url";
import { ArnFormat, Duration, Stack } from "aws-cdk-lib";
import { Rule } from "aws-cdk-lib/aws-events";
import { LambdaFunction as FunctionTarget } from "aws-cdk-lib/aws-events-targets";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Role } from "aws-cdk-lib/aws-iam";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import type { WeirConfig } from "../wire/config.ts";
import { PREFIX } from "../wire/keys.ts";
import { databaseUser, loaderRoleName } from "../wire/loader-role.ts";
import { loadsFolder, MAIN_WAREHOUSE, statementPrefix } from "../wire/warehouses.ts";
import { allowKeyUse } from "./encryption-key.ts";
import { handlerCode } from "./handler-code.ts";
import { HandlerFunction } from "./handler-function.ts";
import { LoaderGrants } from "./loader-grants.ts";
import { allowListing, allowObjects } from "./object-access.ts";
import { allowFollowing } from "./statement-access.ts";
import { Tick } from "./tick.ts";
import type { ProvisionedWarehouse, Warehouse } from "./warehouse.ts";

const ENTRY = fileURLToPath(new URL("../lambdas/loader/handler.ts", import.meta.url));

/**
 * Reading the log makes garbage quickly and keeps little of it. As V8 is by default, a loader of 512 MB that is far behind
 * grows to 390 MB before anybody collects it, and with these to 250; what it holds is bounded. Measured 2026-11
 */
const nodeOptions = (memoryMb: number): string =>
  `--max-semi-space-size=8 --max-old-space-size=${Math.floor(memoryMb / 2)}`;

/**
 * What a loader reads beside its own state: the log, commits that the log had as unreadable, what was erased, and rows
 * that were routed by another configuration.
 */
const READ = [PREFIX.log, PREFIX.commits, PREFIX.erasures, PREFIX.data];

export interface LoaderProps {
  readonly config: WeirConfig;
  readonly lake: IBucket;
  readonly key: IKey;
  /** Name of the warehouse in the configuration. */
  readonly name: string;
  readonly warehouse: Warehouse;
}

/** Lake to one warehouse: the loader's function, its tick, and the events of its statements. */
export class Loader extends Construct {
  readonly function: IFunction;
  /** Name of the warehouse in the configuration. */
  readonly name: string;
  /** Its user in the warehouse. */
  readonly databaseUser: string;

  constructor(scope: Construct, id: string, { config, lake, key, name, warehouse }: LoaderProps) {
    super(scope, id);
    this.name = name;
    const { stackName, region } = Stack.of(this);
    const roleName = loaderRoleName(stackName, region, name);
    const handler = new HandlerFunction(this, "Handler", {
      description: "Weir loader: commits in the lake to rows in the warehouse",
      code: handlerCode(ENTRY, config),
      key,
      roleName,
      memoryMb: config.loader.memoryMb,
      // A tick never waits for a load, but its first one may wake a warehouse and make every table.
      timeoutSeconds: config.loader.timeoutSeconds,
      logRetentionDays: config.stack.logRetentionDays,
      // None by default: Lambda refuses a reservation that leaves an account fewer than 10 executions for the
      // rest, and a new account has 10 in all. Two loaders at once do no harm: the state in the lake is saved
      // with If-Match, so the later one starts over, and a load locks its table and asks the ledger, in the
      // transaction that inserts the rows, whether it has been done.
      // source: "Configuring reserved concurrency for a function", AWS Lambda, read 2026-11
      ...(config.loader.reservedConcurrency !== undefined && {
        reservedConcurrency: config.loader.reservedConcurrency,
      }),
      environment: {
        NODE_OPTIONS: nodeOptions(config.loader.memoryMb),
        WEIR_LAKE_BUCKET: lake.bucketName,
        WEIR_DATABASE: warehouse.database,
        ...address(warehouse),
        WEIR_COPY_ROLE_ARN: warehouse.copyRoleArn,
        ...(name !== MAIN_WAREHOUSE && { WEIR_WAREHOUSE: name }),
        ...capacity(warehouse),
      },
    });
    this.function = handler.function;
    this.databaseUser =
      (warehouse.kind === "provisioned" ? warehouse.dbUser : undefined) ?? databaseUser(roleName);

    const own = ownFolders(name);
    allowObjects(handler.role, lake, ["s3:GetObject"], [...READ, ...own]);
    allowObjects(handler.role, lake, ["s3:PutObject"], own);
    allowListing(handler.role, lake);
    allowKeyUse(handler.role, lake.encryptionKey, "s3", ["kms:Decrypt", "kms:GenerateDataKey"]);
    allowStatements(handler.role, warehouse);

    // A tick that could not run is made good by the next one, so none is tried twice or kept for long.
    const everyMinutes = Duration.minutes(config.loader.everyMinutes);
    handler.function.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: everyMinutes });
    new Tick(this, "Tick", { target: handler.function, every: everyMinutes });
    this.#onStatementEnd(everyMinutes);

    // The administrator of any other warehouse runs what `weir warehouse grants` prints.
    if (warehouse.kind !== "serverless" || warehouse.adminSecret === undefined) return;
    const { adminSecret } = warehouse;
    const user = this.databaseUser;
    const grants = new LoaderGrants(this, "Grants", { config, key, name, warehouse, adminSecret, user });
    // A loader that knows a table before it may make it would try again in an hour only.
    handler.function.node.addDependency(grants);
  }

  /** The end of a statement brings the loader back at once; if the event is lost, the next tick does. */
  #onStatementEnd(maxEventAge: Duration): void {
    new Rule(this, "StatementEnd", {
      description: "Weir loader: its statements in the warehouse ended",
      eventPattern: {
        source: ["aws.redshift-data"],
        detailType: ["Redshift Data Statement Status Change"],
        detail: {
          // What it merely asks of the warehouse it waits for, without a name.
          statementName: [{ prefix: statementPrefix(this.name) }],
          state: ["FINISHED", "FAILED", "ABORTED"],
        },
      },
      targets: [new FunctionTarget(this.function, { maxEventAge })],
    });
  }
}

/** Where a loader keeps its state, its loads' files, what it says of those that are done, and notes its columns. */
function ownFolders(name: string): string[] {
  if (name === MAIN_WAREHOUSE) return [PREFIX.loads];
  const folder = loadsFolder(name);
  const { loads, loadCopies, loadColumns } = PREFIX;
  return [`${loads}${folder}`, `${loads}done/${folder}`, `${loadCopies}${folder}`, loadColumns];
}

/** Where the loader finds the warehouse, and whom it signs in as. */
function address(warehouse: Warehouse): Record<string, string> {
  if (warehouse.kind === "serverless") return { WEIR_WORKGROUP: warehouse.workgroupName };
  const { clusterIdentifier, dbUser } = warehouse;
  return { WEIR_CLUSTER: clusterIdentifier, ...(dbUser !== undefined && { WEIR_DB_USER: dbUser }) };
}

/** By which the loader estimates what it costs. */
function capacity(warehouse: Warehouse): Record<string, string> {
  if (warehouse.kind !== "serverless" || warehouse.baseCapacityRpu === undefined) return {};
  return { WEIR_BASE_CAPACITY_RPU: `${warehouse.baseCapacityRpu}` };
}

/** Submitting to this warehouse, and following what was submitted. */
function allowStatements(role: Role, warehouse: Warehouse): void {
  const submit = ["redshift-data:BatchExecuteStatement", "redshift-data:ExecuteStatement"];
  if (warehouse.kind === "serverless") {
    const actions = [...submit, "redshift-serverless:GetCredentials"];
    role.addToPolicy(new PolicyStatement({ actions, resources: [warehouse.workgroupArn] }));
  } else {
    const cluster = redshiftArn(role, "cluster", warehouse.clusterIdentifier);
    role.addToPolicy(new PolicyStatement({ actions: submit, resources: [cluster] }));
    role.addToPolicy(signIn(role, warehouse));
  }
  allowFollowing(role, ["redshift-data:CancelStatement"]);
}

/**
 * Temporary credentials of a cluster: for the database user that belongs to the role, or for one that is named.
 * source: "Authorizing access to the Amazon Redshift Data API", read 2026-11
 */
function signIn(role: Role, { clusterIdentifier, database, dbUser }: ProvisionedWarehouse): PolicyStatement {
  const dbName = redshiftArn(role, "dbname", `${clusterIdentifier}/${database}`);
  if (dbUser === undefined) {
    return new PolicyStatement({ actions: ["redshift:GetClusterCredentialsWithIAM"], resources: [dbName] });
  }
  return new PolicyStatement({
    actions: ["redshift:GetClusterCredentials"],
    resources: [dbName, redshiftArn(role, "dbuser", `${clusterIdentifier}/${dbUser}`)],
  });
}

function redshiftArn(scope: Construct, resource: string, resourceName: string): string {
  const arnFormat = ArnFormat.COLON_RESOURCE_NAME;
  return Stack.of(scope).formatArn({ service: "redshift", resource, resourceName, arnFormat });
}
