import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bareEnvironment } from "../bare-environment.ts";
import { grantsScript } from "../../wire/loader-grants.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "weir-warehouse-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function grants(
  config: object,
  ...args: string[]
): { status: number | null; stdout: string; stderr: string } {
  const file = join(folder, "weir.json");
  writeFileSync(file, JSON.stringify(config));
  return spawnSync(process.execPath, ["bin/weir.ts", "warehouse", "grants", "--config", file, ...args], {
    cwd: ROOT,
    encoding: "utf8",
    env: bareEnvironment(),
  });
}

const CONFIG = {
  warehouse: {
    kind: "existing-serverless",
    workgroup: "analytics",
    workgroupArn: "arn:aws:redshift-serverless:eu-west-1:111122223333:workgroup/5f1b88ea",
    database: "reports",
    copyRoleArn: "arn:aws:iam::111122223333:role/analytics-copy",
  },
  types: [
    {
      name: "access",
      parse: { format: "json" },
      columns: [{ name: "status", type: "smallint" }],
      destinations: [{ to: "redshift", schema: "web" }],
    },
  ],
};

const CLUSTER = {
  kind: "provisioned",
  cluster: "analytics",
  database: "reports",
  dbUser: "weir_loader",
  copyRoleArn: "arn:aws:iam::111122223333:role/analytics-copy",
};

test("the SQL for the stack's loader and the configuration's tables is printed, and nothing else", () => {
  const { status, stdout, stderr } = grants(CONFIG, "--stack", "Staging", "--region", "eu-west-1");
  expect(stderr).toBe("");
  expect(status).toBe(0);
  const tables = [{ schema: "web", table: "access" }];
  const sql = grantsScript({ user: "IAMR:Staging-loader-eu-west-1", database: "reports", tables });
  expect(stdout).toBe(sql);
  const json = grants(CONFIG, "--stack", "Staging", "--region", "eu-west-1", "--json");
  expect(JSON.parse(json.stdout)).toEqual({ ok: true, sql });
});

test.each([
  [
    { stack: { name: "Logs", environment: "staging", region: "eu-west-1" } },
    "IAMR:Logs-staging-loader-eu-west-1",
  ],
  [{ warehouse: CLUSTER, stack: { region: "eu-west-1" } }, '"weir_loader"'],
])("stack, region and a user of its own come from the configuration: %#", (more, user) => {
  expect(grants({ ...CONFIG, ...more }).stdout).toContain(user);
});

test.each([
  [CONFIG, [], /stack\.region: absent, and --region is too/],
  [{ ...CONFIG, warehouse: { kind: "none" } }, ["--region", "eu-west-1"], /needs a warehouse/],
  [
    { ...CONFIG, warehouse: { kind: "none" }, types: [{ ...CONFIG.types[0], destinations: [{ to: "s3" }] }] },
    ["--region", "eu-west-1"],
    /nothing to grant/,
  ],
])("what cannot be printed is said in a line: %#", (config, args, said) => {
  const { status, stdout, stderr } = grants(config, ...args);
  expect(status).toBe(1);
  expect(stdout).toBe("");
  expect(stderr).toMatch(said);
  expect(stderr).not.toContain("    at ");
});
