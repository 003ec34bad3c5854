import { DeleteObjectCommand } from "@aws-sdk/client-s3";
import type { BatchExecuteStatementCommand } from "@aws-sdk/client-redshift-data";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { BUCKET, type Rig, startRig } from "../local/warehouse-fixture.ts";
import { type Batch, batch, offsets } from "./lake-fixture.ts";
import { LoaderRig, logType, targets } from "./loader-fixture.ts";

let rig: Rig;
let loader: LoaderRig;
/** Past the life of the last test's ClientTokens: tests plan the same loads at the same minute. */
let hoursLater = 0;
/** Loads and probes that were submitted. */
let statements = 0;

beforeAll(async () => {
  rig = await startRig({ now: () => new Date(Date.now() + hoursLater * 3_600_000) });
  rig.redshift.middlewareStack.add(
    (next, context) => (args) => {
      const { StatementName } = args.input as BatchExecuteStatementCommand["input"];
      if (context["commandName"] === "BatchExecuteStatementCommand" && StatementName) statements++;
      return next(args);
    },
    { step: "initialize" },
  );
  loader = new LoaderRig(rig, []);
});
afterAll(() => rig?.[Symbol.asyncDispose]());
beforeEach(async () => {
  await loader.reset();
  loader.targets = targets(logType("photo"));
  hoursLater += 9;
  statements = 0;
});

const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 21, 10, minute));
const one = (n: number, more: Partial<Parameters<typeof batch>[0]> = {}): Batch =>
  batch({ sequence: [n, n], sources: { a: [[n * 10, n * 10 + 10]] }, writtenAt: at(0), ...more });
const bad = { fields: { note: "too long for it" } };
const loaded = async (table?: string): Promise<number[]> =>
  (await loader.rows(table)).map(({ _off }) => Number(_off));

interface SetAside {
  readonly object_key: string;
  readonly rows: string;
  readonly line: string | null;
  readonly error: string;
  readonly state: string;
}
const setAside = (): Promise<SetAside[]> =>
  rig.warehouse.query(
    "SELECT object_key, rows, line, error, state FROM weir.set_aside ORDER BY state, object_key",
  );

describe("an object that the warehouse refuses", () => {
  test("is set aside with its line and the warehouse's words, and all others are loaded", async () => {
    const commits = Array.from({ length: 50 }, (_, n) => one(n, n === 25 ? bad : {}));
    await loader.commit(...commits);
    await loader.drain();
    expect(await loaded()).toEqual(offsets(0, 500).filter((offset) => offset !== 250));
    expect(await setAside()).toEqual([
      {
        object_key: commits[25]!.objects[0]!.key,
        rows: "1",
        line: "1",
        error: "line 1, note: String length exceeds DDL length",
        state: "waiting",
      },
    ]);
    expect(statements).toBe(2);
    const told = loader.logged.find(({ message }) => message === "objects set aside");
    expect(told!.fields).toMatchObject({ table: "logs.photo", objects: 1, rows: 1 });
    const { refused, lagSeconds } = await loader.tick();
    expect({ refused, lagSeconds }).toEqual({ refused: { objects: 1, rows: 1 }, lagSeconds: 0 });
  });

  test("is told as an event, and the table is not held up by it", async () => {
    await loader.commit(one(0), one(1, bad));
    const events = [];
    for (let ticks = 0; ticks < 4; ticks++) {
      events.push(...(await loader.tick()).events);
      const { load } = (await loader.state()).tables["logs.photo"]!;
      if (load?.statementId !== undefined) await rig.describe(load.statementId);
    }
    const error = expect.stringContaining("String length");
    expect(events).toMatchObject([
      { kind: "loaded", rows: 1 },
      { kind: "set-aside", table: "logs.photo", objects: 1, rows: 1, error },
    ]);
    await loader.commit(one(2, { writtenAt: at(6) }));
    await loader.drain();
    expect(await loaded()).toEqual([0, 20]);
  });

  test("may be one of very many: one probe names them all", async () => {
    await loader.commit(...Array.from({ length: 60 }, (_, n) => one(n, n % 3 === 0 ? bad : {})));
    await loader.drain();
    expect(await loaded()).toEqual(offsets(0, 600).filter((offset) => offset % 30 !== 0));
    expect(await setAside()).toHaveLength(20);
    expect(statements).toBeLessThanOrEqual(5);
  });

  test("and all others with it: the load is empty, and the log is read on", async () => {
    await loader.commit(one(0, bad), one(1, bad));
    await loader.drain();
    await loader.commit(one(2, { writtenAt: at(6) }));
    await loader.drain();
    expect(await loaded()).toEqual([20]);
    expect((await setAside()).map(({ state }) => state)).toEqual(["waiting", "waiting"]);
  });

  test("is set aside at once where an earlier release submitted the load, which did not keep its statements", async () => {
    await loader.commit(one(0), one(1, bad));
    await loader.tick();
    const state = await loader.state();
    const { statements: _, ...load } = state.tables["logs.photo"]!.load!;
    const tables = { "logs.photo": { ...state.tables["logs.photo"]!, load } };
    await rig.put("loads/state.json", JSON.stringify({ ...state, tables }));
    await loader.drain();
    expect(await loaded()).toEqual([0]);
    expect(await setAside()).toMatchObject([{ line: "1", state: "waiting" }]);
  });

  test("since it has another number of rows is found by halves, which name nothing", async () => {
    const commits = Array.from({ length: 40 }, (_, n) => one(n));
    const wrong = [3, 30].map((n) => commits[n]!);
    for (const n of [3, 30]) {
      const { commit } = commits[n]!;
      const objects = commit.objects.map((object) => ({ ...object, rows: 2 }));
      commits[n] = { ...commits[n]!, commit: { ...commit, objects } };
    }
    await loader.commit(...commits);
    await drainLong();
    expect(await loaded()).toEqual(offsets(0, 400).filter((offset) => offset !== 30 && offset !== 300));
    expect(await setAside()).toMatchObject(
      wrong
        .map(({ objects }) => objects[0]!.key)
        .toSorted()
        .map((object_key) => ({ object_key, line: null, error: expect.stringContaining("another number") })),
    );
    expect(statements).toBeLessThanOrEqual(30);
  });

  test("since it is gone, or spoilt, is set aside, and loaded once it is restored", async () => {
    const [gone, spoilt] = [one(1), one(2)];
    await loader.commit(one(0), { ...gone, objects: [] }, spoilt);
    await rig.put(spoilt.objects[0]!.key, "no zstd");
    await loader.drain();
    expect(await loaded()).toEqual([0]);
    expect((await setAside()).map(({ error }) => error)).toEqual([
      expect.stringContaining("NoSuchKey"),
      expect.stringContaining("is not zstd"),
    ]);
    for (const { objects } of [gone, spoilt]) await rig.put(objects[0]!.key, objects[0]!.body);
    loader.now = new Date(loader.now.getTime() + 2 * 3_600_000);
    await loader.drain();
    expect(await loaded()).toEqual([0, 10, 20]);
    expect((await setAside()).map(({ state }) => state)).toEqual(["loaded", "loaded"]);
    expect(await loader.tick()).not.toHaveProperty("refused");
  });
});

