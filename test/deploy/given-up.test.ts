import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runbookCommands } from "../faults/runbook.ts";
import { run } from "../interop/program.ts";
import { Account } from "./account.ts";
import { checkout } from "./checkout.ts";
import { Cloud } from "./cloud.ts";
import { sendLines } from "./lines.ts";
import { hasPython } from "./python.ts";
import { sampleConfig } from "./sample-config.ts";
import { DeployedStack } from "./stack.ts";

const LINES = 500;
const CONFIG = sampleConfig({
  warehouse: { kind: "new-serverless" },
  // It is minutes until a batch is given up as deployed.
  router: { retryAttempts: 1 },
});

const DENIED = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Deny", Action: "s3:PutObject", Resource: "*" }],
};

describe.skipIf(!hasPython)("batches that were given up (needs python3)", () => {
  let cloud: Cloud;
  let account: Account;
  let stack: DeployedStack;
  let operator: Record<string, string>;

  beforeAll(async () => {
    cloud = await Cloud.start();
    const cwd = join(cloud.folder, "weir");
    await checkout(cwd);
    account = new Account(cloud, "555555555555", cwd);
    await account.bootstrap();
    stack = await DeployedStack.deploy(account, "Weir", CONFIG);
    operator = await account.user("operator", { arns: [stack.outputs["OperatorPolicyArn"]!] });
  });
  afterAll(() => cloud[Symbol.asyncDispose]());

  test("come back by the runbook's commands, with the rights that operators have", async () => {
    await stack.copyWithItsRole();
    const mend = await denyRouter();
    await sendLines(stack, LINES);
    await expect.poll(failedBatches, { timeout: 300_000, interval: 1_000 }).toBeGreaterThan(0);
    await expect(follow("weir audit")).rejects.toThrow(/NOT BALANCED[^]*run +weir replay --failed/);
    await mend();

    let printed = "";
    const commands = runbookCommands("Batches given up").filter((command) => command.startsWith("weir "));
    for (const command of commands) printed = await follow(command);
    expect(printed).toMatch(/: balanced\. /);
    await expect
      .poll(() => stack.tick("weir", "logs.access"), { timeout: 300_000, interval: 1_000 })
      .toBe(LINES);
    expect(await follow("weir audit")).toMatch(/: balanced\. /);
    const refused = cloud
      .calls()
      .filter(({ principal, allowed }) => principal.endsWith("/operator") && !allowed);
    expect(refused).toEqual([]);
  });

  /** As by a policy that was changed by mistake. @returns what mends it */
  async function denyRouter(): Promise<() => Promise<void>> {
    const role = ["--role-name", stack.get("RouterHandlerRole"), "--policy-name", "mistake"];
    await account.aws("iam", "put-role-policy", ...role, "--policy-document", JSON.stringify(DENIED));
    return () => account.aws("iam", "delete-role-policy", ...role);
  }

  async function failedBatches(): Promise<number> {
    const bucket = stack.outputs["FailureBucket"]!;
    const answer = await account.aws<{ Contents?: object[] }>("s3api", "list-objects-v2", "--bucket", bucket);
    return answer?.Contents?.length ?? 0;
  }

  /** Runs a command of the runbook as its reader. @returns what it prints @throws Error unless all is well */
  async function follow(command: string): Promise<string> {
    const args = ["bin/weir.ts", ...command.split(" ").slice(1), "--stack", "Weir"];
    // Nobody is there to be asked.
    if (command === "weir replay --failed") args.push("--yes");
    const environment = { ...account.environment, ...operator };
    return run("node_modules/.bin/node", args, { environment, cwd: account.cwd });
  }
});
