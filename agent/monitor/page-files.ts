import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";

/** The packed status page, put in where the agent is bundled: few ever ask for it, and each agent would hold it. */
declare const WEIR_STATUS_PAGE: string | undefined;

/** Texts of files by URL path. */
type PageTexts = Readonly<Record<string, string>>;

const PAGE_FILES = [
  "index.html",
  "look.css",
  "style.css",
  "status.js",
  "tables.js",
  "charts.js",
  "figures.js",
];
/** uPlot draws the charts; it is served from its package, so the page needs no network. */
const UPLOT = { "/uplot.js": "uPlot.esm.js", "/uplot.css": "uPlot.min.css" };

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
};

let texts: PageTexts | undefined;

/** A file of the status page, undefined where there is none of that name. */
export function pageFile(path: string): { readonly type: string; readonly body: string } | undefined {
  texts ??= typeof WEIR_STATUS_PAGE === "string" ? unpackPage(WEIR_STATUS_PAGE) : readPage();
  if (!Object.hasOwn(texts, path)) return undefined;
  return { type: CONTENT_TYPES[extname(path)] ?? "text/html; charset=utf-8", body: texts[path]! };
}

/** @returns gzip in base64 */
export function packedPage(): string {
  return gzipSync(JSON.stringify(readPage()), { level: 9 }).toString("base64");
}

function unpackPage(packed: string): PageTexts {
  return JSON.parse(gunzipSync(Buffer.from(packed, "base64")).toString()) as PageTexts;
}

/** Reads them from where the sources are. Nothing else is ever served. */
function readPage(): PageTexts {
  const page = new URL("page/", import.meta.url);
  const uplot = import.meta.resolve("uplot");
  const own = PAGE_FILES.map((name) => [name === "index.html" ? "/status" : `/${name}`, new URL(name, page)]);
  const others = Object.entries(UPLOT).map(([path, name]) => [path, new URL(name, uplot)]);
  return Object.fromEntries(
    [...own, ...others].map(([path, url]) => [path, readFileSync(url as URL, "utf8")]),
  ) as PageTexts;
}
