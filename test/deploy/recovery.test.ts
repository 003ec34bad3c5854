import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Account } from "./account.ts";
import { checkout } from "./checkout.ts";
import { Cloud } from "./cloud.ts";
import { sendLines } from "./lines.ts";
import { hasPython } from "./python.ts";
import { sampleConfig } from "./sample-config.ts";
import { DeployedStack } from "./stack.ts";

const LINES = 200;
const CONFIG = sampleConfig({ warehouse: { kind: "new-serverless" } });

describe.skipIf(!hasPython)("in one account (needs python3)", () => {
  let cloud: Cloud;
  let account: Account;
  let stack: DeployedStack;

  beforeAll(async () => {
    cloud = await Cloud.start();
    const cwd = join(cloud.folder, "weir");
    await checkout(cwd);
    account = new Account(cloud, "444444444444", cwd);
    await account.bootstrap();
  });
  afterAll(() => cloud[Symbol.asyncDispose]());

  test("a first deployment that failed half way leaves nothing behind, and the next one succeeds", async () => {
    cloud.failToMake("WarehouseWorkgroup");
    await expect(DeployedStack.deploy(account, "Weir", CONFIG)).rejects.toThrow("quota is used up");
    cloud.failToMake();
    expect(await left()).toEqual({ buckets: [], streams: [] });
    stack = await DeployedStack.deploy(account, "Weir", CONFIG);
    await loads(stack);
  });

  test("two environments stand side by side, and each has its own lines", async () => {
    const config = { ...CONFIG, stack: { environment: "staging" } };
    const staging = await DeployedStack.deploy(account, "Weir-staging", config);
    await loads(staging);
    expect(staging.outputs["StreamName"]).not.toBe(stack.outputs["StreamName"]);
    expect(await stack.committedLines("access")).toBe(LINES);
  });

  test("a stack that was destroyed can be deployed again, and what it held is still there", async () => {
    const objects = await stack.objects("data/");
    expect(objects.size).toBeGreaterThan(0);
    await account.cdk("destroy", "Weir", "--force", "-a", join(account.cwd, `${account.id}-Weir.out`));
    await expect(DeployedStack.read(account, "Weir")).rejects.toThrow("does not exist");
    const again = await DeployedStack.deploy(account, "Weir", CONFIG);
    await loads(again, "another");
    expect(await stack.objects("data/")).toEqual(objects);
  });

  async function loads(deployed: DeployedStack, host = "agent"): Promise<void> {
    await deployed.copyWithItsRole();
    await sendLines(deployed, LINES, host);
    await expect
      .poll(() => deployed.tick("weir", "logs.access"), { timeout: 300_000, interval: 1_000 })
      .toBe(LINES);
  }

  /** Buckets and streams that are there, but for CDK's own. */
  async function left(): Promise<{ buckets: string[]; streams: string[] }> {
    const { Buckets } = await account.aws<{ Buckets: { Name: string }[] }>("s3api", "list-buckets");
    const { StreamNames } = await account.aws<{ StreamNames: string[] }>("kinesis", "list-streams");
    const buckets = Buckets.map(({ Name }) => Name).filter((name) => !name.startsWith("cdk-"));
    return { buckets, streams: StreamNames };
  }
});
