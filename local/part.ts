import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { NodeProcess } from "./process.ts";

/** Why a part of the laptop cloud is not running. */
export type PartErrorCode =
  | "PORT_IN_USE" //     somebody else listens on the port that was asked for
  | "EXITED" //          the process ended before it was ready
  | "NOT_READY"; //      the process runs but does not answer

export class PartError extends Error {
  override name = "PartError";
  readonly code: PartErrorCode;
  /** "Kinesis", "S3", ... */
  readonly part: string;
  /** What to do about it. */
  readonly hint: string;

  constructor(code: PartErrorCode, part: string, message: string, hint: string, options?: ErrorOptions) {
    super(`${part}: ${message}\n${hint}`, options);
    this.code = code;
    this.part = part;
    this.hint = hint;
  }
}

/** A running part with an HTTP endpoint on this machine. */
export interface Part {
  /** `http://127.0.0.1:<port>` */
  readonly endpoint: string;
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

/** A generous bound: a cold start takes 1 s, on a machine that swaps 30. */
const READY_TIMEOUT_MS = 60_000;
const PROBE_EVERY_MS = 50;
const PORT_ATTEMPTS = 4;

/**
 * Starts a process on a port and waits until it answers a real request.
 *
 * @param port asked for, or undefined for a free one; a free port that somebody takes before the
 *   process has it is replaced by another
 * @throws PartError
 */
export async function startPart(
  name: string,
  port: number | undefined,
  start: (port: number) => NodeProcess | Promise<NodeProcess>,
  probe: (endpoint: string) => Promise<unknown>,
  signal?: AbortSignal,
): Promise<Part> {
  if (port !== undefined) await assertFree(name, port);
  for (let attempt = 1; ; attempt++) {
    const taken = port ?? (await freePort());
    const endpoint = `http://127.0.0.1:${taken}`;
    const child = await start(taken);
    try {
      await untilReady(child, () => probe(endpoint), signal);
      return { endpoint, port: taken, pid: child.pid, stop: () => child.stop() };
    } catch (error) {
      await child.stop();
      const collided = child.lastLines().includes("EADDRINUSE");
      if (!collided || port !== undefined || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

async function untilReady(
  child: NodeProcess,
  probe: () => Promise<unknown>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const gone = child.exited.then(({ code, signal }) => {
    throw new PartError(
      "EXITED",
      child.name,
      `ended with ${signal ?? `exit code ${code}`} before it was ready${lastWords(child)}`,
      "If it could not read its data, move its folder away and start again; else mend what it names.",
    );
  });
  const over = new AbortController();
  const stop = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
  try {
    await Promise.race([gone, untilAnswered(child, probe, stop)]);
  } finally {
    over.abort();
  }
}

async function untilAnswered(
  child: NodeProcess,
  probe: () => Promise<unknown>,
  signal: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    signal.throwIfAborted();
    try {
      await probe();
      return;
    } catch (cause) {
      if (Date.now() > deadline) {
        const seconds = READY_TIMEOUT_MS / 1_000;
        const message = `no answer within ${seconds} s${lastWords(child)}`;
        const hint = "The machine may be very busy, or out of memory: try again with less running.";
        throw new PartError("NOT_READY", child.name, message, hint, { cause });
      }
    }
    await sleep(PROBE_EVERY_MS, undefined, { signal });
  }
}

function lastWords(child: NodeProcess): string {
  const lines = child.lastLines();
  return lines && `. Its last words:\n${lines.replace(/^/gm, "  ")}`;
}

/**
 * Where systems take no ports from for whoever listens on any, or connects: Linux begins at 32,768,
 * others at 49,152. What is free here stays so until somebody asks for it by its number.
 */
const PORTS = { first: 20_000, count: 12_000 };
/** From a place of its own in every process, so that those that look at the same time find others. */
let nextPort = randomInt(PORTS.count);

/** A port of 127.0.0.1 nobody listens on, another one each time. @throws Error when there is none */
export async function freePort(): Promise<number> {
  for (let tries = 1; ; tries++) {
    const port = PORTS.first + (nextPort++ % PORTS.count);
    try {
      await listenOnce(port);
      return port;
    } catch (error) {
      if (tries === PORTS.count) throw error;
    }
  }
}

/** @throws PartError PORT_IN_USE */
export async function assertFree(part: string, port: number): Promise<void> {
  try {
    await listenOnce(port);
  } catch (cause) {
    const hint = `Stop what listens there (lsof -i :${port}), or leave the port out to have a free one.`;
    throw new PartError("PORT_IN_USE", part, `port ${port} is in use`, hint, { cause });
  }
}

function listenOnce(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => server.close(() => resolve()));
  });
}
