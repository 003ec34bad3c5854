import { join } from "node:path";
import { GetObjectCommand, paginateListObjectsV2, S3Client } from "@aws-sdk/client-s3";
import { CREDENTIALS } from "../../local/credentials.ts";
import { databaseUser, loaderRoleName } from "../../wire/loader-role.ts";
import type { Account, StackResource } from "./account.ts";
import type { PolicyDocument } from "./policy.ts";

/** A stack as it stands in an account. */
export class DeployedStack {
  readonly account: Account;
  readonly name: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly resources: readonly StackResource[];

  private constructor(
    account: Account,
    name: string,
    outputs: Readonly<Record<string, string>>,
    resources: readonly StackResource[],
  ) {
    this.account = account;
    this.name = name;
    this.outputs = outputs;
    this.resources = resources;
  }

  /** Deploys a configuration, as the environment variable says which. */
  static async deploy(account: Account, name: string, config: object): Promise<DeployedStack> {
    const file = await account.configure(`${account.id}-${name}.json`, config);
    const assembly = join(account.cwd, `${account.id}-${name}.out`);
    expectLoader(account, name);
    await account.cdk("deploy", "-c", `WEIR_CONFIG=${file}`, "--output", assembly);
    return DeployedStack.read(account, name);
  }

  static async read(account: Account, name: string): Promise<DeployedStack> {
    const [outputs, resources] = await Promise.all([account.outputs(name), account.resources(name)]);
    return new DeployedStack(account, name, outputs, resources);
  }

  /** Physical id of the resource that is called so, CDK's hash left out; undefined if there is none. */
  find(logicalId: string): string | undefined {
    return this.resources.find(({ LogicalResourceId }) => plain(LogicalResourceId) === logicalId)
      ?.PhysicalResourceId;
  }

  /** @throws Error if there is none */
  get(logicalId: string): string {
    const found = this.find(logicalId);
    if (found === undefined) throw new Error(`no ${logicalId} in ${this.name}`);
    return found;
  }

  /** What each role of the stack may do, and whoever has the agents' policy, by logical id. */
  async policies(): Promise<Map<string, readonly PolicyDocument[]>> {
    const all = await this.account.policies();
    const mine = this.resources.filter(({ ResourceType }) =>
      ["AWS::IAM::Role", "AWS::IAM::ManagedPolicy"].includes(ResourceType),
    );
    return new Map(
      mine.map(({ LogicalResourceId, PhysicalResourceId }) => [
        plain(LogicalResourceId),
        all.get(PhysicalResourceId) ?? [],
      ]),
    );
  }

  /** From here on COPY reads with what the warehouse's role may do. */
  async copyWithItsRole(): Promise<void> {
    const policies = await this.policies();
    const inline = policies.get("WarehouseCopyRole") ?? policies.get("CopyPolicy");
    if (inline === undefined) throw new Error(`no role for COPY in ${this.name}`);
    const user = await this.account.user(`copy-of-${this.name}`, { inline });
    Object.assign(CREDENTIALS, {
      accessKeyId: user.AWS_ACCESS_KEY_ID,
      secretAccessKey: user.AWS_SECRET_ACCESS_KEY,
    });
  }

  /** Has everything that ticks do so once, for the schedules would take minutes. @returns rows of the table */
  async tick(database: string, table: string): Promise<number> {
    for (const id of ["SequencerHandlerFunction", "FleetHandlerFunction"]) {
      const ticked = this.find(id);
      if (ticked !== undefined) await this.account.invoke(ticked);
    }
    await this.account.invoke(this.get("LoaderHandlerFunction"));
    const warehouse = (this.outputs["Workgroup"] ?? this.outputs["Cluster"])!;
    const rows = await this.account.cloud.redshift
      .query<{ n: string }>(warehouse, database, `SELECT count(*) AS n FROM ${table}`)
      .catch(() => []);
    return Number(rows[0]?.n ?? 0);
  }

  /** Lines of a type that commits in the lake account for. */
  async committedLines(type: string): Promise<number> {
    let lines = 0;
    for (const [, body] of await this.objects("commits/")) {
      const { types } = JSON.parse(body) as { types: Record<string, { lines: number }> };
      lines += types[type]?.lines ?? 0;
    }
    return lines;
  }

  /** Objects of the lake by key, as text. */
  async objects(prefix: string): Promise<Map<string, string>> {
    const Bucket = this.outputs["LakeBucket"]!;
    const client = new S3Client({
      endpoint: this.account.cloud.endpoint,
      forcePathStyle: true,
      credentials: { accessKeyId: this.account.id, secretAccessKey: "test" },
    });
    try {
      const found = new Map<string, string>();
      for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket, Prefix: prefix })) {
        for (const { Key } of Contents) {
          const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
          found.set(Key!, await Body!.transformToString("latin1"));
        }
      }
      return found;
    } finally {
      client.destroy();
    }
  }
}

/** The next warehouse that is asked is asked by this stack's loader, with the rights of that loader's user. */
export function expectLoader(account: Account, stack: string): void {
  const role = loaderRoleName(stack, account.environment["AWS_REGION"]!);
  account.cloud.redshift.loader = databaseUser(role);
}

/** A logical id without the eight hexadecimal digits that CDK appends. */
export function plain(logicalId: string): string {
  return logicalId.replace(/[0-9A-F]{8}$/, "");
}
