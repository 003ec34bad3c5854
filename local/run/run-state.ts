import { readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { type AgentSource, agentSourceSchema } from "../reconcile/agent-source.ts";
import { RunError } from "./run-error.ts";

const STATE_FILE = "run.json";

const stateSchema = z.strictObject({
  version: z.literal(1),
  /** Process of the run that wrote it. */
  pid: z.int(),
  /** Nothing is in the stream, which lives in memory and ends with its run. */
  isDrained: z.boolean(),
  /** Every source that there was, and how far it was delivered. */
  sources: z.array(agentSourceSchema),
});

type State = z.output<typeof stateSchema>;

/** Whether a folder can be gone on with, and what is in its lake. */
export class RunState {
  readonly #path: string;
  /** What earlier runs in this folder delivered; undefined where there were none. */
  readonly earlier: readonly AgentSource[] | undefined;

  private constructor(path: string, earlier: readonly AgentSource[] | undefined) {
    this.#path = path;
    this.earlier = earlier;
  }

  /** @throws RunError DIR_NOT_EMPTY, DIR_IN_USE, NOT_DRAINED */
  static async open(dir: string): Promise<RunState> {
    const path = join(dir, STATE_FILE);
    if ((await readdir(dir)).length === 0) {
      const state = new RunState(path, undefined);
      await state.drained([]);
      return state;
    }
    const { pid, isDrained, sources } = await readState(dir, path);
    if (pid !== process.pid && isAlive(pid)) {
      const hint = `Name another folder, or end that one (process ${pid}).`;
      throw new RunError("DIR_IN_USE", `--dir: another run is at work in ${dir}`, hint);
    }
    if (!isDrained) throw notDrained(dir);
    return new RunState(path, sources);
  }

  /** Notes that from now on lines are in the stream that are nowhere else. */
  began(): Promise<void> {
    return this.#write({ isDrained: false, sources: [...(this.earlier ?? [])] });
  }

  /** All of them have come out of it. @param sources those of no id are files that were never read: a later run may */
  drained(sources: readonly AgentSource[]): Promise<void> {
    return this.#write({ isDrained: true, sources: sources.filter(({ id }) => id !== "") });
  }

  async #write(state: Pick<State, "isDrained" | "sources">): Promise<void> {
    const whole: State = { version: 1, pid: process.pid, ...state };
    await writeFile(`${this.#path}.new`, `${JSON.stringify(whole)}\n`);
    await rename(`${this.#path}.new`, this.#path);
  }
}

async function readState(dir: string, path: string): Promise<State> {
  try {
    return stateSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (cause) {
    const message = `--dir: ${dir} is not empty, and no run that could be gone on with has ended in it`;
    throw new RunError("DIR_NOT_EMPTY", message, "Name a new folder, or empty it.", { cause });
  }
}

function notDrained(dir: string): RunError {
  return new RunError(
    "NOT_DRAINED",
    `--dir: the run in ${dir} was ended before everything had come out of its stream, which is gone: what the agent had ` +
      "delivered into it and the router had not read may be in no table, and would not be sent again",
    "Name a new folder, and files are sent from their beginning; what was pushed has to be pushed again. " +
      "A run that ends by Ctrl-C, once, can be gone on with.",
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/**
 * What this run knows of all sources, and what earlier runs knew of those that are gone since. Of a file that was counted
 * before, the lines are still known where nothing was added.
 */
export function withEarlier(
  sources: readonly AgentSource[],
  earlier: readonly AgentSource[] = [],
): AgentSource[] {
  const before = new Map(earlier.map((source) => [source.id, source]));
  const now = sources.map((source) => {
    const known = before.get(source.id);
    before.delete(source.id);
    return source.lines === undefined && known?.bytes === source.bytes
      ? { ...source, lines: known.lines }
      : source;
  });
  return [...now, ...before.values()];
}
