import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { KinesisClient, PutRecordCommand } from "@aws-sdk/client-kinesis";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bareEnvironment } from "../bare-environment.ts";
import type { Alarm } from "../../local/alarm-topic.ts";
import { type Cloud, removeCloud, startCloud } from "../../local/cloud.ts";
import type { CloudFile } from "../../wire/cloud-file.ts";
import { heartbeat, heartbeatLine, report } from "../commit-log/heartbeat-fixture.ts";
import { CREDENTIALS } from "../../local/credentials.ts";
import { aggregate } from "../router/batch-fixture.ts";
import { type SampleStack, sampleStack } from "../end-to-end/pipeline.ts";
import { CloudFormation } from "./cloudformation.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

let stack: SampleStack;
let cloud: Cloud;
let dir: string;
const alarms: Alarm[] = [];

beforeAll(async () => {
  stack = await sampleStack();
  dir = await mkdtemp(join(tmpdir(), "weir-loads-"));
  const { deployment } = stack;
  cloud = await startCloud({
    deployment,
    dir,
    log: () => {},
    sequencerEveryMs: 300,
    loaderEveryMs: 500,
    fleetEveryMs: 500,
    batchingWindowSeconds: 0,
    // A second is long enough here.
    environment: (role) => (role === "fleet" ? { WEIR_SILENT_MINUTES: "0.02" } : {}),
    onAlarm: (alarm) => alarms.push(alarm),
  });
});
afterAll(async () => {
  await cloud?.stop();
  await removeCloud(dir);
  await stack?.[Symbol.asyncDispose]();
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

/** As for a stack that is deployed, its parts this cloud's. */
const deployed = (cloudFormation: CloudFormation): Record<string, string> => ({
  ...cloud.environment,
  AWS_ENDPOINT_URL_LAMBDA: cloud.lambdaEndpoint,
  AWS_ENDPOINT_URL_CLOUDFORMATION: cloudFormation.endpoint,
});

const outputs = (): Record<string, string> => ({
  StreamName: stack.deployment.stream.name,
  LakeBucket: stack.deployment.lakeBucket,
  FailureBucket: stack.deployment.mapping.failureDestinationBucket,
  RouterFunction: stack.deployment.functions.router.name,
  LoaderFunction: stack.deployment.functions.loader!.name,
});

test("a laptop cloud's tables are printed, one a line, and all is well", async () => {
  const { code, stdout, stderr } = await weir(["loads", "--local", dir]);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  expect(stdout).toBe(`the laptop cloud of ${dir}

TABLE             CONDITION  LAG  OPEN ROWS  UNREAD COMMITS  REFUSED ROWS
logs.access       loaded       -          -               -             -
logs.photo        loaded       -          -               -             -
logs.user_events  loaded       -          -               -             -
`);
});

test("a deployed stack is found by its outputs", async () => {
  await using cloudFormation = await CloudFormation.start("Weir", outputs());
  const args = ["loads", "status", "--stack", "Weir", "--region", "eu-west-1", "--json"];
  const { code, stdout, stderr } = await weir(args, deployed(cloudFormation));
  expect(stderr).toBe("");
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    ok: true,
    tables: [{ table: "logs.access", condition: "loaded", ok: true }, {}, {}],
  });
});

test("what no command can work on is said in a line or two, with what to do", async () => {
  await using cloudFormation = await CloudFormation.start("Weir", { StreamName: "s", LakeBucket: "l" });
  const environment = deployed(cloudFormation);
  const empty = join(dir, "empty");
  await mkdir(empty);
  const cases: readonly [string[], RegExp, Record<string, string>?][] = [
    [[], /^weir: nothing to work on\nSay --stack NAME .*, or --local DIR/],
    [
      ["--local", empty],
      /^weir: no laptop cloud runs in .*\/empty\nStart one: npm start -- --dir .*\/empty\n$/,
    ],
    [["--local", dir, "--stack", "Weir"], /cannot be used with option/],
    [["--stack", "Other"], /^weir: there is no stack Other in us-east-1\n/, environment],
    [["--stack", "Weir"], /^weir: stack Weir in us-east-1 has no output FailureBucket\n/, environment],
    [["--stack", "Weir", "--region", "eu-west-1"], /^weir: Could not load credentials.*\nSign in/],
    [["--stack", "Weir"], /^weir: no region is known\nSay --region/, { AWS_CONFIG_FILE: "/dev/null" }],
  ];
  for (const [args, said, env] of cases) {
    const { code, stdout, stderr } = await weir(["loads", ...args], env);
    expect({ args, code, stdout }).toEqual({ args, code: 1, stdout: "" });
    expect(stderr).toMatch(said);
    expect(stderr).not.toContain("    at ");
  }
  const { code, stdout } = await weir(["loads", "--json", "--local", empty]);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code: "NOT_RUNNING" } });
});

test("a stack without a warehouse has no loads", async () => {
  const { LoaderFunction: _, ...others } = outputs();
  await using cloudFormation = await CloudFormation.start("Weir", others);
  const { code, stderr } = await weir(["loads", "--stack", "Weir"], deployed(cloudFormation));
  expect(code).toBe(1);
  expect(stderr).toMatch(/^weir: stack Weir in us-east-1 has no loader: its rows stay in the lake\n/);
});

