import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../local/part.ts";
import type { Call } from "./policy.ts";
import { pythonPrograms } from "./python.ts";
import { Redshift } from "./redshift.ts";

const REGION = process.env["AWS_REGION"]!;

const READY_TIMEOUT_MS = 120_000;

/** AWS on this machine: MiniStack with policies enforced, and PostgreSQL in place of Redshift. */
export class Cloud implements AsyncDisposable {
  readonly folder: string;
  readonly endpoint: string;
  readonly redshift: Redshift;
  /** Folder of the programs that requirements.txt names. */
  readonly programs: string;
  readonly #process: ChildProcess;

  private constructor(
    folder: string,
    endpoint: string,
    redshift: Redshift,
    programs: string,
    child: ChildProcess,
  ) {
    this.folder = folder;
    this.endpoint = endpoint;
    this.redshift = redshift;
    this.programs = programs;
    this.#process = child;
  }

  static async start(): Promise<Cloud> {
    const programs = await pythonPrograms();
    const folder = await mkdtemp(join(tmpdir(), "weir-deploy-"));
    const port = await freePort();
    const endpoint = `http://127.0.0.1:${port}`;
    const redshift = await Redshift.start(join(folder, "redshift"), endpoint);
    const log = openSync(join(folder, "ministack.log"), "w");
    const child = spawn(join(programs, "python"), [join(import.meta.dirname, "cloud.py")], {
      detached: true,
      stdio: ["pipe", log, log],
      env: {
        HOME: folder,
        PATH: pathWithNode(programs),
        TMPDIR: folder,
        STATE_DIR: join(folder, "state"),
        BIND_HOST: "127.0.0.1",
        MINISTACK_HOST: "127.0.0.1",
        GATEWAY_PORT: String(port),
        MINISTACK_REGION: REGION,
        IOT_MTLS_ENABLED: "0",
        AUTH: "true",
        AWS_ENDPOINT_URL: endpoint,
        REDSHIFT_ENDPOINT: redshift.endpoint,
        CALLS_FILE: join(folder, "calls.ndjson"),
        FAIL_FILE: join(folder, "fail"),
      },
    });
    closeSync(log);
    const cloud = new Cloud(folder, endpoint, redshift, programs, child);
    try {
      await cloud.#ready();
      return cloud;
    } catch (error) {
      await cloud[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #ready(): Promise<void> {
    const deadline = Date.now() + READY_TIMEOUT_MS;
    for (;;) {
      if (this.#process.exitCode !== null || Date.now() > deadline) {
        throw new Error(
          `MiniStack does not answer:\n${readFileSync(join(this.folder, "ministack.log"), "utf8")}`,
        );
      }
      const answer = await fetch(`${this.endpoint}/_ministack/health`).catch(() => undefined);
      if (answer?.ok) return;
      await sleep(100);
    }
  }

  /** What a shell of an account's administrator has in its environment. Twelve digits are an account of their own. */
  environment(account: string): Record<string, string> {
    return {
      HOME: this.folder,
      PATH: pathWithNode(this.programs),
      TMPDIR: this.folder,
      AWS_ENDPOINT_URL: this.endpoint,
      AWS_ACCESS_KEY_ID: account,
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_DEFAULT_REGION: REGION,
      AWS_REGION: REGION,
      // Nobody is there to approve.
      CDK_REQUIRE_APPROVAL: "never",
      CI: "true",
    };
  }

  /** What everybody but administrators asked of AWS so far, and what IAM answered. */
  calls(): Call[] {
    return readFileSync(join(this.folder, "calls.ndjson"), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Call);
  }

  /** Resources whose logical id begins so cannot be made, until it is called without one. */
  failToMake(logicalId = ""): void {
    writeFileSync(join(this.folder, "fail"), logicalId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { pid, exitCode } = this.#process;
    if (pid !== undefined && exitCode === null) {
      const gone = once(this.#process, "exit");
      // Its Lambdas are in its process group.
      process.kill(-pid, "SIGKILL");
      await gone;
    }
    await this.redshift[Symbol.asyncDispose]();
    if (process.env["KEEP"] === undefined) await rm(this.folder, { recursive: true, force: true });
  }
}

function pathWithNode(programs: string): string {
  return [programs, join(import.meta.dirname, "../../node_modules/.bin"), process.env["PATH"]].join(":");
}
