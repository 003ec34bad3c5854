import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Account } from "./account.ts";
import { checkout } from "./checkout.ts";
import { Cloud } from "./cloud.ts";
import { guide } from "./guide.ts";
import { privileges } from "./least-privilege.ts";
import { accessLog } from "./lines.ts";
import { hasPython } from "./python.ts";
import { Shell } from "./shell.ts";
import { DeployedStack, expectLoader } from "./stack.ts";
import { UNUSED_ACTIONS } from "./unused-actions.ts";

const LINES = 2_000;

/** What a checkout of a test cannot do, or what its reader changes. */
const IN_PLACE_OF: Record<string, string> = { "npm ci": "true", "git pull && npm ci": "true" };

test("each section that has commands is followed by a test", () => {
  const sections = [...guide()].filter(([, commands]) => commands.length > 0).map(([heading]) => heading);
  expect(sections.toSorted()).toEqual([
    "An existing warehouse", // kinds.test.ts
    "Environments",
    "From CI",
    "From an empty account",
    "Several warehouses", // test/ops/several-warehouses.test.ts
    "Teardown",
    "Upgrade",
  ]);
});

describe.skipIf(!hasPython)("the guide (needs python3)", () => {
  let cloud: Cloud;
  let account: Account;
  let shell: Shell;
  let stack: DeployedStack;

  beforeAll(async () => {
    cloud = await Cloud.start();
    const cwd = join(cloud.folder, "weir");
    await checkout(cwd);
    account = new Account(cloud, "111111111111", cwd);
    shell = new Shell(cwd, account.environment);
    expectLoader(account, "Weir");
  });
  afterAll(async () => {
    await shell[Symbol.asyncDispose]();
    await cloud[Symbol.asyncDispose]();
  });

  const follow = (command: string): Promise<string> => shell.run(IN_PLACE_OF[command] ?? command);

  test("followed to the letter from an empty account, it ends with rows", async () => {
    const commands = guide().get("From an empty account")!;
    expect(commands.length).toBeLessThanOrEqual(10);
    const logFile = join(cloud.folder, "access.log");
    writeFileSync(logFile, accessLog(LINES));
    await account.role("web-servers", { AWS: `arn:aws:iam::${account.id}:root` });
    let printed = "";
    for (const command of commands) {
      if (command.includes("agent run")) await onHost(command);
      else printed = await follow(command);
      if (command.startsWith("export")) await follow(`export LOG_FILE=${logFile}`);
      if (command.includes("agent run")) await untilLoaded();
    }
    const rows = printed
      .trim()
      .split("\n")
      .map((line) => Number(line.split("\t")[1]));
    expect(rows.reduce((sum, n) => sum + n, 0)).toBe(LINES);
  });

  /** Runs a command with the credentials of an instance: those of its role, and of nobody else. */
  async function onHost(command: string): Promise<void> {
    interface Answer {
      readonly Credentials: { AccessKeyId: string; SecretAccessKey: string; SessionToken: string };
    }
    const { Credentials } = await account.aws<Answer>(
      "sts",
      "assume-role",
      "--role-session-name",
      "i-0123456789abcdef0",
      "--role-arn",
      `arn:aws:iam::${account.id}:role/web-servers`,
    );
    const { AccessKeyId, SecretAccessKey, SessionToken } = Credentials;
    const environment = { ...account.environment, AWS_SESSION_TOKEN: SessionToken };
    Object.assign(environment, { AWS_ACCESS_KEY_ID: AccessKeyId, AWS_SECRET_ACCESS_KEY: SecretAccessKey });
    await using host = new Shell(account.cwd, environment);
    await host.run(command);
  }

  /** Ticks until the warehouse has every line: the schedule takes a quarter of an hour. */
  async function untilLoaded(): Promise<void> {
    stack = await DeployedStack.read(account, "Weir");
    await stack.copyWithItsRole();
    await expect
      .poll(() => stack.tick("weir", "logs.access"), { timeout: 600_000, interval: 1_000 })
      .toBe(LINES);
  }

  test("each call that was made is allowed, and each right that nobody used has its reason", async () => {
    const standIns = { AgentPolicy: "role/web-servers", WarehouseCopyRole: "user/copy-of-Weir" };
    const { refused, unused } = await privileges(stack, cloud.calls(), standIns);
    expect(refused).toEqual([]);
    expect(unused.toSorted()).toEqual(Object.keys(UNUSED_ACTIONS).toSorted());
  });

  test("deploying again, as an upgrade does, changes nothing", async () => {
    expect(await followSection("Upgrade")).toContain("(no changes)");
  });

  test("whoever may assume the roles of the bootstrap, and nothing else, can deploy", async () => {
    const [policy, deploy] = guide().get("From CI")!;
    const arn = (await follow(policy!)).trim();
    const user = await account.user("ci", { arns: [arn] });
    await using ci = new Shell(account.cwd, { ...account.environment, ...user });
    expect(await ci.run(deploy!)).toContain("(no changes)");
  });

  test("another environment stands beside the first", async () => {
    expectLoader(account, "Weir-staging");
    await followSection("Environments");
    const staging = await DeployedStack.read(account, "Weir-staging");
    expect(staging.outputs["StreamName"]).not.toBe(stack.outputs["StreamName"]);
    expect(await account.outputs("Weir")).toEqual(stack.outputs);
  });

  test("what holds data is still there when the stack is gone", async () => {
    const remaining = await followSection("Teardown");
    await expect(account.outputs("Weir")).rejects.toThrow("does not exist");
    // The cloud of this machine lists keys alone by their tags.
    expect(remaining).toContain(stack.get("Key"));
    await account.aws("kinesis", "describe-stream-summary", "--stream-name", stack.get("Stream"));
    expect((await stack.objects("commits/")).size).toBeGreaterThan(0);
  });

  async function followSection(heading: string): Promise<string> {
    let printed = "";
    for (const command of guide().get(heading)!) printed = await follow(command);
    return printed;
  }
});
