import { existsSync } from "node:fs";
import { request } from "node:http";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CommitLog } from "../../lambdas/commit-log/commit-log.ts";
import { startConsole, type Console } from "../../local/console/console.ts";
import { foldFiles } from "../../local/console/fold-files.ts";
import { json, type Route, RouteRefusal } from "../../local/console/route.ts";
import type { Snapshot } from "../../local/console/snapshot.ts";
import { LakeTotals } from "../../local/console/watch-lake.ts";
import { Lake } from "../../local/reconcile/lake.ts";
import { scriptedSnapshot } from "./console-script.ts";
import { FabricatedLake } from "./reconcile-lake.ts";
import { EVENT_MS } from "../time-limits.ts";

const BROWSER = [
  process.env["CHROMIUM_PATH"],
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => path !== undefined && existsSync(path));

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const ROUTES: Route[] = [
  {
    method: "GET",
    path: "/data",
    answer: ({ query }) => {
      const of = query.get("of");
      if (of === "broken") throw new Error("it broke");
      if (of !== null) throw new RouteRefusal(404, `nothing of ${of}`);
      return json([]);
    },
  },
  {
    method: "POST",
    path: "/echo",
    maxBodyBytes: 8,
    answer: ({ body }) => ({ contentType: "text/plain", body }),
  },
];

const REJECT = {
  count: 293,
  meaning: "It is not in its type's format.",
  rule: "{ parse: { format: 'combined' } }",
  tryWith: [{ what: "Try with the format nginx-main", text: `parse: { format: "nginx-main" }` }],
  examples: [
    {
      detail: "not in combined format",
      line: `192.0.2.1 - - "GET /" <b>"-"</b>`,
      lineBytes: 31,
      path: "/var/log/nginx/access.log",
      lineNumber: 7,
      source: "AAAA",
      offset: 1_234,
      host: "web-1",
      tag: "access",
      arrivedAt: "2026-11-20 10:00:00.000",
      key: "rejected/x",
    },
  ],
} as const;

const OBJECT = { kind: "data", type: "access", bytes: 4_567, rows: 1, arrivedTo: "2026-11-20T10:00:00Z" };
const KEY = "data/type=access/x.ndjson.zst";

/** What parts would answer, as the page asks for it. */
const ANSWERS: Readonly<Record<string, (query: URLSearchParams) => unknown>> = {
  "/log": () => ({ parts: ["loader"], lines: [{ at: "2026-11-20T10:00:00Z", text: "it printed this" }] }),
  "/objects": () => [{ ...OBJECT, key: KEY }],
  "/object": () => ({ key: KEY, lines: [`{"status":200}`], isAll: true }),
  "/reject": () => REJECT,
  "/type": (query) => {
    if (query.get("name") === "photo") throw new RouteRefusal(503, "S3 did not answer");
    const lake = { key: KEY, rows: [`{"status":200,"tags":["a"]}`] };
    return {
      columns: [{ name: "status", type: "smallint", from: "status" }],
      settings: "{}",
      tables: [],
      lake,
    };
  },
};

const DATA = Object.entries(ANSWERS).map(([path, answer]): Route => ({
  method: "GET",
  path,
  answer: ({ query }) => json(answer(query)),
}));

let shown: Snapshot;
let running: Console;
beforeEach(async () => {
  shown = scriptedSnapshot(0);
  running = await startConsole({ port: 0, everyMs: 25, snapshot: () => shown, routes: [...ROUTES, ...DATA] });
});
afterEach(() => running.stop());

/** Texts of the picture that stand in one another's place. */
const OVERLAPS = `(() => {
  const texts = [...document.querySelectorAll("#river text, #stations span, #stations b")]
    .map((one) => ({ text: one.textContent, box: one.getBoundingClientRect() }))
    .filter(({ text, box }) => text !== "" && box.width > 0);
  const meet = (a, b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
  return texts.flatMap((one, i) =>
    texts.slice(i + 1).filter((other) => meet(one.box, other.box)).map((other) => one.text + " / " + other.text));
})()`;

/** Elements that reach beyond the page, or whose text reaches beyond them. */
const WIDER = `[...document.querySelectorAll("main *, header *, #conditions *")]
  .filter((one) => one.checkVisibility() && !one.closest(".hidden"))
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 ||
    (one.matches("td, th, li, p, h2, button") && one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0))
  .map((one) => one.outerHTML.slice(0, 120))`;