describe("set-aside objects", () => {
  test("are tried again at once when the configuration changes, and have each row once", async () => {
    await loader.commit(one(0), one(1, { ...bad, foreign: [1] }), one(2, bad));
    await loader.drain();
    // The agent sends the line of one of them again, and it fits by now.
    loader.targets = targets(logType("photo", [{ name: "note", type: "varchar(64)" }]));
    await loader.commit(one(9, { ...bad, sources: { a: [[20, 30]] }, writtenAt: at(6) }));
    await loader.drain();
    expect((await loaded()).toSorted((a, b) => a - b)).toEqual([0, 0, 10, 20]);
    expect((await setAside()).map(({ state }) => state)).toEqual(["loaded", "loaded"]);
    expect(await loader.tick()).not.toHaveProperty("refused");
  });

  test("are tried again after an hour, two, four: somebody may have altered the table", async () => {
    await loader.commit(one(0), one(1, bad));
    await loader.drain();
    statements = 0;
    loader.now = new Date("2026-11-21T10:50:00Z");
    await loader.drain();
    expect(statements).toBe(0);
    for (const hour of ["12:10", "14:20"]) {
      loader.now = new Date(`2026-11-21T${hour}:00Z`);
      expect((await loader.tick()).lagSeconds).toBe(0);
      await loader.drain();
      expect(await setAside()).toMatchObject([{ state: "waiting" }]);
    }
    await rig.warehouse.query("ALTER TABLE logs.photo ALTER COLUMN note TYPE varchar(64)");
    loader.now = new Date("2026-11-21T18:30:00Z");
    await loader.drain();
    expect(await loaded()).toEqual([0, 10]);
    expect(await setAside()).toMatchObject([{ state: "loaded" }]);
  });

  test("are tried again when somebody says so, or given up", async () => {
    await loader.commit(one(0), one(1, bad), one(2, { fields: { note: "this one is longer" } }));
    await loader.drain();
    await rig.warehouse.query("ALTER TABLE logs.photo ALTER COLUMN note TYPE varchar(15)");
    const retried = { ok: true, tables: [{ table: "logs.photo", objects: 2, rows: 2 }] };
    expect(await loader.command({ command: "retry", table: "logs.photo" })).toEqual(retried);
    await loader.drain();
    expect(await loaded()).toEqual([0, 10]);
    const skipped = { ok: true, tables: [{ table: "logs.photo", objects: 0, rows: 0 }] };
    expect(await loader.command({ command: "skip", table: "logs.photo" })).toEqual(skipped);
    expect((await setAside()).map(({ state }) => state)).toEqual(["loaded", "skipped"]);
    expect(await loader.tick()).not.toHaveProperty("refused");
    expect(await loader.command({ command: "skip", table: "logs.nothing" })).toEqual({
      ok: true,
      tables: [],
    });
  });

  test("whose commit was deleted are forgotten", async () => {
    const poison = one(1, bad);
    await loader.commit(one(0), poison);
    await loader.drain();
    await rig.s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: poison.commitKey }));
    loader.now = new Date("2026-11-21T13:00:00Z");
    await loader.drain();
    await loader.drain();
    expect(await setAside()).toMatchObject([{ state: "gone" }]);
    expect(await loader.tick()).not.toHaveProperty("refused");
  });

  test("that fit in part are loaded in part, in as many loads as it takes", async () => {
    loader.targets = targets(logType("photo", [{ name: "note", type: "varchar(2)" }]));
    await loader.commit(
      ...Array.from({ length: 250 }, (_, n) => one(n, { fields: { note: n < 240 ? "123" : "123456" } })),
    );
    await loader.drain();
    expect(await setAside()).toHaveLength(250);
    loader.targets = targets(logType("photo", [{ name: "note", type: "varchar(4)" }]));
    await loader.drain();
    await loader.drain();
    expect(await loaded()).toHaveLength(240);
    expect((await loader.tick()).refused).toEqual({ objects: 10, rows: 10 });
  });

  test("of a new, narrower table go aside instead of blocking it", async () => {
    await loader.commit(one(0, { fields: { note: "n/a" } }), one(1, { fields: { note: "7" } }));
    await loader.drain();
    const { destinations: _, ...narrow } = logType("photo", [{ name: "note", type: "smallint" }]);
    loader.targets = targets({
      ...narrow,
      destinations: [{ to: "redshift", schema: "logs", table: "photo2" }],
    });
    await loader.commit(one(2, { fields: { note: 1 }, writtenAt: at(6) }));
    await loader.drain();
    expect(await loaded("photo2")).toEqual([10, 20]);
    expect(await setAside()).toMatchObject([{ line: "1", state: "waiting" }]);
  });
});

