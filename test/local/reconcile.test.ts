import { readFile, writeFile } from "node:fs/promises";
import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { reconcile, type ReconcileOptions } from "../../local/reconcile/reconcile.ts";
import { lineNumber } from "../../local/reconcile/line-number.ts";
import { overLimit } from "../../local/reconcile/reject-limit.ts";
import { renderTable } from "../../local/reconcile/render-table.ts";
import { reportSchema, type Report } from "../../local/reconcile/report.ts";
import { countFile, countFiles } from "../../local/reconcile/truth.ts";
import { logTypeSchema } from "../../wire/log-type.ts";
import { FabricatedLake, SHARD, warehouseOf, type Event } from "./reconcile-lake.ts";

const TYPES = [
  logTypeSchema.parse({
    name: "access",
    parse: { format: "combined" },
    columns: [{ name: "status", type: "smallint" }],
    destinations: [{ to: "s3" }, { to: "redshift", schema: "logs" }],
  }),
];
const LINES = Array.from({ length: 40 }, (_, i) => `line ${i} ${"é".repeat(i % 7)}`);

let lake: FabricatedLake;
beforeAll(async () => {
  lake = await FabricatedLake.start();
});
afterAll(() => lake.stop());
beforeEach(() => lake.begin());

const accessFile = () => lake.file("access", "AAAA", LINES, (line) => line % 10 === 3);
const rowsOf = (events: readonly Event[]) => events.filter(({ rejected }) => !rejected);

async function run(
  path: string,
  loaded: readonly Event[],
  more: Partial<ReconcileOptions> = {},
  isSequenced = true,
): Promise<Report> {
  if (isSequenced) await lake.sequence();
  const report = await reconcile({
    s3: lake.s3,
    bucket: lake.bucket,
    types: TYPES,
    truth: more.truth ?? (await countFiles({ access: [path] })),
    warehouse: warehouseOf(rowsOf(loaded)),
    loads: 1,
    seconds: 2.5,
    ...more,
  });
  return reportSchema.parse(report);
}

