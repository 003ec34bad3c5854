import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { isIP } from "node:net";
import { EXPOSITION_CONTENT_TYPE, exposition } from "./metrics.ts";
import { agentMetrics } from "./agent-metrics.ts";
import { agentStatus } from "./agent-status.ts";
import { health, type HealthQuestion } from "./health.ts";
import { History, SAMPLE_EVERY_MS } from "./history.ts";
import type { MonitorConfig } from "../config/monitor-config.ts";
import { closeServer, monitorServers } from "./monitor-server.ts";
import { bearsToken, readToken } from "./monitor-token.ts";
import { overview } from "./overview.ts";
import { pageFile } from "./page-files.ts";
import { systemStatus } from "./system-status.ts";
import type { Vitals } from "./vitals.ts";

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Has a browser ask for the token as a password. */
const ASK_FOR_TOKEN = { "www-authenticate": 'Basic realm="weir-agent", charset="UTF-8"' };

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
  #hosts: readonly string[] = [];
  /** That who asks must have; undefined where anybody may. */
  #token: string | undefined;
  /** Servers that listen, by the names of their addresses. */
  #servers: ReadonlyMap<string, Server> = new Map<string, Server>();
  #vitals: (() => Vitals) | undefined;
  readonly #history = new History();
  #sampling: NodeJS.Timeout | undefined;

  /** Of whom it tells from now on. */
  show(vitals: () => Vitals): void {
    this.#vitals = vitals;
    if (this.#servers.size > 0) this.#sample();
  }

  /**
   * Listens where it is told to. Where that cannot be, it goes on as it was.
   *
   * @throws AgentError MONITOR_PORT, CONFIG_UNREADABLE
   */
  async configure(config: MonitorConfig): Promise<void> {
    const token = await readToken(config);
    const before = this.#servers;
    this.#servers = await monitorServers(config, before, (request, response) =>
      this.#answer(request, response),
    );
    this.#hosts = config.hosts;
    this.#token = token;
    for (const [name, server] of before) if (!this.#servers.has(name)) await closeServer(server);
    clearInterval(this.#sampling);
    if (this.#servers.size > 0) this.#sampling = setInterval(() => this.#sample(), SAMPLE_EVERY_MS).unref();
  }

  #sample(): void {
    if (this.#vitals) this.#history.add(this.#vitals(), Date.now());
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { status, type, body, headers } = this.#page(request);
    response.writeHead(status, { ...SECURITY_HEADERS, ...headers, "content-type": type });
    response.end(request.method === "HEAD" ? undefined : body);
  }

  #page({ method, url = "/", headers }: IncomingMessage): Answer {
    if (!this.#isOurName(headers.host)) return json(421, { error: "not this host: see monitor.hosts" });
    if (method !== "GET" && method !== "HEAD") return json(405, { error: "only GET" });
    const [path = "", search = ""] = url.split("?", 2);
    const mayAsk = this.#token === undefined || bearsToken(headers.authorization, this.#token);
    // Probes of load balancers and orchestrators bear no token: they learn how it is, not why.
    if (!mayAsk && !path.startsWith("/healthz/"))
      return { ...json(401, { error: "needs the token of monitor.token_file" }), headers: ASK_FOR_TOKEN };
    const file = pageFile(path);
    if (file) return { status: 200, ...file };
    const page = Object.hasOwn(PAGES, path) ? PAGES[path] : undefined;
    if (page === undefined)
      return json(404, { error: `there is ${["/status", ...Object.keys(PAGES)].join(", ")}` });
    if (this.#vitals === undefined) return json(503, { error: "starting" });
    const query = new URLSearchParams(search);
    const answer = page({ vitals: this.#vitals(), now: new Date(), history: this.#history, query });
    return mayAsk ? answer : json(answer.status, { ok: answer.status === 200 });
  }

  /** A name that somebody else resolves to this address must not be read from within a browser. */
  #isOurName(host = ""): boolean {
    const name = host.replace(/:\d*$/, "").replace(/^\[(.*)\]$/, "$1");
    return name === "localhost" || isIP(name) !== 0 || this.#hosts.includes(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sampling);
    await Promise.all(Array.from(this.#servers.values(), closeServer));
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
