import { createInterface } from "node:readline/promises";
import { AccessError } from "./access-error.ts";

/** How far long work is. */
export interface Progress {
  /** @param done of the total, in whatever it is counted in */
  at(done: number, text: string): void;
  /** Takes the bar away: what came of the work is printed by the command. */
  end(): void;
}

const FORMAT = "{bar} {percentage}% {text}";

/**
 * A progress bar on stderr, for people: a program reads stdout, and where stderr is no terminal there is none.
 *
 * @param total of what `at` counts; grows with it where it was too low
 */
export async function startProgress(total: number, text: string): Promise<Progress> {
  if (!process.stderr.isTTY) return { at: () => {}, end: () => {} };
  // Loaded late: an agent on a host has no use for it.
  const { Presets, SingleBar } = await import("cli-progress");
  const options = {
    format: FORMAT,
    stream: process.stderr,
    clearOnComplete: true,
    // Whatever it changed of the terminal would stay so when the command is ended by a signal.
    hideCursor: false,
    linewrap: true,
    gracefulExit: false,
  };
  const bar = new SingleBar(options, Presets.shades_classic);
  bar.start(Math.max(1, total), 0, { text });
  return {
    at: (done, text) => {
      if (done > bar.getTotal()) bar.setTotal(done);
      bar.update(done, { text });
    },
    end: () => bar.stop(),
  };
}

/** Shows a progress bar for as long as some work takes. */
export async function withProgress<T>(
  total: number,
  text: string,
  work: (progress: Progress) => Promise<T>,
): Promise<T> {
  const progress = await startProgress(total, text);
  try {
    return await work(progress);
  } finally {
    progress.end();
  }
}

/** Called before what takes long and ends in a question. @throws AccessError BAD_REQUEST */
export function assertSomebodyToAsk(): void {
  if (process.stdin.isTTY && process.stderr.isTTY) return;
  throw new AccessError("BAD_REQUEST", "nobody is at a terminal to be asked", "Say --yes to go on.");
}

/** Asks whether to go on, on stderr. Anything but a yes is a no. @throws AccessError BAD_REQUEST if nobody is there */
export async function confirmed(question: string): Promise<boolean> {
  assertSomebodyToAsk();
  const asked = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new AbortController();
  asked.once("close", () => closed.abort());
  try {
    return /^y(?:es)?$/i.test((await asked.question(`${question} [y/N] `, { signal: closed.signal })).trim());
  } catch {
    // Ctrl-C or the end of the input.
    return false;
  } finally {
    asked.close();
  }
}
