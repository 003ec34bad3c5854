import { crc32, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { rangesTableSql } from "../../lambdas/loader/target.ts";
import { Router, type RoutedBatch } from "../../lambdas/router/router.ts";
import type { WeirConfig } from "../../wire/config.ts";
import { commitKey, objectDigest } from "../../wire/keys.ts";
import { type Rig, startRig } from "../local/warehouse-fixture.ts";
import { aggregate, configOf, SHARD, streamRecord, WEB } from "../router/batch-fixture.ts";
import { reparse, unfiledOf } from "../router/reparse-fixture.ts";
import type { Batch } from "./lake-fixture.ts";
import { LoaderRig, logType, targets } from "./loader-fixture.ts";

let rig: Rig;
let loader: LoaderRig;
let hoursLater = 0;

beforeAll(async () => {
  // The same loads again, in an empty lake, are others once the Data API has forgotten the first.
  rig = await startRig({ now: () => new Date(Date.now() + hoursLater * 3_600_000) });
  loader = new LoaderRig(rig, targets(photo(8)));
});
afterAll(() => rig?.[Symbol.asyncDispose]());
beforeEach(reset);

async function reset(): Promise<void> {
  await loader.reset();
  hoursLater += 9;
}

const configured = (type: ReturnType<typeof photo>): WeirConfig =>
  configOf([type], { warehouse: { kind: "new-serverless" } });
const photo = (chars: number) => logType("photo", [{ name: "note", type: `varchar(${chars})` }]);
/** Notes that it has no room for are rejected, and lines of the tag `page` have no type. */
const BROKEN = configured(photo(3));
const MENDED = configured({ ...photo(8), match: { tags: ["photo", "page"] } });

const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 21, 11, minute));
const note = (text: string): string => JSON.stringify({ note: text });

/** A batch as its router writes it in this minute. */
function written(routed: RoutedBatch, minute: number): Batch {
  const digest = objectDigest(Buffer.from(JSON.stringify(routed.commit)));
  const objects = routed.objects.map(({ key, body }) => ({ key, body: Buffer.from(body) }));
  return { commitKey: commitKey(at(minute), routed.id, digest), commit: routed.commit, objects };
}

/** What becomes of each object of a batch that is filed anew in this minute. */
async function reparsed(routed: RoutedBatch, minute: number, config: WeirConfig = MENDED): Promise<Batch[]> {
  const all = [...unfiledOf(routed)].map(([key, body]) => reparse(config, key, body));
  return (await Promise.all(all)).flatMap(({ batch }) => (batch ? [written(batch, minute)] : []));
}

/** Lines of an agent, one of them of no type, and records of another producer: every second one is rejected. */
const records = [
  streamRecord(
    aggregate(["a", "long a", "b", "long b"].map((text) => ({ tag: "photo", data: note(text) }))),
    1,
  ),
  streamRecord(Buffer.from(["f", "long f", "g", "long g"].map(note).join("\n")), 2, "photo"),
  streamRecord(aggregate([{ tag: "page", data: note("long p"), offset: 200 }]), 3),
  streamRecord(Buffer.from(note("long q")), 4, "page"),
];
const routed = new Router(BROKEN).route(records);
const EVERY = [
  ...[0, 13, 31, 44, 200].map((offset) => `${WEB.id}@${offset}`),
  ...[0, 1, 2, 3].map((index) => `${SHARD}:49602@${index}`),
  `${SHARD}:49604@0`,
].sort();

const places = async (): Promise<string[]> =>
  (await loader.rows()).map(({ _src, _off }) => `${_src}@${_off}`).sort();
const table = (): Promise<unknown[]> => rig.warehouse.query("SELECT * FROM logs.photo ORDER BY _src, _off");
const conflicts = async (): Promise<number> =>
  (await rig.warehouse.query("SELECT * FROM weir.conflicts")).length;

async function load(...batches: readonly Batch[]): Promise<void> {
  await loader.commit(...batches);
  await loader.drain();
}

