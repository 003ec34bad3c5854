import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bareEnvironment } from "../bare-environment.ts";
import { type Cloud, removeCloud, startCloud } from "../../local/cloud.ts";
import { loadersOf } from "../../local/template/deployment.ts";
import { type SampleStack, sampleStack } from "../end-to-end/pipeline.ts";
import { CloudFormation } from "./cloudformation.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const CONFIG = {
  warehouse: { kind: "new-serverless" },
  warehouses: {
    bi: {
      kind: "provisioned",
      cluster: "reporting",
      database: "reports",
      copyRoleArn: "arn:aws:iam::000000000000:role/reporting-copy",
    },
  },
  types: [
    {
      name: "photo",
      parse: { format: "json" },
      columns: [{ name: "note", type: "varchar(8)" }],
      destinations: [{ to: "redshift" }, { to: "redshift", warehouse: "bi", schema: "seen" }],
    },
  ],
};

let stack: SampleStack;
let cloud: Cloud;
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "weir-several-"));
  const file = join(dir, "weir.json");
  await writeFile(file, JSON.stringify(CONFIG));
  stack = await sampleStack(file);
  const { deployment } = stack;
  cloud = await startCloud({ deployment, dir, log: () => {}, sequencerEveryMs: 300, loaderEveryMs: 500 });
});
afterAll(async () => {
  await cloud?.stop();
  await removeCloud(dir);
  await stack?.[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

async function weir(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, ["bin/weir.ts", ...args], {
    cwd: ROOT,
    env: { ...bareEnvironment(), ...environment },
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit") as Promise<[number]>,
  ]);
  return { code, stdout, stderr };
}

const tablesOf = ({ stdout }: { readonly stdout: string }): string[] =>
  (JSON.parse(stdout) as { tables: { table: string }[] }).tables.map(({ table }) => table);

const local = (...args: string[]) => weir(["loads", "--json", "--local", dir, ...args]);

test("a command asks the loader of every warehouse, and names tables by it", async () => {
  expect(tablesOf(await local())).toEqual(["logs.photo", "bi/seen.photo"]);
});

test("or that of one of them", async () => {
  expect(tablesOf(await local("--warehouse", "bi"))).toEqual(["bi/seen.photo"]);
  expect(tablesOf(await local("--warehouse", "main"))).toEqual(["logs.photo"]);
});

test("a warehouse that is not there is refused, with those that are", async () => {
  const { code, stdout } = await local("--warehouse", "archive");
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    error: { code: "NO_LOADER", message: /no warehouse "archive"/, hint: "There is main, bi." },
  });
});

test("the loaders of a deployed stack are found by its outputs", async () => {
  const [main, bi] = loadersOf(stack.deployment).map(({ function: { name } }) => name);
  await using cloudFormation = await CloudFormation.start("Weir", {
    StreamName: stack.deployment.stream.name,
    LakeBucket: stack.deployment.lakeBucket,
    FailureBucket: stack.deployment.mapping.failureDestinationBucket,
    RouterFunction: stack.deployment.functions.router.name,
    BiLoaderFunction: bi!,
    BiLoaderGrantsFunction: "no-loader",
    LoaderFunction: main!,
    LoaderGrantsFunction: "no-loader",
  });
  const found = await weir(["loads", "--json", "--stack", "Weir"], {
    ...cloud.environment,
    AWS_ENDPOINT_URL_LAMBDA: cloud.lambdaEndpoint,
    AWS_ENDPOINT_URL_CLOUDFORMATION: cloudFormation.endpoint,
  });
  expect(tablesOf(found)).toEqual(["logs.photo", "bi/seen.photo"]);
});

test("an erasure of one warehouse alone is refused: the lines would still be in the others", async () => {
  const erase = ["erase", "--list", "--warehouse", "bi", "--json", "--local", dir];
  expect(JSON.parse((await weir(erase)).stdout)).toMatchObject({ error: { code: "BAD_REQUEST" } });
});
