import { DescribeStatementCommand } from "@aws-sdk/client-redshift-data";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type Rig, startRig } from "../local/warehouse-fixture.ts";
import { type Batch, batch } from "./lake-fixture.ts";
import { LoaderRig, logType, targets } from "./loader-fixture.ts";

let rig: Rig;
let loader: LoaderRig;
let hoursLater = 0;
/** What happens when a load has run and nothing is committed yet. */
let beforeCommit: (() => Promise<void>) | undefined;

beforeAll(async () => {
  rig = await startRig({
    now: () => new Date(Date.now() + hoursLater * 3_600_000),
    beforeCommit: async ({ options }) => (options.name ? beforeCommit?.() : undefined),
  });
  loader = new LoaderRig(rig, []);
});
afterAll(() => rig?.[Symbol.asyncDispose]());
beforeEach(async () => {
  await loader.reset();
  hoursLater += 9;
  beforeCommit = undefined;
  loader.targets = targets(...TYPES.map((type) => logType(type)));
});

const TYPES = ["a", "b", "c", "d"];
const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 21, 10, minute));
const rowsOf = (n: number): Batch[] =>
  TYPES.map((type, i) =>
    batch({
      sequence: [n, n],
      shard: i,
      sources: { [type]: [[n * 10, n * 10 + 10]] },
      type,
      writtenAt: at(n),
    }),
  );
const counts = async (): Promise<number[]> =>
  Promise.all(TYPES.map(async (type) => (await loader.rows(type)).length));

/** Answers in the place of the service. @returns how many calls there were, by command */
function answering(answer: (command: object) => object | undefined): {
  calls: () => number;
  [Symbol.dispose](): void;
} {
  let calls = 0;
  const real = rig.redshift.send.bind(rig.redshift) as (command: unknown) => Promise<unknown>;
  const answerOrSend = async (command: object): Promise<unknown> => {
    const answered = answer(command);
    if (answered === undefined) return real(command);
    calls++;
    if (answered instanceof Error) throw answered;
    return answered;
  };
  const send = vi.spyOn(rig.redshift, "send").mockImplementation(answerOrSend as never);
  return { calls: () => calls, [Symbol.dispose]: () => send.mockRestore() };
}

const exception = (name: string, message: string): Error => Object.assign(new Error(message), { name });

describe("a warehouse that is away", () => {
  test.each([
    ["refuses connections", exception("DatabaseConnectionException", "no connection could be made")],
    ["is paused", exception("ValidationException", "Cluster weir is paused")],
    ["is in a network that is away", exception("Error", "getaddrinfo ENOTFOUND redshift-data")],
  ])("and %s is asked by one load a tick, and has all loads once it is back", async (_, error) => {
    await loader.commit(...rowsOf(0));
    await loader.drain();
    await loader.commit(...rowsOf(1));
    {
      using service = answering((command) =>
        command instanceof DescribeStatementCommand ? undefined : error,
      );
      const failed = [];
      for (let ticks = 1; ticks <= 12; ticks++) {
        loader.now = new Date(loader.now.getTime() + 900_000);
        failed.push(...(await loader.tick()).events);
        expect(service.calls()).toBe(ticks);
        await loader.tick();
        expect(service.calls()).toBe(ticks);
      }
      expect(failed.length).toBe(8);
      expect(failed[0]).toMatchObject({ kind: "failed", error: expect.stringContaining(error.message) });
      expect((await loader.state()).away).toMatchObject({ probes: 12 });
    }
    loader.now = new Date(loader.now.getTime() + 900_000);
    await loader.drain();
    expect(await counts()).toEqual([2, 2, 2, 2]);
    expect(await loader.state()).not.toHaveProperty("away");
  });

  test("and takes statements all the same, which then fail, is asked by one load a tick as well", async () => {
    await loader.commit(...rowsOf(0));
    await loader.drain();
    await loader.commit(...rowsOf(1));
    await loader.tick();
    {
      using _service = answering((command) =>
        command instanceof DescribeStatementCommand
          ? { Status: "FAILED", Error: "FATAL: the workgroup is not available" }
          : undefined,
      );
      for (let ticks = 0; ticks < 5; ticks++) {
        loader.now = new Date(loader.now.getTime() + 900_000);
        await loader.tick();
        const open = Object.values((await loader.state()).tables).flatMap(
          ({ load }) => load?.statementId ?? [],
        );
        expect(open.length).toBeLessThanOrEqual(1);
      }
    }
    expect((await loader.state()).away).toBeDefined();
    loader.now = new Date(loader.now.getTime() + 900_000);
    await loader.drain();
    expect(await counts()).toEqual([2, 2, 2, 2]);
  });
});

