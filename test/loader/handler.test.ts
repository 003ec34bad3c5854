import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { TickReport } from "../../lambdas/loader/tick.ts";
import { writeHandler } from "../../lib/handler-code.ts";
import { parseConfig } from "../../wire/config.ts";
import type { LoaderAnswer } from "../../wire/loader-command.ts";
import { BUCKET, DATABASE, type Rig, startRig, WORKGROUP } from "../local/warehouse-fixture.ts";
import { batch } from "./lake-fixture.ts";
import { logType } from "./loader-fixture.ts";
import { LogFixture } from "./log-fixture.ts";

const HANDLER = fileURLToPath(new URL("../../lambdas/loader/handler.ts", import.meta.url));

let rig: Rig;
let folder: string;
const ended: object[] = [];

beforeAll(async () => {
  rig = await startRig({ onStatementEvent: (event) => ended.push(event) });
  await rig.warehouse.query("CREATE SCHEMA weir; CREATE SCHEMA logs");
  folder = await mkdtemp(join(tmpdir(), "weir-loader-"));
  const config = parseConfig({ warehouse: { kind: "new-serverless" }, types: [logType("photo")] }, "test");
  writeHandler(HANDLER, folder, config);
  vi.stubEnv("AWS_REGION", "us-east-1");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "local");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "local");
  vi.stubEnv("AWS_ENDPOINT_URL_REDSHIFT_DATA", rig.warehouse.endpoint);
  vi.stubEnv("AWS_ENDPOINT_URL_S3", rig.s3Endpoint);
  vi.stubEnv("WEIR_LAKE_BUCKET", BUCKET);
  vi.stubEnv("WEIR_WORKGROUP", WORKGROUP);
  vi.stubEnv("WEIR_DATABASE", DATABASE);
  vi.stubEnv("WEIR_BASE_CAPACITY_RPU", "8");
  vi.stubEnv("WEIR_COPY_ROLE_ARN", "arn:aws:iam::000000000000:role/copy");
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rig?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test("the bundle loads on the schedule, settles on the statement's event, and says so in metrics", async () => {
  const { handler } = (await import(pathToFileURL(join(folder, "index.mjs")).href)) as {
    handler: (event: unknown) => Promise<TickReport>;
  };
  const { commitKey, commit, objects } = batch({
    sequence: [1, 1],
    sources: { a: [[0, 50]] },
    writtenAt: new Date(Date.now() - 120_000),
  });
  await rig.put(objects[0]!.key, objects[0]!.body);
  await rig.put(commitKey, JSON.stringify(commit));
  await new LogFixture(rig.s3, BUCKET).sequence();
  const emitted = captureMetrics();

  expect((await handler({})).lagSeconds).toBeGreaterThanOrEqual(120);
  await expect.poll(() => ended).toHaveLength(1);
  expect(await handler(ended[0])).toMatchObject({
    lagSeconds: 0,
    events: [
      {
        kind: "loaded",
        table: "logs.photo",
        rows: 5,
        bytes: objects[0]!.body.length,
        seconds: expect.any(Number),
        duplicates: 0,
      },
    ],
  });

  const metrics = emitted().filter(({ RowsLoaded }) => RowsLoaded === 5);
  expect(metrics).toMatchObject([
    {
      LoadLagSeconds: 0,
      LoadsFailed: 0,
      RpuSecondsEstimated: 480,
      _aws: { CloudWatchMetrics: [{ Namespace: "Weir", Dimensions: [["service"]] }] },
    },
    { table: "logs.photo", _aws: { CloudWatchMetrics: [{ Dimensions: [["service", "table"]] }] } },
  ]);
});

test("the bundle answers a command, and refuses what is none", async () => {
  const { handler } = (await import(pathToFileURL(join(folder, "index.mjs")).href)) as {
    handler: (event: unknown) => Promise<LoaderAnswer>;
  };
  expect(await handler({ command: "status" })).toMatchObject({
    ok: true,
    tables: [{ table: "logs.photo", condition: "loaded", cursor: { segment: 2, index: 0 } }],
  });
  expect(await handler({ command: "frobnicate" })).toMatchObject({
    ok: false,
    error: { code: "BAD_COMMAND", message: 'no command "frobnicate"' },
  });
});

/** Lines of the embedded metric format that the bundle writes from now on. */
function captureMetrics(): () => Record<string, unknown>[] {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  return () => {
    const lines = write.mock.calls.map(([text]) => String(text)).filter((text) => text.includes("_aws"));
    write.mockRestore();
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  };
}
