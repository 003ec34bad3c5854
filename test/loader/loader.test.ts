import { DeleteObjectCommand, GetObjectCommand } from "@aws-sdk/client-s3";
import { DescribeStatementCommand } from "@aws-sdk/client-redshift-data";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { TICK_LIMITS } from "../../lambdas/loader/tick.ts";
import { quoteText, rangesTableSql } from "../../lambdas/loader/target.ts";
import { segmentKey } from "../../wire/keys.ts";
import { COMMIT_MAX_BYTES } from "../../wire/limits.ts";
import { BUCKET, type Rig, startRig } from "../local/warehouse-fixture.ts";
import { type Batch, batch, type BatchSpec, offsets } from "./lake-fixture.ts";
import { LoaderRig, logType, targets } from "./loader-fixture.ts";

let rig: Rig;
let loader: LoaderRig;
/** What loads, and only loads, wait for before they commit. */
let hold: Promise<void> | undefined;
let calls = 0;
/** Past the life of the last test's ClientTokens: tests plan the same loads at the same minute. */
let hoursLater = 0;

beforeAll(async () => {
  const now = (): Date => new Date(Date.now() + hoursLater * 3_600_000);
  rig = await startRig({ beforeCommit: async ({ options }) => (options.name ? hold : undefined), now });
  rig.redshift.middlewareStack.add((next) => (args) => (calls++, next(args)), { step: "initialize" });
  loader = new LoaderRig(rig, []);
});
afterAll(() => rig?.[Symbol.asyncDispose]());
beforeEach(async () => {
  await loader.reset();
  loader.targets = targets(logType("photo"));
  hold = undefined;
  hoursLater += 9;
});

const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 21, 10, minute));
const offsetsOf = async (source: string, table?: string): Promise<number[]> =>
  (await loader.rows(table)).filter(({ _src }) => _src === source).map(({ _off }) => Number(_off));

