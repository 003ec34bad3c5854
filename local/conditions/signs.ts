import type { AgentStatus } from "../../agent/monitor/agent-status.ts";
import type { TableBehind, TickReport } from "../../lambdas/loader/tick.ts";
import type { AgentFacts, Facts } from "./facts.ts";
import { Failures } from "./failures.ts";
import { Heartbeats } from "./heartbeats.ts";
import type { MappingEvent } from "../mapping/mapping-event.ts";
import { tableName } from "../reconcile/warehouse.ts";

/** An error of the agent's is told once it has lasted: a file appears, and shards become known, in a moment. */
const PASSING_MS = 5_000;

/** An agent takes a while to start, and on a busy machine a while more. */
const STARTING_MS = 15_000;

/** What parts show of themselves, as far as it tells whether they work. */
export class Signs {
  readonly heartbeats = new Heartbeats();
  freeDiskBytes = Infinity;
  readonly #failures = new Failures();
  readonly #ticks = new Map<string, { readonly atMs: number; readonly behind: readonly TableBehind[] }>();
  #givenUp = 0;
  #routedAtMs = Date.now();
  #agent: Agent | undefined;

  onMappingEvent(event: MappingEvent): void {
    if (event.kind === "gave-up") this.#givenUp += event.records;
    if (event.kind !== "invoked") return;
    const { shardId, outcome, error = "it could not finish its batch; its log says why" } = event;
    if (outcome === "succeeded") this.#routedAtMs = Date.now();
    this.#failures.add("router", shardId, outcome === "succeeded" ? undefined : error, Date.now());
  }

  /** @param error of an invocation, undefined where it went well; the router's are told by the mapping */
  onResult(part: string, error: string | undefined): void {
    if (part !== "router") this.#failures.add(part, "", error, Date.now());
  }

  onIdleDeath(part: string, how: string): void {
    this.#failures.add(part, undefined, `its idle process ended, ${how}`, Date.now());
  }

  /** @param report undefined when the warehouse's loader begins */
  onLoaderTick(report: TickReport | undefined, warehouse: string): void {
    this.#ticks.set(warehouse, { atMs: Date.now(), behind: report?.behind ?? [] });
  }

  agentStarted(): void {
    this.#agent = new Agent();
  }

  /** An agent that has sent everything is missed no more. */
  agentEnded(): void {
    this.#agent = undefined;
  }

  onAgentStatus(status: AgentStatus): void {
    this.#agent?.onStatus(status);
  }

  /** @param shards how far behind each is */
  facts(shards: readonly { readonly millisBehind: number }[]) {
    const waiting = [...this.#ticks].flatMap(([warehouse, { behind }]) =>
      behind.map(({ table, lagSeconds, failure, paused }) => ({
        table: tableName(warehouse, table),
        lagSeconds,
        failure: failure?.error,
        isPaused: paused !== undefined,
      })),
    );
    const ticks = [...this.#ticks.values()].map(({ atMs }) => atMs);
    return {
      atMs: Date.now(),
      heartbeats: this.heartbeats.all,
      functions: this.#failures.all,
      givenUp: this.#givenUp,
      routerBehindMs: Math.max(0, ...shards.map(({ millisBehind }) => millisBehind)),
      routedAtMs: this.#routedAtMs,
      agent: this.#agent?.facts(),
      loaderTickAtMs: ticks.length === 0 ? undefined : Math.min(...ticks),
      waiting,
      freeDiskBytes: this.freeDiskBytes,
    } satisfies Partial<Facts>;
  }
}

/** The agent, by what its status says. */
class Agent {
  readonly #startedAtMs = Date.now();
  #statusAtMs: number | undefined;
  #deliveredAtMs = Date.now();
  #delivered = 0;
  #behindBytes = 0;
  /** Errors by file, and by "" what keeps it from sending. */
  #errors = new Map<string, { readonly error: string; readonly sinceMs: number }>();

  onStatus({ files, servers }: AgentStatus): void {
    const nowMs = Date.now();
    this.#statusAtMs = nowMs;
    const all = Object.entries(files);
    // Who is held back by a limit of its own does not stall.
    const free = all.filter(([, { limited }]) => limited === null);
    this.#behindBytes = free.reduce((sum, [, file]) => sum + Math.max(0, file.size - file.delivered), 0);
    const delivered = all.reduce((sum, [, file]) => sum + file.delivered, 0);
    if (delivered !== this.#delivered || this.#behindBytes === 0) this.#deliveredAtMs = nowMs;
    this.#delivered = delivered;
    const found = [
      ...servers.map(({ error }) => ["", error] as const),
      ...all.map(([path, { error }]) => [path, error] as const),
    ].filter(([, error]) => error !== "");
    this.#errors = new Map(
      found.map(([what, error]) => [what, { error, sinceMs: this.#errors.get(what)?.sinceMs ?? nowMs }]),
    );
  }

  facts(): AgentFacts {
    const nowMs = Date.now();
    const isStarting = nowMs - this.#startedAtMs < STARTING_MS;
    const lasting = [...this.#errors].filter(([, { sinceMs }]) => nowMs - sinceMs >= PASSING_MS);
    return {
      statusAtMs: this.#statusAtMs ?? (isStarting ? nowMs : this.#startedAtMs),
      error: lasting.find(([what]) => what === "")?.[1].error,
      files: lasting.filter(([what]) => what !== "").map(([path, { error }]) => ({ path, error })),
      behindBytes: this.#behindBytes,
      deliveredAtMs: this.#deliveredAtMs,
    };
  }
}