test("a load that another transaction was in the way of is tried again at once, and never rests for an hour", async () => {
  await loader.commit(...rowsOf(0));
  let conflicts = 0;
  beforeCommit = async () => {
    if (conflicts++ < 8) throw new Error("1023 Serializable isolation violation on table weir.loads");
  };
  const begun = loader.now;
  await loader.drain();
  expect(await counts()).toEqual([1, 1, 1, 1]);
  expect(conflicts).toBe(12);
  expect(loader.now.getTime() - begun.getTime()).toBeLessThan(15 * 60_000);
});

test("a load that hangs is cancelled, told, and tried again", async () => {
  loader.targets = targets(logType("a"));
  loader.loadTimeoutMinutes = 60;
  const { promise, resolve } = Promise.withResolvers<void>();
  beforeCommit = () => promise;
  await loader.commit(rowsOf(0)[0]!);
  await loader.tick();
  const hung = (await loader.state()).tables["logs.a"]!.load!.statementId!;
  loader.now = new Date(loader.now.getTime() + 59 * 60_000);
  expect((await loader.tick()).events).toEqual([]);
  loader.now = new Date(loader.now.getTime() + 2 * 60_000);
  expect((await loader.tick()).events).toMatchObject([
    { kind: "failed", table: "logs.a", error: "cancelled, since it had run for 61 minutes" },
  ]);
  expect((await loader.tick()).events).toEqual([]);
  beforeCommit = undefined;
  resolve();
  expect((await rig.describe(hung)).Status).toBe("ABORTED");
  await loader.drain();
  expect((await loader.rows("a")).length).toBe(1);
});

test("no statement of a load waits or runs for longer than that", async () => {
  loader.targets = targets(logType("a"));
  loader.loadTimeoutMinutes = 7;
  await loader.commit(rowsOf(0)[0]!);
  await loader.tick();
  const { SubStatements } = await rig.describe((await loader.state()).tables["logs.a"]!.load!.statementId!);
  expect(SubStatements![0]!.QueryString).toMatch(/SET statement_timeout TO 420000$/);
});

describe("a table that is new", () => {
  const begins = (from: string) =>
    targets(logType("a"), {
      ...logType("b"),
      name: "a2",
      match: { tags: ["x"] },
      destinations: [{ to: "redshift", schema: "logs", table: "late", from }],
    }).map((target) => (target.table === "late" ? { ...target, type: "a" } : target));

  test.each([
    ["beginning", 6],
    ["now", 1],
    ["2026-11-21T10:03:00Z", 3],
  ])("begins with %s", async (from, rows) => {
    loader.targets = targets(logType("a"));
    for (let n = 0; n < 5; n++) {
      loader.now = at(n + 1);
      await loader.commit(rowsOf(n)[0]!);
      await loader.drain();
    }
    loader.targets = begins(from);
    loader.now = at(10);
    await loader.drain();
    await loader.commit(
      batch({ sequence: [11, 11], sources: { a: [[110, 120]] }, type: "a", writtenAt: at(11) }),
    );
    loader.now = at(12);
    await loader.drain();
    expect((await loader.rows("a")).length).toBe(6);
    expect((await loader.rows("late")).length).toBe(rows);
  });
});
