import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WeirConfigInput } from "../../wire/config.ts";
import { run } from "../interop/program.ts";
import { Account } from "./account.ts";
import { checkout } from "./checkout.ts";
import { Cloud } from "./cloud.ts";
import { guide, outputsCommand } from "./guide.ts";
import { privileges } from "./least-privilege.ts";
import { sendLines } from "./lines.ts";
import { hasPython } from "./python.ts";
import { sampleConfig } from "./sample-config.ts";
import { Shell } from "./shell.ts";
import { DeployedStack, expectLoader } from "./stack.ts";

const LINES = 500;

/** Who has the policies that the stack makes for others. */
const WHO = { AgentPolicy: "user/agent-of-Weir", CopyPolicy: "user/copy-of-Weir" };

describe.skipIf(!hasPython)("a stack (needs python3)", () => {
  let cloud: Cloud;
  let cwd: string;

  beforeAll(async () => {
    cloud = await Cloud.start();
    cwd = join(cloud.folder, "weir");
    await checkout(cwd);
  });
  afterAll(() => cloud[Symbol.asyncDispose]());

  async function deploy(id: string, config: WeirConfigInput): Promise<DeployedStack> {
    const account = new Account(cloud, id, cwd);
    await account.bootstrap();
    return DeployedStack.deploy(account, "Weir", config);
  }

  test("without a warehouse brings lines to the lake", async () => {
    const stack = await deploy("222222222221", sampleConfig({ warehouse: { kind: "none" } }));
    await sendLines(stack, LINES);
    await expect
      .poll(() => stack.committedLines("access"), { timeout: 300_000, interval: 1_000 })
      .toBe(LINES);
    expect((await privileges(stack, cloud.calls(), WHO)).refused).toEqual([]);
  });

  test("with a workgroup that exists, as the guide says, brings lines to its tables", async () => {
    const id = "222222222222";
    const account = new Account(cloud, id, join(cloud.folder, "existing"));
    await checkout(account.cwd);
    await account.bootstrap();
    await account.role("analytics-copy", { Service: "redshift.amazonaws.com" });
    const warehouse = {
      kind: "existing-serverless",
      workgroup: "analytics",
      workgroupArn: `arn:aws:redshift-serverless:eu-west-1:${id}:workgroup/analytics`,
      database: "reports",
      copyRoleArn: `arn:aws:iam::${id}:role/analytics-copy`,
    } as const;
    await account.edit(sampleConfig({ warehouse }));
    expectLoader(account, "Weir");
    await using shell = new Shell(account.cwd, account.environment);
    await shell.run(outputsCommand());
    for (const command of guide().get("An existing warehouse")!) await shell.run(command);
    const stack = await DeployedStack.read(account, "Weir");
    await loads(stack, "reports", await readFile(join(account.cwd, "grants.sql"), "utf8"));
  });

  test("with a cluster brings lines to its tables", async () => {
    const id = "222222222223";
    const warehouse = {
      kind: "provisioned",
      cluster: "finance",
      database: "reports",
      copyRoleArn: `arn:aws:iam::${id}:role/finance-copy`,
    } as const;
    const stack = await deploy(id, sampleConfig({ warehouse }));
    await loads(stack, "reports", await grants(stack));
  });

  /** What the warehouse's administrator is to run, printed from the stack's own configuration. */
  function grants({ account, name }: DeployedStack): Promise<string> {
    const args = ["warehouse", "grants", "--config", `${account.id}-${name}.json`];
    return run("node_modules/.bin/node", ["bin/weir.ts", ...args], account);
  }

  async function loads(stack: DeployedStack, database: string, grants: string): Promise<void> {
    await stack.copyWithItsRole();
    const { Workgroup, Cluster } = stack.outputs;
    await stack.account.cloud.redshift.administer(
      (Workgroup ?? Cluster)!,
      database,
      grants,
      Workgroup === undefined,
    );
    await sendLines(stack, LINES);
    await expect
      .poll(() => stack.tick(database, "logs.access"), { timeout: 300_000, interval: 1_000 })
      .toBe(LINES);
    expect((await privileges(stack, cloud.calls(), WHO)).refused).toEqual([]);
  }
});
