import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  GetEventSourceMappingCommand,
  InvokeCommand,
  type InvokeCommandInput,
  LambdaClient,
  UpdateEventSourceMappingCommand,
} from "@aws-sdk/client-lambda";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type LambdaFunction, startFunction } from "../../local/lambda/function.ts";
import { type InvokeApi, startInvokeApi } from "../../local/lambda/invoke-api.ts";
import { MappingSwitch } from "../../local/mapping/mapping-switch.ts";
import { LAMBDA_PAYLOAD_MAX_BYTES } from "../../wire/limits.ts";

const HANDLER = `
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
let last;
export const handler = async (event) => {
  if (event.fail) throw new TypeError(event.fail);
  if (event.hang) await new Promise(() => setInterval(() => {}, 1e6));
  if (event.last) return last;
  if (event.waitMs) await wait(event.waitMs);
  last = event;
  return { got: event };
};`;

/** A mapping without a stream, in the hands of whoever tests. */
class SwitchedMapping {
  readonly uuid = "11111111-2222-3333-4444-555555555555";
  readonly streamArn = "arn:aws:kinesis:us-east-1:000000000000:stream/logs";
  readonly functionArn = "arn:aws:lambda:us-east-1:000000000000:function:weir-test";
  readonly settings = {
    batchSize: 100,
    windowSeconds: 0,
    bisect: true,
    retryAttempts: 3,
    maxRecordAgeSeconds: 3_600,
    reportBatchItemFailures: true,
    startingPosition: "TRIM_HORIZON",
  } as const;
  idle = true;
  nowMs = 0;
  readonly #switch = new MappingSwitch();

  get state() {
    return this.#switch.state(this.idle, this.nowMs);
  }

  enable(on: boolean): void {
    this.#switch.turn(on, this.nowMs);
  }
}

const mapping = new SwitchedMapping();

let root: string;
let api: InvokeApi;
let client: LambdaClient;
const functions: LambdaFunction[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "weir-invoke-"));
  await writeFile(join(root, "index.mjs"), HANDLER);
  const start = (name: string, timeoutMs: number): LambdaFunction =>
    startFunction({
      name,
      assetDir: root,
      handler: "index.handler",
      timeoutMs,
      memoryMb: 128,
      environment: { AWS_REGION: "us-east-1" },
      concurrency: 1,
      log: () => {},
    });
  functions.push(start("weir-test", 30_000), start("weir-brief", 300));
  api = await startInvokeApi({ id: "this one", functions, mappings: [mapping] });
  client = new LambdaClient({
    endpoint: api.endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    maxAttempts: 1,
  });
});
afterAll(async () => {
  client?.destroy();
  api?.stop();
  await Promise.all(functions.map((fn) => fn.stop()));
  await rm(root, { recursive: true });
});

async function invoke(event: object | string, options: Partial<InvokeCommandInput> = {}) {
  const Payload = Buffer.from(typeof event === "string" ? event : JSON.stringify(event));
  const answer = await client.send(new InvokeCommand({ FunctionName: "weir-test", Payload, ...options }));
  const text = Buffer.from(answer.Payload ?? []).toString();
  return {
    status: answer.StatusCode,
    error: answer.FunctionError,
    payload: text === "" ? undefined : (JSON.parse(text) as unknown),
  };
}

test.each(["weir-test", "weir-test:$LATEST", "arn:aws:lambda:us-east-1:000000000000:function:weir-test"])(
  "a function is invoked as %s",
  async (FunctionName) => {
    expect(await invoke({ a: 1 }, { FunctionName })).toEqual({
      status: 200,
      error: undefined,
      payload: { got: { a: 1 } },
    });
  },
);

test("an error of the function is an answer that says so", async () => {
  expect(await invoke({ fail: "no such thing" })).toMatchObject({
    status: 200,
    error: "Unhandled",
    payload: { errorType: "TypeError", errorMessage: "no such thing" },
  });
  expect(await invoke({ hang: true }, { FunctionName: "weir-brief" })).toMatchObject({
    status: 200,
    error: "Unhandled",
    payload: { errorMessage: expect.stringContaining("timed out") as string },
  });
});

test("an event is taken at once, and run afterwards", async () => {
  expect(await invoke({ event: 7 }, { InvocationType: "Event" })).toMatchObject({ status: 202 });
  // Concurrency is 1: who is let in finds that it has run.
  await expect
    .poll(() => invoke({ last: true }).catch(() => undefined))
    .toMatchObject({ payload: { event: 7 } });
  expect(await invoke({}, { InvocationType: "DryRun" })).toMatchObject({ status: 204 });
});

test("what the service refuses is refused by its names", async () => {
  const running = invoke({ waitMs: 1_000 });
  await expect.poll(() => invoke({}).catch((error: Error) => error.name)).toBe("TooManyRequestsException");
  await running;
  const refused = (...args: Parameters<typeof invoke>) => invoke(...args).catch((error: Error) => error.name);
  expect(await refused({}, { FunctionName: "weir-other" })).toBe("ResourceNotFoundException");
  expect(await refused({}, { FunctionName: "weir-test:7" })).toBe("ResourceNotFoundException");
  expect(await refused("{")).toBe("InvalidRequestContentException");
  expect(await refused({ x: "x".repeat(LAMBDA_PAYLOAD_MAX_BYTES) })).toBe("RequestTooLargeException");
});

test("it says which cloud it is", async () => {
  expect(await (await fetch(api.endpoint)).json()).toEqual({ id: "this one" });
});

test("a mapping is stopped and started, each of which takes its time", async () => {
  const UUID = mapping.uuid;
  const state = async () => (await client.send(new GetEventSourceMappingCommand({ UUID }))).State;
  const ask = async (Enabled: boolean) =>
    (await client.send(new UpdateEventSourceMappingCommand({ UUID, Enabled }))).State;
  expect(await client.send(new GetEventSourceMappingCommand({ UUID }))).toMatchObject({
    State: "Enabled",
    BatchSize: 100,
    MaximumRecordAgeInSeconds: 3_600,
    EventSourceArn: mapping.streamArn,
    FunctionArn: mapping.functionArn,
  });
  mapping.idle = false;
  expect(await ask(false)).toBe("Disabling");
  mapping.nowMs += 1_000;
  // An invocation is under way.
  expect(await state()).toBe("Disabling");
  await expect(ask(true)).rejects.toThrow(expect.objectContaining({ name: "ResourceInUseException" }));
  mapping.idle = true;
  expect(await state()).toBe("Disabled");
  expect(await ask(true)).toBe("Enabling");
  mapping.nowMs += 1_000;
  expect(await state()).toBe("Enabled");
  const unknown = new GetEventSourceMappingCommand({ UUID: "another" });
  await expect(client.send(unknown)).rejects.toThrow(
    expect.objectContaining({ name: "ResourceNotFoundException" }),
  );
});
