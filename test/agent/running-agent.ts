import { setTimeout as sleep } from "node:timers/promises";
import { type Logger, pino } from "pino";
import type { AgentPhase } from "../../agent/process/agent.ts";
import type { AgentConfig } from "../../agent/config/config.ts";
import type { ReadConfigs } from "../../agent/process/reload.ts";
import { runAgent } from "../../agent/process/run-agent.ts";
import { type Client, connected } from "./forward/forward-fixture.ts";
import type { AgentFixture } from "./agent-fixture.ts";

/** An agent in this process, that can be told to change its configuration. */
export class RunningAgent implements AsyncDisposable {
  readonly phases: AgentPhase[] = [];
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>;
  readonly #asked: (() => Promise<AgentConfig>)[] = [];
  #isOver = false;

  constructor(agent: AgentFixture, overrides: object = {}, log: Logger = pino({ level: "silent" })) {
    const { signal } = this.#stop;
    const onPhase = (phase: AgentPhase) => void this.phases.push(phase);
    const reloads: ReadConfigs = { next: () => this.#nextConfig() };
    this.#running = runAgent(agent.config(overrides), { signal, log, reloads, onPhase });
    this.#running.catch(() => {}).finally(() => (this.#isOver = true));
  }

  /** What SIGHUP does. */
  reload(read: () => Promise<AgentConfig>): void {
    this.#asked.push(read);
  }

  async #nextConfig(): ReturnType<ReadConfigs["next"]> {
    while (this.#asked.length === 0) {
      if (this.#isOver) return { done: true, value: undefined };
      await sleep(5);
    }
    return { done: false, value: this.#asked.shift()! };
  }

  /** @throws what the agent ended with, when it ended before */
  async until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await isSo())) {
      if (this.#isOver) {
        await this.#running;
        throw new Error("the agent has ended");
      }
      await sleep(5);
    }
  }

  /** A client of its forward or line input on a Unix socket, as soon as there is one. */
  connect(path: string): Promise<Client> {
    return connected(this, path);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running.catch(() => {});
  }
}
