import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { isIP } from "node:net";
import { AgentError, systemReason } from "../agent-error.ts";
import { EXPOSITION_CONTENT_TYPE, exposition } from "../metrics.ts";
import { agentMetrics } from "./agent-metrics.ts";
import { agentStatus } from "./agent-status.ts";
import { health, type HealthQuestion } from "./health.ts";
import { History, SAMPLE_EVERY_MS } from "./history.ts";
import type { MonitorConfig } from "./monitor-config.ts";
import { overview } from "./overview.ts";
import { pageFile } from "./page-files.ts";
import { systemStatus } from "./system-status.ts";
import type { Vitals } from "./vitals.ts";

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Its own files, no inline code, and nothing from anywhere else. */
const SECURITY_HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
};

/** What there is to answer from. */
interface Asked {
  readonly vitals: Vitals;
  readonly now: Date;
  readonly history: History;
  readonly query: URLSearchParams;
}

const PAGES: Readonly<Record<string, (asked: Asked) => Answer>> = {
  "/": ({ vitals }) => json(200, agentStatus(vitals)),
  "/system": ({ vitals, now }) => json(200, systemStatus(vitals, now)),
  "/metrics": ({ vitals, now }) => ({
    status: 200,
    type: EXPOSITION_CONTENT_TYPE,
    body: exposition(agentMetrics(vitals, now.getTime())),
  }),
  "/healthz/live": answerHealth("live"),
  "/healthz/ready": answerHealth("ready"),
  "/healthz/progressing": answerHealth("progressing"),
  "/status.json": ({ vitals, now, history, query }) => {
    const search = query.get("search") ?? "";
    const sinceMs = Number(query.get("since")) || 0;
    return json(200, overview(vitals, history, { search, sinceMs }, now.getTime()));
  },
};

/** Tells over HTTP how the agent is, on this machine only unless configured otherwise. */
export class Monitor implements AsyncDisposable {
  #config: Pick<MonitorConfig, "port" | "address" | "hosts"> = { port: 0, address: "127.0.0.1", hosts: [] };
  #server: Server | undefined;
  #vitals: (() => Vitals) | undefined;
  readonly #history = new History();
  #sampling: NodeJS.Timeout | undefined;

  /** Of whom it tells from now on. */
  show(vitals: () => Vitals): void {
    this.#vitals = vitals;
    if (this.#server) this.#sample();
  }

  /**
   * Listens where it is told to. Where that cannot be, it goes on as it was.
   *
   * @throws AgentError MONITOR_PORT
   */
  async configure(config: MonitorConfig): Promise<void> {
    const before = this.#config;
    if (config.port !== before.port || config.address !== before.address) {
      const server = config.port === 0 ? undefined : await this.#listen(config);
      await this.#close();
      this.#server = server;
      if (server) this.#sampling = setInterval(() => this.#sample(), SAMPLE_EVERY_MS).unref();
    }
    this.#config = config;
  }

  #sample(): void {
    if (this.#vitals) this.#history.add(this.#vitals(), Date.now());
  }

  async #listen({ address, port }: MonitorConfig): Promise<Server> {
    const server = createServer((request, response) => this.#answer(request, response));
    server.listen(port, address);
    try {
      await once(server, "listening");
      return server;
    } catch (cause) {
      const hint = "Choose another monitor.port; 0 has no monitor.";
      throw new AgentError("MONITOR_PORT", `${address}:${port}`, systemReason(cause), hint, { cause });
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { status, type, body } = this.#page(request);
    response.writeHead(status, { ...SECURITY_HEADERS, "content-type": type });
    response.end(request.method === "HEAD" ? undefined : body);
  }

  #page({ method, url = "/", headers }: IncomingMessage): Answer {
    if (!this.#isOurName(headers.host)) return json(421, { error: "not this host: see monitor.hosts" });
    if (method !== "GET" && method !== "HEAD") return json(405, { error: "only GET" });
    const [path = "", search = ""] = url.split("?", 2);
    const file = pageFile(path);
    if (file) return { status: 200, ...file };
    const page = Object.hasOwn(PAGES, path) ? PAGES[path] : undefined;
    if (page === undefined)
      return json(404, { error: `there is ${["/status", ...Object.keys(PAGES)].join(", ")}` });
    if (this.#vitals === undefined) return json(503, { error: "starting" });
    const query = new URLSearchParams(search);
    return page({ vitals: this.#vitals(), now: new Date(), history: this.#history, query });
  }

  /** A name that somebody else resolves to this address must not be read from within a browser. */
  #isOurName(host = ""): boolean {
    const name = host.replace(/:\d*$/, "").replace(/^\[(.*)\]$/, "$1");
    return name === "localhost" || isIP(name) !== 0 || this.#config.hosts.includes(name);
  }

  async #close(): Promise<void> {
    clearInterval(this.#sampling);
    if (this.#server === undefined) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}

function answerHealth(question: HealthQuestion) {
  return ({ vitals, now }: Asked): Answer => {
    const answer = health(question, vitals, now.getTime());
    return json(answer.ok ? 200 : 503, answer);
  };
}

function json(status: number, value: object): Answer {
  return { status, type: "application/json", body: `${JSON.stringify(value)}\n` };
}
