import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "smol-toml";
import type { AgentFixture } from "./agent-fixture.ts";
import { agentProgram } from "./agent-program.ts";

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** An agent in a process of its own. */
export class AgentChild implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #config: string;
  readonly #output = { stdout: "", stderr: "" };
  readonly ended: Promise<Ended>;

  static async start(
    agent: AgentFixture,
    args: readonly string[],
    overrides: object = {},
    environment: Readonly<Record<string, string>> = {},
    program: readonly string[] = agentProgram(),
    maxOpenFiles?: number,
  ): Promise<AgentChild> {
    const config = agent.path("agent.toml");
    await writeFile(config, stringify(agent.settings(overrides)));
    return new AgentChild([...args, "--config", config], environment, program, maxOpenFiles);
  }

  /** @param maxOpenFiles that the system lets it have, sockets and all */
  constructor(
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    program: readonly string[] = agentProgram(),
    maxOpenFiles?: number,
  ) {
    this.#config = args.at(-1)!;
    const limit = maxOpenFiles === undefined ? "" : `ulimit -n ${maxOpenFiles}; `;
    const command = [`${limit}exec "$0" "$@"`, ...program, ...args];
    this.#process = spawn("/bin/sh", ["-c", ...command], {
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const output = this.#output;
    for (const name of ["stdout", "stderr"] as const) {
      this.#process[name]!.setEncoding("utf8").on("data", (text: string) => (output[name] += text));
    }
    this.ended = once(this.#process, "close").then((ended) => {
      const [code, signal] = ended as [Ended["code"], Ended["signal"]];
      return { code, signal, ...output };
    });
  }

  /** What it has said so far. */
  get stderr(): string {
    return this.#output.stderr;
  }

  /** Changes its configuration file. */
  async rewrite(config: object | string): Promise<void> {
    await writeFile(this.#config, typeof config === "string" ? config : stringify(config));
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** @returns once the process is gone */
  async kill(signal: NodeJS.Signals): Promise<Ended> {
    this.#process.kill(signal);
    return this.ended;
  }

  /** Waits for what is bound to happen while it runs. @throws when it ends instead */
  async until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await isSo())) {
      const { exitCode, signalCode } = this.#process;
      if (exitCode !== null || signalCode !== null) throw new Error((await this.ended).stderr);
      await sleep(5);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill("SIGKILL");
  }
}
