import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { pauseOf, paused, resumed } from "../../lambdas/loader/pause.ts";
import { type LoaderState, stateOf } from "../../lambdas/loader/state.ts";
import { type Rig, startRig } from "../local/warehouse-fixture.ts";
import { batch } from "./lake-fixture.ts";
import { LoaderRig, logType, targets } from "./loader-fixture.ts";

describe("which loads are paused", () => {
  const none: LoaderState = { version: 3, tables: {} };
  const at = (since: string, reason = since) => ({ since, reason });

  test("all, tables that come later among them, or some; each since when it was asked for first", () => {
    const one = paused(none, "logs.photo", at("2026-11-21T10:00:00Z"));
    expect(pauseOf(one, "logs.photo")).toEqual(at("2026-11-21T10:00:00Z"));
    expect(pauseOf(one, "logs.access")).toBeUndefined();
    const again = paused(one, "logs.photo", at("2026-11-21T11:00:00Z", "another"));
    expect(pauseOf(again, "logs.photo")).toEqual(at("2026-11-21T10:00:00Z", "another"));
    const all = paused(again, undefined, at("2026-11-21T12:00:00Z"));
    expect(pauseOf(all, "logs.later")).toEqual(at("2026-11-21T12:00:00Z"));
    expect(resumed(all, undefined)).toEqual(none);
    expect(resumed(again, "logs.photo")).toEqual(none);
    expect(resumed(none, "logs.photo")).toEqual(none);
  });

  test("stays so when the warehouse becomes another one", () => {
    const before = paused({ ...none, warehouse: "a" }, undefined, at("2026-11-21T10:00:00Z"));
    expect(pauseOf(stateOf("b", before), "logs.photo")).toEqual(at("2026-11-21T10:00:00Z"));
  });
});

describe("a paused table", () => {
  let rig: Rig;
  let loader: LoaderRig;
  let hold: Promise<void> | undefined;
  let hoursLater = 0;

  beforeAll(async () => {
    const now = (): Date => new Date(Date.now() + hoursLater * 3_600_000);
    rig = await startRig({ beforeCommit: async ({ options }) => (options.name ? hold : undefined), now });
    loader = new LoaderRig(rig, []);
  });
  afterAll(() => rig?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    await loader.reset();
    loader.targets = targets(logType("photo"), logType("other"));
    hold = undefined;
    hoursLater += 9;
  });

  const statusOf = async (table: string) => {
    const answer = await loader.command({ command: "status" });
    if (!answer.ok) throw new Error(answer.error.message);
    return answer.tables.find((one) => one.table === table)!;
  };
  const line = (n: number, type = "photo") =>
    batch({ sequence: [n, n], type, sources: { [type]: [[n * 10, n * 10 + 10]] } });

  test("ends the load that runs, begins none, and has all of it once it is resumed; others go on", async () => {
    await loader.commit(line(1));
    const { promise, resolve: release } = Promise.withResolvers<void>();
    hold = promise;
    await loader.tick();
    const since = loader.now.toISOString();
    expect(
      await loader.command({ command: "pause", table: "logs.photo", by: "ada@web", reason: "vacuum" }),
    ).toEqual({
      ok: true,
      tables: [{ table: "logs.photo", paused: { since, by: "ada@web", reason: "vacuum" } }],
    });
    expect(await statusOf("logs.photo")).toMatchObject({
      condition: "loading",
      text: expect.stringMatching(
        /^loads are paused since .* by ada@web: vacuum; a load of 1 rows runs/,
      ) as string,
    });
    release();
    hold = undefined;
    await loader.drain();
    expect(await loader.rows()).toHaveLength(1);

    await loader.commit(line(2), line(3), line(1, "other"));
    await loader.drain();
    for (let tick = 0; tick < 3; tick++)
      expect((await loader.tick(tick % 2 === 0)).behind).toMatchObject([
        { table: "logs.photo", paused: { since, reason: "vacuum" } },
      ]);
    expect(await loader.rows()).toHaveLength(1);
    expect(await loader.rows("other")).toHaveLength(1);
    expect(await statusOf("logs.photo")).toMatchObject({
      condition: "paused",
      lagSeconds: expect.any(Number) as number,
      paused: { since, by: "ada@web", reason: "vacuum" },
      text: expect.stringMatching(/vacuum; commits from .* on wait$/) as string,
    });

    expect(await loader.command({ command: "resume", table: "logs.photo" })).toEqual({
      ok: true,
      tables: [{ table: "logs.photo" }],
    });
    await loader.drain();
    expect(await loader.rows()).toHaveLength(3);
    expect(await statusOf("logs.photo")).toMatchObject({ condition: "loaded", lagSeconds: 0 });
  });

  test("keeps a load that failed, or was only planned, for when it is resumed", async () => {
    await loader.commit(line(1));
    await rig.warehouse.query("CREATE TABLE logs.photo (_src int)");
    await loader.drain().catch(() => undefined);
    expect(await statusOf("logs.photo")).toMatchObject({ condition: "failed" });
    await loader.command({ command: "pause" });
    await rig.warehouse.query("DROP TABLE logs.photo");
    await loader.command({ command: "retry", table: "logs.photo" });
    await loader.tick();
    expect((await loader.state()).tables["logs.photo"]!.load).toMatchObject({ rows: 1 });
    expect((await loader.state()).tables["logs.photo"]!.load!.statementId).toBeUndefined();
    await loader.command({ command: "resume" });
    await loader.drain();
    expect(await loader.rows()).toHaveLength(1);
  });

  test("survives a reload of its table and a state that is made anew by the ledger", async () => {
    await loader.commit(line(1));
    await loader.drain();
    await loader.command({ command: "pause", table: "logs.photo" });
    await loader.command({ command: "reload", table: "logs.photo" });
    await rig.warehouse.query("DELETE FROM weir.loads");
    await loader.commit(line(2));
    await loader.drain();
    expect(await statusOf("logs.photo")).toMatchObject({ condition: "paused" });
    expect(await loader.rows()).toHaveLength(1);
  });

  test("is not resumed by name while all are paused, and one that nobody has is no table of this loader", async () => {
    await loader.command({ command: "pause", reason: "upgrade" });
    expect(await loader.command({ command: "resume", table: "logs.photo" })).toMatchObject({
      ok: false,
      error: { code: "ALL_PAUSED", hint: expect.stringContaining("resume all") as string },
    });
    expect(await loader.command({ command: "resume" })).toEqual({
      ok: true,
      tables: [{ table: "logs.photo" }, { table: "logs.other" }],
    });
    for (const command of ["pause", "resume"] as const) {
      expect(await loader.command({ command, table: "logs.none" })).toEqual({ ok: true, tables: [] });
    }
  });
});
