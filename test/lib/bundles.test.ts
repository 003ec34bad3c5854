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

interface MetricSource {
  readonly Namespace?: string;
  readonly MetricName: string;
  readonly Dimensions?: readonly {
    readonly Name: string;
    readonly Value: string | { readonly Ref: string };
  }[];
}

interface Alarm extends MetricSource {
  readonly Metrics?: readonly { readonly MetricStat?: { readonly Metric: MetricSource } }[];
}

/** The metrics of ours that the alarms watch, alone or as a part of a share, by the function that emits them. */
async function watched(deployed: DeployedFunction): Promise<EmittedMetric[]> {
  const { Resources } = JSON.parse(await readFile(join(cdkOut, "Weir.template.json"), "utf8")) as {
    Resources: Record<string, { Type: string; Properties: Alarm }>;
  };
  return Object.values(Resources)
    .filter(({ Type }) => Type === "AWS::CloudWatch::Alarm")
    .flatMap(({ Properties }) => [
      Properties,
      ...(Properties.Metrics ?? []).flatMap(({ MetricStat }) => MetricStat?.Metric ?? []),
    ])
    .filter(({ Namespace }) => Namespace === "Weir")
    .map(({ MetricName: name, Dimensions = [] }) => ({
      name,
      dimensions: Object.fromEntries(
        Dimensions.map(({ Name, Value }) => [
          Name,
          typeof Value === "object" && Value.Ref === deployed.logicalId ? deployed.name : Value,
        ]),
      ),
    }))
    .filter(({ dimensions }) => dimensions["service"] === deployed.name);
}

const emitted = (printed: string): EmittedMetric[] =>
  printed
    .split("\n")
    .filter((line) => line.includes("CloudWatchMetrics"))
    .flatMap((line) => metricsOf(JSON.parse(line) as EmbeddedMetrics));

describe("the very metrics that the alarms watch, dimensions and all, are emitted", () => {
  test("by the loader on an idle tick", async () => {
    const loader = deployment.functions.loader!;
    const wanted = await watched(loader);
    expect(wanted.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["LoadLagSeconds", "LoadsFailed", "ContestedSources"]),
    );
    expect(emitted(await invoke(loader, deployment.schedules.loader!.input))).toEqual(
      expect.arrayContaining(wanted),
    );
  });

  test("by the sequencer on an idle tick", async () => {
    const { sequencer } = deployment.functions;
    const wanted = await watched(sequencer);
    expect(wanted.map(({ name }) => name)).toEqual(["SequencerLagSeconds"]);
    expect(emitted(await invoke(sequencer, deployment.schedules.sequencer.input))).toEqual(
      expect.arrayContaining(wanted),
    );
  });

  test("by fleet watch while no host has been heard", async () => {
    const fleet = deployment.functions.fleet!;
    const wanted = await watched(fleet);
    expect(wanted.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        "SilentHosts",
        "StalledAgents",
        "StuckFiles",
        "UnreadableFiles",
        "HostsLeftOut",
      ]),
    );
    expect(emitted(await invoke(fleet, deployment.schedules.fleet!.input))).toEqual(
      expect.arrayContaining(wanted),
    );
  });

  test("by the router for a batch with a line of each type", async () => {
    const { router } = deployment.functions;
    const { types } = await loadConfig(CONFIG);
    const wanted = await watched(router);
    expect(wanted.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["Rejected", "Unrouted", "Lines", "Quarantined", "ContestedSources"]),
    );
    for (const { name } of types) {
      const dimensions = { service: router.name, type: name };
      for (const metric of ["Rejected", "Lines"]) expect(wanted).toContainEqual({ name: metric, dimensions });
    }
    const Records = types.map((type, i) => ({
      eventID: `shardId-000000000000:${i + 1}`,
      eventSourceARN: deployment.stream.arn,
      kinesis: {
        sequenceNumber: `${i + 1}`,
        partitionKey: type.match?.tags[0] ?? type.name,
        data: Buffer.from("no line of any type").toString("base64"),
        approximateArrivalTimestamp: 1_795_000_000,
      },
    }));
    expect(emitted(await invoke(router, { Records }))).toEqual(expect.arrayContaining(wanted));
  });
});

interface EmittedMetric {
  readonly name: string;
  readonly dimensions: Record<string, unknown>;
}

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

function metricsOf(line: EmbeddedMetrics): EmittedMetric[] {
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
