import { setTimeout } from "node:timers/promises";
import { beforeEach, describe, expect, test } from "vitest";
import { CommitLog } from "../../lambdas/commit-log/commit-log.ts";
import { CommitReader } from "../../lambdas/sequencer/read-commit.ts";
import { COMMIT_MAX_BYTES } from "../../wire/limits.ts";
import { commitOf } from "../commit-log/log-fixture.ts";
import { SequencerRig, serviceError } from "./sequencer-rig.ts";

let rig: SequencerRig;
beforeEach(() => {
  rig = new SequencerRig();
});

describe("what a segment holds", () => {
  test("the commits that are new, once, in the order of their keys", async () => {
    const first = rig.commit(5);
    expect(await rig.run()).toMatchObject({ segments: 1, commits: 5, late: 0, lagSeconds: 0 });
    rig.pass(1);
    const second = rig.commit(3);
    // As late as a router can be.
    const slow = rig.commit(2, 14);
    await rig.run();
    rig.pass(1);
    expect(await rig.run()).toMatchObject({ segments: 0, commits: 0 });
    expect(await rig.keys()).toEqual([...first, ...slow, ...second]);
  });

  test("bodies as they are, and why nobody can read one", async () => {
    const { body } = commitOf(0);
    const pretty = Buffer.from(JSON.stringify(JSON.parse(body.toString()), undefined, 2));
    rig.commit(1, 0, pretty);
    const [broken] = rig.commit(1, 0, Buffer.from("{"));
    const [huge] = rig.commit(1, 0, Buffer.alloc(COMMIT_MAX_BYTES + 1, " "));
    const [other] = rig.commit(1, 0, Buffer.from('{"some":"JSON"}'));
    expect(await rig.run()).toMatchObject({ commits: 4, unreadable: 2 });
    const [commit, ...errors] = await rig.entries();
    expect(commit).toMatchObject({ commit: { batchId: "shardId-000000000000-0-0" } });
    expect(errors.map((entry) => ("error" in entry ? entry.error.message : ""))).toEqual([
      expect.stringContaining(`${broken}: it is no JSON`),
      `${huge}: it has ${COMMIT_MAX_BYTES + 1} bytes, and a commit at most ${COMMIT_MAX_BYTES}`,
      expect.stringContaining(`${other} is not a commit`),
    ]);
    // Not one byte of the huge one was asked for.
    expect(rig.requests).not.toContainEqual({ kind: "get", key: huge });
  });

  test("a head that names what is in it, and counts what it cannot name", async () => {
    const commit = JSON.parse(commitOf(0).body.toString()) as Record<string, unknown>;
    commit["objects"] = ["07", "09"].map((hr) => ({
      key: `data/type=photo/dt=2026-11-20/hr=${hr}/x.ndjson.zst`,
    }));
    rig.commit(1, 3, Buffer.from(JSON.stringify(commit)));
    rig.commit(2, 1, Buffer.from("no JSON"));
    await rig.run();
    expect(await rig.heads()).toMatchObject([
      {
        segment: 1,
        found: "listing",
        commits: 3,
        opaque: 2,
        types: ["photo"],
        hours: ["2026-11-20T07", "2026-11-20T09"],
        hosts: ["h1"],
        oldest: "2026-11-21T09:57:00.000Z",
        newest: "2026-11-21T09:59:00.000Z",
        sequencedAt: "2026-11-21T10:00:30.000Z",
        coveredTo: "commits/2026/11/21/09/40/",
      },
    ]);
  });

  test("a list of names only where they are not too many, however long they are", async () => {
    const commit = JSON.parse(commitOf(0).body.toString()) as { sources: { host: string }[] };
    for (const hosts of [Array.from({ length: 5_000 }, (_, i) => `h${i}`), ["\u0001".repeat(600_000), "h"]]) {
      commit.sources = hosts.map((host) => ({ ...commit.sources[0], host }));
      rig.commit(2, 0, Buffer.from(JSON.stringify(commit)));
      rig.pass(1);
      await rig.run();
    }
    const [many, long] = await rig.heads();
    expect(many).not.toHaveProperty("hosts");
    expect(many).toMatchObject({ types: ["photo"] });
    expect(long!.hosts).toHaveLength(2);
    expect(await rig.keys()).toHaveLength(4);
  });

  test("JSON that is too deep to be written on one line as one that nobody can read", async () => {
    const depth = 500_000;
    const keys = rig.commit(1, 0, Buffer.from(`{"a":\n${"[".repeat(depth)}${"]".repeat(depth)}}`));
    keys.push(...rig.commit(1));
    expect(await rig.run()).toMatchObject({ commits: 2, failures: [] });
    expect(await rig.keys()).toEqual(keys);
  });

  test("no more than its limits, and a commit beyond them alone", async () => {
    rig.limits = { ...rig.limits, commits: 4, bytes: 3 * commitOf(0).body.length };
    const keys = rig.commit(5);
    keys.push(
      ...rig.commit(1, 0, Buffer.from(JSON.stringify({ fill: "x".repeat(10_000) }))),
      ...rig.commit(2),
    );
    expect(await rig.run()).toMatchObject({ segments: 5, commits: 8 });
    expect((await rig.heads()).map(({ commits }) => commits)).toEqual([2, 2, 1, 1, 2]);
    expect(await rig.keys()).toEqual(keys);
  });
});