describe("new commits", () => {
  test("are loaded straight into their table, zstd and gzip in one transaction", async () => {
    await loader.commit(
      batch({ sequence: [1, 2], sources: { a: [[0, 50]] }, fields: { note: "x" } }),
      batch({ sequence: [3, 4], sources: { a: [[50, 100]], b: [[0, 20]] }, codec: "gzip", writtenAt: at(1) }),
      batch({ sequence: [5, 6], foreign: [5, 6], writtenAt: at(2) }),
    );
    const { lagSeconds } = await loader.tick();
    expect(lagSeconds).toBe(300);
    await loader.drain();
    expect(await offsetsOf("a")).toEqual(offsets(0, 100));
    expect(await loader.rows()).toHaveLength(14);
    expect(await loader.loads()).toEqual([{ path: "fast", rows_staged: "14", rows_inserted: "14" }]);
    expect(
      await rig.warehouse.query(
        `SELECT src, from_off, to_off FROM ${rangesTableSql(loader.targets[0]!)} ORDER BY src`,
      ),
    ).toEqual([
      { src: "a", from_off: "0", to_off: "100" },
      { src: "b", from_off: "0", to_off: "20" },
    ]);
    expect(await loader.keys("loads/done/")).toHaveLength(1);
    expect((await loader.tick()).lagSeconds).toBe(0);
  });

  test("go to each table of their type, and only of their type", async () => {
    const photo = logType("photo");
    loader.targets = targets(
      { ...photo, destinations: [...photo.destinations!, { to: "redshift", schema: "archive" }] },
      logType("user"),
    );
    await rig.warehouse.query("CREATE SCHEMA archive");
    await loader.commit(
      batch({ sequence: [1, 1], sources: { a: [[0, 30]] } }),
      batch({ sequence: [2, 2], sources: { b: [[0, 20]] }, type: "user" }),
    );
    await loader.drain();
    expect(await loader.rows("photo")).toHaveLength(3);
    expect(await loader.rows("user")).toHaveLength(2);
    expect(await rig.warehouse.query("SELECT count(*) AS n FROM archive.photo")).toEqual([{ n: "3" }]);
    await rig.warehouse.query("DROP SCHEMA archive CASCADE");
  });

  test("that only a sweep of the lake has found, long after their minute, are loaded", async () => {
    await loader.commit(batch({ sequence: [1, 1], sources: { a: [[0, 10]] }, writtenAt: at(4) }));
    await loader.drain();
    loader.now = new Date("2026-11-22T10:00:00Z");
    loader.log.found = "sweep";
    await loader.commit(batch({ sequence: [2, 2], sources: { a: [[10, 20]] }, writtenAt: at(0) }));
    expect((await loader.tick()).lagSeconds).toBe(86_400);
    await loader.drain();
    expect(await offsetsOf("a")).toEqual([0, 10]);
  });

  test("beyond a load's limits wait for the next, which the end of the first one opens", async () => {
    loader.limits = { ...TICK_LIMITS, maxCommits: 32 };
    const batches = Array.from({ length: 70 }, (_, i) =>
      batch({ sequence: [i, i], sources: { a: [[i * 10, i * 10 + 10]] }, writtenAt: at(i % 5) }),
    );
    await loader.commit(...batches);
    await loader.tick();
    for (let loads = 0; loads < 3; loads++) {
      const { load } = (await loader.state()).tables["logs.photo"]!;
      await rig.describe(load!.statementId!);
      await loader.tick(false);
    }
    expect(await offsetsOf("a")).toEqual(offsets(0, 700));
    expect(await loader.loads()).toHaveLength(3);
  });

  test("are read on by each table from where it stands, by a new one from the beginning", async () => {
    const commits = [0, 1, 2].map((n) =>
      batch({ sequence: [n, n], sources: { a: [[n * 10, n * 10 + 10]] }, writtenAt: at(n) }),
    );
    await loader.commit(commits[0]!);
    await loader.drain();
    await loader.commit(commits[1]!);
    await loader.drain();
    const photo = logType("photo");
    loader.targets = targets({
      ...photo,
      destinations: [...photo.destinations!, { to: "redshift", schema: "archive" }],
    });
    await rig.warehouse.query("CREATE SCHEMA archive");
    loader.limits = { ...TICK_LIMITS, maxCommits: 2 };
    await loader.commit(commits[2]!);
    await loader.tick();
    const { tables } = await loader.state();
    expect(tables["logs.photo"]).toMatchObject({ cursor: { segment: 4, index: 0 }, load: { rows: 1 } });
    expect(tables["archive.photo"]).toMatchObject({ cursor: { segment: 3, index: 0 }, load: { rows: 2 } });
    await loader.drain();
    expect(await offsetsOf("a")).toEqual([0, 10, 20]);
    expect(await rig.warehouse.query("SELECT _off FROM archive.photo ORDER BY 1")).toEqual(
      [0, 10, 20].map((offset) => ({ _off: `${offset}` })),
    );
    await rig.warehouse.query("DROP SCHEMA archive CASCADE");
  });

  test("do not open a load when only a statement has ended: tables share the schedule's tick", async () => {
    await loader.commit(batch({ sequence: [1, 1], sources: { a: [[0, 10]] } }));
    const { lagSeconds } = await loader.tick(false);
    expect(lagSeconds).toBe(300);
    expect((await loader.state()).tables["photo"]).toBeUndefined();
    expect(await loader.keys("loads/")).toEqual([]);
  });

  test("that have nothing for the warehouse leave it untouched, and so does an empty lake", async () => {
    calls = 0;
    await loader.tick();
    loader.known = { names: new Set(["photo", "other"]), retired: new Set() };
    await loader.commit(batch({ sequence: [1, 1], sources: { a: [[0, 10]] }, type: "other" }));
    expect(await loader.tick()).toEqual({ lagSeconds: 0, events: [], unreadable: 0, contested: 0 });
    expect(calls).toBe(0);
  });

  test("that cannot be read are counted on every tick, and hold nothing up", async () => {
    const good = batch({ sequence: [1, 1], sources: { a: [[0, 10]] } });
    await loader.commit(good);
    await rig.put(good.commitKey.replace("-1-1", "-2-2"), "{");
    expect((await loader.tick()).unreadable).toBe(1);
    await loader.drain();
    loader.now = new Date("2026-11-22T10:00:00Z");
    expect(await loader.tick()).toMatchObject({ unreadable: 1, lagSeconds: 86_400 });
    expect(await offsetsOf("a")).toEqual([0]);
  });

  test("that could not be read are loaded once they can be, and forgotten once they are gone", async () => {
    const mended = batch({ sequence: [1, 1], sources: { a: [[0, 10]] } });
    const stray = "commits/2026/11/21/10/01/";
    await rig.put(mended.commitKey, "{");
    await rig.put(stray, "");
    expect((await loader.tick()).unreadable).toBe(2);
    await loader.commit(mended);
    await loader.drain();
    expect(await offsetsOf("a")).toEqual([0]);
    expect((await loader.tick()).unreadable).toBe(1);
    await rig.s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: stray }));
    expect(await loader.tick()).toMatchObject({ unreadable: 0, lagSeconds: 0 });
  });

  test("with fields of a later release are read as they are", async () => {
    const made = batch({ sequence: [1, 1], sources: { a: [[0, 10]] } });
    const commit = Object.assign({ addedLater: true }, made.commit);
    await loader.commit({ ...made, commit });
    await loader.drain();
    expect(await offsetsOf("a")).toEqual([0]);
    expect((await loader.tick()).unreadable).toBe(0);
  });
});

