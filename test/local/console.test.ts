import { existsSync } from "node:fs";
import { request } from "node:http";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { CommitLog } from "../../lambdas/commit-log/commit-log.ts";
import { startConsole, type Console } from "../../local/console/console.ts";
import { json, type Route, RouteRefusal } from "../../local/console/route.ts";
import type { Snapshot } from "../../local/console/snapshot.ts";
import { LakeTotals } from "../../local/console/watch-lake.ts";
import { Lake } from "../../local/reconcile/lake.ts";
import { scriptedSnapshot } from "./console-script.ts";
import { FabricatedLake } from "./reconcile-lake.ts";

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

const eventually = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 60_000 });

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

let shown: Snapshot;
let running: Console;
beforeEach(async () => {
  shown = scriptedSnapshot(0);
  running = await startConsole({ port: 0, everyMs: 25, snapshot: () => shown, routes: ROUTES });
});
afterEach(() => running.stop());

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
      page.setDefaultTimeout(120_000);
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
      await eventually(async () =>
        expect(await cell("access", 0).textContent()).toBe(types["access"]!.lines.toLocaleString("en-US")),
      );
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
      await eventually(async () => expect(await page.locator("#ledger .all-loaded").count()).toBe(3));
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

    test.each([800, 1_440])(
      "nothing overflows at %i px, and nothing moves when figures come",
      async (width) => {
        await page.setViewportSize({ width, height: 900 });
        await play(0, 2);
        const boxes = () =>
          page
            .locator("section")
            .evaluateAll((all) => all.map((one) => JSON.stringify(one.getBoundingClientRect())));
        const before = await boxes();
        await play(3, 40);
        expect(await boxes()).toEqual(before);
        expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
      },
    );
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
    await eventually(() => expect(fetch(other.url)).rejects.toThrow());
  });

  test("says so when the port is taken", async () => {
    const port = Number(new URL(running.url).port);
    await expect(startConsole({ port, snapshot: () => shown })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
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