describe("when something goes wrong", () => {
  test("a commit that cannot be read now holds up those after it, and is read later", async () => {
    const keys = rig.commit(5, 25);
    rig.fault = ({ key }) => (key === keys[2] ? serviceError("SlowDown", 503) : undefined);
    const report = await rig.run();
    expect(report).toMatchObject({ commits: 2, lagSeconds: 25 * 60 + 30 });
    expect(report.failures.map(({ message }) => message)).toEqual([expect.stringContaining(keys[2]!)]);
    // Though it is older than the look-back, it is not behind what the log covers.
    expect((await rig.heads()).at(-1)!.coveredTo).toBe("commits/2026/11/21/09/35/");
    rig.fault = () => undefined;
    rig.pass(1);
    expect(await rig.run()).toMatchObject({ commits: 3, late: 0, failures: [] });
    expect(await rig.keys()).toEqual(keys);
  });

  test.each(["AccessDenied", "InvalidObjectState"])(
    "one object that S3 refuses alone (%s) is told and holds up nothing",
    async (name) => {
      const keys = rig.commit(5);
      rig.fault = ({ key }) => (key === keys[0] ? serviceError(name, 403) : undefined);
      expect(await rig.run()).toMatchObject({ commits: 5, unreadable: 1, failures: [] });
      expect(await rig.keys()).toEqual(keys);
      expect((await rig.entries())[0]).toMatchObject({
        error: { message: `${keys[0]}: S3 says ${name}` },
      });
      expect(rig.warnings.join()).toContain(keys[0]);
    },
  );

  test("one that is refused before any other is given waits for what S3 says to the others", async () => {
    const keys = rig.commit(3);
    const slow = rig.memory.client(async ({ key }, carryOut) => {
      if (key === keys[0]) throw serviceError("AccessDenied", 403);
      if (key.startsWith("commits/2")) await setTimeout(50);
      return carryOut();
    });
    const reader = new CommitReader(slow, "lake");
    const listed = keys.map((key) => ({ key, bytes: 100, lastModified: rig.now }));
    const [first, ...others] = listed.map((commit) => reader.read(commit));
    expect(await reader.settle(listed[0]!, await first!)).toMatchObject({
      unreadable: "S3 says AccessDenied",
    });
    await Promise.all(others);
  });

  test("when S3 refuses all, or many, it is not put down to the objects", async () => {
    const keys = rig.commit(40);
    rig.fault = ({ kind, key }) =>
      kind === "get" && key.startsWith("commits/") ? serviceError("AccessDenied", 403) : undefined;
    const report = await rig.run();
    expect(report).toMatchObject({ commits: 0, unreadable: 0 });
    expect(report.failures).toMatchObject([{ code: "UNREADABLE" }]);
    rig.fault = ({ key }) =>
      key !== keys[0] && key.startsWith("commits/2") ? serviceError("AccessDenied", 403) : undefined;
    expect(await rig.run()).toMatchObject({ commits: 11, unreadable: 10, failures: [expect.anything()] });
  });

  test("a commit that is removed before it was read is told", async () => {
    const keys = rig.commit(3);
    rig.fault = ({ key }) => {
      if (key === keys[1]) rig.memory.delete(key);
      return undefined;
    };
    expect(await rig.run()).toMatchObject({ commits: 2, failures: [] });
    expect(rig.warnings).toEqual([expect.stringContaining(keys[1]!)]);
  });

  test("after three hours without a run everything is found by the listing", async () => {
    const keys = rig.commit(3);
    await rig.run();
    for (let i = 0; i < 12; i++) {
      rig.pass(15);
      keys.push(...rig.commit(2));
    }
    expect(await rig.run()).toMatchObject({ commits: 24, late: 0 });
    expect(await rig.keys()).toEqual(keys);
  });

  test("a run whose time is up says how far behind it is, and the next one goes on", async () => {
    rig.limits = { ...rig.limits, commits: 10 };
    const keys = rig.commit(200, 30);
    let reads = 0;
    rig.fault = ({ kind }) => {
      if (kind === "get" && ++reads > 60) rig.pass(1);
      return undefined;
    };
    const report = await rig.run();
    expect(report.commits).toBeGreaterThan(10);
    expect(report.commits).toBeLessThan(100);
    expect(report.lagSeconds).toBeGreaterThan(30 * 60);
    reads = -1_000;
    expect(await rig.run()).toMatchObject({ lagSeconds: 0, late: 0 });
    expect(await rig.keys()).toEqual(keys);
  });
});