describe("a lake that holds everything", () => {
  test("balances, and says how many lines became what", async () => {
    const { path, events } = await accessFile();
    await lake.batch(1, events.slice(0, 15));
    await lake.batch(16, events.slice(15));
    const report = await run(path, events);
    expect(report.problems).toEqual([]);
    expect(report.balanced).toBe(true);
    const bytes = (await countFile(path)).bytes;
    expect(report.types["access"]).toEqual({
      lines: 40,
      bytes,
      rows: 36,
      rejected: 4,
      filtered: 0,
      duplicates: 0,
    });
    expect(report.rejects).toMatchObject([{ type: "access", reason: "type", field: "status", count: 4 }]);
    expect(report.kinesis).toMatchObject({ records: 2, userRecords: 40, bytes });
    expect(report.warehouse).toEqual({ loads: 1, rows: 36 });
  });

  test("tells columns that are NULL in every row, with the field that was meant", async () => {
    const { path, events } = await accessFile();
    const row = { _extra: { sttus: "200", request: { id: "a" } }, host: "a" };
    const filled = events.map((event) => ({ ...event, columns: row }));
    await lake.batch(1, filled.slice(0, 15));
    await lake.batch(16, filled.slice(15));
    const columns = [
      { name: "host", type: "varchar(9)" },
      { name: "status", type: "smallint" },
      { name: "id", field: "request.idd", type: "varchar(9)" },
      { name: "slow", value: "int(took) > 5", type: "boolean" },
    ];
    const types = [logTypeSchema.parse({ name: "access", parse: { format: "json" }, columns })];
    const report = await run(path, events, { types });
    const of = { type: "access", rows: 36 };
    expect(report.emptyColumns).toEqual([
      { ...of, column: "status", field: "status", meant: "sttus" },
      { ...of, column: "id", field: "request.idd", meant: "request.id" },
      { ...of, column: "slow" },
    ]);
    expect(report.balanced).toBe(true);
    const text = renderTable(report);
    expect(text).toContain(
      '\n  NULL in every row\n    - access, 36 rows: status: no line had a value in the field "status": did you mean "sttus"?\n',
    );
    expect(text).toContain("access, 36 rows: slow: its expression gave no value");
  });

  test("counts what two batches brought as duplicates, rows, rejects and gaps alike", async () => {
    const { path, events } = await accessFile();
    const gap = { type: "access", src: "AAAA", from: events[0]!.off, to: events[5]!.off, lines: 5 };
    await lake.batch(1, events.slice(5, 30), { gaps: [gap] });
    await lake.batch(101, events.slice(20), { gaps: [gap] });
    const report = await run(path, events.slice(5));
    expect(report.problems).toEqual([]);
    expect(report.types["access"]).toMatchObject({
      lines: 30 + 25 + 0,
      filtered: 5,
      duplicates: 10 + 5,
      rejected: 3,
      rows: 32,
    });
  });

  test("joins what an agent sent before and after its state came to other machines", async () => {
    const { path, events } = await accessFile();
    const as = (src: string, from: number, to?: number) =>
      events.slice(from, to).map((event) => ({ ...event, src }));
    const earlier = (src: string, source: string, index: number) => {
      return { type: "access", src, source, from: 0, to: events[index]!.off, lines: 0 };
    };
    const [later, last] = [as("BBBB", 15, 30), as("CCCC", 30)];
    await lake.batch(1, events.slice(0, 15));
    await lake.batch(101, later, { gaps: [earlier("BBBB", "AAAA", 15)] });
    await lake.batch(201, last, { gaps: [earlier("CCCC", "BBBB", 30)] });
    const report = await run(path, [...events.slice(0, 15), ...later, ...last]);
    expect(report.problems).toEqual([]);
    expect(report.types["access"]).toMatchObject({ lines: 40, filtered: 0, duplicates: 0 });
  });

  test("counts other producers' records once that a bisected retry brought again", async () => {
    const events = LINES.map((_, i): Event => ({
      type: "access",
      src: `${SHARD}:${1 + i}`,
      off: 0,
      crc: i,
      extent: 10,
      rejected: i === 2,
    }));
    await lake.batch(1, events);
    await lake.batch(1, events.slice(0, 12));
    const report = await run("", events, { truth: {} });
    expect(report.problems).toEqual([]);
    expect(report.types["access"]).toMatchObject({ lines: 52, rows: 39, rejected: 1, duplicates: 12 });
  });

  test("counts a line as a row that was rejected first and replayed later", async () => {
    const { path, events } = await accessFile();
    await lake.batch(1, events);
    await lake.batch(100, [{ ...events[3]!, rejected: false }]);
    const loaded = events.toSpliced(3, 1, { ...events[3]!, rejected: false });
    const report = await run(path, loaded);
    expect(report.problems).toEqual([]);
    expect(report.types["access"]).toMatchObject({ lines: 41, rows: 37, rejected: 3, duplicates: 1 });
  });

  test("counts a batch once that was committed twice", async () => {
    const { path, events } = await accessFile();
    await lake.batch(1, events, { commitTwice: true });
    const report = await run(path, events);
    expect(report.problems).toEqual([]);
    expect(report.types["access"]).toMatchObject({ lines: 40, duplicates: 0 });
  });

  test("reads what one batch became under two configurations, and counts its lines once", async () => {
    const { path, events } = await accessFile();
    await lake.batch(1, events);
    const stricter = events.map((event, i) => (i === 7 ? { ...event, rejected: true } : event));
    await lake.batch(1, stricter, { said: { config: "ba9876543210" } });
    const report = await run(path, events);
    expect(report.problems).toEqual([]);
    expect(report.types["access"]).toMatchObject({ lines: 80, rows: 36, rejected: 4, duplicates: 40 });
    expect(report.kinesis).toMatchObject({ records: 1, userRecords: 40 });
  });

  test("takes a line of version 1 for whatever stands at its place", async () => {
    const { path, events } = await accessFile();
    const withoutCrc = events.slice(0, 20).map((event) => ({ ...event, crc: undefined }));
    await lake.batch(1, withoutCrc);
    await lake.batch(101, events.slice(10));
    const report = await run(path, [...withoutCrc, ...events.slice(20)]);
    expect(report.problems).toEqual([]);
    expect(report.types["access"]).toMatchObject({ rows: 36, duplicates: 10 });
  });

  test("keeps a line of other bytes apart, in the lake as in the warehouse", async () => {
    const { path, events } = await accessFile();
    const forged = { ...events[30]!, crc: 1 };
    await lake.batch(1, events);
    await lake.batch(101, [forged]);
    await lake.batch(201, [forged, events[31]!]);
    const report = await run(path, [...events, forged]);
    expect(report.types["access"]).toMatchObject({ rows: 37, duplicates: 2 });
    expect(report.problems).toEqual(["access: the files hold 40 lines, 41 came (43 less 2 duplicates)"]);
    expect((await run(path, events)).problems[1]).toMatch(/36 rows, .* 1 missing, first: AAAA at offset/);
  });

  test("balances as release 0.1.0 wrote it", async () => {
    const file = new URL("../vectors/weir-lake-0.1.0.json", import.meta.url);
    const { objects } = JSON.parse(await readFile(file, "utf8")) as { objects: Record<string, string> };
    for (const [key, body] of Object.entries(objects)) await lake.put(key, Buffer.from(body, "base64"));
    const report = await run("", [], { truth: {}, types: [], warehouse: undefined });
    expect(report.problems).toEqual([]);
    expect(report.quarantined).toBe(1);
    expect(report.types).toMatchObject({
      _unrouted: { lines: 1, rejected: 1 },
      event: { lines: 5, rows: 3, rejected: 1, duplicates: 1 },
      raw: { lines: 4, rows: 1, filtered: 3 },
    });
    expect(report.rejects).toMatchObject([
      { type: "_unrouted", reason: "unrouted" },
      { type: "event", reason: "type", field: "id" },
    ]);
  });

  test("counts a last line without line feed", async () => {
    const { path, events } = await lake.file("access", "AAAA", ["one", "two"]);
    await writeFile(path, "one\ntwo");
    expect(await countFile(path)).toMatchObject({ lines: 2, bytes: 7 });
    await lake.batch(1, [events[0]!, { ...events[1]!, extent: 3 }]);
    expect((await run(path, events)).problems).toEqual([]);
  });

  test("needs no warehouse and no table", async () => {
    const { path, events } = await accessFile();
    await lake.batch(1, events);
    expect((await run(path, [], { warehouse: undefined })).balanced).toBe(true);
    const s3Only = [{ ...TYPES[0]!, destinations: [{ to: "s3" as const }] }];
    expect((await run(path, [], { types: s3Only })).balanced).toBe(true);
  });
});