test("a folder whose cloud has been killed is none that runs, even if another cloud has its port", async () => {
  const running = JSON.parse(await readFile(join(dir, "cloud.json"), "utf8")) as CloudFile;
  const left = await mkdtemp(join(tmpdir(), "weir-left-"));
  await writeFile(join(left, "cloud.json"), JSON.stringify({ ...running, id: "another" }));
  expect((await weir(["loads", "--local", left])).stderr).toMatch(
    /^weir: the laptop cloud of .* does not run any more\n/,
  );
  await writeFile(join(left, "cloud.json"), "{}");
  expect((await weir(["loads", "--local", left])).stderr).toMatch(/^weir: .*\/cloud\.json cannot be read\n/);
  await rm(left, { recursive: true });
});

test("loads are paused and resumed by command, and one screen has that and all else", async () => {
  expect(await weir(["status", "--local", dir])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /all is well\n\nFLEET [^]*\nSTREAM .*: Enabled\n[^]*\nTABLES  3 tables/,
    ) as string,
  });
  const paused = await weir(["loads", "pause", "logs.photo", "--reason", "vacuum", "--local", dir]);
  expect(paused).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^logs.photo: paused since .*: vacuum/) as string,
  });
  const { code, stdout } = await weir(["status", "--json", "--local", dir]);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    ok: false,
    stream: { mapping: "Enabled", problems: [] },
    router: { failedBatches: 0, hours: 1, problems: [] },
    lake: { rowsPerDay: 0 },
    tables: {
      tables: [
        { ok: true },
        { table: "logs.photo", condition: "paused", paused: { reason: "vacuum" }, ok: false },
        {},
      ],
      problems: [expect.stringContaining("logs.photo: loads are paused since")],
    },
    cost: { absent: "a laptop costs nothing" },
  });
  expect(await weir(["loads", "resume", "--local", dir])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("logs.photo: loads go on with the next tick") as string,
  });
});

test("the exit code tells of a table that is not well, and the line under the table why", async () => {
  const minute = new Date().toISOString().slice(0, 16).replaceAll(/[-T:]/g, "/");
  const Key = `commits/${minute}/broken-1.json`;
  const object = { Bucket: stack.deployment.lakeBucket, Key, Body: "no commit", ContentLength: 9 };
  await cloud.s3.send(new PutObjectCommand(object));
  await expect.poll(async () => (await weir(["loads", "--local", dir])).code).toBe(1);
  const { stdout } = await weir(["loads", "--local", dir]);
  expect(stdout).toMatch(/logs\.photo +loaded +.* +- +1 +-\n/);
  expect(stdout).toMatch(/\nlogs\.photo: .*; 1 commits could not be read and are set aside\n/);
});

test("a stopped cloud leaves no trace of where it was", async () => {
  const other = await mkdtemp(join(tmpdir(), "weir-stopped-"));
  const { deployment } = stack;
  const second = await startCloud({ deployment, dir: other, log: () => {} });
  expect((await weir(["loads", "--local", other])).code).toBe(0);
  await second.stop();
  expect((await weir(["loads", "--local", other])).stderr).toMatch(/^weir: no laptop cloud runs in /);
  await removeCloud(other);
});

test("a table is loaded again, and one that nothing goes to is named", async () => {
  const { code, stdout } = await weir(["loads", "reload", "logs.photo", "--local", dir, "--json"]);
  expect(JSON.parse(stdout)).toEqual({
    ok: true,
    tables: [{ table: "logs.photo", cursor: { segment: 1, index: 0 } }],
  });
  expect(code).toBe(0);
  const refused = await weir(["loads", "reload", "logs.foto", "--local", dir]);
  expect(refused).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("no log type goes to logs.foto"),
  });
  const bad = await weir(["loads", "reload", "logs.photo", "--from", "yesterday", "--local", dir]);
  expect(bad).toMatchObject({ code: 1, stderr: expect.stringContaining("It should be a time") });
});

test("a host that falls silent is published to the topic by its name, and shown by each screen from then on", async () => {
  const kinesis = new KinesisClient({
    endpoint: cloud.kinesisEndpoint,
    region: "us-east-1",
    credentials: CREDENTIALS,
    requestHandler: new NodeHttpHandler(),
  });
  const beat = heartbeatLine(
    heartbeat("web-1", new Date(), [report("/var/log/a.log", { size: 500, delivered: 100 })]),
    0,
  );
  await kinesis.send(
    new PutRecordCommand({
      StreamName: stack.deployment.stream.name,
      PartitionKey: "p",
      Data: aggregate([beat]),
    }),
  );
  kinesis.destroy();
  await expect.poll(() => alarms).toHaveLength(1);
  expect(alarms[0]).toMatchObject({
    subject: "Weir: no heartbeat of any host arrives",
    message: expect.stringMatching(/Heard until then: web-1\n/) as string,
  });
  const watching = spawn(
    process.execPath,
    ["bin/weir.ts", "status", "--watch", "--every", "1", "--json", "--local", dir],
    {
      cwd: ROOT,
      env: bareEnvironment(),
    },
  );
  const screens: string[] = [];
  for await (const line of createInterface({ input: watching.stdout })) {
    if (screens.push(line) === 2) watching.kill("SIGINT");
  }
  if (watching.exitCode === null) await once(watching, "exit");
  expect(watching.exitCode).toBe(1);
  for (const screen of screens) {
    expect(JSON.parse(screen)).toMatchObject({
      fleet: {
        counts: { hosts: 1, silent: 1, bytesWaiting: 400 },
        problems: [expect.stringContaining("no heartbeat of any host arrives since")],
      },
    });
  }
});
