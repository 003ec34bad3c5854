import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InvokeCommand, type InvokeCommandInput, LambdaClient } from "@aws-sdk/client-lambda";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type LambdaFunction, startFunction } from "../../local/lambda/function.ts";
import { type InvokeApi, startInvokeApi } from "../../local/lambda/invoke-api.ts";
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
  api = await startInvokeApi({ id: "this one", functions });
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
