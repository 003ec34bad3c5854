import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { rewriteObject } from "../../lambdas/loader/removed-columns/rewrite-object.ts";
import { columnsFingerprint } from "../../lambdas/loader/target.ts";
import { toExtra } from "../../lambdas/loader/removed-columns/to-extra.ts";
import { Lake } from "../../lambdas/loader/lake.ts";
import { BUCKET, type Rig, startRig } from "../local/warehouse-fixture.ts";
import { type Batch, batch, type BatchSpec } from "./lake-fixture.ts";
import { LoaderRig, logType, targets } from "./loader-fixture.ts";

let rig: Rig;
let loader: LoaderRig;
let hoursLater = 0;

beforeAll(async () => {
  rig = await startRig({ now: () => new Date(Date.now() + hoursLater * 3_600_000) });
  loader = new LoaderRig(rig, []);
});
afterAll(() => rig?.[Symbol.asyncDispose]());

const column = (name: string, type = "varchar(20)") => ({ name, type });
const OLD = targets(logType("photo", [column("note"), column("gone"), column("size", "bigint")]));
const NEW = targets(logType("photo", [column("note"), column("size", "bigint")]));

beforeEach(async () => {
  await loader.reset();
  loader.targets = OLD;
  hoursLater += 9;
});

const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 21, 10, minute));
const lines = (minute: number, range: readonly [number, number], more: Partial<BatchSpec> = {}): Batch =>
  batch({
    sequence: [minute, minute],
    sources: { a: [range] },
    writtenAt: at(minute),
    fields: { note: "n", gone: `g${minute}`, size: 7 },
    ...more,
  });
/** As if it was routed by the configuration of these targets. */
function routedBy([target]: typeof OLD, routed: Batch): Batch {
  const { commitKey, objects, commit } = routed;
  return { commitKey, objects, commit: { ...commit, config: target!.config } };
}
const rows = (columns = "note, _extra::text AS extra") =>
  rig.warehouse.query(`SELECT _off::int AS off, ${columns} FROM logs.photo ORDER BY 1, 2`);
const failures = () => loader.logged.filter(({ message }) => message === "load failed");