describe("a load that fails for a reason of its own sets nothing aside:", () => {
  test.each([
    ["a permission", "REVOKE INSERT ON logs.photo FROM loader", "GRANT INSERT ON logs.photo TO loader"],
    [
      "a column that takes nothing",
      "ALTER TABLE logs.photo DROP COLUMN note, ADD COLUMN note varchar(8) GENERATED ALWAYS AS ('x') STORED",
      "ALTER TABLE logs.photo ALTER COLUMN note DROP EXPRESSION",
    ],
    [
      "a schema that is closed",
      "REVOKE USAGE ON SCHEMA logs FROM loader",
      "GRANT USAGE ON SCHEMA logs TO loader",
    ],
  ])("%s", async (_, spoil, mend) => {
    const own = await startRig({ user: "loader" });
    try {
      const loader = new LoaderRig(own, targets(logType("photo")));
      await loader.reset();
      await own.warehouse.query(
        "DO $$ BEGIN CREATE USER loader; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
      );
      await own.warehouse.query("GRANT TEMPORARY ON DATABASE weir TO loader");
      for (const schema of ["logs", "weir"])
        await own.warehouse.query(`GRANT ALL ON SCHEMA ${schema} TO loader`);
      await loader.commit(one(0));
      await loader.drain();
      await own.warehouse.query("ALTER TABLE logs.photo OWNER TO postgres").catch(() => {});
      await own.warehouse.query(spoil);
      await loader.commit(one(1, { writtenAt: at(6) }), one(2, { writtenAt: at(6) }));
      const failed = [];
      for (let ticks = 0; ticks < 6; ticks++) {
        failed.push(...(await loader.tick()).events.filter(({ kind }) => kind === "failed"));
        const { load } = (await loader.state()).tables["logs.photo"]!;
        if (load?.statementId !== undefined) await own.describe(load.statementId);
      }
      expect(failed.length).toBeGreaterThan(0);
      expect(await own.warehouse.query("SELECT * FROM weir.set_aside")).toEqual([]);
      await own.warehouse.query(mend);
      loader.now = new Date(loader.now.getTime() + 2 * 3_600_000);
      await loader.drain();
      expect((await loader.rows()).map(({ _off }) => Number(_off))).toEqual([0, 10, 20]);
    } finally {
      await own[Symbol.asyncDispose]();
    }
  });
});

/** As drain(), for a search of more statements than that waits for. */
async function drainLong(): Promise<void> {
  for (let drains = 0; drains < 5; drains++) {
    const done = await loader.drain().then(
      () => true,
      () => false,
    );
    if (done) return;
  }
}
