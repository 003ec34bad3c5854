import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { CommitLog } from "../../lambdas/commit-log/commit-log.ts";
import { placeOf } from "../../lambdas/loader/log-place.ts";
import type { LoaderRequest } from "../../wire/loader-command.ts";
import { type Rig, startRig } from "../local/warehouse-fixture.ts";
import { batch, offsets } from "./lake-fixture.ts";
import { LoaderRig, logType, targets } from "./loader-fixture.ts";

let rig: Rig;
let loader: LoaderRig;
let hold: Promise<void> | undefined;
/** Past the life of the last test's ClientTokens: tests plan the same loads at the same minute. */
let hoursLater = 0;

beforeAll(async () => {
  const now = (): Date => new Date(Date.now() + hoursLater * 3_600_000);
  rig = await startRig({ beforeCommit: async ({ options }) => (options.name ? hold : undefined), now });
  loader = new LoaderRig(rig, targets(logType("photo")));
});
afterAll(() => rig?.[Symbol.asyncDispose]());
beforeEach(async () => {
  await loader.reset();
  hold = undefined;
  hoursLater += 9;
});

const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 21, 10, minute));
const load = async (n: number): Promise<void> => {
  await loader.commit(
    batch({ sequence: [n, n], sources: { a: [[n * 50, n * 50 + 50]] }, foreign: [n], writtenAt: at(n) }),
  );
  await loader.drain();
};
const rows = async (): Promise<number[]> =>
  (await loader.rows()).filter(({ _src }) => _src === "a").map(({ _off }) => Number(_off));
const paths = async (): Promise<string[]> =>
  (await rig.warehouse.query<{ path: string }>("SELECT path FROM weir.loads ORDER BY number")).map(
    ({ path }) => path,
  );

async function reload(more: Partial<LoaderRequest> = {}): Promise<void> {
  const answer = await loader.command({ command: "reload", table: "logs.photo", ...more } as LoaderRequest);
  expect(answer).toMatchObject({ ok: true, tables: [{ table: "logs.photo" }] });
}

describe("a table is loaded again from the lake", () => {
  test.each([
    ["dropped", "DROP TABLE logs.photo"],
    ["truncated", "TRUNCATE logs.photo"],
  ])("after it was %s: straight, as if it were new", async (_, sql) => {
    for (const n of [0, 1, 2]) await load(n);
    await rig.warehouse.query(sql);
    await reload();
    await loader.drain();
    expect(await rows()).toEqual(offsets(0, 150));
    expect(await loader.rows()).toHaveLength(18);
    expect(await paths()).toEqual(["fast", "fast", "fast", "none", "fast"]);
  });

  test("after it was restored from a copy: what it has is there once", async () => {
    for (const n of [0, 1, 2]) await load(n);
    await rig.warehouse.query("DELETE FROM logs.photo WHERE _off BETWEEN 30 AND 120");
    await reload();
    await loader.drain();
    expect(await rows()).toEqual(offsets(0, 150));
    expect(await loader.rows()).toHaveLength(18);
  });

  test("from a time on: what was written before stays away", async () => {
    for (const n of [0, 1, 2]) {
      const made = batch({ sequence: [n, n], sources: { a: [[n * 50, n * 50 + 50]] }, writtenAt: at(n) });
      await loader.commit(made);
      await loader.log.append([made.commitKey], { sequencedAt: at(n + 1).toISOString() });
    }
    await loader.drain();
    await rig.warehouse.query("TRUNCATE logs.photo");
    await reload({ from: at(2).toISOString() });
    await loader.drain();
    expect(await rows()).toEqual(offsets(50, 150));
  });

  test("while a load is under way, which is not lost", async () => {
    await load(0);
    const { promise, resolve: release } = Promise.withResolvers<void>();
    hold = promise;
    await loader.commit(batch({ sequence: [9, 9], sources: { a: [[50, 100]] }, writtenAt: at(9) }));
    await loader.tick();
    const reloading = reload();
    release();
    await reloading;
    await load(2);
    expect(await rows()).toEqual(offsets(0, 150));
  });

  test("though the state is lost right after", async () => {
    for (const n of [0, 1]) await load(n);
    await rig.warehouse.query("TRUNCATE logs.photo");
    await reload();
    await rig.put("loads/state.json", JSON.stringify({ version: 1, tables: {} }));
    await load(2);
    expect(await rows()).toEqual(offsets(0, 150));
  });

  test("asked for twice, as by an Invoke that is sent again", async () => {
    for (const n of [0, 1]) await load(n);
    await rig.warehouse.query("DROP TABLE logs.photo");
    await reload();
    await reload();
    await load(2);
    expect(await rows()).toEqual(offsets(0, 150));
    expect(await loader.rows()).toHaveLength(18);
  });

  test("where nothing is wrong: nothing changes", async () => {
    for (const n of [0, 1]) await load(n);
    const before = await loader.rows();
    await reload();
    await loader.drain();
    expect(await loader.rows()).toEqual(before);
  });
});

test("a time is found in a log of any length", async () => {
  for (let length = 0; length <= 12; length++) {
    let heads = 0;
    const head = (segment: number): Promise<{ sequencedAt: string } | undefined> => {
      heads++;
      return Promise.resolve(segment <= length ? { sequencedAt: at(segment).toISOString() } : undefined);
    };
    const log = { head } as unknown as CommitLog;
    for (let minute = 0; minute <= length + 2; minute++) {
      heads = 0;
      const place = await placeOf(at(minute), log);
      expect(place).toEqual({ segment: Math.min(Math.max(minute, 1), length + 1), index: 0 });
      expect(heads).toBeLessThanOrEqual(9);
    }
  }
});

test("a table that no log type goes to is none of this loader's", async () => {
  expect(await loader.command({ command: "reload", table: "logs.foto" })).toEqual({ ok: true, tables: [] });
});
