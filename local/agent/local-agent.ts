import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "smol-toml";
import { PartError } from "../part.ts";
import { type NodeProcess, startProcess } from "../process.ts";

const WEIR = new URL("../../bin/weir.ts", import.meta.url);

/** As systemd's Restart=on-failure would, but not for ever: somebody is looking at the terminal. */
const RESTARTS_MAX = 20;
const RESTART_AFTER_MS = 250;

/** The agent's own deadline for a drain, and a little time to say that it missed it. */
const DRAIN_DEADLINE_MS = 60_000;
const STOP_GRACE_MS = DRAIN_DEADLINE_MS + 5_000;

/** Folder in which the agent of a run keeps its checkpoint and its spool. */
export const agentStateDir = (dir: string): string => join(dir, "agent");

export const agentConfigFile = (dir: string): string => join(dir, "agent.toml");

export interface LocalAgentOptions {
  /** Holds the agent's configuration and its state. */
  readonly dir: string;
  readonly stream: string;
  /** Of Kinesis. */
  readonly endpoint: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Paths or globs by tag. */
  readonly files: Readonly<Record<string, readonly string[]>>;
  /** Patterns of lines that begin an event, by tag, where an event may have several. */
  readonly starts?: Readonly<Record<string, string>> | undefined;
  /** What its user has written in a file of their own, in the place of `files`. */
  readonly settings?: Readonly<Record<string, unknown>> | undefined;
  /** Its first run takes our standard input. */
  readonly readsStdin?: boolean;
  readonly monitorPort: number;
  readonly log: (line: string) => void;
  /** What happens to the process, for people. */
  readonly onEvent: (event: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** The real agent in a process of its own, started again when something kills it. */
export class LocalAgent implements AsyncDisposable {
  readonly #options: LocalAgentOptions;
  readonly #configFile: string;
  readonly #over = new AbortController();
  /** Ends everything at once. */
  readonly #signal: AbortSignal;
  #process: NodeProcess | undefined;
  #running: Promise<void> = Promise.resolve();
  #readsStdin: boolean;
  /** Ends the present run in its own time, and no process is started for it any more. */
  #stopping = new AbortController();

  private constructor(options: LocalAgentOptions, configFile: string) {
    this.#options = options;
    this.#configFile = configFile;
    this.#readsStdin = options.readsStdin ?? false;
    this.#signal = options.signal ? AbortSignal.any([options.signal, this.#over.signal]) : this.#over.signal;
  }

  static async create(options: LocalAgentOptions): Promise<LocalAgent> {
    const configFile = agentConfigFile(options.dir);
    // A key may stand in it, as in the file that it was made from.
    await writeFile(configFile, stringify(configuration(options)), { mode: 0o600 });
    return new LocalAgent(options, configFile);
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Settles when the agent ends by itself. @throws PartError when it says that it cannot go on */
  get running(): Promise<void> {
    return this.#running;
  }

  /** Tails until it is stopped. */
  start(): void {
    this.#run([]);
  }

  /** Reads every file to its present end, delivers it and ends. @throws PartError, AbortError */
  async drain(): Promise<void> {
    await this.stop();
    this.#run(["--until-drained"]);
    await this.#running;
    // Ended is not drained when somebody has ended it.
    AbortSignal.any([this.#signal, this.#stopping.signal]).throwIfAborted();
  }

  /** Ends tailing; what was read is delivered first. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    // Where there is no process at this moment, the abort keeps the next one from being started.
    await this.#process?.stop(STOP_GRACE_MS);
    await this.#running;
  }

  /** Ends it at once and for good. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#running.catch(() => {});
  }

  #run(flags: readonly string[]): void {
    this.#stopping = new AbortController();
    this.#running = this.#supervise(flags, AbortSignal.any([this.#signal, this.#stopping.signal]));
    // What a later one would wait for has no end.
    this.#readsStdin = false;
    // Whoever awaits `running` hears of a failure; until then it must not end the process.
    this.#running.catch(() => {});
  }

  async #supervise(flags: readonly string[], stopped: AbortSignal): Promise<void> {
    const { environment, log, onEvent } = this.#options;
    const readsStdin = this.#readsStdin;
    for (let restarts = 0; !stopped.aborted; restarts++) {
      const agent = startProcess({
        name: "agent",
        script: WEIR,
        args: ["agent", "run", "--config", this.#configFile, ...flags],
        environment,
        readsStdin,
        onLine: log,
        signal: this.#signal,
      });
      this.#process = agent;
      onEvent(`agent runs as process ${agent.pid}`);
      const { code, signal: killedBy } = await agent.exited;
      this.#process = undefined;
      if (code === 0 || stopped.aborted) return;
      if (killedBy === null || restarts === RESTARTS_MAX) throw ended(agent, killedBy ?? `exit code ${code}`);
      onEvent(`agent was ended by ${killedBy} and starts again`);
      await sleep(RESTART_AFTER_MS, undefined, { signal: stopped }).catch(() => {});
    }
  }
}

function ended(agent: NodeProcess, how: string): PartError {
  return new PartError("EXITED", "agent", `ended with ${how}`, agent.lastLines());
}

/** Everything is a little more eager than on a host, where nobody has said otherwise: somebody is waiting. */
function configuration(options: LocalAgentOptions): object {
  const { dir, stream, endpoint, files, starts = {}, settings, monitorPort } = options;
  const { tail, producer, heartbeat, ...own } = (settings ?? {}) as Record<string, object>;
  return {
    // They are its user's own, who has named them and may read what they lead to.
    files: Object.entries(files).map(([tag, path]) => ({
      tag,
      path,
      follow_links: true,
      ...(starts[tag] !== undefined && { multi_line: { start: starts[tag] } }),
    })),
    ...own,
    stream,
    endpoint,
    state_dir: agentStateDir(dir),
    tail: { poll_ms: 100, scan_ms: 200, rotated_idle_ms: 5_000, ...tail },
    producer: { linger_ms: 200, ...producer },
    heartbeat: { interval_ms: 5_000, ...heartbeat },
    shutdown: { deadline_ms: DRAIN_DEADLINE_MS },
    monitor: { port: monitorPort },
  };
}
