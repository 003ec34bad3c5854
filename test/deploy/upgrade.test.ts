import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { release010 } from "../lib/release.ts";
import { Account } from "./account.ts";
import { checkout } from "./checkout.ts";
import { Cloud } from "./cloud.ts";
import { sendLines } from "./lines.ts";
import { hasPython } from "./python.ts";
import { sampleConfig } from "./sample-config.ts";
import { DeployedStack, expectLoader } from "./stack.ts";

const VECTORS = join(import.meta.dirname, "../vectors/release-0.1.0");

/** Lines before the upgrade, and after it. */
const BEFORE = 300;
const AFTER = 200;

/** What must be the very same resource afterwards. */
const KEPT = ["Key", "Stream", "Lake", "Failures", "AccessLogs", "WarehouseNamespace", "WarehouseWorkgroup"];

/** The network that 0.1.0 made, which docs/deploy.md says how to keep. */
const KEEP_NETWORK = {
  kind: "new-serverless",
  enhancedVpcRouting: true,
  network: { kind: "new", zones: 3 },
} as const;

/** Writes the cloud assembly of 0.1.0 as `cdk synth` wrote it. */
async function writeAssembly(folder: string): Promise<void> {
  const { assembly, templates } = release010();
  const files = { ...assembly, "Weir.template.json": JSON.stringify(templates["new-serverless"]) };
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  const { Resources } = templates["new-serverless"] as {
    Resources: Record<string, { Type: string; Metadata?: Record<string, string> }>;
  };
  for (const [logicalId, { Type, Metadata }] of Object.entries(Resources)) {
    const asset = Metadata?.["aws:asset:path"];
    if (Type !== "AWS::Lambda::Function" || asset === undefined) continue;
    const code = await readFile(
      join(VECTORS, `${logicalId.startsWith("Router") ? "router" : "loader"}.mjs.zst`),
    );
    await mkdir(join(folder, asset));
    await writeFile(join(folder, asset, "index.mjs"), zstdDecompressSync(code));
    await cp(join(VECTORS, "config.json"), join(folder, asset, "config.json"));
  }
}

describe.skipIf(!hasPython)("an upgrade from 0.1.0 (needs python3)", () => {
  let cloud: Cloud;
  let account: Account;

  beforeAll(async () => {
    cloud = await Cloud.start();
    const cwd = join(cloud.folder, "weir");
    await checkout(cwd);
    account = new Account(cloud, "333333333333", cwd);
    await account.bootstrap();
  });
  afterAll(() => cloud[Symbol.asyncDispose]());

  test("keeps every resource that holds data, every object and every row, and goes on", async () => {
    const assembly = join(cloud.folder, "release-0.1.0");
    await writeAssembly(assembly);
    await account.cdk("deploy", "--app", assembly);
    const before = await DeployedStack.read(account, "Weir");
    await before.copyWithItsRole();
    await sendLines(before, BEFORE, "first");
    await rows(before, BEFORE);
    const objects = await before.objects("");
    await redshiftLogs(before);
    // Whoever owns the tables, today's loader has a user of its own.
    await cloud.redshift.restart();
    expectLoader(account, "Weir");

    const config = sampleConfig({ warehouse: KEEP_NETWORK });
    await account.edit(config);
    await account.cdk("deploy", "--import-existing-resources");
    const after = await DeployedStack.read(account, "Weir");
    await cloud.redshift.letAlter(after.outputs["Workgroup"]!, "weir");
    for (const logicalId of KEPT) expect(after.get(logicalId)).toBe(before.get(logicalId));
    const today = await after.objects("");
    for (const [key, body] of objects) {
      if (!key.startsWith("loads/state")) expect(today.get(key), key).toBe(body);
    }
    await rows(after, BEFORE);
    await sendLines(after, AFTER, "second");
    await rows(after, BEFORE + AFTER);
  });

  async function rows(stack: DeployedStack, expected: number): Promise<void> {
    await expect
      .poll(() => stack.tick("weir", "logs.access"), { timeout: 300_000, interval: 1_000 })
      .toBe(expected);
  }

  /** What Redshift has made by now, for 0.1.0 left it to make them. */
  async function redshiftLogs(stack: DeployedStack): Promise<void> {
    for (const type of ["userlog", "connectionlog", "useractivitylog"]) {
      const name = `/aws/redshift/${stack.get("WarehouseNamespace")}/${type}`;
      await account.aws("logs", "create-log-group", "--log-group-name", name);
    }
  }
});
