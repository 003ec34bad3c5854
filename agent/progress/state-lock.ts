import { once } from "node:events";
import { rename, rm, stat } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AgentError, systemCode, systemReason } from "../agent-error.ts";
import { steadyNow } from "../steady-clock.ts";

/** Longest wait for others that look at a dead agent's socket: whoever takes longer is stuck, or nobody of ours. */
const TURN_WAIT_MS = 2_000;
const TURN_POLL_MS = 10;

/**
 * Keeps a second agent off a state directory: two would send every line twice and overwrite each
 * other's checkpoint.
 *
 * The lock is a Unix socket that its holder listens on. It ends with the process, however that ends,
 * and unlike a process id it means the same in every container that mounts the directory.
 */
export class StateLock implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @throws AgentError STATE_LOCKED, STATE_DIR */
  static async take(directory: string): Promise<StateLock> {
    const path = socketIn(directory);
    try {
      return new StateLock(await listen(path));
    } catch (cause) {
      if (systemCode(cause) !== "EADDRINUSE") throw unusable(directory, cause);
    }
    return inTurn(directory, async () => {
      await removeStale(directory, path);
      try {
        return new StateLock(await listen(path));
      } catch (cause) {
        throw systemCode(cause) === "EADDRINUSE" ? held(directory) : unusable(directory, cause);
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** Whether an agent runs with this state directory. */
export async function isHeld(directory: string): Promise<boolean> {
  return isAlive(socketIn(directory));
}

function socketIn(directory: string): string {
  return join(directory, "agent.sock");
}

async function listen(path: string): Promise<Server> {
  const server = createServer((connection) => connection.destroy());
  server.listen(path);
  await once(server, "listening");
  return server.unref();
}

/**
 * Lets one agent after the other look at the socket that it has found. Were two at it at once, one could move aside
 * what the other has made since, and a third would find the place empty. The turn is a name in Linux's abstract
 * namespace of sockets, which ends with its process.
 */
async function inTurn<T>(directory: string, work: () => Promise<T>): Promise<T> {
  const { dev, ino } = await stat(directory);
  const name = `\0weir-agent-state-${dev}-${ino}`;
  const untilMs = steadyNow() + TURN_WAIT_MS;
  let turn: Server | undefined;
  while (turn === undefined && steadyNow() < untilMs) {
    turn = await listen(name).catch(() => undefined);
    if (turn === undefined) await sleep(TURN_POLL_MS);
  }
  try {
    return await work();
  } finally {
    turn?.close();
  }
}

/**
 * Takes the socket of a dead holder away. It is moved aside and tried once more, so that of two agents
 * that find it at once none removes the socket the other has made since.
 */
async function removeStale(directory: string, path: string): Promise<void> {
  const aside = `${path}.${process.pid}`;
  try {
    if (await isAlive(path)) throw held(directory);
    await rename(path, aside);
    if (await isAlive(aside)) {
      await rename(aside, path);
      throw held(directory);
    }
    await rm(aside, { force: true });
  } catch (cause) {
    if (cause instanceof AgentError) throw cause;
    if (systemCode(cause) !== "ENOENT") throw unusable(directory, cause);
  }
}

async function isAlive(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

function held(directory: string): AgentError {
  const hint = "Stop the other agent, or give this one a state_dir of its own.";
  return new AgentError("STATE_LOCKED", directory, "another agent runs with this state directory", hint);
}

function unusable(directory: string, cause: unknown): AgentError {
  const hint = "Set state_dir to a directory that the agent may write, with a path below 90 characters.";
  return new AgentError("STATE_DIR", directory, systemReason(cause), hint, { cause });
}
