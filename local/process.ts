import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

const LIFELINE = new URL("./lifeline.ts", import.meta.url).href;
const INHERITED = ["PATH", "HOME", "TMPDIR", "NODE_COMPILE_CACHE"];
const LAST_LINES = 20;
/** kinesis-local takes seconds to answer SIGTERM under load, and has nothing to save by then. */
const STOP_GRACE_MS = 3_000;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface NodeProcess {
  readonly name: string;
  readonly pid: number;
  /** Settles once the process is gone and its output is read; never rejects. */
  readonly exited: Promise<Exit>;
  /** Last lines of standard error, for an error message. */
  lastLines(): string;
  /** SIGTERM, and SIGKILL for who does not listen. Resolves once the process is gone. */
  stop(graceMs?: number): Promise<void>;
}

export interface NodeProcessOptions {
  /** What it is to people: "Kinesis", "Lambda weir-router". */
  readonly name: string;
  readonly script: string | URL;
  readonly args?: readonly string[];
  readonly nodeFlags?: readonly string[];
  /** The whole environment: of ours only what `INHERITED` names is added. */
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** It reads our standard input. */
  readonly readsStdin?: boolean;
  readonly onLine?: (line: string, stream: "stdout" | "stderr") => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs a script with this process's own Node. The child cannot outlive us: see `lifeline.ts`.
 * Aborting `signal` stops it.
 */
export function startProcess(options: NodeProcessOptions): NodeProcess {
  const { name, script, args = [], nodeFlags = [], cwd, onLine, signal } = options;
  signal?.throwIfAborted();
  const path = script instanceof URL ? fileURLToPath(script) : script;
  const child = spawn(process.execPath, [...nodeFlags, "--import", LIFELINE, path, ...args], {
    stdio: [options.readsStdin ? "inherit" : "ignore", "pipe", "pipe", "pipe"],
    // A group of its own: Ctrl-C in the terminal is for us, and we stop the parts in their order.
    detached: true,
    env: { ...inherited(), ...options.environment },
    ...(cwd === undefined ? {} : { cwd }),
  });
  // Without a listener an error would end us; what it says is seen in `pid` and in `exited`.
  child.on("error", () => {});
  if (child.pid === undefined) throw new Error(`${name}: cannot start ${process.execPath}`);

  const last: string[] = [];
  readLines(child.stdout!, (line) => onLine?.(line, "stdout"));
  readLines(child.stderr!, (line) => {
    if (last.push(line) > LAST_LINES) last.shift();
    onLine?.(line, "stderr");
  });
  // The other end closes when the child dies; writing never happens, so no error matters.
  child.stdio[3]?.on("error", () => {});

  const exited = new Promise<Exit>((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  const stop = async (graceMs = STOP_GRACE_MS): Promise<void> => {
    child.kill("SIGTERM");
    const kill = setTimeout(() => child.kill("SIGKILL"), graceMs);
    await exited;
    clearTimeout(kill);
  };
  const onAbort = (): void => void stop();
  signal?.addEventListener("abort", onAbort, { once: true });
  void exited.then(() => signal?.removeEventListener("abort", onAbort));
  return { name, pid: child.pid, exited, lastLines: () => last.join("\n"), stop };
}

function readLines(stream: Readable, onLine: (line: string) => void): void {
  createInterface({ input: stream, crlfDelay: Infinity }).on("line", onLine);
}

function inherited(): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of INHERITED) {
    const value = process.env[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}
