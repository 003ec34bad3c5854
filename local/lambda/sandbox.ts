import { randomUUID } from "node:crypto";
import { startProcess, type Exit, type NodeProcess } from "../process.ts";
import { failure, type InvokeFailure, type InvokeResult } from "./invoke-result.ts";
import { RuntimeApi } from "./runtime-api.ts";

/**
 * Lambda gives a function 10 s to initialize and then begins again within the function's own time-out;
 * we give it the longer of the two, once.
 * source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html, read 2026-11
 */
const INIT_MIN_MS = 10_000;

export interface SandboxSettings {
  readonly name: string;
  readonly arn: string;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  readonly assetDir: string;
  /** Complete, but for the address of the Runtime API. */
  readonly environment: Readonly<Record<string, string>>;
  readonly log: (line: string) => void;
  /** Told when the process dies between invocations; one that is under way tells it itself. */
  readonly onIdleDeath: ((how: string) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

/** One process that runs one invocation at a time, Lambda's execution environment. */
export class Sandbox {
  readonly #settings: SandboxSettings;
  readonly #api: RuntimeApi;
  readonly #process: NodeProcess;
  #initialized = false;
  #ending = false;
  #busy = false;

  private constructor(settings: SandboxSettings, api: RuntimeApi, process: NodeProcess) {
    this.#settings = settings;
    this.#api = api;
    this.#process = process;
    void this.#closeWhenGone();
  }

  static async start(settings: SandboxSettings): Promise<Sandbox> {
    const api = await RuntimeApi.listen();
    const { name, assetDir, memoryMb, environment, log, signal } = settings;
    try {
      const process = startProcess({
        name: `Lambda ${name}`,
        script: new URL("./runtime.ts", import.meta.url),
        // Of the whole process Lambda counts every byte; V8 lets us bound its heap.
        nodeFlags: [`--max-old-space-size=${memoryMb}`],
        environment: { ...environment, AWS_LAMBDA_RUNTIME_API: api.address },
        cwd: assetDir,
        onLine: log,
        signal,
      });
      return new Sandbox(settings, api, process);
    } catch (error) {
      api.close();
      throw error;
    }
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** False once the process is ending; it never comes back. */
  get alive(): boolean {
    return !this.#ending;
  }

  /** True while it lives and these are what it was started with: code and environment are fixed from then on. */
  runs(settings: SandboxSettings): boolean {
    return this.alive && this.#settings === settings;
  }

  /** Never rejects: whatever becomes of the process is a result. */
  async invoke(payload: string): Promise<InvokeResult> {
    this.#busy = true;
    try {
      return await this.#run(payload);
    } finally {
      this.#busy = false;
    }
  }

  async #run(payload: string): Promise<InvokeResult> {
    const requestId = randomUUID();
    const broken = await this.#initialize(requestId);
    if (broken) {
      await this.stop(0);
      return broken;
    }
    const { timeoutMs, arn } = this.#settings;
    const invocation = { requestId, functionArn: arn, deadlineMs: Date.now() + timeoutMs, payload };
    return this.#within(timeoutMs, requestId, this.#api.run(invocation));
  }

  async stop(graceMs?: number): Promise<void> {
    this.#ending = true;
    await this.#process.stop(graceMs);
  }

  async #closeWhenGone(): Promise<void> {
    const exit = await this.#process.exited;
    if (!this.#ending && !this.#busy) this.#settings.onIdleDeath?.(howItEnded(exit));
    this.#ending = true;
    this.#api.close();
  }

  async #initialize(requestId: string): Promise<InvokeFailure | undefined> {
    if (this.#initialized) return undefined;
    const init = this.#api.initialized.then((error) => {
      return error && failure(requestId, error.errorType ?? "Runtime.Unknown", error.errorMessage ?? "");
    });
    const result = await this.#within(Math.max(INIT_MIN_MS, this.#settings.timeoutMs), requestId, init);
    this.#initialized = result === undefined;
    return result;
  }

  /** What `work` settles with, or the reason why it cannot: the process ended, or its time is over. */
  async #within<T>(limitMs: number, requestId: string, work: Promise<T>): Promise<T | InvokeFailure> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      void this.stop(0);
    }, limitMs);
    const ended = this.#process.exited.then((exit) =>
      late ? timeoutError(requestId, limitMs) : this.#exitError(requestId, exit),
    );
    try {
      return await Promise.race([work, ended]);
    } finally {
      clearTimeout(timer);
    }
  }

  #exitError(requestId: string, { code, signal }: Exit): InvokeFailure {
    if (this.#process.lastLines().includes("heap out of memory")) {
      const message = `RequestId: ${requestId} Error: Runtime exited with error: signal: killed`;
      return failure(requestId, "Runtime.OutOfMemory", message);
    }
    const how = howItEnded({ code, signal });
    return failure(
      requestId,
      "Runtime.ExitError",
      `RequestId: ${requestId} Error: Runtime exited with error: ${how}`,
    );
  }
}

function howItEnded({ code, signal }: Exit): string {
  return signal ? `signal: ${signal}` : `exit status ${code}`;
}

function timeoutError(requestId: string, limitMs: number): InvokeFailure {
  const seconds = (limitMs / 1_000).toFixed(2);
  const message = `RequestId: ${requestId} Error: Task timed out after ${seconds} seconds`;
  return failure(requestId, "Sandbox.Timedout", message, { timedOut: true });
}
