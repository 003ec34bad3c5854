import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { readAssets, type Asset } from "./assets.ts";
import type { Snapshot } from "./snapshot.ts";

export interface ConsoleOptions {
  /** 0 for a free one. */
  readonly port: number;
  /** Asked once every `everyMs`. */
  readonly snapshot: () => Snapshot;
  readonly everyMs?: number;
  /** Stops the console. */
  readonly signal?: AbortSignal;
}

export interface Console {
  readonly url: string;
  stop(): Promise<void>;
}

const EVERY_MS = 1_000;

/** Snapshots a page gets when it opens, so that its charts do not begin empty: ten minutes. */
const HISTORY_MAX_SNAPSHOTS = 600;

/** The page is its own files and nothing else: no inline code, no other origin. */
const SECURITY_HEADERS = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/**
 * A live page of the laptop cloud on 127.0.0.1: its picture, its charts, and what became of each line.
 *
 * Server-sent events: `history` once, an array of snapshots; then `snapshot`, one each.
 */
export async function startConsole(options: ConsoleOptions): Promise<Console> {
  const assets = await readAssets();
  const feed = new Feed();
  const server = createServer((request, response) => answer(request, response, assets, feed));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, "127.0.0.1", resolve);
  });
  const push = (): void => feed.push(options.snapshot());
  push();
  const timer = setInterval(push, options.everyMs ?? EVERY_MS);
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    clearInterval(timer);
    feed.end();
    return (stopped ??= new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }));
  };
  options.signal?.addEventListener("abort", () => void stop(), { once: true });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, stop };
}

/** Sends each snapshot to every open page. */
class Feed {
  readonly #pages = new Set<ServerResponse>();
  readonly #history: Snapshot[] = [];

  push(snapshot: Snapshot): void {
    this.#history.push(snapshot);
    if (this.#history.length > HISTORY_MAX_SNAPSHOTS) this.#history.shift();
    // A page that does not keep up misses snapshots rather than making them pile up.
    for (const page of this.#pages) if (!page.writableNeedDrain) send(page, "snapshot", snapshot);
  }

  open(response: ServerResponse): void {
    response.writeHead(200, {
      ...SECURITY_HEADERS,
      "Content-Type": "text/event-stream",
      "Cache-Control": "no-store",
    });
    send(response, "history", this.#history);
    this.#pages.add(response);
    response.once("close", () => this.#pages.delete(response));
  }

  end(): void {
    for (const page of this.#pages) page.end();
  }
}

function send(page: ServerResponse, event: string, data: unknown): void {
  page.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  assets: ReadonlyMap<string, Asset>,
  feed: Feed,
): void {
  const refuse = (status: number, text: string): void => {
    response.writeHead(status, { ...SECURITY_HEADERS, "Content-Type": "text/plain" }).end(`${text}\n`);
  };
  // A name that somebody else resolves to 127.0.0.1 must not read the page from within a browser.
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? ""))
    return refuse(421, "not this host");
  if (request.method !== "GET") return refuse(405, "only GET");
  const path = request.url!.split("?", 1)[0]!;
  if (path === "/events") return feed.open(response);
  const asset = assets.get(path);
  if (!asset) return refuse(404, "no such page");
  response.writeHead(200, {
    ...SECURITY_HEADERS,
    "Content-Type": asset.contentType,
    "Cache-Control": "no-cache",
  });
  response.end(asset.body);
}