describe("a lake or a warehouse that is wrong is told exactly", () => {
  test("a line that never came", async () => {
    const { path, events } = await accessFile();
    const { off, extent } = events[7]!;
    await lake.batch(1, events.toSpliced(7, 1));
    const report = await run(path, events.toSpliced(7, 1));
    expect(report.balanced).toBe(false);
    expect(report.problems).toEqual([
      `access: ${extent} bytes of ${path} missing: source AAAA (web-1:/var/log/access.log) has no ` +
        `[${off}, ${off + extent}) of [0, ${(await countFile(path)).bytes})`,
      "access: the files hold 40 lines, 39 came (39 less 0 duplicates)",
      `access: the first line that is nowhere is source AAAA (web-1:/var/log/access.log) [${off}, ${off + extent})`,
    ]);
  });

  test("a row that its commit counts and no object holds", async () => {
    const { path, events } = await accessFile();
    const lost = events[8]!;
    await lake.batch(1, events, { dropRow: lost });
    const { problems } = await run(path, events.toSpliced(8, 1));
    expect(problems[0]).toMatch(/^access: object data\/type=access\/.* holds 35 lines, its commit says 36$/);
    expect(problems[1]).toContain(
      `AAAA (web-1:/var/log/access.log) [${lost.off}, ${lost.off + lost.extent})`,
    );
  });

  test("a row that was not loaded, one that was loaded twice, and one from nowhere", async () => {
    const { path, events } = await accessFile();
    await lake.batch(1, events);
    const stranger = { ...events[0]!, src: "ZZZZ" };
    expect((await run(path, events.toSpliced(8, 1))).problems).toEqual([
      `table logs.access: 35 rows, 35 distinct, the lake has 36; 1 missing, first: AAAA at offset ${events[8]!.off}`,
    ]);
    expect((await run(path, [...events, events[9]!])).problems).toEqual([
      `table logs.access: 37 rows, 36 distinct, the lake has 36; 1 repeated, first: AAAA at offset ${events[9]!.off}`,
    ]);
    expect((await run(path, [...events, stranger])).problems).toEqual([
      "table logs.access: 37 rows, 37 distinct, the lake has 36; 1 not in the lake, first: ZZZZ at offset 0",
    ]);
  });

  test("bytes that an earlier identity does not have either", async () => {
    const { path, events } = await accessFile();
    const later = events.slice(15).map((event) => ({ ...event, src: "BBBB" }));
    const gap = { type: "access", src: "BBBB", source: "AAAA", from: 0, to: events[15]!.off, lines: 0 };
    await lake.batch(1, events.slice(0, 10));
    await lake.batch(101, later, { gaps: [gap] });
    expect((await run(path, [...events.slice(0, 10), ...later])).problems[0]).toContain(
      `bytes of ${path} missing: source BBBB (web-1:/var/log/access.log) has no`,
    );
  });

  test("a file nothing of which was delivered, and bytes of no file", async () => {
    const { path, events } = await accessFile();
    const other = await lake.file("access", "BBBB", ["x".repeat(5_000)]);
    await lake.batch(1, events);
    const truth = await countFiles({ access: [path, other.path] });
    expect((await run(path, events, { truth })).problems[0]).toBe(
      `access: nothing of ${other.path} (5,001 bytes) was delivered`,
    );
    await lake.batch(100, other.events);
    expect((await run(path, [...events, ...other.events])).problems[0]).toBe(
      "access: source BBBB (web-1:/var/log/access.log) brought 5,001 bytes that are in none of the files",
    );
  });

  test("a line that had to be rejected and was not", async () => {
    const { path, events } = await accessFile();
    await lake.batch(1, events);
    const counted = await countFiles({ access: [path] });
    const truth = { access: { ...counted["access"]!, mustReject: { type: 5, time: 0 } } };
    expect((await run(path, events, { truth })).problems).toEqual([
      `access: 5 lines must be rejected as "type", 4 were`,
    ]);
  });

  test("a batch that became two things under one configuration", async () => {
    const { path, events } = await accessFile();
    await lake.batch(1, events);
    await lake.batch(
      1,
      events.map((event, i) => (i === 7 ? { ...event, rejected: true } : event)),
    );
    expect((await run(path, events)).problems).toEqual([
      "batch shardId-000000000000-1-40 has two commits of one configuration that differ",
    ]);
  });

  test("a commit whose own sum is wrong", async () => {
    const { path, events } = await accessFile();
    await lake.batch(1, events);
    const listed = await lake.s3.send(new ListObjectsV2Command({ Bucket: lake.bucket, Prefix: "commits/" }));
    const key = listed.Contents![0]!.Key!;
    const { Body } = await lake.s3.send(new GetObjectCommand({ Bucket: lake.bucket, Key: key }));
    const commit = (await Body!.transformToString()).replace('"lines":40', '"lines":41');
    await lake.put(key, Buffer.from(commit));
    expect((await run(path, events)).problems[0]).toBe(
      "access: commit of batch shardId-000000000000-1-40 says 41 lines, its parts add up to 40",
    );
  });
});