describe("a segment of the log", () => {
  const commits = [1, 2, 3].map((n) =>
    batch({ sequence: [n, n], sources: { a: [[n * 10, n * 10 + 10]] }, writtenAt: at(n) }),
  );

  test("that is spoilt is told, holds nothing up, and is loaded once it is restored", async () => {
    for (const commit of commits) {
      await loader.commit(commit);
      await loader.log.sequence();
    }
    const { Body } = await rig.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: segmentKey(2) }));
    const sound = await Body!.transformToByteArray();
    for (const spoilt of ["not a segment", sound.subarray(0, sound.length - 9)]) {
      await rig.put(segmentKey(2), spoilt);
      expect((await loader.tick()).unreadable).toBe(1);
    }
    await loader.drain();
    expect(await offsetsOf("a")).toEqual([10, 30]);
    await rig.s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: segmentKey(2) }));
    expect((await loader.tick()).unreadable).toBe(1);
    await rig.put(segmentKey(2), sound);
    await loader.drain();
    expect(await offsetsOf("a")).toEqual([10, 20, 30]);
    expect(await loader.tick()).toMatchObject({ unreadable: 0, lagSeconds: 0 });
  });

  test("that is gone, with others after it, fails the tick, whose other loads go on", async () => {
    await loader.commit(commits[0]!);
    await loader.tick();
    await rig.describe((await loader.state()).tables["logs.photo"]!.load!.statementId!);
    for (const commit of commits.slice(1)) {
      await loader.commit(commit);
      await loader.log.sequence();
    }
    await rig.s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: segmentKey(2) }));
    await expect(loader.tick()).rejects.toMatchObject({ code: "MISSING_SEGMENT" });
    expect(await loader.keys("loads/done/")).toHaveLength(1);
    expect((await loader.state()).tables["logs.photo"]).not.toHaveProperty("load");
  });
});

test.each([
  ["names no types, since they are too many", { types: undefined }],
  ["does not know all of its commits", { types: ["other"], opaque: 1 }],
])("a segment whose head %s is read", async (_, head) => {
  const made = batch({ sequence: [1, 1], sources: { a: [[0, 10]] } });
  await loader.commit(made);
  await loader.log.append([made.commitKey], head);
  await loader.drain();
  expect(await offsetsOf("a")).toEqual([0]);
});