/** The scripted run, of other types. */
function ofTypes(names: readonly string[], second: number, change: Partial<Snapshot>): Snapshot {
  const base = scriptedSnapshot(second, { ...change, elapsedSeconds: Math.floor(second) });
  const flows = Object.values(base.types);
  const files = names.map((type, i) => ({ ...base.agent.files[i % base.agent.files.length]!, type }));
  return {
    ...base,
    agent: { files },
    types: Object.fromEntries(names.map((name, i) => [name, flows[i % flows.length]!])),
  };
}

describe.skipIf(BROWSER === undefined)(
  `in a browser (${BROWSER ?? "skipped: no Chromium found; set CHROMIUM_PATH"})`,
  () => {
    let browser: Browser;
    let page: Page;
    /** Whatever the browser complains of: errors, refused resources, violations of the policy. */
    let complaints: string[];
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath: BROWSER!, args: FLAGS });
    });
    afterAll(() => browser.close());
    beforeEach(async () => {
      page = await browser.newPage({ viewport: { width: 1_440, height: 900 }, reducedMotion: "reduce" });
      page.setDefaultTimeout(EVENT_MS);
      complaints = [];
      page.on("console", (message) => complaints.push(message.text()));
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("requestfailed", (failed) => complaints.push(failed.url()));
      await page.goto(running.url);
    });
    afterEach(() => page.close());

    const play = async (from: number, to: number): Promise<void> => {
      for (let second = from; second <= to; second++) {
        shown = scriptedSnapshot(second);
        await page.getByText(clockText(second), { exact: true }).waitFor();
      }
    };
    const cell = (type: string, column: number) =>
      page
        .locator("#ledger tr", { has: page.getByRole("rowheader", { name: type, exact: true }) })
        .locator("td")
        .nth(column);
    const ribbonWidths = () =>
      page
        .locator("#river .ribbon")
        .evaluateAll((paths) =>
          paths.map((path) => (path as unknown as { style: { strokeWidth: string } }).style.strokeWidth),
        );

    test("figures, ribbons and rejects follow the run", async () => {
      await play(0, 4);
      const { types } = scriptedSnapshot(4);
      await expect
        .poll(() => cell("access", 0).textContent())
        .toBe(types["access"]!.lines.toLocaleString("en-US"));
      expect(await cell("access", 2).textContent()).toBe(types["access"]!.rejected.toLocaleString("en-US"));
      const early = await ribbonWidths();
      expect(early.some((width) => Number.parseFloat(width) > 0)).toBe(true);

      await play(5, 24);
      expect(await ribbonWidths()).not.toEqual(early);
      expect(await page.locator("#river").textContent()).toContain("1 error");
      expect(await page.locator("#rejects li").count()).toBe(3);
      expect(await page.locator("#river-text").textContent()).toMatch(/access: [\d,]+ lines/);
      expect(await page.locator(".chart canvas").count()).toBe(3);
      expect(complaints).toEqual([]);
    });

    test("records in quarantine are told where the router is", async () => {
      const { lake, router } = scriptedSnapshot(3);
      const quarantined = { ...lake, quarantined: 2 };
      shown = scriptedSnapshot(3, { lake: quarantined, router: { ...router, errors: 0 } });
      await page.locator("#river .bad", { hasText: "2 records quarantined" }).waitFor();
    });

    test("what is wrong takes the place of how far the run is, until it is over", async () => {
      const text = "S3 has not answered for 28 s";
      const condition = { id: "silent S3", headline: "S3 does not answer", text, since: "12:04:05" } as const;
      shown = scriptedSnapshot(3, { conditions: [{ ...condition, severity: "red" }] });
      await page.getByText("S3 does not answer", { exact: true }).waitFor();
      expect(await page.getByRole("status").getAttribute("data-state")).toBe("red");
      expect(await page.getByRole("list", { name: "What is not as it should be" }).textContent()).toBe(
        `${text}12:04:05`,
      );
      shown = scriptedSnapshot(4);
      await page.getByText("Flowing", { exact: true }).waitFor();
      expect(await page.locator("#conditions").isHidden()).toBe(true);
    });

    test("what a log line holds is text, never markup", async () => {
      await play(24, 24);
      await page.getByText(`<img src=x onerror="alert(1)">`).waitFor();
      expect(await page.locator("#rejects img").count()).toBe(0);
      expect(complaints).toEqual([]);
    });

    test("the end says whether it balanced, and what does not", async () => {
      shown = scriptedSnapshot(60);
      await page.getByText(/^Balanced: [\d,]+ lines accounted for$/).waitFor();
      await expect.poll(() => page.locator("#ledger .all-loaded").count()).toBe(3);
      const condition = {
        id: "rejected access",
        headline: "Lines are rejected",
        text: "",
        since: "",
      } as const;
      shown = scriptedSnapshot(60, { conditions: [{ ...condition, severity: "red" }] });
      await page.getByText("Balanced, but: Lines are rejected", { exact: true }).waitFor();
      expect(await page.getByRole("status").first().getAttribute("data-state")).toBe("red");
      shown = scriptedSnapshot(61, { phase: "unbalanced", problems: ["access: 122 bytes of a.log missing"] });
      await page.getByText("Does not balance", { exact: true }).waitFor();
      await page.getByText("access: 122 bytes of a.log missing").waitFor();
      await running.stop();
      expect(await page.getByRole("status").textContent()).toBe("Does not balance");
    });

    test("a page opened late, or again, has the charts' history", async () => {
      await play(0, 12);
      await page.reload();
      await page.getByText("0:12", { exact: true }).waitFor();
      expect((await ribbonWidths()).some((width) => Number.parseFloat(width) > 0)).toBe(true);
    });

    test("a run that ends under the page is told", async () => {
      await play(0, 1);
      await running.stop();
      await page.getByText("The run has ended, or is out of reach").waitFor();
    });

    test("nothing moves when figures come", async () => {
      await page.setViewportSize({ width: 800, height: 900 });
      await play(0, 2);
      const boxes = () =>
        page
          .locator("section")
          .evaluateAll((all) => all.map((one) => JSON.stringify(one.getBoundingClientRect())));
      const before = await boxes();
      await play(3, 40);
      expect(await boxes()).toEqual(before);
    });

    const NAMES = ["a_rather_long_name_of_a_log_type_that_some_service_writes_to", "nginx_errors", "syslog"];
    test.each([5, 20])("nothing overlaps or is wider than the page with %i types", async (count) => {
      const more = Array.from({ length: count - 3 }, (_, i) => `${NAMES[i % NAMES.length]}${i}`);
      const names = ["access", "photo", "user", ...more];
      const condition = { id: "rejected access", severity: "red", headline: "Lines are rejected" } as const;
      const text = `access: 500 of 500 lines (100.0 %) rejected since 12:04:05: ${"text after agent ".repeat(9)}`;
      for (const width of [420, 900, 1_400]) {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme: width === 900 ? "dark" : "light" });
        const second = 20 + width / 100;
        shown = ofTypes(names, second, { conditions: [{ ...condition, text, since: "12:04:05" }] });
        await page.getByText(clockText(Math.floor(second)), { exact: true }).waitFor();
        await expect.poll(() => page.locator("#ledger tr").count()).toBe(count);
        await expect.poll(() => page.evaluate(OVERLAPS)).toEqual([]);
        expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
        expect(await page.evaluate(WIDER)).toEqual([]);
      }
      expect(complaints).toEqual([]);
    });

    test("by keys alone a type opens, and a reject with its line, its place and what to try", async () => {
      await play(24, 24);
      const focused = () => page.evaluate<string>("document.querySelector(':focus')?.textContent ?? ''");
      const tabTo = async (text: RegExp) => {
        for (let tabs = 0; tabs < 40 && !text.test(await focused()); tabs++) {
          await page.keyboard.press("Tab");
        }
        expect(await focused()).toMatch(text);
      };
      for (const [key, station, title] of [
        ["Enter", "Files", "Files on this host"],
        ["Space", "Kinesis", "Shards of the stream"],
        ["Enter", "Router", "Router"],
        ["Enter", "S3", "Latest objects in S3"],
        ["Enter", "Warehouse", "Warehouse"],
        ["Enter", "access", "access"],
      ] as const) {
        await tabTo(new RegExp(`^${station}`));
        await page.keyboard.press(key);
        await page.getByRole("dialog", { name: title, exact: true }).waitFor();
        await page.keyboard.press("Escape");
        await page.getByRole("dialog").waitFor({ state: "hidden" });
        expect(await focused()).toContain(station);
      }
      await tabTo(/access: unparsed/);
      await page.keyboard.press("Enter");
      const dialog = page.getByRole("dialog", { name: "access: unparsed" });
      await dialog.getByText(REJECT.examples[0].line, { exact: true }).waitFor();
      expect(await dialog.locator("b").count()).toBe(0);
      for (const text of ["/var/log/nginx/access.log", "7", "1,234", REJECT.rule, REJECT.tryWith[0].text]) {
        expect(await dialog.getByText(text, { exact: true }).count()).toBe(1);
      }
      await page.keyboard.press("Escape");
      expect(await focused()).toContain("access: unparsed");
      // What was asked for when it was closed is let go of.
      expect(complaints.filter((complaint) => !complaint.startsWith(running.url))).toEqual([]);
    });

    test("from a list one goes on to one of it, and back", async () => {
      await play(3, 3);
      await page.getByRole("button", { name: /^S3/ }).click();
      await page.getByRole("button", { name: "data/type=access/x.ndjson.zst" }).click();
      await page.getByRole("dialog", { name: "Object" }).getByText(`{"status":200}`).waitFor();
      await page.getByRole("button", { name: "Back" }).click();
      await page.getByRole("dialog", { name: "Latest objects in S3" }).getByText("4.6 kB").waitFor();
      await page.getByRole("button", { name: "Close" }).click();
      await page.getByRole("dialog").waitFor({ state: "hidden" });
    });

    test("what a part does not answer is told in the place of what it was asked for", async () => {
      await play(3, 3);
      await page.getByRole("button", { name: "photo", exact: true }).click();
      await page.getByRole("dialog").getByText("S3 did not answer").waitFor();
      complaints.length = 0;
    });

    test("a number's meaning comes with the pointer and with the focus", async () => {
      await play(3, 3);
      const tip = page.getByRole("tooltip");
      await page.locator("thead [data-term=rows]").focus();
      await tip.getByText("typed and checked").waitFor();
      await page.keyboard.press("Escape");
      await tip.waitFor({ state: "hidden" });
      await page.locator("#ledger td.rejected").first().hover();
      await tip.getByText("do not fit their type").waitFor();
      await page.mouse.move(1, 1);
      await tip.waitFor({ state: "hidden" });
    });
  },
);

