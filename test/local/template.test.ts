import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadersOf } from "../../local/template/deployment.ts";
import { readDeployment } from "../../local/template/read-deployment.ts";
import { synthesize } from "../../local/template/synthesize.ts";
import { TemplateError } from "../../local/template/template-error.ts";
import type { WeirConfigInput } from "../../wire/config.ts";
import { EXISTING_SERVERLESS, NEW_SERVERLESS, PROVISIONED, app } from "../lib/synth.ts";

/** The cloud assembly of the app, without bundles. */
function assembly(input: Partial<WeirConfigInput> = {}): string {
  return app(input, { builtinCloudFormationValidation: false }).synth().directory;
}

describe("the deployment of a whole pipeline", () => {
  const cdkOut = assembly({
    stream: { mode: { shards: 3 }, retentionHours: 48 },
    router: { batchSize: 500, batchingWindowSeconds: 5, retryAttempts: 4 },
    warehouse: NEW_SERVERLESS,
    loader: { everyMinutes: 15 },
  });
  const deployment = readDeployment(cdkOut);

  test("has the stream that the template has", () => {
    expect(deployment.stream).toMatchObject({ onDemand: false, shardCount: 3, retentionHours: 48 });
    expect(readDeployment(assembly()).stream).toMatchObject({ onDemand: true, shardCount: undefined });
  });

  test("has every property of the mapping", () => {
    expect(deployment.mapping).toEqual({
      logicalId: expect.stringMatching(/^RouterMapping/) as unknown,
      functionLogicalId: deployment.functions.router.logicalId,
      streamName: deployment.stream.name,
      batchSize: 500,
      windowSeconds: 5,
      bisect: true,
      retryAttempts: 4,
      maxRecordAgeSeconds: 86_400,
      reportBatchItemFailures: true,
      startingPosition: "TRIM_HORIZON",
      failureDestinationBucket: deployment.buckets.find(({ logicalId }) => logicalId.startsWith("Failures"))!
        .name,
    });
  });

  test("names the bucket that the router is told of as the lake", () => {
    expect(deployment.lakeBucket).toBe(
      deployment.buckets.find(({ logicalId }) => logicalId.startsWith("Lake"))!.name,
    );
    for (const { name } of deployment.buckets) expect(name).toMatch(/^[a-z0-9-]{3,63}$/);
  });

  test("has both functions with size, limit and resolved environment", () => {
    const { router, loader } = deployment.functions;
    expect(router).toMatchObject({
      handler: "index.handler",
      memoryMb: 1_024,
      timeoutSeconds: 120,
      reservedConcurrency: undefined,
      environment: { WEIR_LAKE_BUCKET: deployment.lakeBucket },
    });
    expect(loader).toMatchObject({
      reservedConcurrency: undefined,
      environment: {
        WEIR_LAKE_BUCKET: deployment.lakeBucket,
        WEIR_DATABASE: "weir",
        WEIR_WORKGROUP: "weir-00000000",
        WEIR_COPY_ROLE_ARN: expect.stringMatching(
          /^arn:aws:iam::000000000000:role\/WarehouseCopyRole/,
        ) as unknown,
      },
    });
  });

  test("has the tick, the events and the warehouse of the loader", () => {
    expect(deployment.schedules.loader).toMatchObject({
      rateSeconds: 900,
      input: {},
      functionArn: deployment.functions.loader!.arn,
    });
    expect(deployment.statementEvents?.pattern).toMatchObject({ source: ["aws.redshift-data"] });
    expect(deployment.warehouse).toEqual({
      target: { workgroup: "weir-00000000" },
      database: "weir",
      copyRoleArn: deployment.functions.loader!.environment["WEIR_COPY_ROLE_ARN"],
      grants: { user: "IAMR:Weir-loader-us-east-1", database: "weir", tables: [] },
    });
  });

  test("has the sequencer, every minute, with or without a warehouse", () => {
    for (const { functions, schedules, lakeBucket } of [deployment, readDeployment(assembly())]) {
      const { sequencer } = functions;
      expect(schedules.sequencer).toMatchObject({ rateSeconds: 60, input: {}, functionArn: sequencer.arn });
      expect(sequencer.environment).toMatchObject({ WEIR_LAKE_BUCKET: lakeBucket });
      expect(sequencer.logicalId).toMatch(/^Sequencer/);
    }
  });

  test("has fleet watch, every minute, with or without a warehouse, and the topic that it publishes to", () => {
    for (const { functions, schedules } of [deployment, readDeployment(assembly())]) {
      const fleet = functions.fleet!;
      expect(schedules.fleet).toMatchObject({ rateSeconds: 60, input: {}, functionArn: fleet.arn });
      expect(fleet.environment["WEIR_ALARM_TOPIC"]).toMatch(
        /^arn:aws:sns:us-east-1:000000000000:AlarmsTopic\w+$/,
      );
    }
  });

  test("has the same names on every reading, of the account and region asked for", () => {
    expect(readDeployment(cdkOut)).toEqual(deployment);
    const elsewhere = readDeployment(cdkOut, { account: "111122223333", region: "eu-west-1" });
    expect(elsewhere.stream.arn).toBe(
      `arn:aws:kinesis:eu-west-1:111122223333:stream/${deployment.stream.name}`,
    );
  });
});

