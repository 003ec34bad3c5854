import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { LogHeads } from "../../lambdas/sequencer/log-heads.ts";
import { run } from "../../lambdas/sequencer/run.ts";
import { SEQUENCER_LIMITS } from "../../lambdas/sequencer/sequencer-parts.ts";
import { BUCKET, type Rig, startRig } from "../local/warehouse-fixture.ts";
import { batch, batchOfVersion1, offsets } from "./lake-fixture.ts";
import { LoaderRig, logType, targets } from "./loader-fixture.ts";

let rig: Rig;
let loader: LoaderRig;

beforeAll(async () => {
  rig = await startRig();
  loader = new LoaderRig(rig, targets(logType("photo")));
  loader.sequence = () =>
    run({
      s3: rig.s3,
      bucket: BUCKET,
      heads: new LogHeads(rig.s3, BUCKET),
      limits: { ...SEQUENCER_LIMITS, commits: 2 },
      now: () => loader.now,
      until: new Date("2027-01-01T00:00:00Z"),
      sweepUntil: new Date("2027-01-01T00:00:00Z"),
      log: { warn: () => {} },
    });
});
afterAll(() => rig?.[Symbol.asyncDispose]());
beforeEach(() => loader.reset());

const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 21, 10, minute));
const loaded = async (): Promise<number[]> => (await loader.rows()).map(({ _off }) => Number(_off));

test("what the sequencer puts into the log is loaded, and what only its sweep finds as well", async () => {
  const commits = Array.from({ length: 5 }, (_, n) =>
    batch({ sequence: [n, n], sources: { a: [[n * 10, n * 10 + 10]] }, writtenAt: at(n) }),
  );
  await loader.commit(...commits.slice(1));
  await loader.drain();
  expect(await loaded()).toEqual(offsets(10, 50));
  loader.now = new Date("2026-11-23T10:00:00Z");
  await loader.commit(commits[0]!);
  await loader.drain();
  expect(await loaded()).toEqual(offsets(0, 50));
});

test("a loader that listed for itself is followed by one that reads the sequencer's log", async () => {
  const old = Array.from({ length: 5 }, (_, n) =>
    batchOfVersion1({ sequence: [n, n], sources: { a: [[n * 10, n * 10 + 10]] }, writtenAt: at(n) }),
  );
  await loader.commit(...old);
  await loader.drain();
  const { tables } = await loader.state();
  const { prepared } = tables["logs.photo"]!;
  const before = {
    cursor: "commits/2026/11/21/10/03/",
    claimed: old.slice(3).map(({ commitKey }) => commitKey),
  };
  const table = { ...before, setAside: [], backlog: false, prepared };
  await rig.put("loads/state.json", JSON.stringify({ version: 1, tables: { "logs.photo": table } }));
  loader.now = at(40);
  await loader.commit(batch({ sequence: [9, 9], sources: { a: [[50, 60]] }, writtenAt: at(39) }));
  await loader.drain();
  expect(await loaded()).toEqual(offsets(0, 60));
  expect((await loader.loads()).map(({ path }) => path)).toEqual(["fast", "fast"]);
  loader.now = at(80);
  await loader.commit(batch({ sequence: [10, 10], sources: { a: [[60, 70]] }, writtenAt: at(79) }));
  await loader.drain();
  expect((await loader.state()).tables["logs.photo"]).not.toHaveProperty("before");
});