test("a listing that takes longer than a run puts what it has found, and the next run the rest", async () => {
  rig.memory.pageKeys = 10;
  const keys = rig.commit(40, 10);
  await rig.run();
  // Each minute's keys are known but for the last of them.
  keys.push(...rig.commit(1, 10), ...rig.commit(100, 9));
  let lists = 0;
  rig.fault = ({ kind, key }) => {
    if (kind === "list" && key === "commits/" && ++lists % 8 === 0) rig.pass(2);
    return undefined;
  };
  const commits: number[] = [];
  for (let runs = 0; runs < 8; runs++) commits.push((await rig.run()).commits);
  expect(commits[0]).toBeGreaterThan(0);
  expect(commits[0]).toBeLessThan(101);
  rig.fault = () => undefined;
  await rig.run();
  expect(await rig.keys()).toEqual(keys);
});

describe("the end of the log", () => {
  test("is found by an instance that knows nothing, however long the log is", async () => {
    rig.limits = { ...rig.limits, commits: 1 };
    const keys: string[] = [];
    for (let segments = 0; segments < 40; segments++) {
      rig.restart();
      keys.push(...rig.commit(1));
      expect(await rig.run()).toMatchObject({ commits: 1 });
      rig.pass(1);
    }
    expect(await rig.keys()).toEqual(keys);
  });

  test("is found by instances that take turns, each with a memory of its own", async () => {
    const other = new SequencerRig(rig.memory);
    const keys: string[] = [];
    for (let turn = 0; turn < 10; turn++) {
      for (const instance of [rig, other]) {
        rig.pass(1);
        [other.now, rig.memory.now] = [rig.now, () => rig.now];
        keys.push(...rig.commit(2));
        expect(await instance.run()).toMatchObject({ segments: 1, commits: 2 });
      }
    }
    expect(await rig.keys()).toEqual(keys);
  });

  test("is found where the log's beginning was removed", async () => {
    for (let segments = 0; segments < 70; segments++) {
      rig.commit(1);
      await rig.run();
      rig.pass(1);
    }
    const segments = rig.memory.keys("log/0");
    for (const key of segments.slice(0, 40)) rig.memory.delete(key);
    rig.restart();
    rig.commit(1);
    await rig.run();
    expect(rig.memory.keys("log/0").at(-1)).toBe("log/00000000000000000071.ndjson.zst");
  });

  test("is found though other objects lie between the segments", async () => {
    const keys: string[] = [];
    for (let n = 0; n < 9; n++) {
      if (n > 2) rig.memory.put(`log/${String(n).padStart(20, "0")}.ndjson.zst.bak`, Buffer.from("copy"));
      rig.restart();
      keys.push(...rig.commit(1));
      expect(await rig.run()).toMatchObject({ commits: 1, failures: [] });
      rig.pass(1);
    }
    expect(await rig.keys()).toEqual(keys);
  });

  test("is asked for with few requests: what an idle minute costs", async () => {
    rig.commit(5);
    await rig.run();
    rig.pass(30);
    rig.commit(5);
    await rig.run();
    rig.pass(1);
    rig.requests.length = 0;
    await rig.run();
    expect(rig.requests.map(({ kind, key }) => `${kind} ${key}`)).toEqual([
      "list log/",
      "list commits/",
      "get log/sweep.json",
    ]);
  });
});

