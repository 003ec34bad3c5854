import { readFile } from "node:fs/promises";
import { extname } from "node:path";

/** One file of the page, as it is sent. */
export interface Asset {
  readonly contentType: string;
  readonly body: Buffer;
}

const CONTENT_TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

const PAGE = new URL("page/", import.meta.url);
const PAGE_FILES = [
  "index.html",
  "icon.svg",
  "style.css",
  "panel.css",
  "console.js",
  "conditions.js",
  "elements.js",
  "flow.js",
  "history.js",
  "lake-views.js",
  "ledger.js",
  "log-view.js",
  "panel.js",
  "part-views.js",
  "reject-view.js",
  "river.js",
  "stations.js",
  "terms.js",
  "type-view.js",
  "words.js",
  "sql.js",
  "sql.css",
];

/** What the agent's page looks like, draws and writes with. */
const AGENT_PAGE = new URL("../../agent/monitor/page/", import.meta.url);
const AGENT_FILES = ["look.css", "charts.js", "figures.js"];

/** uPlot draws the charts; it is served from its package, so the page needs no network. */
const UPLOT = { "/uplot.js": "uPlot.esm.js", "/uplot.css": "uPlot.min.css" };

/** Everything the page consists of, by URL path. Nothing else is ever served. */
export async function readAssets(): Promise<ReadonlyMap<string, Asset>> {
  const assets = new Map<string, Asset>();
  const read = async (path: string, file: URL): Promise<void> => {
    assets.set(path, { contentType: CONTENT_TYPES[extname(file.pathname)]!, body: await readFile(file) });
  };
  for (const name of PAGE_FILES) await read(name === "index.html" ? "/" : `/${name}`, new URL(name, PAGE));
  for (const name of AGENT_FILES) await read(`/${name}`, new URL(name, AGENT_PAGE));
  const uplot = import.meta.resolve("uplot");
  for (const [path, name] of Object.entries(UPLOT)) await read(path, new URL(name, uplot));
  return assets;
}
