import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { startFunction, type FunctionOptions, type LambdaFunction } from "../../local/lambda/function.ts";

/** A handler that does what its event says. */
const HANDLER = `
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
let calls = 0;
export const handler = async (event, context) => {
  calls++;
  if (event.say) console.log(event.say);
  if (event.hang) await new Promise(() => setInterval(() => {}, 1e6));
  if (event.spin) for (;;);
  if (event.exit !== undefined) process.exit(event.exit);
  if (event.fail) throw new TypeError(event.fail);
  if (event.answerBytes) return "x".repeat(event.answerBytes);
  if (event.hoard) { const kept = []; for (;;) kept.push(new Array(1e6).fill(Math.random())); }
  if (event.remaining) { const first = context.getRemainingTimeInMillis(); await wait(20); return [first, context.getRemainingTimeInMillis()]; }
  if (event.environment) return process.env;
  if (event.context) return { ...context };
  return { calls, pid: process.pid };
};`;

const eventually = <T>(look: () => T) => expect.poll(look);

let root: string;
const lines: string[] = [];
const running: LambdaFunction[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "weir-lambda-"));
  await writeFile(join(root, "index.mjs"), HANDLER);
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((fn) => fn.stop()));
  lines.length = 0;
});
afterAll(() => rm(root, { recursive: true }));

function start(options: Partial<FunctionOptions> = {}): LambdaFunction {
  const fn = startFunction({
    name: "weir-test",
    assetDir: root,
    handler: "index.handler",
    timeoutMs: 30_000,
    memoryMb: 128,
    environment: { AWS_REGION: "eu-west-1", WEIR_LAKE_BUCKET: "lake" },
    concurrency: 1,
    log: (line) => lines.push(line),
    ...options,
  });
  running.push(fn);
  return fn;
}

const invoke = async (fn: LambdaFunction, event: object) => fn.invoke(JSON.stringify(event));

interface Calls {
  readonly calls: number;
  readonly pid: number;
}

async function answer<T = Calls>(fn: LambdaFunction, event: object): Promise<T> {
  const result = await invoke(fn, event);
  if (!result.ok) throw new Error(`${result.error.type}: ${result.error.message}`);
  return JSON.parse(result.payload) as T;
}

async function error(fn: LambdaFunction, event: object): Promise<{ type: string; message: string }> {
  const result = await invoke(fn, event);
  if (result.ok) throw new Error(`answered ${result.payload.slice(0, 200)}`);
  return result.error;
}

test("code is updated between two invocations: one that is under way ends with what it began with", async () => {
  const next = await mkdtemp(join(root, "next-"));
  await writeFile(
    join(next, "index.mjs"),
    `export const handler = async () => ({ calls: -1, pid: process.pid });`,
  );
  const fn = start({ concurrency: 2 });
  const idle = await answer(fn, {});
  const underWay = answer<[number, number]>(fn, { remaining: true });
  await eventually(() => fn.pids.length).toBe(1);
  await fn.updateCode(next);
  const updated = await answer(fn, {});
  expect(updated.calls).toBe(-1);
  expect(updated.pid).not.toBe(idle.pid);
  expect(await underWay).toHaveLength(2);
  expect(await answer(fn, {})).toEqual(updated);
  await eventually(() => fn.pids).toEqual([updated.pid]);
});

test("one process serves one invocation after the other", async () => {
  const fn = start();
  const first = await answer(fn, {});
  expect(await answer(fn, {})).toEqual({ calls: 2, pid: first.pid });
  expect(fn.pids).toEqual([first.pid]);
});

test("a function sees its own environment, Lambda's, and nothing of ours", async () => {
  process.env["WEIR_TEST_SECRET"] = "must not leak";
  const environment = await answer<object>(start(), { environment: true });
  delete process.env["WEIR_TEST_SECRET"];
  expect(environment).toMatchObject({
    WEIR_LAKE_BUCKET: "lake",
    AWS_REGION: "eu-west-1",
    AWS_LAMBDA_FUNCTION_NAME: "weir-test",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "128",
    LAMBDA_TASK_ROOT: root,
    TZ: "UTC",
  });
  expect(environment).not.toHaveProperty("WEIR_TEST_SECRET");
});

test("the context tells the time that is left, and whose invocation it is", async () => {
  const fn = start();
  const [before, after] = await answer<[number, number]>(fn, { remaining: true });
  expect(before).toBeLessThanOrEqual(30_000);
  expect(after).toBeLessThan(before);
  const context = await answer<{ awsRequestId: string }>(fn, { context: true });
  expect(context).toMatchObject({ functionName: "weir-test", invokedFunctionArn: fn.arn });
  expect(context.awsRequestId).toMatch(/^[0-9a-f-]{36}$/);
});

test("what the function prints goes to the log", async () => {
  const fn = start();
  await answer(fn, { say: "hello" });
  await fn.stop();
  expect(lines).toContain("hello");
});

test("an error that the handler throws keeps its class, and the process stays", async () => {
  const fn = start();
  const { pid } = await answer(fn, {});
  expect(await error(fn, { fail: "no" })).toEqual({ type: "TypeError", message: "no" });
  expect((await answer(fn, {})).pid).toBe(pid);
});