test("an existing workgroup is known by the name it was configured with", () => {
  const { warehouse } = readDeployment(assembly({ warehouse: EXISTING_SERVERLESS }));
  const { workgroup, database, copyRoleArn } = EXISTING_SERVERLESS;
  expect(warehouse).toEqual({ target: { workgroup }, database, copyRoleArn, grants: undefined });
});

test("each of several warehouses has its own loader, tick, events and rights", () => {
  const deployment = readDeployment(
    assembly({ warehouses: { bi: PROVISIONED, archive: NEW_SERVERLESS }, warehouse: EXISTING_SERVERLESS }),
  );
  const loaders = loadersOf(deployment);
  expect(loaders.map(({ name }) => name)).toEqual(["main", "bi", "archive"]);
  expect(loaders.map(({ warehouse: { target } }) => target)).toEqual([
    { workgroup: EXISTING_SERVERLESS.workgroup },
    { cluster: PROVISIONED.cluster },
    { workgroup: "weir-archive-00000000" },
  ]);
  expect(loaders.map(({ grantedByHand, warehouse: { grants } }) => grants?.user ?? grantedByHand)).toEqual([
    "IAMR:Weir-loader-us-east-1",
    "IAMR:Weir-loader_bi-us-east-1",
    "IAMR:Weir-loader_archive-us-east-1",
  ]);
  for (const { function: loader, schedule, statementEvents, name } of loaders) {
    expect(schedule.functionArn).toBe(loader.arn);
    expect(JSON.stringify(statementEvents.pattern)).toContain(name === "main" ? "weir-" : `weir/${name}/`);
  }
  expect(deployment.functions.loader).toEqual(loaders[0]!.function);
});

test("without a warehouse there is no loader, tick or event", () => {
  const { functions, schedules, ...deployment } = readDeployment(assembly({ warehouse: { kind: "none" } }));
  expect(functions.loader).toBeUndefined();
  expect(schedules.loader).toBeUndefined();
  expect(deployment).toMatchObject({
    statementEvents: undefined,
    warehouse: undefined,
  });
});