describe("a column that is removed while rows that have it wait", () => {
  test("has its values in _extra, whether the table still has the column or never had it", async () => {
    loader.targets = NEW;
    await loader.commit(lines(1, [0, 20]));
    await loader.drain();
    await rig.warehouse.query("ALTER TABLE logs.photo ADD COLUMN gone varchar(20)");
    await loader.commit(
      lines(2, [20, 40], { codec: "gzip" }),
      lines(3, [40, 50], { fields: { note: "m", size: 8 } }),
    );
    await loader.drain();
    expect(await rows("note, size::int, gone, _extra::text AS extra")).toEqual([
      { off: 0, note: "n", size: 7, gone: null, extra: '{"gone": "g1"}' },
      { off: 10, note: "n", size: 7, gone: null, extra: '{"gone": "g1"}' },
      { off: 20, note: "n", size: 7, gone: null, extra: '{"gone": "g2"}' },
      { off: 30, note: "n", size: 7, gone: null, extra: '{"gone": "g2"}' },
      { off: 40, note: "m", size: 8, gone: null, extra: null },
    ]);
    expect(loader.logged.filter(({ message }) => /into _extra/.test(message))).toEqual([
      { message: expect.anything(), fields: { table: "logs.photo", count: 1, fields: ["gone"] } },
      { message: expect.anything(), fields: { table: "logs.photo", count: 1, fields: ["gone"] } },
    ]);
  });

  test("has them there after the slow path as well, and what came twice is there once", async () => {
    await loader.commit(lines(1, [0, 20]));
    await loader.drain();
    loader.targets = NEW;
    await loader.commit(lines(2, [0, 30], { arrivedAt: at(1) }));
    await loader.drain();
    expect(await rows("gone, _extra::text AS extra")).toEqual([
      { off: 0, gone: "g1", extra: null },
      { off: 10, gone: "g1", extra: null },
      { off: 20, gone: null, extra: '{"gone": "g2"}' },
    ]);
  });

  test("and was in a load that is open is not left out of it", async () => {
    await loader.commit(lines(1, [0, 20]));
    await rig.warehouse.query("CREATE TABLE logs.photo (note varchar(20), gone integer)");
    await loader.tick();
    expect(failures()).toHaveLength(1);
    await rig.warehouse.query("DROP TABLE logs.photo");
    loader.targets = NEW;
    await loader.drain();
    expect(await rows()).toEqual([
      { off: 0, note: "n", extra: '{"gone": "g1"}' },
      { off: 10, note: "n", extra: '{"gone": "g1"}' },
    ]);
  });

  test("and was in a large load that is open is looked for in steps, each saved", async () => {
    await loader.commit(...[1, 2, 3].map((n) => lines(n, [n * 10, n * 10 + 10])));
    await rig.warehouse.query("CREATE TABLE logs.photo (note varchar(20), gone integer)");
    await loader.tick();
    await rig.warehouse.query("DROP TABLE logs.photo");
    const { load } = (await loader.state()).tables["logs.photo"]!;
    const listed = (await new Lake(rig.s3, BUCKET).text(load!.objects!.key))!;
    await rig.put(load!.objects!.key, listed.replaceAll(/"bytes":\d+/g, `"bytes":${2 ** 30}`));
    loader.targets = NEW;
    for (const objects of [1, 2]) {
      await loader.tick();
      expect((await loader.state()).tables["logs.photo"]!.load!.fitting).toEqual({
        columns: columnsFingerprint(NEW[0]!),
        objects,
      });
    }
    await loader.drain();
    expect(await rows("_extra::text AS extra")).toEqual(
      [1, 2, 3].map((n) => ({ off: n * 10, extra: `{"gone": "g${n}"}` })),
    );
  });

  test("and that the warehouse refused has its values there, once they are tried again", async () => {
    loader.targets = targets(
      logType("photo", [column("note"), column("gone", "integer"), column("size", "bigint")]),
    );
    await loader.commit(lines(1, [0, 10]), lines(2, [10, 20], { fields: { note: "n", gone: 5 } }));
    await loader.drain();
    expect(await rows("gone")).toEqual([{ off: 10, gone: 5 }]);
    loader.targets = NEW;
    await loader.drain();
    expect(await rows("_extra::text AS extra")).toEqual([
      { off: 0, extra: '{"gone": "g1"}' },
      { off: 10, extra: null },
    ]);
  });

  test("of another name is no reason to read what has none of it", async () => {
    const body = Buffer.from("no rows: nobody is to look");
    const [routed] = [routedBy(NEW, lines(1, [0, 20]))];
    loader.targets = NEW;
    // The rows of one's own configuration are covered, and so are those of one that had fewer columns.
    await loader.commit({ ...routed, objects: [{ ...routed.objects[0]!, body }] });
    await loader.tick();
    const { load } = (await loader.state()).tables["logs.photo"]!;
    expect(await loader.keys(`loads/copies/${load!.id}/`)).toEqual([]);
  });
});

test("rows of a configuration that had fewer columns are not read, those of one that nobody knows are", async () => {
  const reads: string[] = [];
  const watched = (): void => {
    loader.diesAt = (moment) => {
      if (moment.startsWith("before read data/")) reads.push(moment);
      return false;
    };
  };
  loader.targets = NEW;
  await loader.commit(routedBy(NEW, lines(1, [0, 10], { fields: { note: "n" } })));
  watched();
  await loader.drain();
  expect(reads).toEqual([]);
  loader.targets = OLD;
  await loader.commit(routedBy(NEW, lines(2, [10, 20], { fields: { note: "n" } })));
  await loader.drain();
  expect(reads).toEqual([]);
  loader.targets = NEW;
  await loader.commit(routedBy(OLD, lines(3, [20, 30])), lines(4, [30, 40]));
  await loader.drain();
  expect(reads).toHaveLength(2);
  expect(await rows()).toEqual([
    { off: 0, note: "n", extra: null },
    { off: 10, note: "n", extra: null },
    { off: 20, note: "n", extra: '{"gone": "g3"}' },
    { off: 30, note: "n", extra: '{"gone": "g4"}' },
  ]);
});