describe("what appears late", () => {
  const DAY = 24 * 60;

  test("is found by the next sweep, once", async () => {
    rig.commit(3);
    await rig.run();
    rig.pass(60);
    rig.commit(1);
    await rig.run();
    const late = rig.commit(2, 59);
    expect(await rig.run()).toMatchObject({ commits: 0 });
    rig.pass(DAY);
    expect(await rig.run()).toMatchObject({ commits: 2, late: 2 });
    expect((await rig.heads()).at(-1)).toMatchObject({ found: "sweep" });
    expect(rig.warnings.join()).toContain(late[0]);
    rig.pass(DAY);
    for (const key of late) rig.memory.put(key, rig.memory.get(key)!);
    rig.pass(DAY);
    rig.restart();
    expect(await rig.run()).toMatchObject({ commits: 0 });
    expect((await rig.keys()).slice(-2)).toEqual(late);
  });

  test("is left to the sweep where its time is far ahead, so that the look-back stays short", async () => {
    const early = rig.commit(1, -365 * DAY);
    const keys = rig.commit(2);
    expect(await rig.run()).toMatchObject({ commits: 3, late: 1 });
    rig.limits = { ...rig.limits, commits: 1 };
    for (let i = 0; i < 40; i++) {
      rig.pass(1);
      keys.push(...rig.commit(1));
      await rig.run();
    }
    rig.pass(60);
    keys.push(...rig.commit(1));
    await rig.run();
    rig.restart();
    rig.requests.length = 0;
    await rig.run();
    expect(
      rig.requests.filter(({ kind, key }) => kind === "get" && key.startsWith("log/0")).length,
    ).toBeLessThan(5);
    // Its time comes.
    rig.now = new Date(rig.now.getTime() + 364.9 * DAY * 60_000);
    for (let i = 0; i < 3; i++) {
      rig.pass(60);
      await rig.run();
    }
    expect((await rig.keys()).sort()).toEqual([...early, ...keys].sort());
  });

  test("a bucket that was copied whole gets nothing twice and loses nothing", async () => {
    rig.limits = { ...rig.limits, commits: 3, lookups: 7 };
    const keys: string[] = [];
    for (let i = 0; i < 30; i++) {
      keys.push(...rig.commit(3));
      await rig.run();
      rig.pass(7);
    }
    rig.pass(10 * DAY);
    for (const key of rig.memory.keys()) rig.memory.put(key, rig.memory.get(key)!);
    rig.restart();
    for (let day = 0; day < 3; day++) {
      expect(await rig.run()).toMatchObject({ commits: 0, failures: [] });
      rig.pass(DAY);
    }
    expect(await rig.keys()).toEqual(keys);
  });

  test("a lake of old commits without a log is put in order as a backlog", async () => {
    const keys = Array.from({ length: 10 }, (_, i) => rig.commit(20, (10 - i) * DAY)).flat();
    rig.limits = { ...rig.limits, commits: 30 };
    expect(await rig.run()).toMatchObject({ commits: 200, segments: 7, late: 0 });
    expect(await rig.keys()).toEqual(keys);
  });

  test.each([
    ["lost", undefined],
    ["of no version", Buffer.from('{"version":7}')],
  ])("a sweep whose state is %s begins anew, and puts nothing twice", async (_, state) => {
    rig.limits = { ...rig.limits, lookups: 2 };
    rig.commit(5);
    await rig.run();
    rig.pass(60);
    rig.commit(1);
    await rig.run();
    rig.commit(5, 59);
    rig.pass(DAY);
    let reads = 0;
    rig.fault = ({ key }) => {
      if (key === "log/sweep.json" && ++reads === 3) return serviceError("InternalError", 500);
      return undefined;
    };
    await expect(rig.run()).rejects.toThrow("InternalError");
    if (state) rig.memory.put("log/sweep.json", state);
    else rig.memory.delete("log/sweep.json");
    rig.fault = () => undefined;
    await rig.run();
    const keys = await rig.keys();
    expect(new Set(keys).size).toBe(11);
    expect(keys).toHaveLength(11);
  });

  test("what the sweep cannot read now is read by the next run, not the next sweep", async () => {
    rig.commit(1);
    await rig.run();
    rig.pass(60);
    rig.commit(1);
    await rig.run();
    const late = rig.commit(4, 59);
    rig.pass(DAY);
    rig.fault = ({ key }) => (key === late[2] ? serviceError("SlowDown", 503) : undefined);
    const report = await rig.run();
    expect(report).toMatchObject({ commits: 2, late: 2, failures: [{ code: "UNREADABLE" }] });
    rig.fault = () => undefined;
    rig.pass(1);
    expect(await rig.run()).toMatchObject({ commits: 2, late: 2, failures: [] });
    expect((await rig.keys()).slice(-4)).toEqual(late);
  });

  test("keys that name no minute are in the log too; folders of the console are not", async () => {
    for (const key of ["commits/README", "commits/2026/11/21/x.json", "commits/2026/11/21/09/59/x"]) {
      rig.memory.put(key, Buffer.from("text"));
    }
    rig.memory.put("commits/2026/11/21/", Buffer.alloc(0));
    await rig.run();
    rig.pass(DAY);
    await rig.run();
    expect((await rig.keys()).sort()).toEqual([
      "commits/2026/11/21/09/59/x",
      "commits/2026/11/21/x.json",
      "commits/README",
    ]);
  });
});

test("a run that always comes too late says so", async () => {
  rig.commit(3);
  rig.fault = ({ kind, key }) =>
    kind === "put" && key.startsWith("log/0") ? serviceError("PreconditionFailed", 412) : undefined;
  expect(await rig.run()).toMatchObject({ commits: 0, failures: [{ code: "OVERTAKEN" }] });
});

test("a segment that is gone stops the sequencer, rather than have it put all again", async () => {
  rig.commit(3);
  await rig.run();
  rig.memory.delete("log/00000000000000000001.ndjson.zst");
  rig.memory.put("log/00000000000000000002.ndjson.zst", Buffer.from("not looked at"));
  rig.restart();
  await expect(rig.run()).rejects.toThrow();
  expect(await new CommitLog(rig.s3, "lake").head(3)).toBeUndefined();
});