describe("a log that is wrong is told exactly", () => {
  /** A lake that balances, of two commits in a segment each. */
  async function logged(): Promise<{ path: string; events: Event[]; keys: [string, string] }> {
    const { path, events } = await accessFile();
    await lake.batch(1, events.slice(0, 15));
    const [first] = await lake.sequence();
    await lake.batch(16, events.slice(15));
    const [second] = await lake.sequence();
    expect((await run(path, events)).problems).toEqual([]);
    return { path, events, keys: [first!, second!] };
  }

  test("a commit that is not in it", async () => {
    const { path, events } = await accessFile();
    await lake.batch(1, events.slice(0, 15));
    await lake.sequence();
    await lake.batch(16, events.slice(15));
    const report = await run(path, events, {}, false);
    expect(report.balanced).toBe(false);
    expect(report.problems).toEqual([
      expect.stringMatching(/^1 commit is not in the log, first: commits\/.*-16-40-[0-9a-f]{16}\.json$/),
    ]);
  });

  test("a commit that is in it twice", async () => {
    const { path, events, keys } = await logged();
    await lake.segment([keys[0]]);
    expect((await run(path, events)).problems).toEqual([
      `1 commit is in the log more than once, first: ${keys[0]}`,
    ]);
  });

  test("a commit that says other things in it", async () => {
    const { path, events, keys } = await logged();
    const { Body } = await lake.s3.send(new GetObjectCommand({ Bucket: lake.bucket, Key: keys[1] }));
    const commit = (await Body!.transformToString()).replace('"records":1,', '"records":2,');
    await lake.put(keys[1], Buffer.from(commit));
    expect((await run(path, events)).problems).toEqual([
      `1 commit is other in the log than in the lake, first: ${keys[1]}`,
    ]);
  });

  test("commits that are in it and were removed from the lake", async () => {
    const { path, events, keys } = await logged();
    for (const Key of keys) await lake.s3.send(new DeleteObjectCommand({ Bucket: lake.bucket, Key }));
    expect((await run(path, events)).problems).toContain(
      `2 commits are in the log and not in the lake, first: ${keys[0]}`,
    );
  });
});

