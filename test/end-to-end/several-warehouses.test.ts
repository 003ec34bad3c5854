import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ListObjectsV2Command } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadConfig } from "../../lib/load-config.ts";
import type { Cloud } from "../../local/cloud.ts";
import { type RedshiftDestination } from "../../wire/log-type.ts";
import { runPipeline, type SampleStack, sampleStack } from "./pipeline.ts";

const LINES = 1_000;

const SERVERLESS = {
  kind: "existing-serverless",
  workgroup: "analytics",
  workgroupArn: "arn:aws:redshift-serverless:us-east-1:000000000000:workgroup/5f1b88ea",
  database: "weir",
  copyRoleArn: "arn:aws:iam::000000000000:role/analytics-copy",
} as const;

/** A database of the name of the main one's, two of one cluster, and a warehouse that is loaded twice. */
const WAREHOUSES = {
  bi: SERVERLESS,
  hot: { kind: "provisioned", cluster: "reporting", database: "hot", copyRoleArn: SERVERLESS.copyRoleArn },
  cold: {
    kind: "provisioned",
    cluster: "reporting",
    database: "cold",
    dbUser: "weir_loader",
    copyRoleArn: SERVERLESS.copyRoleArn,
  },
} as const;

const redshift = (destination: Partial<RedshiftDestination>) => ({ to: "redshift", ...destination }) as const;

/** Each type goes elsewhere: one to all of them, one to two tables of one, one stays in the lake. */
const DESTINATIONS = {
  access: [
    redshift({}),
    redshift({ warehouse: "bi" }),
    redshift({ warehouse: "hot" }),
    redshift({ warehouse: "cold" }),
  ],
  photo: [
    redshift({ warehouse: "cold", table: "photo_a" }),
    redshift({ warehouse: "cold", table: "photo_b" }),
  ],
  user: [{ to: "s3" }],
} as const;

let dir: string;
let stack: SampleStack;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "weir-several-"));
  const sample = await loadConfig(fileURLToPath(new URL("../../weir.config.ts", import.meta.url)));
  const types = sample.types.map((type) => ({
    ...type,
    destinations: DESTINATIONS[type.name as keyof typeof DESTINATIONS],
  }));
  const file = join(dir, "weir.config.json");
  await writeFile(file, JSON.stringify({ ...sample, warehouses: WAREHOUSES, types }));
  stack = await sampleStack(file);
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

const TABLES = {
  main: ["logs.access"],
  bi: ["logs.access"],
  hot: ["logs.access"],
  cold: ["logs.access", "logs.photo_a", "logs.photo_b"],
};

test("every line is in each of its warehouses once, and each loader loads its own alone", async () => {
  const loaded = new Map<string, Set<string>>();
  let ledgers: Record<string, string[]> = {};
  let state: string[] = [];
  const report = await runPipeline(stack, LINES, {
    onLoaderTick: ({ events }, warehouse) => {
      const tables = loaded.get(warehouse) ?? new Set();
      loaded.set(warehouse, tables);
      for (const event of events) if (event.kind === "loaded") tables.add(event.table);
    },
    onDrained: async (cloud) => {
      ledgers = await targetsOfLedgers(cloud);
      state = await stateKeys(cloud);
    },
  });
  expect(report.problems).toEqual([]);
  const { access, photo } = report.types;
  expect(report.warehouse.rows).toBe(4 * access!.rows + 2 * photo!.rows);
  const sorted = Object.fromEntries([...loaded].map(([name, tables]) => [name, [...tables].sort()]));
  expect(sorted).toEqual(TABLES);
  expect(ledgers).toEqual(TABLES);
  expect(state).toEqual([
    "loads/bi/state.json",
    "loads/cold/state.json",
    "loads/hot/state.json",
    "loads/state.json",
  ]);
});

async function targetsOfLedgers({ warehouses }: Cloud): Promise<Record<string, string[]>> {
  const ledgers: Record<string, string[]> = {};
  for (const [name, warehouse] of warehouses) {
    const rows = await warehouse.query<{ target: string }>(
      "SELECT DISTINCT target FROM weir.loads ORDER BY 1",
    );
    ledgers[name] = rows.map(({ target }) => target);
  }
  return ledgers;
}

async function stateKeys({ s3, deployment }: Cloud): Promise<string[]> {
  const { Contents = [] } = await s3.send(
    new ListObjectsV2Command({ Bucket: deployment.lakeBucket, Prefix: "loads/" }),
  );
  return Contents.flatMap(({ Key }) => (Key!.endsWith("state.json") ? Key! : []));
}
