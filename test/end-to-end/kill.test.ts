import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Cloud } from "../../local/cloud.ts";
import type { LocalAgent } from "../../local/local-agent.ts";
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
    const kills = new Set<number>();
    const report = await runPipeline(stack, LINES, {
      onStart: (_cloud, agent) => void killRepeatedly(agent, kills),
    });
    expect(kills.size).toBeGreaterThanOrEqual(3);
    expectBalanced(report);
  });

  test("of the agent, after Kinesis took its lines and before it knew", async () => {
    let cloud: Cloud | undefined;
    let victim: LocalAgent | undefined;
    let kills = 0;
    await using proxy = await startProxy(
      () => cloud!.kinesisEndpoint,
      async ({ headers }, _body, moment) => {
        const isPut = headers["x-amz-target"] === "Kinesis_20131202.PutRecords";
        if (!isPut || moment !== "after" || kills === 2) return;
        kills++;
        process.kill(victim!.pid!, "SIGKILL");
      },
    );
    const report = await runPipeline(stack, LINES, {
      onStart: (running, agent) => {
        cloud = running;
        victim = agent;
      },
      agentEndpoint: proxy.endpoint,
    });
    expect(kills).toBe(2);
    expect(duplicates(report)).toBeGreaterThan(0);
    expectBalanced(report);
  });

  test.each<[string, Moment]>([
    ["before its commit: objects nobody names, then the same batch again", "before"],
    ["after its commit: the same batch committed twice", "after"],
  ])("of the router, %s", async (_claim, moment) => {
    const fault = new KillOnce(
      "router",
      moment,
      ({ method, url }) => method === "PUT" && url.includes("/commits/"),
    );
    const report = await fault.run(stack, "AWS_ENDPOINT_URL_S3", ({ s3Endpoint }) => s3Endpoint);
    expect(fault.kills).toBe(1);
    expectBalanced(report);
  });

  test.each<[string, Moment]>([
    ["before it submits a load", "before"],
    ["between submit and completion: nobody knows of the statement", "after"],
  ])("of the loader, %s", async (_claim, moment) => {
    const fault = new KillOnce(
      "loader",
      moment,
      ({ target }) => target === "RedshiftData.BatchExecuteStatement",
    );
    const report = await fault.run(
      stack,
      "AWS_ENDPOINT_URL_REDSHIFT_DATA",
      ({ environment }) => environment["AWS_ENDPOINT_URL_REDSHIFT_DATA"]!,
    );
    expect(fault.kills).toBe(1);
    expectBalanced(report);
  });
});

/** Kills an agent some time after each start, until it has been killed often enough. */
async function killRepeatedly(agent: LocalAgent, kills: Set<number>): Promise<void> {
  while (kills.size < 3) {
    await sleep(900);
    const { pid } = agent;
    if (pid === undefined || kills.has(pid)) continue;
    kills.add(pid);
    process.kill(pid, "SIGKILL");
  }
}

type IsCall = (call: { method: string; url: string; target: string }) => boolean;

/** Kills all processes of a Lambda at the first call of a kind. */
class KillOnce {
  kills = 0;
  #cloud: Cloud | undefined;
  readonly #role: "router" | "loader";
  readonly #moment: Moment;
  readonly #isIt: IsCall;

  constructor(role: "router" | "loader", moment: Moment, isIt: IsCall) {
    this.#role = role;
    this.#moment = moment;
    this.#isIt = isIt;
  }

  async run(stack: SampleStack, variable: string, target: (cloud: Cloud) => string): Promise<Report> {
    await using proxy = await startProxy(
      () => target(this.#cloud!),
      async (call, _body, moment) => {
        const { method = "", url = "", headers } = call;
        const isIt = this.#isIt({ method, url, target: String(headers["x-amz-target"]) });
        if (!isIt || moment !== this.#moment || this.kills > 0) return;
        this.kills++;
        for (const pid of this.#cloud![this.#role]!.pids) process.kill(pid, "SIGKILL");
        await once(call.socket, "close");
      },
    );
    return await runPipeline(stack, LINES, {
      environment: (role) => (role === this.#role ? { [variable]: proxy.endpoint } : {}),
      onStart: (cloud) => (this.#cloud = cloud),
    });
  }
}