test("any split of files into batches balances, with any duplication; without any one event it does not, and says where", async () => {
  const files = [
    await lake.file("access", "AAAA", LINES),
    await lake.file("access", "BBBB", LINES.slice(0, 23)),
  ];
  const events = files.flatMap((file) => file.events);
  const truth = await countFiles({ access: files.map(({ path }) => path) });
  const anyIndex = fc.nat(events.length - 1);
  const batches = fc.array(fc.tuple(anyIndex, anyIndex), { maxLength: 4 });
  const check = (loaded: readonly Event[]) => run(files[0]!.path, loaded, { truth });

  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray(events.map((_, i) => i)),
      batches,
      anyIndex,
      async (cuts, repeats, drop) => {
        const deliver = async (sent: readonly Event[]) => {
          lake.begin();
          const ends = [...new Set([...cuts.slice(0, 6), sent.length])].sort((a, b) => a - b);
          let [from, first] = [0, 1];
          for (const to of ends) {
            await lake.batch(first, sent.slice(from, to));
            first += Math.max(1, to - from);
            from = to;
          }
          for (const [a, b] of repeats) {
            const again = [...sent.slice(Math.min(a, b), Math.max(a, b)), ...sent.slice(a, a + 2)];
            await lake.batch(first, again);
            first += Math.max(1, again.length);
          }
        };
        await deliver(events);
        expect((await check(events)).problems).toEqual([]);

        const lost = events[drop]!;
        await deliver(events.toSpliced(drop, 1));
        const { balanced, problems } = await check(events.toSpliced(drop, 1));
        expect(balanced).toBe(false);
        const range = `[${lost.off}, ${lost.off + lost.extent})`;
        expect(
          problems.some((problem) => problem.includes(`source ${lost.src} `) && problem.includes(range)),
        ).toBe(true);
      },
    ),
    { numRuns: 25 },
  );
});

test("the table fits 100 columns, and control characters of a log line stay out of it", async () => {
  const { path, events } = await accessFile();
  await lake.batch(1, events.slice(1));
  const report = await run(path, events);
  report.rejects.push({
    type: "access",
    reason: "unparsed",
    count: 1_234_567,
    example: { detail: `\u001b[31m${"写真".repeat(80)}`, source: "AAAA", offset: 12, line: "" },
  });
  const table = renderTable(report, { width: 100 });
  for (const line of table.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
  expect(table).not.toContain("\u001b");
  expect(table).toContain("Does not balance");
  expect(table).toMatch(/access +39 = +35 \+ +4 \+ +0 \+ +0/);
});

test("a type with too many rejects is told first, with lines of theirs and where they stand, and nothing cut", async () => {
  const { path, events } = await accessFile();
  await lake.batch(1, events);
  const report = await run(path, events);
  const { rejected, lines } = report.types["access"]!;
  const percent = (100 * rejected) / lines;
  expect(overLimit(report, percent)).toEqual([]);
  expect(renderTable(report, { maxRejectedPercent: percent })).toMatch(/^ +type.*Balanced: /s);
  expect(overLimit(report, percent - 0.01)).toEqual([{ type: "access", lines, rejected }]);
  const example = {
    source: "AAAA",
    offset: 12,
    detail: "a reason ".repeat(20).trim(),
    line: "a line ".repeat(90).trim(),
  };
  report.rejects[0] = {
    ...report.rejects[0]!,
    example: { ...example, path: "/var/log/a.log", lineNumber: 7 },
  };
  const table = renderTable(report, { maxRejectedPercent: percent - 0.01 });
  expect(table).toMatch(new RegExp(`^ +access: ${rejected} of ${lines} lines \\(.* were rejected`));
  for (const shown of [example.detail, example.line, "/var/log/a.log:7"]) expect(table).toContain(shown);
  expect(table).toContain("Balanced, but too many rejected of access");
});

test("a line has no number where its file is gone, or holds another one there", async () => {
  const { path } = await accessFile();
  const [first, second] = (await readFile(path, "utf8")).split("\n");
  const offset = Buffer.byteLength(first!) + 1;
  expect(await lineNumber(path, offset, second!)).toBe(2);
  expect(await lineNumber(path, offset, first!)).toBeUndefined();
  expect(await lineNumber(path, 1e9, second!)).toBeUndefined();
  expect(await lineNumber(`${path}.gone`, 0, first!)).toBeUndefined();
});
