import { GetObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { segmentKey } from "../../wire/keys.ts";
import { type Rig, startRig } from "../local/warehouse-fixture.ts";
import { batch, batchOfVersion1, offsets } from "./lake-fixture.ts";
import { LoaderRig, logType, targets } from "./loader-fixture.ts";
import { stateOfVersion1, withoutNumbers } from "./state-fixture.ts";

let rig: Rig;
let loader: LoaderRig;
let hoursLater = 0;

beforeAll(async () => {
  rig = await startRig({ now: () => new Date(Date.now() + hoursLater * 3_600_000) });
  loader = new LoaderRig(rig, targets(logType("photo")));
});
afterAll(() => rig?.[Symbol.asyncDispose]());
beforeEach(async () => {
  await loader.reset();
  hoursLater += 9;
});

const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 21, 10, minute));
const offsetsOf = async (source: string): Promise<number[]> =>
  (await loader.rows()).filter(({ _src }) => _src === source).map(({ _off }) => Number(_off));

const old = [0, 1, 2, 3].map((n) =>
  batchOfVersion1({ sequence: [n, n], sources: { a: [[n * 50, n * 50 + 50]] }, writtenAt: at(n) }),
);
const next = batch({ sequence: [9, 9], sources: { a: [[200, 250]] }, writtenAt: at(30) });
const FAST = { path: "fast", rows_staged: expect.any(String), rows_inserted: expect.any(String) };

/** Leaves the state as a loader from before the log would have: everything up to now claimed. */
async function downgrade(changes: { cursor?: string; setAside?: readonly string[] } = {}): Promise<void> {
  const state = stateOfVersion1(await loader.state(), loader.log, changes);
  await rig.put("loads/state.json", JSON.stringify(state));
  await withoutNumbers(rig.warehouse).catch(unlessMissing);
}

/** Nothing was loaded yet. */
function unlessMissing(error: Error): void {
  expect(error.message).toMatch(/relation "weir.loads" does not exist/);
}

describe("a loader that listed commits for itself is followed by one that reads the log", () => {
  test.each([
    ["kept every key", undefined],
    ["kept some keys after its cursor", "commits/2026/11/21/10/02/"],
    ["kept none", "commits/2026/11/21/10/04/"],
  ])("and %s: what it claimed is not loaded again, not even to be compared", async (_, cursor) => {
    await loader.commit(...old);
    await loader.drain();
    await downgrade(cursor === undefined ? {} : { cursor });
    await loader.commit(next);
    await loader.drain();
    expect(await offsetsOf("a")).toEqual(offsets(0, 250));
    expect(await loader.loads()).toEqual([FAST, FAST]);
    expect(await loader.tick()).toMatchObject({ lagSeconds: 0, unreadable: 0 });
  });

  test("with a load open: it is settled, and its commits are not loaded again", async () => {
    await loader.commit(...old);
    await loader.tick();
    await downgrade();
    await loader.commit(next);
    await loader.drain();
    expect(await offsetsOf("a")).toEqual(offsets(0, 250));
    expect(await loader.loads()).toEqual([FAST, FAST]);
  });

  test("with a load planned and not submitted: it is loaded, and so are its rows without a _crc", async () => {
    await loader.commit(...old);
    loader.diesAt = (step) => step.startsWith("before submit");
    await expect(loader.tick()).rejects.toThrow(/died/);
    loader.diesAt = undefined;
    await downgrade();
    await loader.commit(next);
    await loader.drain();
    expect(await offsetsOf("a")).toEqual(offsets(0, 250));
    expect((await loader.loads()).every(({ path }) => path === "fast")).toBe(true);
  });

  test("with commits set aside: they are loaded once they can be", async () => {
    await loader.commit(...old);
    await rig.put(old[1]!.commitKey, "{");
    await loader.drain();
    await downgrade({ setAside: [old[1]!.commitKey] });
    await loader.commit(old[1]!);
    loader.log.reset();
    await loader.drain();
    expect(await offsetsOf("a")).toEqual(offsets(0, 200));
    expect(await loader.loads()).toEqual([FAST, FAST]);
  });

  test("which never saw a late commit: the sweep's is loaded, though its key is before what was claimed", async () => {
    await loader.commit(old[3]!);
    await loader.drain();
    await downgrade({ cursor: "commits/2026/11/21/10/04/" });
    await loader.commit(...old.slice(0, 3));
    loader.log.found = "sweep";
    await loader.drain();
    expect(await offsetsOf("a")).toEqual(offsets(0, 200));
  });

  test("whose state is lost: the ledger tells what is loaded", async () => {
    await loader.commit(...old);
    await loader.drain();
    await rig.put("loads/state.json", JSON.stringify({ version: 1, tables: {} }));
    await withoutNumbers(rig.warehouse);
    // Delivered once more since, by a router that gives rows a _crc.
    await loader.commit(
      next,
      batch({ sequence: [2, 2], sources: { a: [[100, 150]] }, writtenAt: at(31), arrivedAt: at(2) }),
    );
    await loader.drain();
    expect(await offsetsOf("a")).toEqual(offsets(0, 250));
  });
});

test("what was claimed before the log is passed over by segments, and forgotten behind the last of it", async () => {
  loader.log.maxCommits = 2;
  await loader.commit(...old);
  await loader.drain();
  await downgrade({ cursor: "commits/2026/11/21/10/04/" });
  await loader.commit(next);
  await loader.log.sequence();
  const send = vi.spyOn(rig.s3, "send");
  await loader.tick();
  const read = send.mock.calls.flatMap(([command]) =>
    (command as unknown) instanceof GetObjectCommand
      ? [command.input as { Key: string; Range?: string }]
      : [],
  );
  send.mockRestore();
  const whole = read.filter(({ Key, Range }) => Key.startsWith("log/") && Range === undefined);
  expect(whole.map(({ Key }) => Key)).toEqual([segmentKey(3), segmentKey(4)]);
  expect((await loader.state()).tables["logs.photo"]).not.toHaveProperty("before");
});
