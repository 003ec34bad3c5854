import { randomUUID } from "node:crypto";
import { LAMBDA_PAYLOAD_MAX_BYTES } from "../../wire/limits.ts";
import { failure, type InvokeResult } from "./invoke-result.ts";
import { Sandbox, type SandboxSettings } from "./sandbox.ts";

export interface FunctionOptions {
  readonly name: string;
  /** As deployed; left out, one that looks like it. */
  readonly arn?: string;
  /** The bundle, as it deploys: holds `index.mjs`, `index.js` or `index.cjs` for "index.handler". */
  readonly assetDir: string;
  readonly handler: string;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  /** As deployed, with AWS_REGION, credentials and the AWS_ENDPOINT_URL_* of the laptop cloud. */
  readonly environment: Readonly<Record<string, string>>;
  /** Invocations at a time; one more is throttled. */
  readonly concurrency: number;
  /** One line of standard output or error. */
  readonly log: (line: string) => void;
  /** Told of each invocation what went wrong, or undefined. */
  readonly onResult?: (error: string | undefined) => void;
  /** Told of a process that died between two invocations. */
  readonly onIdleDeath?: (how: string) => void;
  readonly signal?: AbortSignal;
}

export interface LambdaFunction {
  readonly name: string;
  readonly arn: string;
  /** @param payload JSON text, up to 6 MB. Never rejects. */
  invoke(payload: string): Promise<InvokeResult>;
  /**
   * Runs other code from the next invocation on, as a deployment does: what is under way ends with the old.
   *
   * @param assetDir as in FunctionOptions
   */
  updateCode(assetDir: string): Promise<void>;
  /** Of a process that is running, if there is one: the busiest first. */
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

/**
 * Runs a function as Lambda does: a process starts with the invocation that needs it, serves one at a
 * time, stays for the next, and is replaced when it dies or runs over its time.
 */
export function startFunction(options: FunctionOptions): LambdaFunction {
  const { name, concurrency, signal } = options;
  let settings = sandboxSettings(options);
  const idle: Sandbox[] = [];
  const busy = new Set<Sandbox>();
  const starting = new Set<Promise<Sandbox>>();
  let invocations = 0;
  let stopped = false;

  const start = async (): Promise<Sandbox> => {
    const sandbox = await Sandbox.start(settings);
    busy.add(sandbox);
    return sandbox;
  };
  const take = async (): Promise<Sandbox> => {
    let sandbox = idle.pop();
    while (sandbox && !sandbox.alive) sandbox = idle.pop();
    if (sandbox) {
      busy.add(sandbox);
      return sandbox;
    }
    const started = start();
    starting.add(started);
    return started.finally(() => starting.delete(started));
  };
  const invoke = async (payload: string): Promise<InvokeResult> => {
    const bytes = Buffer.byteLength(payload);
    if (bytes > LAMBDA_PAYLOAD_MAX_BYTES) return tooLarge(bytes);
    if (stopped || signal?.aborted) return isStopped(name);
    if (invocations >= concurrency) return throttled(concurrency);
    invocations++;
    try {
      const sandbox = await take();
      const result = await sandbox.invoke(payload);
      options.onResult?.(result.ok ? undefined : `${result.error.type}: ${result.error.message}`);
      busy.delete(sandbox);
      if (sandbox.runs(settings)) idle.push(sandbox);
      else await sandbox.stop();
      return result;
    } catch (error) {
      if (signal?.aborted) return isStopped(name);
      throw error;
    } finally {
      invocations--;
    }
  };
  const updateCode = async (assetDir: string): Promise<void> => {
    settings = sandboxSettings({ ...options, assetDir });
    await Promise.all(idle.splice(0).map((sandbox) => sandbox.stop()));
  };
  const stop = async (): Promise<void> => {
    stopped = true;
    // Once it has started it is among the busy.
    await Promise.allSettled(starting);
    await Promise.all([...busy, ...idle].map((sandbox) => sandbox.stop()));
  };
  return {
    name,
    arn: settings.arn,
    invoke,
    updateCode,
    stop,
    get pids() {
      return [...busy, ...idle.toReversed()].filter(({ alive }) => alive).map(({ pid }) => pid);
    },
  };
}

function sandboxSettings(options: FunctionOptions): SandboxSettings {
  const { name, assetDir, handler, timeoutMs, memoryMb, environment, log, signal } = options;
  const region = environment["AWS_REGION"] ?? "us-east-1";
  return {
    name,
    arn: options.arn ?? `arn:aws:lambda:${region}:000000000000:function:${name}`,
    timeoutMs,
    memoryMb,
    assetDir,
    log,
    onIdleDeath: options.onIdleDeath,
    signal,
    environment: {
      ...environment,
      AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
      AWS_LAMBDA_FUNCTION_NAME: name,
      AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: `${memoryMb}`,
      AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
      AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
      AWS_LAMBDA_LOG_STREAM_NAME: "local",
      AWS_REGION: region,
      LAMBDA_TASK_ROOT: assetDir,
      TZ: "UTC",
      _HANDLER: handler,
    },
  };
}

function isStopped(name: string): InvokeResult {
  return failure(randomUUID(), "ResourceConflictException", `${name} is stopped`);
}

function tooLarge(bytes: number): InvokeResult {
  const message = `${bytes} byte payload is too large for the RequestResponse invocation type (limit ${LAMBDA_PAYLOAD_MAX_BYTES} bytes)`;
  return failure(randomUUID(), "RequestEntityTooLargeException", message);
}

function throttled(concurrency: number): InvokeResult {
  const message = `Rate Exceeded: the function has reached its reserved concurrency of ${concurrency}`;
  return failure(randomUUID(), "TooManyRequestsException", message, { throttled: true });
}
