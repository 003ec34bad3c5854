import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RedshiftDataClient } from "@aws-sdk/client-redshift-data";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DataApi } from "../../lambdas/loader/data-api.ts";
import { type Warehouse, startWarehouse } from "../../local/warehouse/warehouse.ts";

const LOCAL = { region: "us-east-1", credentials: { accessKeyId: "local", secretAccessKey: "local" } };

let dataDir: string;
let warehouse: Warehouse;
let client: RedshiftDataClient;
const inputs: object[] = [];
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "weir-cluster-"));
  const s3 = { endpoint: "http://127.0.0.1:9" };
  warehouse = await startWarehouse({ dataDir, s3, cluster: "reporting", database: "reports" });
  client = new RedshiftDataClient({ endpoint: warehouse.endpoint, maxAttempts: 1, ...LOCAL });
  client.middlewareStack.add(
    (next) => (args) => {
      inputs.push(args.input);
      return next(args);
    },
    { step: "initialize" },
  );
});
afterAll(async () => {
  client?.destroy();
  await warehouse?.stop();
  await rm(dataDir, { recursive: true });
});

// source: BatchExecuteStatement and ExecuteStatement reference, Amazon Redshift Data API, read 2026-11: a cluster is
// named by ClusterIdentifier, and its user by DbUser, or left to the role
describe("the loader's statements to a cluster", () => {
  test("are carried out, as the user that belongs to the role", async () => {
    const api = new DataApi(client, { cluster: "reporting", database: "reports" });
    expect(await api.ask(["SELECT 1", "SELECT 2"])).toEqual([[2]]);
    expect(inputs[0]).toMatchObject({
      ClusterIdentifier: "reporting",
      Database: "reports",
      DbUser: undefined,
    });
    expect(inputs[0]).not.toHaveProperty("WorkgroupName");
  });

  test("name the database user where there is one", async () => {
    const api = new DataApi(client, { cluster: "reporting", database: "reports", dbUser: "loader" });
    await api.run("SELECT 3");
    expect(inputs).toContainEqual(expect.objectContaining({ DbUser: "loader", Sql: "SELECT 3" }));
  });

  test("are refused by another cluster, and to a workgroup", async () => {
    const other = new DataApi(client, { cluster: "other", database: "reports" });
    await expect(other.run("SELECT 1")).rejects.toThrow(/no cluster other, there is reporting/);
    const serverless = new DataApi(client, { workgroup: "reporting", database: "reports" });
    await expect(serverless.run("SELECT 1")).rejects.toThrow(/ClusterIdentifier is required/);
  });
});