test.each([
  ["waits for ever", { hang: true }],
  ["spins for ever", { spin: true }],
])(
  "a handler that %s is killed at its time-out, and the next invocation has a new process",
  async (_, event) => {
    const fn = start({ timeoutMs: 2_000 });
    const { pid } = await answer(fn, {});
    const result = await invoke(fn, event);
    expect(result).toMatchObject({ ok: false, timedOut: true, error: { type: "Sandbox.Timedout" } });
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
    const next = await answer(fn, {});
    expect(next.calls).toBe(1);
    expect(next.pid).not.toBe(pid);
  },
);

test("a process that exits, or is killed, in the middle of an invocation fails it and is replaced", async () => {
  const results: (string | undefined)[] = [];
  const onResult = (error: string | undefined): number => results.push(error);
  const fn = start({ onResult, onIdleDeath: onResult });
  expect(await error(fn, { exit: 3 })).toMatchObject({
    type: "Runtime.ExitError",
    message: expect.stringContaining("exit status 3"),
  });
  await answer(fn, {});
  const failed = error(fn, { hang: true, say: "in it" });
  await eventually(() => lines).toContain("in it");
  process.kill(fn.pids[0]!, "SIGKILL");
  expect(await failed).toMatchObject({
    type: "Runtime.ExitError",
    message: expect.stringContaining("signal: SIGKILL"),
  });
  expect((await answer(fn, {})).calls).toBe(1);
  expect(results).toEqual([
    expect.stringMatching(/^Runtime.ExitError: .*exit status 3/),
    undefined,
    expect.stringMatching(/^Runtime.ExitError: .*SIGKILL/),
    undefined,
  ]);
});

test("a process killed between invocations is told, and replaced without a failure", async () => {
  const deaths: string[] = [];
  const fn = start({ onIdleDeath: (how) => deaths.push(how) });
  const { pid } = await answer(fn, {});
  process.kill(pid, "SIGKILL");
  await eventually(() => fn.pids).toEqual([]);
  expect((await answer(fn, {})).calls).toBe(1);
  await fn.stop();
  expect(deaths).toEqual(["signal: SIGKILL"]);
});

test("a handler that takes more memory than it has is reported as such", async () => {
  expect(await error(start({ memoryMb: 64 }), { hoard: true })).toMatchObject({
    type: "Runtime.OutOfMemory",
  });
});

test.each([
  ["throws", `throw new RangeError("cannot begin");`, "index.handler", "RangeError"],
  ["has no such export", `export const other = 1;`, "index.handler", "Runtime.HandlerNotFound"],
  ["is not there", ``, "absent.handler", "Runtime.ImportModuleError"],
])("a module that %s fails each invocation, until it is mended", async (_, source, handler, type) => {
  const assetDir = await mkdtemp(join(root, "init-"));
  await writeFile(join(assetDir, "index.mjs"), source);
  const fn = start({ assetDir, handler });
  expect((await error(fn, {})).type).toBe(type);
  expect((await error(fn, {})).type).toBe(type);
  await writeFile(join(assetDir, `${handler.split(".")[0]}.mjs`), HANDLER);
  expect((await answer(fn, {})).calls).toBe(1);
});

test("CommonJS bundles run as well", async () => {
  const assetDir = join(root, "cjs");
  await mkdir(assetDir, { recursive: true });
  await writeFile(join(assetDir, "index.js"), `exports.handler = async () => "common";`);
  expect(await answer(start({ assetDir }), {})).toBe("common");
});

test("payloads over 6 MB are refused on the way in and on the way out", async () => {
  const fn = start();
  const limit = 6 * 2 ** 20;
  expect(await answer(fn, { answerBytes: limit - 2 })).toHaveLength(limit - 2);
  expect(await error(fn, { answerBytes: limit - 1 })).toMatchObject({
    type: "Function.ResponseSizeTooLarge",
  });
  const fits = { fill: "x".repeat(limit - `{"fill":""}`.length) };
  expect((await answer(fn, fits)).calls).toBe(3);
  expect(await error(fn, { fill: `${fits.fill}x` })).toMatchObject({
    type: "RequestEntityTooLargeException",
  });
  expect((await answer(fn, {})).calls).toBe(4);
});

test("an invocation over the reserved concurrency is throttled, and none of the others notices", async () => {
  const fn = start({ concurrency: 2 });
  const [a, b, c] = await Promise.all([invoke(fn, {}), invoke(fn, {}), invoke(fn, {})]);
  expect([a, b]).toMatchObject([{ ok: true }, { ok: true }]);
  expect(c).toMatchObject({ ok: false, throttled: true, error: { type: "TooManyRequestsException" } });
});

test("stopping ends an invocation that is under way", async () => {
  const fn = start();
  const result = error(fn, { hang: true, say: "in it" });
  await eventually(() => lines).toContain("in it");
  await fn.stop();
  expect((await result).type).toBe("Runtime.ExitError");
});

test("stopping ends a process that is only being started", async () => {
  const fn = start();
  const result = error(fn, {});
  await fn.stop();
  expect(fn.pids).toEqual([]);
  expect((await result).type).toBe("Runtime.ExitError");
});

test("an invocation that an abort finds before its process is there fails as that of a stopped function", async () => {
  const abort = new AbortController();
  const fn = start({ signal: abort.signal });
  const result = error(fn, {});
  abort.abort();
  expect((await result).type).toBe("ResourceConflictException");
  expect((await error(fn, {})).type).toBe("ResourceConflictException");
});
