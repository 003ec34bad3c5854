import { readdirSync, readFileSync } from "node:fs";

/**
 * What a process of Linux has cost, read from /proc: any program's, without its help. Time of a thread that has
 * ended counts as of when it was read last.
 */
export class ProcessCost {
  readonly #directory: string;
  readonly #nanoseconds = new Map<string, number>();
  #peakKib = 0;

  constructor(pid: number) {
    this.#directory = `/proc/${pid}`;
  }

  /** Time of all threads, user and system, to the nanosecond. */
  get cpuSeconds(): number {
    return this.#nanoseconds.values().reduce((sum, value) => sum + value, 0) / 1e9;
  }

  /** The most memory that it has held. */
  get peakResidentMb(): number {
    return (this.#peakKib * 1_024) / 1e6;
  }

  /** Reads both. @returns whether the process is there still */
  read(): boolean {
    try {
      for (const thread of readdirSync(`${this.#directory}/task`)) this.#readThread(thread);
      const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`${this.#directory}/status`, "utf8")) ?? [];
      if (kib === undefined) return false;
      this.#peakKib = Number(kib);
      return true;
    } catch {
      return false;
    }
  }

  #readThread(thread: string): void {
    try {
      const schedstat = readFileSync(`${this.#directory}/task/${thread}/schedstat`, "utf8");
      this.#nanoseconds.set(thread, Number(schedstat.split(" ", 1)[0]));
    } catch {
      // The thread has ended meanwhile.
    }
  }
}