describe("commits that are large", () => {
  /** A commit whose text is `bytes` long or longer, by the path of its source. */
  const large = (sequence: number, bytes: number, more: Partial<BatchSpec> = {}): Batch => {
    const made = batch({
      sequence: [sequence, sequence],
      sources: { a: [[sequence * 10, sequence * 10 + 10]] },
      ...more,
    });
    const sources = made.commit.sources.map((source) => ({ ...source, path: "x".repeat(bytes) }));
    return { ...made, commit: { ...made.commit, sources } };
  };

  test("beyond what a claim may read wait for the next, and are all loaded", async () => {
    loader.limits = { ...TICK_LIMITS, maxReadBytes: 2 ** 20 };
    await loader.commit(...Array.from({ length: 10 }, (_, i) => large(i, COMMIT_MAX_BYTES / 8)));
    await loader.tick();
    expect((await loader.state()).tables["logs.photo"]).toMatchObject({ backlog: true });
    await loader.drain();
    expect(await offsetsOf("a")).toEqual(offsets(0, 100));
    expect((await loader.loads()).length).toBeGreaterThan(1);
  });

  test("and of other types are passed over: their segments are not read beyond the head", async () => {
    loader.limits = { ...TICK_LIMITS, maxReadBytes: 2 ** 20 };
    loader.known = { names: new Set(["photo", "other"]), retired: new Set() };
    const others = Array.from({ length: 10 }, (_, i) => large(i, COMMIT_MAX_BYTES / 8, { type: "other" }));
    await loader.commit(...others);
    await loader.log.sequence();
    await loader.commit(large(10, 0, { writtenAt: at(1) }));
    const send = vi.spyOn(rig.s3, "send");
    await loader.tick();
    const read = send.mock.calls.flatMap(([command]) =>
      (command as unknown) instanceof GetObjectCommand
        ? [command.input as { Key: string; Range?: string }]
        : [],
    );
    send.mockRestore();
    expect(read.filter(({ Key }) => Key === segmentKey(1)).map(({ Range }) => Range)).toEqual([
      expect.stringMatching(/^bytes=0-/),
    ]);
    expect((await loader.state()).tables["logs.photo"]).toMatchObject({
      cursor: { segment: 3, index: 0 },
      load: { rows: 1, log: { from: { segment: 1, index: 0 }, to: { segment: 3, index: 0 } } },
    });
  });

  test("beyond what any commit has are not even read, and hold nothing up", async () => {
    await loader.commit(...[0, 1, 2].map((i) => large(i, COMMIT_MAX_BYTES)), large(3, 0));
    await loader.drain();
    expect(await offsetsOf("a")).toEqual([30]);
    expect((await loader.tick()).unreadable).toBe(3);
    const told = loader.logged.find(({ message }) => message === "commits cannot be read");
    expect(told!.fields).toMatchObject({ count: 3, first: [{ error: { code: "BAD_COMMIT" } }, {}, {}] });
  });

  test("are no reason for more memory: the largest of the loads in the making is closed first", async () => {
    loader.targets = targets(logType("photo"), logType("user"));
    loader.limits = { ...TICK_LIMITS, maxHeldBytes: 20_000 };
    const batches = Array.from({ length: 40 }, (_, i) =>
      batch({ sequence: [i, i], sources: { [`source-${i}`]: [[0, 10]] }, writtenAt: at(i % 5) }),
    );
    await loader.commit(...batches, batch({ sequence: [99, 99], sources: { u: [[0, 20]] }, type: "user" }));
    await loader.tick();
    const { tables } = await loader.state();
    expect(tables["logs.photo"]).toMatchObject({
      backlog: true,
      load: { rows: expect.toSatisfy((n) => n < 40) },
    });
    expect(tables["logs.user"]).toMatchObject({ backlog: false, load: { rows: 2 } });
    await loader.drain();
    expect(await loader.rows("photo")).toHaveLength(40);
  });
});