describe("what cannot be had locally is refused, with its place", () => {
  type Template = { Resources: Record<string, { Type: string; Properties: Record<string, unknown> }> };
  const base = assembly({ warehouse: NEW_SERVERLESS });

  /** Reads the assembly after a change to its template. */
  async function afterEditing(edit: (template: Template) => void): Promise<unknown> {
    const folder = await mkdtemp(join(tmpdir(), "weir-edit-"));
    try {
      await cp(base, folder, { recursive: true });
      const path = join(folder, "Weir.template.json");
      const template = JSON.parse(await readFile(path, "utf8")) as Template;
      edit(template);
      await writeFile(path, JSON.stringify(template));
      return readDeployment(folder);
    } catch (error) {
      return error;
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  const find = (
    { Resources }: Template,
    type: string,
  ): { id: string; properties: Record<string, unknown> } => {
    const [id, { Properties }] = Object.entries(Resources).find(([, { Type }]) => Type === type)!;
    return { id, properties: Properties };
  };

  test.each<[string, (template: Template) => void, string, RegExp]>([
    [
      "an import of another stack",
      (template) => {
        find(template, "AWS::Lambda::EventSourceMapping").properties["EventSourceArn"] = {
          "Fn::ImportValue": "other",
        };
      },
      "UNRESOLVABLE",
      /^RouterMapping\w+\.EventSourceArn: Fn::ImportValue has no local meaning/,
    ],
    [
      "an attribute of a resource that is not run locally",
      (template) => {
        const { id } = find(template, "AWS::SQS::Queue");
        const variables = { WEIR_LAKE_BUCKET: { "Fn::GetAtt": [id, "QueueName"] } };
        const router =
          template.Resources[
            Object.keys(template.Resources).find((id) => id.startsWith("RouterHandlerFunction"))!
          ]!;
        router.Properties["Environment"] = { Variables: variables };
      },
      "UNRESOLVABLE",
      /^RouterHandlerFunction\w+\.Environment\.Variables\.WEIR_LAKE_BUCKET: .*AWS::SQS::Queue/,
    ],
    [
      "a property that Lambda would fill in",
      (template) => {
        delete find(template, "AWS::Lambda::EventSourceMapping").properties["MaximumRetryAttempts"];
      },
      "UNEXPECTED",
      /^RouterMapping\w+\.MaximumRetryAttempts: /,
    ],
    [
      "a second stream",
      (template) => {
        template.Resources["Other"] = { Type: "AWS::Kinesis::Stream", Properties: {} };
      },
      "UNEXPECTED",
      /2 resources of type AWS::Kinesis::Stream/,
    ],
    [
      "a schedule by the clock",
      (template) => {
        find(template, "AWS::Scheduler::Schedule").properties["ScheduleExpression"] = "cron(0 12 * * ? *)";
      },
      "UNEXPECTED",
      /^SequencerTickSchedule\w+\.ScheduleExpression: cron/,
    ],
    [
      "a mapping that takes several batches of a shard at once",
      (template) => {
        find(template, "AWS::Lambda::EventSourceMapping").properties["ParallelizationFactor"] = 2;
      },
      "UNEXPECTED",
      /^RouterMapping\w+\.ParallelizationFactor: /,
    ],
    [
      "a second schedule of a function that is told of no warehouse",
      (template) => {
        const { properties } = find(template, "AWS::Scheduler::Schedule");
        template.Resources["Other"] = { Type: "AWS::Scheduler::Schedule", Properties: properties };
      },
      "UNEXPECTED",
      /^2 scheduled functions without a warehouse, not one, the sequencer/,
    ],
    [
      "code that is no asset",
      (template) => {
        const { properties } = find(template, "AWS::Lambda::Function");
        properties["Code"] = { S3Bucket: "elsewhere", S3Key: "elsewhere.zip" };
      },
      "UNEXPECTED",
      /^RouterHandlerFunction\w+: no asset has the key elsewhere\.zip/,
    ],
  ])("%s", async (_, edit, code, message) => {
    const error = await afterEditing(edit);
    expect(error).toBeInstanceOf(TemplateError);
    expect((error as TemplateError).code).toBe(code);
    expect((error as TemplateError).message).toMatch(message);
  });

  test("a folder that cdk synth did not write", () => {
    expect(() => readDeployment(join(base, "nowhere"))).toThrow(
      expect.objectContaining({ code: "NOT_SYNTHESIZED" }),
    );
  });
});

describe("synthesizing in a process of its own", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "weir-synthesize-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("says which field of the configuration is wrong", async () => {
    const config = join(folder, "wrong.json");
    await writeFile(config, JSON.stringify({ types: [] }));
    const error: unknown = await synthesize(config, join(folder, "wrong")).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: "SYNTH_FAILED" });
    expect((error as Error).message).toMatch(/wrong\.json:\n {2}line 1, column 2: types: /);
    expect((error as Error).message).not.toContain("    at ");
  });

  test("stops when it is told to", async () => {
    const config = fileURLToPath(new URL("../../weir.config.ts", import.meta.url));
    const stop = AbortSignal.abort();
    await expect(synthesize(config, join(folder, "stopped"), stop)).rejects.toThrow(
      expect.objectContaining({ name: "AbortError" }),
    );
  });
});