test("an object that is gone or spoilt is left to COPY, which says so", async () => {
  loader.targets = NEW;
  const spoilt = lines(1, [0, 20]);
  await loader.commit({ ...spoilt, objects: [{ ...spoilt.objects[0]!, body: Buffer.from("spoilt") }] });
  await loader.drain().catch(() => {});
  expect(JSON.stringify(loader.logged)).toContain("is not zstd");
});

const NAMES = new Set(["note", "_off", "_extra"]);

test.each([
  [
    { note: "n", gone: 1 },
    { note: "n", _extra: { gone: 1 } },
  ],
  [
    { note: "n", _extra: { a: 1 }, gone: 1 },
    { note: "n", _extra: { a: 1, gone: 1 } },
  ],
  [{ _extra: { gone: 2 }, gone: 1 }, { _extra: { gone: 2, gone_: 1 } }],
  [{ _extra: { gone: 2, gone_: 3 }, gone: 1 }, { _extra: { gone: 2, gone_: 3, gone__: 1 } }],
  [{ _extra: { gone: 1 }, gone: 1 }, { _extra: { gone: 1 } }],
  [{ _extra: "text", gone: 1 }, { _extra: { _extra: "text", gone: 1 } }],
  [
    { Note: "N", note: "n" },
    { note: "n", _extra: { Note: "N" } },
  ],
])("%j becomes %j", (row, expected) => {
  expect(JSON.parse(toExtra(JSON.stringify(row), NAMES))).toEqual(expected);
});

test("numbers keep their digits, and names that mean something to JavaScript are names", () => {
  const line =
    '{"_off":9007199254740993,"gone":1.10,"n":[1e400,{"x":-0}],"__proto__":{"a":1},"constructor":2}';
  expect(toExtra(line, NAMES)).toBe(
    '{"_off":9007199254740993,"_extra":{"gone":1.10,"n":[1e400,{"x":-0}],"__proto__":{"a":1},"constructor":2}}',
  );
});

test("whatever rows an object has, its fields have a column or are in _extra, and there are as many rows", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.dictionary(fc.constantFrom("note", "_off", "gone", "x", "é"), fc.jsonValue())),
      fc.constantFrom("zstd" as const, "gzip" as const),
      fc.boolean(),
      async (rows, codec, endsInLf) => {
        const text = rows.map((row) => JSON.stringify(row)).join("\n") + (endsInLf ? "\n" : "");
        const body = codec === "zstd" ? zstdCompressSync(text) : gzipSync(text);
        const object = await rewriteObject(body, codec, NAMES);
        const uncovered = new Set(rows.flatMap((row) => Object.keys(row)).filter((name) => !NAMES.has(name)));
        expect([...(object?.fields ?? [])].sort()).toEqual([...uncovered].sort());
        if (!object) return;
        const rewritten = (codec === "zstd" ? zstdDecompressSync : gunzipSync)(object.body).toString();
        const found = rewritten
          .trimEnd()
          .split("\n")
          .map((line) => {
            const { _extra, ...own } = JSON.parse(line) as Record<string, object>;
            for (const name of Object.keys(own)) expect(NAMES).toContain(name);
            return { ...own, ..._extra };
          });
        expect(found).toEqual(rows.map((row) => JSON.parse(JSON.stringify(row)) as unknown));
      },
    ),
    { numRuns: 60 },
  ));