test("a source that two hosts claim is told and counted, once for all its tables", async () => {
  const claim = batch({ sequence: [2, 2], sources: { a: [[10, 20]] } });
  const sources = claim.commit.sources.map((source) => ({ ...source, host: "h2" }));
  await loader.commit(batch({ sequence: [1, 1], sources: { a: [[0, 10]], b: [[0, 10]] } }), {
    ...claim,
    commit: { ...claim.commit, sources },
  });
  expect((await loader.tick()).contested).toBe(1);
  expect(loader.logged.filter(({ message }) => message.includes("claims"))).toMatchObject([
    { fields: { count: 1, first: [{ id: "a", hosts: ["h1", "h2"] }] } },
  ]);
  await loader.drain();
});

describe("duplicates", () => {
  test("of the ledger's ranges are left out by the slow path, days later as well", async () => {
    await loader.commit(batch({ sequence: [1, 9], sources: { a: [[0, 50]] }, fields: { note: "first" } }));
    await loader.drain();
    loader.now = new Date("2026-11-28T10:05:00Z");
    const again = { writtenAt: new Date("2026-11-28T10:00:00Z"), fields: { note: "again" } };
    await loader.commit(batch({ sequence: [100, 101], sources: { a: [[30, 80]] }, ...again }));
    await loader.drain();
    expect((await loader.rows()).map(({ _off, note }) => [Number(_off), note])).toEqual([
      ...offsets(0, 50).map((offset) => [offset, "first"]),
      ...offsets(50, 80).map((offset) => [offset, "again"]),
    ]);
    expect(await loader.loads()).toEqual([
      { path: "fast", rows_staged: "5", rows_inserted: "5" },
      { path: "slow", rows_staged: "5", rows_inserted: "3" },
    ]);
  });

  test("within one load go to the slow path at once", async () => {
    await loader.commit(
      batch({ sequence: [1, 2], sources: { a: [[0, 50]] } }),
      batch({ sequence: [3, 4], sources: { a: [[20, 70]] } }),
    );
    await loader.drain();
    expect(await offsetsOf("a")).toEqual(offsets(0, 70));
    expect(await loader.loads()).toEqual([{ path: "slow", rows_staged: "10", rows_inserted: "7" }]);
  });

  test("a batch committed again in another minute loads nothing twice, before or after its load", async () => {
    const spec = { sequence: [1, 5], sources: { a: [[0, 40]] }, foreign: [2, 3], arrivedAt: at(0) } as const;
    await loader.commit(batch({ ...spec, writtenAt: at(0) }), batch({ ...spec, writtenAt: at(1) }));
    await loader.drain();
    expect(await loader.loads()).toEqual([{ path: "fast", rows_staged: "6", rows_inserted: "6" }]);
    await loader.commit(batch({ ...spec, writtenAt: at(2) }));
    await loader.drain();
    expect(await loader.rows()).toHaveLength(6);
    expect(await loader.loads()).toContainEqual({ path: "slow", rows_staged: "6", rows_inserted: "0" });
  });

  test("of foreign rows are told by shard and sequence number", async () => {
    await loader.commit(
      batch({ sequence: [9, 11], foreign: [9, 10, 11] }),
      batch({ shard: 1, sequence: [9, 11], foreign: [9, 10, 11] }),
    );
    await loader.drain();
    // A retry that was bisected begins within the longer batch: 9 < 10 < 11 as numbers, not as text.
    await loader.commit(batch({ sequence: [10, 12], foreign: [10, 11, 12], writtenAt: at(3) }));
    await loader.drain();
    expect(await loader.rows()).toHaveLength(7);
    expect((await loader.loads()).map(({ path }) => path).sort()).toEqual(["fast", "slow"]);
  });
});

