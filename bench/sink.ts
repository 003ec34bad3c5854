import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { WrittenLines } from "./access-log.ts";
import type { Certificate } from "./certificate.ts";
import { linesOf, script } from "./child.ts";
import type { SinkCounts } from "./null-kinesis.ts";

const POLL_MS = 50;

/** Keeps memory for the next record instead of giving it back: taking it anew costs more than what is done with it. */
const ENVIRONMENT = { MALLOC_MMAP_THRESHOLD_: "33554432", MALLOC_TRIM_THRESHOLD_: "268435456" };

/** A Kinesis that takes everything, in a process of its own. */
export class Sink implements AsyncDisposable {
  readonly endpoint: string;
  readonly #process: ChildProcess;
  readonly #lines: () => Promise<string>;

  static async start(certificate?: Certificate): Promise<Sink> {
    const files = certificate === undefined ? [] : [certificate.keyFile, certificate.certificateFile];
    const child = script([join(import.meta.dirname, "null-kinesis.ts"), ...files], ENVIRONMENT);
    const lines = linesOf(child);
    const scheme = certificate === undefined ? "http" : "https";
    return new Sink(child, lines, `${scheme}://127.0.0.1:${await lines()}`);
  }

  private constructor(child: ChildProcess, lines: () => Promise<string>, endpoint: string) {
    this.#process = child;
    this.#lines = lines;
    this.endpoint = endpoint;
  }

  /** Tells what has arrived so far. */
  async counts(): Promise<SinkCounts> {
    this.#process.stdin!.write("\n");
    return JSON.parse(await this.#lines()) as SinkCounts;
  }

  /**
   * Waits until what was written has arrived, neither less nor more.
   *
   * @throws Error where it has not in time
   */
  async receive(written: WrittenLines, timeoutMs: number): Promise<SinkCounts> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const counts = await this.counts();
      // Fluent Bit escapes quotes, so that its lines are longer.
      if (counts.lines === written.lines && counts.lineBytes >= written.bytes) return counts;
      if (performance.now() > deadline || counts.lines > written.lines) {
        const arrived = `${counts.lines} lines of ${counts.lineBytes} bytes`;
        throw new Error(`${arrived} arrived of ${written.lines} lines of ${written.bytes} bytes`);
      }
      await sleep(POLL_MS);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.stdin!.end();
    if (this.#process.exitCode === null) await once(this.#process, "exit");
  }
}
