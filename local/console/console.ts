import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { foldFiles } from "./fold-files.ts";
import { readAssets } from "./assets.ts";
import { byPath, respond } from "./respond.ts";
import type { Answer, Route } from "./route.ts";
import type { Snapshot } from "./snapshot.ts";

export interface ConsoleOptions {
  /** 0 for a free one. */
  readonly port: number;
  /** Asked once every `everyMs`. */
  readonly snapshot: () => Snapshot;
  readonly everyMs?: number;
  /** What the page can ask for beyond its own files. */
  readonly routes?: readonly Route[];
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

/**
 * A live page of the laptop cloud on 127.0.0.1: its picture, its charts, and what became of each line.
 *
 * Server-sent events: `history` once, an array of snapshots; then `snapshot`, one each.
 */
export async function startConsole(options: ConsoleOptions): Promise<Console> {
  const assets = await readAssets();
  const feed = new Feed();
  const files = [...assets].map(([path, asset]): Route => ({ method: "GET", path, answer: () => asset }));
  const events: Route = { method: "GET", path: "/events", answer: () => feed.answer };
  const routes = byPath([...files, events, ...(options.routes ?? [])]);
  const server = createServer((request, response) => void respond(request, response, routes));
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
    // How it ended is what an open page is left with.
    if (!stopped) push();
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
  #latest: Snapshot | undefined;

  push(snapshot: Snapshot): void {
    // Rates are made of the past, and no lists.
    const files = foldFiles(snapshot.agent.files, 0);
    const past = { ...snapshot, agent: { ...snapshot.agent, files }, rejects: [] };
    this.#history.push(past);
    this.#latest = snapshot;
    if (this.#history.length > HISTORY_MAX_SNAPSHOTS) this.#history.shift();
    // A page that does not keep up misses snapshots rather than making them pile up.
    for (const page of this.#pages) if (!page.writableNeedDrain) send(page, "snapshot", snapshot);
  }

  get answer(): Answer {
    const headers = { "Cache-Control": "no-store" };
    return { contentType: "text/event-stream", headers, body: (page) => this.#open(page) };
  }

  end(): void {
    for (const page of this.#pages) page.end();
  }

  #open(page: ServerResponse): void {
    send(page, "history", this.#latest ? [...this.#history.slice(0, -1), this.#latest] : []);
    this.#pages.add(page);
    page.once("close", () => this.#pages.delete(page));
  }
}

function send(page: ServerResponse, event: string, data: unknown): void {
  page.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
