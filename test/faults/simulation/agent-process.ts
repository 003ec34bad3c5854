import { pino } from "pino";
import { Agent, makeTail } from "../../../agent/process/agent.ts";
import { AgentError } from "../../../agent/agent-error.ts";
import { CheckpointFile } from "../../../agent/progress/checkpoint.ts";
import type { AgentClient } from "../../../agent/kinesis/kinesis-client.ts";
import type { AgentConfig } from "../../../agent/config/config.ts";
import type { DurableFile, DurableFs } from "../../../agent/machine/durable-fs.ts";
import { adoptState } from "../../../agent/process/adopt-state.ts";
import type { Reloads } from "../../../agent/process/reload.ts";
import { FileRule } from "../../../agent/tail/files/file-rule.ts";
import type { Tail } from "../../../agent/tail/tail.ts";
import { never } from "./bucket.ts";

export const STATE_DIRECTORY = "/state";

export interface AgentProcessOptions {
  readonly config: AgentConfig;
  readonly client: AgentClient;
  /** Of the state directory. */
  readonly state: DurableFs;
  /** Of the machine that it runs on. */
  readonly machineId: string;
}

const log = pino({ level: "silent" });

/** An agent's process: all of the agent but what listens, as run-agent.ts puts it together. */
export class AgentProcess {
  readonly #options: AgentProcessOptions;
  readonly #stop = new AbortController();
  #isDead = false;
  #tail: Tail | undefined;
  readonly ended: Promise<void>;

  constructor(options: AgentProcessOptions) {
    this.#options = options;
    this.ended = this.#run();
    // Whoever waits for it hears of it.
    this.ended.catch(() => {});
  }

  /** Whether every file is delivered as far as it is there, and the state says so. */
  get isDrained(): boolean {
    const files = this.#tail ? [...this.#tail.files()] : [];
    return (
      this.#tail !== undefined &&
      files.every(
        ({ isAtEnd, isUnknown, isOver, position }) =>
          isOver || (isAtEnd && !isUnknown && position.resume.offset >= position.read),
      )
    );
  }

  /** Id of the source that it follows at a path, as far as it has looked; undefined for none. */
  sourceAt(path: string): string | undefined {
    const files = this.#tail ? [...this.#tail.files()] : [];
    return files.find(({ location, phase, size }) => location === path && phase === "active" && size > 0)
      ?.source.id;
  }

  /** What does not work out. */
  get problems(): string[] {
    return this.#tail ? [...this.#tail.files()].flatMap(({ error }) => error ?? []) : ["it has not begun"];
  }

  /** As SIGTERM does. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.ended;
  }

  /** As SIGKILL does: nothing that it does is seen by anybody any more. */
  kill(): void {
    this.#isDead = true;
    this.#stop.abort();
  }

  async #run(): Promise<void> {
    const { config, machineId } = this.#options;
    const { host } = config;
    const checkpoint = new CheckpointFile(STATE_DIRECTORY, this.#mortalFs());
    const loaded = await checkpoint.load();
    const { machine, isRestored } = checkpoint;
    const found = [{ kind: "machine-id", value: machineId } as const];
    const common = { machine, isRestored, volume: undefined, found, host, now: new Date(), log };
    const adoption = adoptState({ state: loaded, ...common });
    checkpoint.machine = adoption.machine;
    checkpoint.renewal = adoption.renewal;
    const { state } = adoption;
    await checkpoint.save({ ...state, spool: undefined }, new Date());
    const rules = config.files.map((files) => new FileRule(files));
    const remember = async (found: Parameters<Parameters<typeof makeTail>[3]>[0]): Promise<void> => {
      await checkpoint.trySave({ ...found, spool: undefined }, log);
    };
    const tail = makeTail(config, rules, state, remember, log, checkpoint.machine.salt);
    this.#tail = tail;
    const changes = { outcome: { taken: 0 } } as Reloads;
    const client = this.#mortalClient();
    const options = { signal: this.#stop.signal, log };
    const agent = new Agent(config, options, { client, rules, tail, pushed: undefined, checkpoint, changes });
    try {
      await agent.run();
    } catch (error) {
      // What was not acknowledged in time is read again by the next one.
      if (!(error instanceof AgentError && error.code === "UNDELIVERED")) throw error;
    } finally {
      await tail.close();
    }
  }

  #mortalClient(): AgentClient {
    const { client } = this.#options;
    const mortal =
      (name: "send" | "putRecords") =>
      async (...args: never[]): Promise<unknown> => {
        if (this.#isDead) return never();
        return (client[name] as (...args: never[]) => Promise<unknown>)(...args);
      };
    return { send: mortal("send"), putRecords: mortal("putRecords") } as unknown as AgentClient;
  }

  /** Operations of a dead process do not come to an end. */
  #mortalFs(): DurableFs {
    const mortal = <T extends DurableFs | DurableFile>(part: T): T =>
      new Proxy(part, {
        get: (part, name) => {
          const method = Reflect.get(part, name, part) as unknown;
          if (typeof method !== "function") return method;
          return async (...args: unknown[]): Promise<unknown> => {
            if (this.#isDead) return never();
            const result: unknown = await Reflect.apply(method, part, args);
            if (this.#isDead) return never();
            return name === "create" || name === "open" ? mortal(result as DurableFile) : result;
          };
        },
      });
    return mortal(this.#options.state);
  }
}
