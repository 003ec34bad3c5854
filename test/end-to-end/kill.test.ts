import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Cloud, Role } from "../../local/cloud.ts";
import type { LocalAgent } from "../../local/agent/local-agent.ts";
import type { Report } from "../../local/reconcile/report.ts";
import { runPipeline, type SampleStack, sampleStack } from "./pipeline.ts";
import { type Moment, startProxy } from "./proxy.ts";

const LINES = 3_000;
let stack: SampleStack;

beforeAll(async () => {
  stack = await sampleStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

/** Every line is there once: the rows, and the lines that have to be rejected. */
function expectBalanced(report: Report): void {
  expect(report.problems).toEqual([]);
  expect(report.balanced).toBe(true);
  for (const type of ["access", "photo", "user"]) {
    const { lines, rows, rejected, duplicates } = report.types[type]!;
    expect(rows + rejected).toBe(LINES);
    expect(lines - duplicates).toBe(LINES);
  }
}

const duplicates = (report: Report): number =>
  Object.values(report.types).reduce((sum, type) => sum + type.duplicates, 0);

describe("with SIGKILL in the middle, every line is in the warehouse once", () => {
  test("of the agent, again and again", async () => {
    // Every process that has lines to send asks twice: a drain tells of the ends of files, too.
    const fault = new KillAgents("before", [2, 2, 1]);
    expectBalanced(await fault.run(stack));
    expect(fault.victims.size).toBe(3);
  });

  test("of the agent, after Kinesis took its lines and before it knew", async () => {
    const fault = new KillAgents("after", [1, 1]);
    const report = await fault.run(stack);
    expect(fault.victims.size).toBe(2);
    expect(duplicates(report)).toBeGreaterThan(0);
    expectBalanced(report);
  });

  /** Each at what it cannot take back: before it, where its objects or its plan stand and nobody names them, and after. */
  test.each<[Role, keyof Endpoints, IsCall]>([
    ["router", "AWS_ENDPOINT_URL_S3", ({ method, url }) => method === "PUT" && url.includes("/commits/")],
    ["sequencer", "AWS_ENDPOINT_URL_S3", ({ method, url }) => method === "PUT" && url.includes("/log/0")],
    [
      "loader",
      "AWS_ENDPOINT_URL_REDSHIFT_DATA",
      ({ target }) => target === "RedshiftData.BatchExecuteStatement",
    ],
  ])("of the %s, before and after it has made its work known", async (role, variable, isIt) => {
    const fault = new KillTwice(role, isIt);
    const report = await fault.run(stack, variable);
    expect(fault.killed).toEqual(["before", "after"]);
    expectBalanced(report);
  });
});

/** Kills one agent after the other, each at one of its calls of PutRecords. */
class KillAgents {
  /** Process ids. */
  readonly victims = new Set<number>();
  readonly #moment: Moment;
  /** For each of them in turn, which of its calls it is. */
  readonly #calls: readonly number[];
  #count = 0;
  #cloud: Cloud | undefined;
  #agent: LocalAgent | undefined;

  constructor(moment: Moment, calls: readonly number[]) {
    this.#moment = moment;
    this.#calls = calls;
  }

  async run(stack: SampleStack): Promise<Report> {
    await using proxy = await startProxy(
      () => this.#cloud!.kinesisEndpoint,
      async ({ headers }, _body, moment) => {
        const isPut = headers["x-amz-target"] === "Kinesis_20131202.PutRecords";
        if (isPut && moment === this.#moment) this.#onCall(this.#agent!.pid);
      },
    );
    return await runPipeline(stack, LINES, {
      onStart: (cloud, agent) => {
        this.#cloud = cloud;
        this.#agent = agent;
      },
      agentEndpoint: proxy.endpoint,
    });
  }

  /** @param pid of the agent that runs; a call may be a dead one's */
  #onCall(pid: number | undefined): void {
    if (pid === undefined || this.victims.has(pid)) return;
    if (++this.#count !== this.#calls[this.victims.size]) return;
    this.#count = 0;
    this.victims.add(pid);
    kill(pid);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // It may have ended by itself.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

type IsCall = (call: { method: string; url: string; target: string }) => boolean;

interface Endpoints {
  readonly AWS_ENDPOINT_URL_S3: string;
  readonly AWS_ENDPOINT_URL_REDSHIFT_DATA: string;
}

const MOMENTS: readonly Moment[] = ["before", "after"];

/** Kills all processes of a Lambda before a call of a kind, and after a later one. */
class KillTwice {
  readonly killed: Moment[] = [];
  #cloud: Cloud | undefined;
  readonly #role: Role;
  readonly #isIt: IsCall;

  constructor(role: Role, isIt: IsCall) {
    this.#role = role;
    this.#isIt = isIt;
  }

  async run(stack: SampleStack, variable: keyof Endpoints): Promise<Report> {
    await using proxy = await startProxy(
      () => this.#endpoint(variable),
      async (call, _body, moment) => {
        const { method = "", url = "", headers } = call;
        const isIt = this.#isIt({ method, url, target: String(headers["x-amz-target"]) });
        if (!isIt || moment !== MOMENTS[this.killed.length]) return;
        this.killed.push(moment);
        for (const pid of this.#cloud![this.#role]!.pids) kill(pid);
        if (!call.socket.destroyed) await once(call.socket, "close");
      },
    );
    return await runPipeline(stack, LINES, {
      environment: (role) => (role === this.#role ? { [variable]: proxy.endpoint } : {}),
      onStart: (cloud) => (this.#cloud = cloud),
    });
  }

  #endpoint(variable: keyof Endpoints): string {
    const { s3Endpoint, environment } = this.#cloud!;
    return variable === "AWS_ENDPOINT_URL_S3" ? s3Endpoint : environment[variable]!;
  }
}