describe("a loader that dies", () => {
  const one = batch({ sequence: [1, 1], sources: { a: [[0, 50]] } });
  const next = batch({ sequence: [2, 2], sources: { a: [[50, 70]] }, writtenAt: at(1) });
  const ofRows = (rows: string) => ({ path: "fast", rows_staged: rows, rows_inserted: rows });

  test.each([
    ["between its plan's files and the state", "before save", 1, [ofRows("7")]],
    ["between plan and submit", "before submit", 1, [ofRows("2"), ofRows("5")]],
    ["between submit and saving that", "after submit", 1, [ofRows("2"), ofRows("5")]],
    ["between a load's end and its record", "before put loads/done", 2, [ofRows("2"), ofRows("5")]],
    ["between a load's record and the state", "after put loads/done", 2, [ofRows("2"), ofRows("5")]],
  ])("%s has that very load finished by the next", async (_, step, fatalTick, loads) => {
    await loader.commit(one);
    for (let n = 1; n < fatalTick; n++) {
      await loader.tick();
      const { load } = (await loader.state()).tables["logs.photo"]!;
      await rig.describe(load!.statementId!);
    }
    loader.diesAt = (at) => at.startsWith(step);
    await expect(loader.tick()).rejects.toThrow(/died/);
    loader.diesAt = undefined;
    // A load that was not known to be submitted would now be planned anew, with more in it.
    await loader.commit(next);
    loader.now = at(6);
    await loader.drain();
    expect(await loader.loads()).toEqual(loads);
    expect(await offsetsOf("a")).toEqual(offsets(0, 70));
    expect((await loader.state()).tables["logs.photo"]!.load).toBeUndefined();
    expect(await loader.keys("loads/done/")).toHaveLength(loads.length);
  });
});

test("a load submitted, forgotten by the Data API and finished all the same is not loaded again", async () => {
  await loader.commit(batch({ sequence: [1, 1], sources: { a: [[0, 50]] } }));
  loader.diesAt = (at) => at.startsWith("after submit");
  await expect(loader.tick()).rejects.toThrow(/died/);
  loader.diesAt = undefined;
  await expect.poll(() => loader.loads().catch(() => [])).toHaveLength(1);
  hoursLater += 9;
  await loader.drain();
  expect(await offsetsOf("a")).toEqual(offsets(0, 50));
  expect(await loader.loads()).toHaveLength(1);
  expect(await loader.keys("loads/done/")).toHaveLength(1);
});

test("two loaders at once load every row once, whichever saves its state last", async () => {
  await loader.commit(
    batch({ sequence: [1, 1], sources: { a: [[0, 50]] }, foreign: [1] }),
    batch({ sequence: [2, 2], sources: { b: [[0, 30]] }, writtenAt: at(1) }),
  );
  // Both read the state before either saves; with conditional writes the later of the two gives up.
  await Promise.allSettled([loader.tick(), loader.tick()]);
  await loader.drain();
  expect(await offsetsOf("a")).toEqual(offsets(0, 50));
  expect(await loader.rows()).toHaveLength(9);
});

test("two loaders with different views of the lake load what they share once", async () => {
  const [first, second] = [
    batch({ sequence: [1, 1], sources: { a: [[0, 50]] } }),
    batch({ sequence: [2, 2], sources: { a: [[50, 70]] } }),
  ];
  const release = holdStatements();
  await loader.commit(first);
  await loader.tick();
  // The second never saw the first's state.
  await rig.put("loads/state.json", JSON.stringify({ version: 1, tables: {} }));
  await loader.commit(second);
  await loader.tick();
  release();
  await loader.drain();
  expect(await offsetsOf("a")).toEqual(offsets(0, 70));
  expect(await loader.loads()).toEqual([
    { path: "fast", rows_staged: "2", rows_inserted: "2" },
    { path: "fast", rows_staged: "5", rows_inserted: "5" },
  ]);
});

/** Keeps statements from committing until the returned function is called. */
function holdStatements(): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  hold = promise;
  return resolve;
}

test("a load whose statement the loader may not see, since another role has submitted it, is finished", async () => {
  await loader.commit(batch({ sequence: [1, 1], sources: { a: [[0, 50]] } }));
  await loader.tick();
  const { statementId } = (await loader.state()).tables["logs.photo"]!.load!;
  await rig.describe(statementId!);
  const real = rig.redshift.send.bind(rig.redshift) as (command: unknown) => Promise<unknown>;
  const answer = async (command: unknown): Promise<unknown> => {
    const refused = command instanceof DescribeStatementCommand && command.input.Id === statementId;
    if (refused) throw Object.assign(new Error("not authorized"), { name: "AccessDeniedException" });
    return real(command);
  };
  const send = vi.spyOn(rig.redshift, "send").mockImplementation(answer as never);
  try {
    await loader.drain();
  } finally {
    send.mockRestore();
  }
  expect(await offsetsOf("a")).toEqual(offsets(0, 50));
  expect(await loader.loads()).toHaveLength(1);
  expect((await loader.state()).tables["logs.photo"]!.load).toBeUndefined();
});

