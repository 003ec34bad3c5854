import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Logger } from "pino";
import type { AgentPhase } from "./agent.ts";
import { systemReason } from "../agent-error.ts";

const run = promisify(execFile);

/** A watchdog is told this much more often than it asks for. */
const WATCHDOG_MARGIN = 3;

/** An agent that waits for its stream has started: what it waits for is not on this host. */
const STATES: Readonly<Record<AgentPhase | "stopping", () => readonly string[]>> = {
  waiting: () => ["READY=1", "STATUS=Waiting for the stream"],
  ready: () => ["STATUS=Following files"],
  // On the monotonic clock in microseconds, which systemd compares with the moment of its request.
  reloading: () => ["RELOADING=1", `MONOTONIC_USEC=${process.hrtime.bigint() / 1_000n}`],
  refused: () => ["STATUS=The changed configuration was refused, see the log: the one before it stays"],
  stopping: () => ["STOPPING=1", "STATUS=Delivering what was read"],
};

/**
 * Tells systemd how the agent is, where systemd runs it. Node has no datagram sockets of the Unix
 * family, so `systemd-notify` speaks for us: the unit needs NotifyAccess=all.
 *
 * source: sd_notify(3), systemd.service(5), read 2026-11
 */
export class ServiceManager implements Disposable {
  readonly #isThere: boolean;
  readonly #log: Logger;
  #watchdog: NodeJS.Timeout | undefined;
  #told: Promise<void> = Promise.resolve();

  constructor(environment: Readonly<NodeJS.ProcessEnv>, log: Logger) {
    this.#isThere = environment["NOTIFY_SOCKET"] !== undefined;
    this.#log = log;
    const watchdogMs = Number(environment["WATCHDOG_USEC"] ?? 0) / 1_000;
    if (!this.#isThere || !(watchdogMs > 0)) return;
    // An event loop that hangs sends none, and systemd starts the agent anew.
    this.#watchdog = setInterval(() => this.#notify("WATCHDOG=1"), watchdogMs / WATCHDOG_MARGIN);
    this.#watchdog.unref();
  }

  tell(phase: AgentPhase | "stopping"): void {
    this.#notify(...STATES[phase]());
  }

  #notify(...state: readonly string[]): void {
    if (!this.#isThere) return;
    // One after the other: processes side by side could tell READY before RELOADING.
    this.#told = this.#run(this.#told, state);
  }

  async #run(before: Promise<void>, state: readonly string[]): Promise<void> {
    await before;
    try {
      await run("systemd-notify", state);
    } catch (error) {
      this.#log.warn({ reason: systemReason(error) }, "systemd was not told");
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#watchdog);
  }
}
