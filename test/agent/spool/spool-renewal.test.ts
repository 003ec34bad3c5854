import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { SpoolPosition } from "../../../agent/push/spool/segments.ts";
import { byJoinedSource, type Event, reassemble } from "../event.ts";
import { PowerLossFs } from "../power-loss-fs.ts";
import { event, SpoolRun } from "./spool-fixture.ts";

const steps = fc.array(
  fc.oneof(
    fc.record({ step: fc.constant("append" as const), sizes: fc.array(fc.nat(120), { maxLength: 6 }) }),
    fc.record({ step: fc.constant("deliver" as const), most: fc.integer({ min: 1, max: 10 }) }),
    fc.record({ step: fc.constant("checkpoint" as const) }),
    fc.record({
      step: fc.constant("move" as const),
      /** Operations after which each try to open it ends, one try after the other. */
      crashes: fc.array(fc.record({ after: fc.nat(60), isPowerLoss: fc.boolean() }), { maxLength: 3 }),
      /** Whether the last one still knows that the machine is another: else what began under another id stays. */
      isToldLast: fc.boolean(),
    }),
  ),
  { maxLength: 25 },
);

/** A spool whose state comes to one machine after the other. */
class Model {
  readonly fs = new PowerLossFs();
  readonly acknowledged: string[] = [];
  readonly came: Event[] = [];
  readonly ids: string[] = [];
  run!: SpoolRun;
  position: SpoolPosition | undefined;
  readonly #chance: () => number;
  #next = 0;

  constructor(chance: () => number) {
    this.#chance = chance;
  }

  /** As an agent starts: what it finds is in its checkpoint before anything is sent. */
  async open(isRenewed: boolean): Promise<void> {
    const delivered = this.position?.offset ?? 0;
    this.run = await SpoolRun.open(this.fs, this.position, {}, isRenewed);
    this.position = this.run.position;
    expect(this.position.offset).toBe(delivered);
    this.ids.push(this.position.sourceId);
  }

  async tryToOpen(after: number, isPowerLoss: boolean): Promise<void> {
    let left = after;
    const crashed = Promise.withResolvers<void>();
    this.fs.before = async () => {
      if (--left >= 0) return;
      crashed.resolve();
      await new Promise(() => {});
    };
    await Promise.race([SpoolRun.open(this.fs, this.position, {}, true), crashed.promise]);
    this.fs.before = () => {};
    if (isPowerLoss) this.fs.powerLoss(this.#chance);
  }

  async append(sizes: readonly number[]): Promise<void> {
    const texts = sizes.map((size) => `${this.#next++} `.padEnd(size, "x").slice(0, 100));
    await this.run.spool.append(texts.map((text) => event(text)));
    this.acknowledged.push(...texts);
  }

  async deliver(most = Infinity): Promise<void> {
    this.came.push(...(await this.run.deliver(most)));
  }

  async checkpoint(): Promise<void> {
    this.position = await this.run.checkpoint();
  }
}

test("a spool that goes on under other ids, however often it is begun, is joined again and lacks nothing", async () => {
  const outcome = fc.asyncProperty(
    steps,
    fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
    async (steps, chances) => {
      const model = new Model(() => chances.next().value as number);
      await model.open(false);
      for (const step of steps) {
        if (step.step === "append") await model.append(step.sizes);
        else if (step.step === "deliver") await model.deliver(step.most);
        else if (step.step === "checkpoint") await model.checkpoint();
        else {
          for (const { after, isPowerLoss } of step.crashes) await model.tryToOpen(after, isPowerLoss);
          await model.open(step.isToldLast || step.crashes.length === 0);
        }
      }
      await model.deliver();
      const joined = [...byJoinedSource(model.came).values()];
      const reasons = joined.flat().flatMap(({ position }) => position.gap?.reason ?? []);
      expect(new Set(reasons)).toEqual(new Set(reasons.length > 0 ? ["earlier-identity"] : []));
      joined.forEach(reassemble);
      const texts = joined.map((events) => events.map(({ text }) => text));
      // What no checkpoint knew of has come under an id of which nothing went on.
      for (const some of texts) expect(some).toEqual(model.acknowledged.slice(0, some.length));
      expect(Math.max(0, ...texts.map(({ length }) => length))).toBe(model.acknowledged.length);
    },
  );
  await fc.assert(outcome, { numRuns: 200 });
});

test("an id that is left is never taken up again", async () => {
  const model = new Model(() => 0);
  for (let move = 0; move < 5; move++) {
    await model.open(move > 0);
    await model.append([50, 50]);
    if (move % 2 === 0) await model.deliver();
    await model.checkpoint();
  }
  expect(new Set(model.ids).size).toBe(5);
});

test("where a start under a third id ends before its checkpoint, delivery goes on where the second had come to", async () => {
  const model = new Model(() => 0);
  await model.open(false);
  await model.append([50]);
  await model.deliver();
  await model.checkpoint();
  // Nothing is taken under the second id.
  await model.open(true);
  await model.tryToOpen(Infinity, true);
  await model.open(false);
  await model.append([50]);
  await model.deliver();
  const [first, , third] = model.ids;
  expect(model.came.at(-1)!.position).toMatchObject({
    source: { id: third },
    gap: { from: 0, source: first },
  });
  expect(model.came).toHaveLength(2);
});

test("segments of earlier ids go once they are delivered", async () => {
  const model = new Model(() => 0);
  await model.open(false);
  await model.append([90, 90, 90, 90, 90, 90]);
  await model.open(true);
  await model.append([90]);
  await model.deliver();
  await model.checkpoint();
  expect(model.run.spool.segments.map(({ sourceId }) => sourceId)).toEqual([model.run.spool.source.id]);
});

test("what is dropped for want of room before an event has told the earlier id is a gap of its own", async () => {
  const model = new Model(() => 0);
  await model.open(false);
  await model.append([90, 90]);
  await model.deliver();
  await model.checkpoint();
  const [earlier] = model.ids;
  const overrides = { overflow: "drop-oldest", maxBytes: 1_200 } as const;
  const run = await SpoolRun.open(model.fs, model.position, overrides, true);
  for (let i = 0; i < 30; i++) await run.spool.append([event(`${i} `.padEnd(90, "x"))]);
  const [first] = await run.deliver();
  expect(first!.position.gap).toEqual({
    from: 182,
    reason: "overflow",
    lines: expect.any(Number),
    before: { from: 0, reason: "earlier-identity", lines: 0, source: earlier },
  });
});

test("a segment that two remove at once takes no other with it", async () => {
  const model = new Model(() => 0);
  await model.open(false);
  await model.append([50]);
  await model.deliver();
  await model.checkpoint();
  await model.open(true);
  const [, empty] = model.run.spool.segments;
  const [one, both] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let removals = 0;
  model.fs.before = async (operation, path) => {
    if (operation !== "remove" || path !== empty!.path) return;
    const isSecond = ++removals === 2;
    (isSecond ? both : one).resolve();
    await both.promise;
    // What the first of them does to the list is done.
    if (isSecond) await setImmediate();
  };
  // The first event makes a segment in the place of the empty one, while the earlier ones are released.
  const appended = model.append([50]);
  await one.promise;
  await Promise.all([appended, model.checkpoint()]);
  expect(removals).toBe(2);
  await model.deliver();
  expect(model.came.map(({ text }) => text)).toEqual(model.acknowledged);
});