describe("a load that fails", () => {
  const late = batch({ sequence: [2, 2], sources: { a: [[50, 70]] }, writtenAt: at(1) });

  /** A table of which somebody has changed a column so that nothing can be put into it. */
  async function spoilTable(): Promise<void> {
    await loader.commit(batch({ sequence: [1, 1], sources: { a: [[0, 50]] } }));
    await loader.drain();
    await rig.warehouse.query(
      "ALTER TABLE logs.photo DROP COLUMN note, ADD COLUMN note varchar(8) GENERATED ALWAYS AS ('x') STORED",
    );
  }

  const mendTable = (): Promise<object[]> =>
    rig.warehouse.query("ALTER TABLE logs.photo ALTER COLUMN note DROP EXPRESSION");

  test("leaves nothing of itself, tells the reason, and other tables go on", async () => {
    loader.targets = targets(logType("photo"), logType("user"));
    await spoilTable();
    await loader.commit(late, batch({ sequence: [3, 3], sources: { u: [[0, 20]] }, type: "user" }));
    await loader.tick();
    await settled();
    const { events } = await loader.tick();
    expect(events).toContainEqual(expect.objectContaining({ kind: "loaded", table: "logs.user", rows: 2 }));
    const error = expect.stringMatching(/^copy-rows: ERROR: column "note" is a generated column/);
    expect(events).toContainEqual({ kind: "failed", table: "logs.photo", error });
    expect(await rig.warehouse.query("SELECT count(*) AS n FROM logs.photo")).toEqual([{ n: "5" }]);
    expect(await loader.loads()).toHaveLength(2);
    const { load } = (await loader.state()).tables["logs.photo"]!;
    expect(load).toMatchObject({ attempt: 1, failure: { count: 1, notBefore: "2026-11-21T11:06:00.000Z" } });
  });

  test("is tried with the next tick where somebody says so", async () => {
    await spoilTable();
    await loader.commit(late);
    await loader.tick();
    await settled();
    await loader.tick();
    await mendTable();
    loader.now = at(50);
    const retry = { command: "retry", table: "logs.photo" } as const;
    const nothing = { table: "logs.photo", objects: 0, rows: 0 };
    expect(await loader.command(retry)).toEqual({ ok: true, tables: [{ ...nothing, load: true }] });
    await loader.tick();
    await settled();
    await loader.tick();
    expect(await loader.loads()).toHaveLength(2);
    expect(await loader.command(retry)).toEqual({ ok: true, tables: [nothing] });
  });

  test("rests for an hour, does not wake the warehouse, and is loaded once its cause is mended", async () => {
    await spoilTable();
    await loader.commit(late);
    await loader.tick();
    await settled();
    await loader.tick();
    calls = 0;
    loader.now = at(50);
    expect((await loader.tick()).lagSeconds).toBe(2_940);
    expect(calls).toBe(0);
    await mendTable();
    loader.now = new Date("2026-11-21T11:06:00Z");
    await loader.drain();
    expect(await offsetsOf("a")).toEqual(offsets(0, 70));
  });

  test("is tried at once when the configuration has changed", async () => {
    await spoilTable();
    await loader.commit(late);
    await loader.tick();
    await settled();
    await loader.tick();
    await mendTable();
    loader.targets = targets(logType("photo", [{ name: "note", type: "varchar(64)" }]));
    await loader.drain();
    expect(await offsetsOf("a")).toEqual(offsets(0, 70));
  });

  /** Waits until every open load's statement is over. */
  async function settled(): Promise<void> {
    for (const { load } of Object.values((await loader.state()).tables)) {
      if (load?.statementId !== undefined) await rig.describe(load.statementId);
    }
  }
});

