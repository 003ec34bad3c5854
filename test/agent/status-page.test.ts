import { existsSync } from "node:fs";
import { appendFile, rename, writeFile } from "node:fs/promises";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../../local/part.ts";
import { bundleAgent } from "../../packaging/bundle.ts";
import { AgentChild } from "./agent-child.ts";
import { AgentFixture, lines } from "./agent-fixture.ts";
import { RunningAgent } from "./running-agent.ts";
import { EVENT_MS } from "../time-limits.ts";

const BROWSER = [
  process.env["CHROMIUM_PATH"],
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => path !== undefined && existsSync(path));

const FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];

/** An agent with some files of ten lines, and where its page is. */
async function start(agent: AgentFixture, names: readonly string[], overrides: object = {}) {
  const port = await freePort();
  for (const name of names) await writeFile(agent.path(name), lines(10));
  const monitor = { port, stalled_ms: 1_000 };
  const running = new RunningAgent(agent, { monitor, shutdown: { deadline_ms: 0 }, ...overrides });
  await running.until(() => agent.events.length === names.length * 10);
  return { running, url: `http://127.0.0.1:${port}/status` };
}

describe.skipIf(BROWSER === undefined)(
  `in a browser (${BROWSER ?? "skipped: no Chromium found; set CHROMIUM_PATH"})`,
  () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath: BROWSER!, args: FLAGS });
    });
    afterAll(() => browser.close());

    /** @returns what the browser complains of: errors, refused resources, violations of the policy */
    async function open(url: string): Promise<{ page: Page; complaints: string[] }> {
      const page = await browser.newPage({ viewport: { width: 1_440, height: 900 } });
      page.setDefaultTimeout(EVENT_MS);
      const complaints: string[] = [];
      page.on("console", (message) => complaints.push(message.text()));
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("requestfailed", (failed) => complaints.push(failed.url()));
      await page.goto(url);
      return { page, complaints };
    }
    const row = (page: Page, name: string) =>
      page.locator("#files tr", { has: page.getByRole("rowheader", { name }) });

    test("files, charts and inputs of an agent that is well, without a complaint", async () => {
      await using agent = await AgentFixture.make(2);
      const forward = { port: await freePort() };
      const { running, url } = await start(agent, ["a.log", "b.log"], { forward });
      await using _ = running;
      await rename(agent.path("a.log"), agent.path("a.log.1"));
      await writeFile(agent.path("a.log"), lines(5));
      const { page, complaints } = await open(url);
      await page.getByText("All is moving", { exact: true }).waitFor();
      await expect.poll(() => row(page, "a.log.1").textContent()).toContain("was /");
      await expect
        .poll(() => row(page, "b.log").locator("progress").getAttribute("value"))
        .toBe(`${lines(10).length}`);
      expect(await page.locator("#inputs tr").textContent()).toContain(`forward 127.0.0.1:${forward.port}`);
      expect(await page.locator("#spool").textContent()).toBe("empty");
      expect(await page.locator("#spool-detail").textContent()).toBe("nothing waits; room for 1.1 GB");
      expect(await page.locator("#shards tr").count()).toBeGreaterThan(0);
      await expect.poll(() => page.locator(".chart canvas").count()).toBe(6);
      for (const width of [480, 900, 1_440]) {
        await page.setViewportSize({ width, height: 900 });
        expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
      }
      expect(complaints).toEqual([]);
      await page.close();
    });

    test("what is wrong is said first, and so is an agent that is gone", async () => {
      await using agent = await AgentFixture.make();
      const { running, url } = await start(agent, ["a.log"]);
      await using _ = running;
      const { page } = await open(url);
      await page.getByText("All is moving", { exact: true }).waitFor();
      agent.kinesis.fault = () => "server-error";
      await appendFile(agent.path("a.log"), lines(7));
      await page.getByText("Needs a look", { exact: true }).waitFor();
      // That lines wait may be known before the first request has failed.
      await expect.poll(() => page.locator("#problems").textContent()).toContain("PutRecords: ");
      await running.stop().catch(() => {});
      await page.getByText("The agent does not answer", { exact: true }).waitFor();
      await page.close();
    });

    test("of a thousand files the worst are shown, any can be found, and no name is markup", async () => {
      await using agent = await AgentFixture.make();
      const names = Array.from({ length: 999 }, (_, i) => `f${i}.log`);
      const odd = "<img src=x onerror=alert(1)>&.log";
      const { running, url } = await start(agent, [...names, odd]);
      await using _ = running;
      agent.kinesis.fault = () => "server-error";
      await appendFile(agent.path("f777.log"), lines(3));
      const { page, complaints } = await open(url);
      await page.getByText("100 of 1,000 shown", { exact: false }).waitFor();
      const first = page.locator("#files tr").first();
      await expect.poll(() => first.textContent()).toContain("f777.log");
      await page.getByRole("searchbox").fill("onerror");
      await row(page, odd).waitFor();
      expect(await page.locator("#files tr").count()).toBe(1);
      expect(await page.locator("#files img").count()).toBe(0);
      await page.getByRole("searchbox").fill("no such file");
      await page.getByText("Nothing is found for").waitFor();
      expect(complaints).toEqual([]);
      await page.close();
    });
  },
);

test("the page is its own files under a policy without inline code, and nothing else is served", async () => {
  await using agent = await AgentFixture.make();
  const { running, url } = await start(agent, ["a.log"]);
  await using _ = running;
  const page = await fetch(url);
  const policy = page.headers.get("content-security-policy");
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toContain("unsafe");
  expect(await page.text()).not.toMatch(/<script(?![^>]*src=)|style="|onload=|https?:/);
  for (const path of ["/status.js", "/tables.js", "/charts.js", "/figures.js", "/uplot.js", "/uplot.css"]) {
    expect((await fetch(new URL(path, url))).status).toBe(200);
  }
  for (const path of ["/package.json", "/page/index.html", "/..%2fmonitor.ts", "/index.html", "/__proto__"]) {
    expect((await fetch(new URL(path, url))).status).toBe(404);
  }
});

test("the bundle that is installed on hosts brings the page along", async () => {
  await using agent = await AgentFixture.make();
  const bundle = agent.path("weir-agent.cjs");
  await bundleAgent(bundle);
  const port = await freePort();
  await using child = await AgentChild.start(agent, ["run"], { monitor: { port } }, {}, [
    process.execPath,
    bundle,
  ]);
  const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
  await child.until(async () => (await ask("/healthz/live"))?.status === 200);
  for (const [path, text] of [
    ["/status", "<title>Weir agent</title>"],
    ["/uplot.js", "uPlot"],
    ["/status.js", "status.json"],
  ] as const) {
    expect(await (await ask(path))!.text()).toContain(text);
  }
});
