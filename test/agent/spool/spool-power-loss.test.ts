import fc from "fast-check";
import { expect, test } from "vitest";
import type { SpoolPosition } from "../../../agent/push/spool/segments.ts";
import { bySource, type Event, reassemble } from "../event.ts";
import { type Operation, PowerLossFs } from "../power-loss-fs.ts";
import { event, SpoolRun } from "./spool-fixture.ts";

/** Random runs of the model; WEIR_SPOOL_RUNS for a longer search. fast-check prints the seed of a failure. */
const RUNS = Number(process.env["WEIR_SPOOL_RUNS"] ?? 100);

const steps = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        step: fc.constant("append" as const),
        sizes: fc.array(fc.nat(120), { maxLength: 8 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ step: fc.constant("deliver" as const), most: fc.integer({ min: 1, max: 10 }) }),
    },
    { weight: 1, arbitrary: fc.record({ step: fc.constant("checkpoint" as const) }) },
    { weight: 2, arbitrary: fc.record({ step: fc.constant("fail" as const), operations: fc.nat(3) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        step: fc.constant("crash" as const),
        after: fc.nat(8),
        isPowerLoss: fc.boolean(),
      }),
    },
  ),
  { maxLength: 40 },
);

/** A spool in a world of crashes; remembers what was acknowledged and what came out. */
class Model {
  readonly fs = new PowerLossFs();
  readonly acknowledged = new Set<string>();
  readonly delivered: Event[] = [];
  readonly chance: () => number;
  #run: SpoolRun | undefined;
  #position: SpoolPosition | undefined;
  #next = 0;
  #failures = 0;
  #operationsLeft = Infinity;
  #crashed = Promise.withResolvers<"crashed">();

  constructor(chance: () => number) {
    this.chance = chance;
    this.fs.before = (operation) => this.#operation(operation);
  }

  async #operation(operation: Operation): Promise<void> {
    if (--this.#operationsLeft < 0) {
      this.#crashed.resolve("crashed");
      // The process is no more: nothing after this happens.
      await new Promise(() => {});
    }
    if (operation !== "read" && this.#failures > 0) {
      this.#failures--;
      throw new Error("ENOSPC");
    }
  }

  fail(operations: number): void {
    this.#failures = operations;
  }

  crashAfter(operations: number): void {
    this.#operationsLeft = operations;
  }

  async append(sizes: readonly number[]): Promise<void> {
    const texts = sizes.map((size) => `${this.#next++} `.padEnd(size, "x"));
    // One event an append: each may be acknowledged by itself.
    const appends = (run: SpoolRun) =>
      texts.map(async (text) => {
        await run.spool.append([event(text)]);
        this.acknowledged.add(text.slice(0, 100));
      });
    await this.#do((run) => Promise.all(appends(run)));
  }

  async deliver(most = Infinity): Promise<void> {
    await this.#do(async (run) => this.delivered.push(...(await run.deliver(most))));
  }

  async checkpoint(): Promise<void> {
    await this.#do(async (run) => {
      this.#position = run.position;
      await run.checkpoint();
    });
  }

  /** @param action is left behind when the process crashes within it */
  async #do(action: (run: SpoolRun) => Promise<unknown>): Promise<void> {
    const attempt = async () => {
      if (this.#run === undefined) this.fail(0);
      await action((this.#run ??= await SpoolRun.open(this.fs, this.#position)));
    };
    if ((await Promise.race([attempt(), this.#crashed.promise])) === "crashed") this.restart(false);
  }

  restart(isPowerLoss: boolean): void {
    if (isPowerLoss) this.fs.powerLoss(this.chance);
    this.#run = undefined;
    this.#operationsLeft = Infinity;
    this.#crashed = Promise.withResolvers<"crashed">();
  }
}

test("what was acknowledged comes out once and in order, whatever fails or crashes in between", async () => {
  const outcome = fc.asyncProperty(
    steps,
    fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
    async (steps, chances) => {
      const model = new Model(() => chances.next().value as number);
      for (const step of steps) {
        if (step.step === "append") await model.append(step.sizes);
        else if (step.step === "deliver") await model.deliver(step.most);
        else if (step.step === "checkpoint") await model.checkpoint();
        else if (step.step === "fail") model.fail(step.operations);
        else {
          model.crashAfter(step.after);
          await model.append([50, 50, 50]);
          model.restart(step.isPowerLoss);
        }
      }
      model.restart(true);
      await model.deliver();
      const sources = Array.from(bySource(model.delivered).values());
      sources.forEach(reassemble);
      // What was lost was not acknowledged: there is nothing to tell of it.
      const reasons = sources.flat().flatMap(({ position }) => position.gap?.reason ?? []);
      expect(reasons).not.toContain("unreadable");
      const texts = sources.flat().map(({ text }) => text);
      expect(texts.filter((text) => model.acknowledged.has(text))).toEqual([...model.acknowledged]);
      // What nobody acknowledged may have been on disk: then it comes out, too, and in its place.
      const numbers = texts.map((text) => Number.parseInt(text, 10));
      expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    },
  );
  await fc.assert(outcome, { numRuns: RUNS });
});