describe("a table", () => {
  test("gains a column that the configuration has gained, and widens a text", async () => {
    await loader.commit(batch({ sequence: [1, 1], sources: { a: [[0, 10]] }, fields: { note: "old" } }));
    await loader.drain();
    loader.targets = targets(
      logType("photo", [
        { name: "note", type: "varchar(64)" },
        { name: "size", type: "bigint", nullable: false, encode: "az64" },
      ]),
    );
    const fields = { note: "wider than eight", size: 7 };
    await loader.commit(batch({ sequence: [2, 2], sources: { a: [[10, 20]] }, fields, writtenAt: at(1) }));
    await loader.drain();
    expect(await rig.warehouse.query("SELECT note, size FROM logs.photo ORDER BY _off")).toEqual([
      { note: "old", size: null },
      { note: "wider than eight", size: "7" },
    ]);
  });

  test("whose columns are wider than configured is loaded as it is", async () => {
    const columns = (count: string, price: string, note: string, code: string) => [
      { name: "count", type: count },
      { name: "price", type: price },
      { name: "note", type: note },
      { name: "code", type: code },
    ];
    const fields = { count: 7, price: "1.50", note: "x", code: "ab" };
    loader.targets = targets(
      logType("photo", columns("bigint", "decimal(18,4)", "varchar(500)", "varchar(8)")),
    );
    await loader.commit(batch({ sequence: [1, 1], sources: { a: [[0, 10]] }, fields }));
    await loader.drain();
    loader.targets = targets(logType("photo", columns("integer", "decimal(6,2)", "varchar(255)", "char(2)")));
    await loader.commit(batch({ sequence: [2, 2], sources: { a: [[10, 20]] }, fields, writtenAt: at(1) }));
    await loader.drain();
    const row = { ...fields, count: "7", price: "1.5000" };
    const sql = "SELECT count, price, note, code FROM logs.photo";
    expect(await rig.warehouse.query(sql)).toEqual([row, row]);
  });

  test("whose column has another type is refused with both types, and keeps its rows", async () => {
    await loader.commit(batch({ sequence: [1, 1], sources: { a: [[0, 10]] } }));
    await loader.drain();
    loader.targets = targets(logType("photo", [{ name: "note", type: "bigint" }]));
    await loader.commit(batch({ sequence: [2, 2], sources: { a: [[10, 20]] }, writtenAt: at(1) }));
    const error = expect.stringMatching(
      /logs\.photo.*note is varchar\(8\) there and bigint in the configuration/,
    );
    const { events, behind } = await loader.tick();
    expect(events).toMatchObject([{ kind: "failed", error }]);
    expect(behind).toMatchObject([
      {
        table: "logs.photo",
        failure: { error, notBefore: new Date(loader.now.getTime() + 3_600_000).toISOString() },
      },
    ]);
    expect(await loader.rows()).toHaveLength(1);
  });

  test("that somebody dropped is made again", async () => {
    await loader.commit(batch({ sequence: [1, 1], sources: { a: [[0, 10]] } }));
    await loader.drain();
    await rig.warehouse.query("DROP TABLE logs.photo");
    await loader.commit(batch({ sequence: [2, 2], sources: { a: [[10, 20]] }, writtenAt: at(1) }));
    loader.now = at(30);
    await loader.tick();
    const { load } = (await loader.state()).tables["logs.photo"]!;
    await rig.describe(load!.statementId!);
    await loader.tick();
    loader.now = at(91);
    await loader.drain();
    expect(await offsetsOf("a")).toEqual([10]);
  });
});

test("text in a statement is that text, whatever quotes and backslashes it has", async () => {
  const texts = ["a'b", String.raw`a\b`, String.raw`\'; DROP TABLE x; --`, String.raw`'\''\\'`, "\\"];
  for (const text of texts) {
    expect(await rig.warehouse.query(`SELECT ${quoteText(text)}::text AS text`)).toEqual([{ text }]);
  }
});