describe("rejected lines that are filed anew", () => {
  test("become rows of the table once, however often and by however many at a time it is done", async () => {
    await load(written(routed, 0));
    expect(await places()).toHaveLength(4);
    await load(...(await reparsed(routed, 3)));
    expect(await places()).toEqual(EVERY);
    // Two more at the same time, and one of them again later.
    await load(...(await reparsed(routed, 4)), ...(await reparsed(routed, 5)));
    await load(...(await reparsed(routed, 9)));
    expect(await places()).toEqual(EVERY);
    expect(await conflicts()).toBe(0);
  });

  test("are the same table when it is loaded anew, and when the log has them before their batch", async () => {
    await load(written(routed, 0));
    await load(...(await reparsed(routed, 3)));
    const before = await table();
    expect(before).toHaveLength(EVERY.length);
    await loader.command({ command: "reload", table: "logs.photo" });
    await loader.drain();
    expect(await table()).toEqual(before);
    await rig.warehouse.query("TRUNCATE logs.photo");
    await loader.command({ command: "reload", table: "logs.photo" });
    await loader.drain();
    expect(await table()).toEqual(before);

    await reset();
    await load(...(await reparsed(routed, 1)));
    await load(written(routed, 3));
    expect(await table()).toEqual(before);
    expect(await conflicts()).toBe(0);
  });

  test("are one with what the mended router made of them when their batch came again", async () => {
    // Lambda brought it twice, and it was routed under either configuration.
    await load(written(routed, 0), written(new Router(MENDED).route(records), 1));
    expect(await places()).toEqual(EVERY);
    const before = await table();
    await load(...(await reparsed(routed, 5)));
    expect(await table()).toEqual(before);
    // All in one load.
    await reset();
    const both = [written(routed, 0), written(new Router(MENDED).route(records), 1)];
    await load(...both, ...(await reparsed(routed, 1)));
    expect(await table()).toEqual(before);
    expect(await conflicts()).toBe(0);
  });

  test("can be rejected again, and be filed by another configuration in their turn", async () => {
    const half = configured({ ...photo(6), match: { tags: ["photo"] } });
    const tight = configured({ ...photo(5), match: { tags: ["photo"] } });
    await load(written(routed, 0));
    const none = await reparsed(routed, 1, tight);
    expect(none).toEqual([]);
    const some = await reparsed(routed, 2, half);
    await load(...some);
    expect(await places()).toEqual(EVERY.filter((place) => !/@200$|:49604@/.test(place)));
    await load(...(await reparsed(routed, 5)));
    expect(await places()).toEqual(EVERY);
  });

  test("leave what else their source has to be looked for among the rows of its last hours", async () => {
    await load(written(routed, 0));
    const later = { ...streamRecord(aggregate([{ tag: "photo", data: note("x"), offset: 9_000 }]), 9) };
    const live = new Router(MENDED).route([{ ...later, arrivedAt: new Date("2026-11-22T10:00:00.000Z") }]);
    await load(...(await reparsed(routed, 3)), written(live, 3));
    const ranges = await rig.warehouse.query(
      `SELECT from_off, CAST(arrived_from AS varchar) AS arrived FROM ${rangesTableSql(loader.targets[0]!)} ORDER BY from_off`,
    );
    expect(ranges).toEqual([
      { from_off: "0", arrived: "2026-11-21 10:00:00.25" },
      { from_off: "9000", arrived: "2026-11-22 10:00:00" },
    ]);
  });

  test("of other producers are looked for where their record arrived, and not through all that their shard had", async () => {
    // What the ledger has of a shard's older batches is one interval, which goes back to the first.
    const early = {
      ...streamRecord(Buffer.from(note("e")), 1, "photo"),
      arrivedAt: new Date("2026-11-20T10:00:00Z"),
    };
    const late = {
      ...streamRecord(Buffer.from(note("l")), 9, "photo"),
      arrivedAt: new Date("2026-11-22T10:00:00Z"),
    };
    await load(written(new Router(MENDED).route([early]), 0));
    await load(written(new Router(BROKEN).route([records[1]!]), 1));
    await load(written(new Router(MENDED).route([late]), 2));
    // No line is in two places of time: this one is there to show where a load looks.
    await rig.warehouse.query(
      `INSERT INTO logs.photo (_time, _src, _off, _crc, _arrived_at)
       SELECT _time, '${SHARD}:49602', 1, ${crc32(note("long f"))}, _arrived_at FROM logs.photo WHERE note = 'e'`,
    );
    await load(...(await reparsed(new Router(BROKEN).route([records[1]!]), 5)));
    expect(await places()).toEqual(
      [0, 1, 1, 2, 3]
        .map((index) => `${SHARD}:49602@${index}`)
        .concat(`${SHARD}:49601@0`, `${SHARD}:49609@0`)
        .sort(),
    );
  });

  test("of a type that had no table before are rows of the new one", async () => {
    const unrouted = new Router(configured(photo(8))).route(records.slice(2));
    await load(written(unrouted, 0));
    expect(Object.keys(unrouted.commit.types)).toEqual(["_unrouted"]);
    await load(...(await reparsed(unrouted, 3)), ...(await reparsed(unrouted, 4)));
    await load(...(await reparsed(unrouted, 6)));
    expect(await places()).toEqual([`${SHARD}:49604@0`, `${WEB.id}@200`].sort());
    expect(await conflicts()).toBe(0);
  });

  test("under a former name of the type are rows of the table that it has now", async () => {
    const renamed = configured({
      ...photo(8),
      name: "image",
      formerNames: ["photo"],
      match: { tags: ["photo", "page"] },
    });
    loader.targets = targets({
      ...logType("image", photo(8).columns),
      formerNames: ["photo"],
      destinations: [{ to: "s3" }, { to: "redshift", schema: "logs", table: "photo" }],
    });
    try {
      await load(written(routed, 0));
      await load(...(await reparsed(routed, 3, renamed)), ...(await reparsed(routed, 4, renamed)));
      expect(await places()).toEqual(EVERY);
      await load(...(await reparsed(routed, 7, renamed)));
      expect(await places()).toEqual(EVERY);
    } finally {
      loader.targets = targets(photo(8));
    }
  });
});

test("records that can be opened by now become rows once", async () => {
  const config = configured({ ...photo(8), match: { tags: ["photo", "page"] } });
  const spoilt = [records[0]!, { ...records[1]!, data: Buffer.from([0x1f, 0x8b, 0x08, 1]) }, records[3]!];
  const first = new Router(config).route(spoilt);
  const [key = ""] = unfiledOf(first).keys();
  // As another release would open it.
  const stored = {
    reason: "BAD_COMPRESSION",
    detail: "",
    sequenceNumber: records[1]!.sequenceNumber,
    partitionKey: "photo",
    arrivedAt: records[1]!.arrivedAt.toISOString(),
    data: Buffer.from(records[1]!.data).toString("base64"),
  };
  const { batch } = await reparse(config, key, zstdCompressSync(`${JSON.stringify(stored)}\n`));
  await load(written(first, 0));
  await load(written(batch!, 3), written(batch!, 4));
  await load(written(batch!, 7));
  expect(await places()).toEqual(EVERY.filter((place) => !place.endsWith("@200")));
  expect(await conflicts()).toBe(0);
});
