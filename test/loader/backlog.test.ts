import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { TICK_LIMITS, tickLimits } from "../../lambdas/loader/tick.ts";
import { type Rig, startRig } from "../local/warehouse-fixture.ts";
import { batch } from "./lake-fixture.ts";
import { LoaderRig, logType, targets } from "./loader-fixture.ts";

let rig: Rig;
let loader: LoaderRig;
/** Past the life of the last test's ClientTokens. */
let hoursLater = 0;

beforeAll(async () => {
  rig = await startRig({ now: () => new Date(Date.now() + hoursLater * 3_600_000) });
  loader = new LoaderRig(rig, []);
});
afterAll(() => rig?.[Symbol.asyncDispose]());
beforeEach(async () => {
  await loader.reset();
  hoursLater += 9;
  loader.targets = targets(logType("photo"));
  loader.known = { names: new Set(["photo", "other"]), retired: new Set() };
  loader.log.maxCommits = 1;
});

/** Segments of one commit each; the last one has rows for the table. */
async function backlog(segments: number): Promise<void> {
  for (let n = 0; n < segments; n++) {
    const type = n === segments - 1 ? "photo" : "other";
    await loader.commit(batch({ sequence: [n, n], sources: { a: [[n * 10, n * 10 + 10]] }, type }));
    await loader.log.sequence();
  }
}

test("a tick reads on, by as many readings as it takes, until it has something to load", async () => {
  await backlog(12);
  loader.limits = { ...TICK_LIMITS, maxSegments: 3 };
  await loader.tick();
  expect((await loader.state()).tables["logs.photo"]).toMatchObject({ load: { rows: 1 } });
  await loader.drain();
  expect(await loader.rows()).toHaveLength(1);
});

test("a tick that has no more time saves what it has read, and the next one goes on there", async () => {
  await backlog(12);
  loader.limits = { ...TICK_LIMITS, maxSegments: 3 };
  let saves = 0;
  loader.diesAt = (step) => {
    // The invocation ends while the third reading goes on.
    if (step.startsWith("after save")) saves++;
    return saves === 2 && step.startsWith("before head");
  };
  await expect(loader.tick()).rejects.toThrow(/died/);
  loader.diesAt = undefined;
  const { cursor } = (await loader.state()).tables["logs.photo"]!;
  expect(cursor.segment).toBeGreaterThanOrEqual(4);
  loader.until = loader.now;
  await loader.tick();
  expect((await loader.state()).tables["logs.photo"]).toMatchObject({ cursor, backlog: true });
  loader.until = undefined;
  await loader.drain();
  expect(await loader.rows()).toHaveLength(1);
});

test("more memory plans larger loads", () => {
  expect(tickLimits(512)).toEqual(TICK_LIMITS);
  expect(tickLimits(2_048)).toMatchObject({ maxCommits: 80_000, maxHeldBytes: 320 * 2 ** 20 });
});
