import { zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CommitLog } from "../../lambdas/commit-log/commit-log.ts";
import { type Answer, type Route, RouteRefusal } from "../../local/console/route.ts";
import { RecentLines } from "../../local/console/recent-lines.ts";
import { consoleRoutes } from "../../local/console/routes.ts";
import { LakeTotals } from "../../local/console/watch-lake.ts";
import { Lake } from "../../local/reconcile/lake.ts";
import { parseConfig } from "../../wire/config.ts";
import type { RejectedLine } from "../../wire/reject.ts";
import { FabricatedLake } from "./reconcile-lake.ts";
import { EVENT_MS } from "../time-limits.ts";

const CONFIG = parseConfig(
  {
    types: [
      {
        name: "access",
        parse: { format: "combined" },
        columns: [{ name: "status", type: "smallint", nullable: false }],
      },
    ],
  },
  "weir.config.ts",
);

/** Whole on the page, quotes and markup and all. */
const LINE = `192.0.2.1 - - [27/Nov/2026:10:00:00 +0000] "GET /it's HTTP/1.1" 200 5 "-" "<b>agent</b>" "-"`;

let lake: FabricatedLake;
let path: string;
let routes: Route[];
let totals: LakeTotals;
const printed = new RecentLines();

beforeAll(async () => {
  lake = await FabricatedLake.start();
  lake.begin();
  const lines = ["first", LINE, LINE];
  const file = await lake.file("access", "AAAA", lines, (line) => line > 0);
  path = file.path;
  await lake.batch(1, file.events);
  await lake.sequence();
  totals = new LakeTotals(new Lake(lake.s3, lake.bucket), new CommitLog(lake.s3, lake.bucket));
  await totals.refresh();
  const { key } = totals.latestObjects.find(({ kind }) => kind === "rejected")!;
  const rejected = file.events.slice(1).map(({ off }) => ({ ...REJECTED, _path: path, _off: off }));
  await lake.put(key, zstdCompressSync(rejected.map((line) => `${JSON.stringify(line)}\n`).join("")));
  routes = consoleRoutes({
    cloud: { s3: lake.s3, s3Endpoint: "", warehouses: new Map(), deployment: { lakeBucket: lake.bucket } },
    lake: totals,
    config: CONFIG,
    configFile: "my config.ts",
    printed,
  });
});
afterAll(() => lake.stop());

const REJECTED: RejectedLine = {
  reason: "unparsed",
  detail: `not in combined format: text after agent: "-", as in the format nginx-main`,
  type: "access",
  tag: "access",
  _src: "AAAA",
  _off: 0,
  _host: "web-1",
  _arrived_at: "2026-11-20 10:00:00.000",
  encoding: "utf8",
  data: LINE,
};

// oxlint-disable-next-line typescript/no-explicit-any -- each answer has a shape of its own, which its test tells
async function ask(url: string): Promise<any> {
  const { pathname, searchParams: query } = new URL(url, "http://localhost");
  const route = routes.find(({ method, path }) => method === "GET" && path === pathname)!;
  const signal = AbortSignal.timeout(EVENT_MS);
  const answer: Answer = await route.answer({ query, body: "", signal });
  return JSON.parse(answer.body as string);
}

