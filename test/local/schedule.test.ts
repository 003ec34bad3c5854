import { describe, expect, test } from "vitest";
import { compileEventPattern } from "../../local/event-pattern.ts";
import type { InvokeResult } from "../../local/lambda/invoke-result.ts";
import { News } from "../../local/news.ts";
import { startSchedule, type Schedule } from "../../local/schedule.ts";

/** A function that answers when told to, and a clock that moves when told to. */
class Stage {
  readonly invoked: string[] = [];
  readonly waits: number[] = [];
  readonly #answers: (() => void)[] = [];
  #resume: () => void = () => {};
  most = 0;
  #running = 0;
  readonly schedule: Schedule;

  constructor(pattern?: unknown, news?: News) {
    this.schedule = startSchedule({
      everyMs: 300_000,
      payload: "{}",
      ...(pattern === undefined ? {} : { pattern }),
      ...(news && { news }),
      invoke: (payload) => this.#invoke(payload),
      wait: (ms, signal) =>
        new Promise((resolve, reject) => {
          this.waits.push(ms);
          this.#resume = () => resolve(undefined);
          signal.addEventListener("abort", () => reject(signal.reason as Error));
        }),
    });
  }

  async #invoke(payload: string): Promise<InvokeResult> {
    this.invoked.push(payload);
    this.most = Math.max(this.most, ++this.#running);
    await new Promise<void>((resolve) => this.#answers.push(resolve));
    this.#running--;
    return { ok: true, requestId: "r", payload: "null" };
  }

  async timePasses(): Promise<void> {
    this.#resume();
    await settled();
  }

  async functionAnswers(): Promise<void> {
    this.#answers.shift()!();
    await settled();
  }
}

/** All that can happen without the function or the clock has happened. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const PATTERN = {
  source: ["aws.redshift-data"],
  "detail-type": ["Redshift Data Statement Status Change"],
  detail: { statementName: [{ prefix: "weir-" }], state: ["FINISHED", "FAILED"] },
};
const event = (state: string, statementName = "weir-load"): object => ({
  source: "aws.redshift-data",
  "detail-type": "Redshift Data Statement Status Change",
  detail: { statementName, state, statementId: "s" },
});

test("the function is invoked once after each interval", async () => {
  const stage = new Stage();
  expect(stage.invoked).toEqual([]);
  for (let n = 1; n <= 3; n++) {
    await stage.timePasses();
    expect(stage.invoked).toHaveLength(n);
    await stage.functionAnswers();
  }
  expect(new Set(stage.waits)).toEqual(new Set([300_000]));
  stage.schedule.stop();
});

test("without news, every fifth interval invokes the function; with some, the next one does", async () => {
  const news = new News();
  const stage = new Stage(undefined, news);
  const invokedIn = async (intervals: number): Promise<boolean[]> => {
    const invoked: boolean[] = [];
    for (let n = 0; n < intervals; n++) {
      const before = stage.invoked.length;
      await stage.timePasses();
      invoked.push(stage.invoked.length > before);
      if (invoked.at(-1)) await stage.functionAnswers();
    }
    return invoked;
  };
  expect(await invokedIn(7)).toEqual([true, false, false, false, false, true, false]);
  news.come();
  expect(await invokedIn(7)).toEqual([true, false, false, false, false, true, false]);
  stage.schedule.stop();
});

test("what comes while the function runs is news for the next interval", async () => {
  const news = new News();
  const stage = new Stage(undefined, news);
  await stage.timePasses();
  news.come();
  await stage.functionAnswers();
  await stage.timePasses();
  expect(stage.invoked).toHaveLength(2);
  await stage.functionAnswers();
  await stage.timePasses();
  expect(stage.invoked).toHaveLength(2);
  stage.schedule.stop();
});

test("ticks and events never overlap, and a slow function has one tick waiting, not many", async () => {
  const stage = new Stage(PATTERN);
  for (let n = 0; n < 5; n++) await stage.timePasses();
  stage.schedule.put(event("FINISHED"));
  stage.schedule.put(event("FAILED"));
  expect(stage.invoked).toEqual(["{}"]);
  for (let n = 0; n < 4; n++) await stage.functionAnswers();
  expect(stage.invoked.map((payload) => JSON.parse(payload) as object)).toEqual([
    {},
    {},
    event("FINISHED"),
    event("FAILED"),
  ]);
  expect(stage.most).toBe(1);
  stage.schedule.stop();
});

test("a tick by hand resolves with what the function answered", async () => {
  const stage = new Stage();
  const result = stage.schedule.tick();
  await settled();
  await stage.functionAnswers();
  expect(await result).toEqual({ ok: true, requestId: "r", payload: "null" });
  stage.schedule.stop();
});

test("stopped, it invokes nothing more, and says so to whoever waits", async () => {
  const stage = new Stage(PATTERN);
  void stage.schedule.tick();
  await settled();
  const waiting = stage.schedule.tick();
  stage.schedule.put(event("FINISHED"));
  stage.schedule.stop();
  const told = expect(waiting).rejects.toThrow(/abort/i);
  await stage.functionAnswers();
  await told;
  await stage.timePasses();
  expect(stage.schedule.put(event("FINISHED"))).toBe(false);
  expect(stage.invoked).toEqual(["{}"]);
});

test("a function that does not keep up has a hundred events waiting, and no more", async () => {
  const stage = new Stage(PATTERN);
  void stage.schedule.tick();
  await settled();
  const taken = Array.from({ length: 150 }, () => stage.schedule.put(event("FINISHED")));
  expect(taken.filter(Boolean)).toHaveLength(100);
  stage.schedule.stop();
  await stage.functionAnswers();
});

describe("an event pattern", () => {
  const matches = compileEventPattern(PATTERN);

  test.each([
    [event("FINISHED"), true],
    [event("FAILED", "weir-"), true],
    [event("STARTED"), false],
    [event("FINISHED", "other"), false],
    [{ ...event("FINISHED"), source: "aws.s3" }, false],
    [{ source: "aws.redshift-data" }, false],
    [{ ...event("FINISHED"), detail: { state: ["STARTED", "FAILED"], statementName: "weir-x" } }, true],
  ])("takes or leaves %j: %s", (event, taken) => {
    expect(matches(event)).toBe(taken);
  });

  test("with an operator that is not known here is refused by name", () => {
    const pattern = { detail: { state: [{ "anything-but": "STARTED" }] } };
    expect(() => compileEventPattern(pattern)).toThrow(
      'detail.state[0]: "anything-but" is not supported here',
    );
    expect(() => compileEventPattern({ detail: "x" })).toThrow("detail: neither an object nor a list");
  });
});