function clockText(second: number): string {
  return `${Math.floor(second / 60)}:${String(second % 60).padStart(2, "0")}`;
}

describe("the server", () => {
  test("serves its own files and nothing else, under a policy without inline code", async () => {
    const page = await fetch(running.url);
    const policy = page.headers.get("content-security-policy");
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain("unsafe");
    const html = await page.text();
    expect(html).not.toMatch(/<script(?![^>]*src=)|style="|onload=|https?:/);
    for (const path of ["package.json", "..%2fconsole.ts", "page/index.html", "%2e%2e/snapshot.ts"]) {
      expect((await fetch(running.url + path)).status).toBe(404);
    }
    expect((await fetch(running.url, { method: "POST" })).status).toBe(405);
  });

  const { host, origin } = { host: "127.0.0.1:8080", origin: "http://127.0.0.1:8080" };
  test.each([
    ["another name", "/", { host: "weir.example" }, 421],
    ["another name that begins like its own", "/", { host: "127.0.0.1.weir.example" }, 421],
    ["another origin", "/data", { host, origin: "http://weir.example" }, 403],
    ["another port's origin", "/data", { host, origin: "http://127.0.0.1:9" }, 403],
    ["an origin without a name", "/data", { host, origin: "null" }, 403],
    ["another site without an origin", "/data", { host, "sec-fetch-site": "cross-site" }, 403],
    ["another port of this machine", "/data", { host, "sec-fetch-site": "same-site" }, 403],
    ["its own page", "/data", { host, origin, "sec-fetch-site": "same-origin" }, 200],
    ["a link of another site", "/", { host, "sec-fetch-site": "cross-site" }, 200],
    ["no browser", "/data", {}, 200],
  ])("answers %s for %s as it should", async (_, path, headers, expected) => {
    const status = await new Promise((resolve, reject) => {
      request(new URL(path, running.url), { headers }, (response) => resolve(response.resume().statusCode))
        .once("error", reject)
        .end();
    });
    expect(status).toBe(expected);
  });

  test("bounds bodies, tells what a route takes, and why it refuses", async () => {
    const headers = { "content-type": "application/json" };
    const post = (body: string) => fetch(new URL("/echo", running.url), { method: "POST", headers, body });
    expect(await (await post("12345678")).text()).toBe("12345678");
    expect((await post("123456789")).status).toBe(413);
    const form = await fetch(new URL("/echo", running.url), { method: "POST", body: "12345678" });
    expect(form.status).toBe(415);
    const wrong = await fetch(new URL("/echo", running.url));
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "POST"]);
    const refused = await fetch(new URL("/data?of=nothing", running.url));
    expect([refused.status, await refused.text()]).toEqual([404, "nothing of nothing\n"]);
    expect(refused.headers.get("content-security-policy")).toContain("default-src 'none'");
    const broken = await fetch(new URL("/data?of=broken", running.url));
    expect([broken.status, await broken.text()]).toEqual([500, "it broke\n"]);
    expect((await fetch(new URL("/data", running.url))).status).toBe(200);
  });

  test("stops with its signal", async () => {
    const abort = new AbortController();
    const other = await startConsole({ port: 0, snapshot: () => shown, signal: abort.signal });
    abort.abort();
    const answers = (): Promise<boolean> =>
      fetch(other.url).then(
        () => true,
        () => false,
      );
    await expect.poll(answers).toBe(false);
  });

  test("says so when the port is taken", async () => {
    const port = Number(new URL(running.url).port);
    await expect(startConsole({ port, snapshot: () => shown })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});

test("of thousands of files those furthest behind are shown, and the others of each type as one", () => {
  const files = Array.from({ length: 5_000 }, (_, i) => ({
    path: `/var/log/${i}.log`,
    type: i % 2 ? "access" : "user",
    sizeBytes: 1_000 + i,
    deliveredBytes: 1_000,
  }));
  const folded = foldFiles(files, 100);
  expect(folded).toHaveLength(102);
  expect(folded.slice(0, 100).map(({ sizeBytes }) => sizeBytes)).toEqual(
    Array.from({ length: 100 }, (_, i) => 5_999 - i),
  );
  expect(folded.slice(100)).toMatchObject([
    { path: "2450 other files", type: "access", count: 2_450 },
    { path: "2450 other files", type: "user", count: 2_450 },
  ]);
  const all = foldFiles(folded, 0);
  const sum = (of: typeof folded) => of.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
  expect([all.length, sum(all)]).toEqual([2, sum(files)]);
  expect(all.map(({ count }) => count)).toEqual([2_500, 2_500]);
});

test("the lake's totals grow with its commits, each batch counted once", async () => {
  const lake = await FabricatedLake.start();
  try {
    lake.begin();
    const totals = new LakeTotals(new Lake(lake.s3, lake.bucket), new CommitLog(lake.s3, lake.bucket));
    expect(await totals.refresh()).toBe(0);
    const { path, events } = await lake.file(
      "access",
      "AAAA",
      ["a", "bb", "ccc", "dddd"],
      (line) => line === 2,
    );
    await lake.batch(1, events.slice(0, 2), { commitTwice: true });
    expect(await totals.refresh()).toBe(0);
    await lake.sequence();
    expect(await totals.refresh()).toBe(1);
    expect(totals.holds("access", { path, bytes: 14, lines: 4 })).toBe(false);
    await lake.batch(3, events.slice(2), { said: { quarantined: 2 } });
    await lake.sequence();
    expect(await totals.refresh()).toBe(1);
    expect(await totals.refresh()).toBe(0);
    expect(totals.types).toEqual({
      access: { lines: 4, bytes: 14, rows: 3, rejected: 1, filtered: 0, duplicates: 0 },
    });
    expect(totals.rejects).toMatchObject([{ type: "access", reason: "type", field: "status", count: 1 }]);
    expect(totals.lake).toMatchObject({ commits: 2, objects: 3, quarantined: 2 });
    expect(totals.holds("access", { path, bytes: 14, lines: 4 })).toBe(true);
  } finally {
    await lake.stop();
  }
});