test("a reject has its line whole, its place, the rule that refused it, and what to try", async () => {
  const answer = await ask("/reject?type=access&reason=type&field=status");
  expect(answer).toMatchObject({ count: 2, meaning: "A value is not of its column's type." });
  expect(answer.rule).toBe("{ name: 'status', type: 'smallint', nullable: false }");
  const offset = "first\n".length + LINE.length + 1;
  expect(answer.examples).toHaveLength(2);
  expect(answer.examples[0]).toMatchObject({
    line: LINE,
    lineBytes: LINE.length,
    path,
    lineNumber: 3,
    source: "AAAA",
    offset,
    host: "web-1",
    key: expect.stringMatching(/^rejected\/type=access\//),
  });
  expect(answer.examples[1]).toMatchObject({ lineNumber: 2, offset: 6 });
  expect(answer.tryWith.map(({ text }: { text: string }) => text)).toEqual([
    `npx weir try access ${path} --config 'my config.ts'`,
  ]);
});

test("a format that is hinted at is among what to try, and so is infer", async () => {
  for (const index of [0, 1]) totals.rejectPlaces.add(REJECTED, { key: rejectedKey(), index });
  const answer = await ask("/reject?type=access&reason=unparsed");
  expect(answer.rule).toContain("format: 'combined'");
  expect(answer.tryWith.map(({ text }: { text: string }) => text)).toEqual([
    `parse: { format: "nginx-main" }`,
    `npx weir try access ${path} --config 'my config.ts'`,
    `npx weir infer ${path}`,
  ]);
});

test("a line whose file is gone is tried by itself, quoted for a shell", async () => {
  const key = "rejected/type=access/dt=2026-11-20/gone.ndjson.zst";
  const line = { ...REJECTED, reason: "time", _path: "/nowhere/access.log" };
  await lake.put(key, zstdCompressSync(`${JSON.stringify(line)}\n`));
  totals.rejectPlaces.add({ ...REJECTED, reason: "time" }, { key, index: 0 });
  const { tryWith, examples } = await ask("/reject?type=access&reason=time");
  expect(examples[0].lineNumber).toBeUndefined();
  expect(tryWith.at(-1).text).toBe(
    `printf '%s\\n' '${LINE.replace("it's", String.raw`it'\''s`)}' | npx weir try access - --config 'my config.ts'`,
  );
});

test("a type without a table shows its latest rows from the lake, and its columns", async () => {
  const { columns, tables, lake: rows, settings } = await ask("/type?name=access");
  expect(columns).toEqual([{ name: "status", type: "smallint, not null", from: "status" }]);
  expect(tables).toEqual([]);
  expect(rows.rows.map((row: string) => JSON.parse(row))).toMatchObject([{ _src: "AAAA", _off: 0 }]);
  expect(settings).toContain("combined");
});

test("objects are listed newest first, and show their first lines; others are nobody's business", async () => {
  const objects = await ask("/objects");
  expect(objects.map(({ kind }: { kind: string }) => kind).sort()).toEqual(["data", "rejected"]);
  const { lines, isAll } = await ask(`/object?key=${encodeURIComponent(rejectedKey())}`);
  expect(JSON.parse(lines[0])).toMatchObject({ data: LINE });
  expect(isAll).toBe(true);
  await expect(ask("/object?key=loads%2Fstate.json")).rejects.toThrow(RouteRefusal);
  await expect(ask("/object?key=data%2Fnone.ndjson.zst")).rejects.toThrow("there is no object");
  await expect(ask("/object")).rejects.toThrow("key is missing");
});

test("of a large object, of a long line and of a long log no more comes than a page shows", async () => {
  const key = "data/type=access/large.ndjson.zst";
  await lake.put(key, zstdCompressSync(`${"x".repeat(300_000)}\n`.repeat(30)));
  const { lines, isAll } = await ask(`/object?key=${key}`);
  expect(isAll).toBe(false);
  expect(lines.join("").length).toBeLessThan(2 ** 18 + 10);

  const kept: string[] = [];
  const log = printed.noted((part, line) => kept.push(`${part} ${line}`));
  for (let i = 0; i < 500; i++) log("router", `${i} ${"y".repeat(10_000)}`);
  const { lines: shown, parts } = await ask("/log?part=router");
  expect(parts).toEqual(["router"]);
  expect(shown).toHaveLength(200);
  expect(shown.at(-1).text).toMatch(/^499 y{3996}…$/);
  expect([kept.length, kept.at(-1)!.length]).toEqual([500, 10_011]);
});

const rejectedKey = (): string => totals.latestObjects.find(({ kind }) => kind === "rejected")!.key;
