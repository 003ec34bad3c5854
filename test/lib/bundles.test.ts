import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadConfig } from "../../lib/load-config.ts";
import { startS3 } from "../../local/s3.ts";
import type { S3Part } from "../../local/s3.ts";
import type { DeployedFunction, Deployment } from "../../local/template/deployment.ts";
import { readDeployment } from "../../local/template/read-deployment.ts";
import { synthesize } from "../../local/template/synthesize.ts";

const CONFIG = fileURLToPath(new URL("../../weir.config.ts", import.meta.url));

let folder: string;
let cdkOut: string;
let deployment: Deployment;
let s3: S3Part;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "weir-bundles-"));
  cdkOut = await synthesize(CONFIG, join(folder, "cdk.out"));
  deployment = readDeployment(cdkOut);
  s3 = await startS3({ buckets: [deployment.lakeBucket], dataDir: join(folder, "s3") });
});
afterAll(async () => {
  await s3?.stop();
  await rm(folder, { recursive: true });
});

/** Calls the bundled handler in a process of its own, as Lambda would. @returns what it printed */
async function invoke(
  { name, assetDir, handler, environment }: DeployedFunction,
  event: unknown,
): Promise<string> {
  const [module, exported] = handler.split(".") as [string, string];
  const script = `
    const { [process.argv[2]]: handler } = await import(process.argv[1]);
    const answer = await handler(JSON.parse(process.argv[3]), { getRemainingTimeInMillis: () => 60_000 });
    console.log(JSON.stringify({ answer }));`;
  const args = ["--input-type=module", "-e", script, join(assetDir, `${module}.mjs`), exported];
  const { stdout } = await promisify(execFile)(process.execPath, [...args, JSON.stringify(event)], {
    cwd: folder,
    env: {
      ...environment,
      AWS_LAMBDA_FUNCTION_NAME: name,
      AWS_REGION: deployment.region,
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
      AWS_ENDPOINT_URL_S3: s3.endpoint,
    },
  });
  return stdout;
}

test("each asset carries the checked configuration", async () => {
  const config = await loadConfig(CONFIG);
  for (const deployed of [deployment.functions.router, deployment.functions.loader!]) {
    const json = await readFile(join(deployed.assetDir, "config.json"), "utf8");
    expect(JSON.parse(json)).toEqual(config);
  }
});

test("the bundled router answers with the environment that the template gives it", async () => {
  const printed = await invoke(deployment.functions.router, { Records: [] });
  expect(printed).toContain(`{"answer":{"batchItemFailures":[]}}`);
});

describe("the bundled loader", () => {
  interface Alarm {
    readonly Namespace: string;
    readonly MetricName: string;
    readonly Dimensions: readonly { readonly Name: string; readonly Value: { readonly Ref: string } }[];
  }

  test("emits on an idle tick the very metrics that the alarms watch, dimensions and all", async () => {
    const loader = deployment.functions.loader!;
    const printed = await invoke(loader, deployment.schedules.loader!.input);
    const nameOf = (id: string): string | undefined => (id === loader.logicalId ? loader.name : undefined);
    const emitted = printed
      .split("\n")
      .filter((line) => line.includes("CloudWatchMetrics"))
      .flatMap((line) => metricsOf(JSON.parse(line) as EmbeddedMetrics));
    const { Resources } = JSON.parse(await readFile(join(cdkOut, "Weir.template.json"), "utf8")) as {
      Resources: Record<string, { Type: string; Properties: Alarm }>;
    };
    const watched = Object.values(Resources)
      .filter(({ Type, Properties }) => Type === "AWS::CloudWatch::Alarm" && Properties.Namespace === "Weir")
      .map(({ Properties: { MetricName, Dimensions } }) => ({
        name: MetricName,
        dimensions: Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, nameOf(Value.Ref)])),
      }));
    expect(watched.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["LoadLagSeconds", "LoadsFailed"]),
    );
    expect(emitted).toEqual(expect.arrayContaining(watched));
  });
});

/** source: CloudWatch embedded metric format specification, read 2026-11 */
interface EmbeddedMetrics {
  readonly [value: string]: unknown;
  readonly _aws: {
    readonly CloudWatchMetrics: readonly {
      readonly Namespace: string;
      readonly Dimensions: readonly (readonly string[])[];
      readonly Metrics: readonly { readonly Name: string }[];
    }[];
  };
}

function metricsOf(line: EmbeddedMetrics): { name: string; dimensions: Record<string, unknown> }[] {
  return line._aws.CloudWatchMetrics.filter(({ Namespace }) => Namespace === "Weir").flatMap(
    ({ Dimensions, Metrics }) =>
      Metrics.flatMap(({ Name: name }) =>
        Dimensions.map((keys) => ({
          name,
          dimensions: Object.fromEntries(keys.map((key) => [key, line[key]])),
        })),
      ),
  );
}
