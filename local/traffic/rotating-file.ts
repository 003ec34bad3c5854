import { open, rename, rm, type FileHandle } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { FileTruth } from "../reconcile/truth.ts";

export interface RotatingFileOptions {
  readonly path: string;
  /** Old generations to keep; every one when undefined. */
  readonly keepGenerations: number | undefined;
  /** Whether an old generation was delivered and may go. */
  readonly releasable: (file: FileTruth) => boolean;
  readonly signal: AbortSignal;
}

/** How often a writer that may not delete asks again. */
const RELEASE_POLL_MS = 200;

/** Old generations that wait for their delivery before the writer itself waits, as a multiple of those kept. */
const OVERDUE_FACTOR = 4;

interface Generation {
  bytes: number;
  lines: number;
  deleted: boolean;
}

/**
 * A log file that rotates as logrotate does by default: `access.log` is renamed to `access.log.1`,
 * what was `.1` becomes `.2`, and a new `access.log` begins.
 *
 * With `keepGenerations` the disk stays bounded: older generations are deleted once they are
 * releasable, and `rotate` waits while too many are not. Their figures stay in the truth.
 */
export class RotatingFile {
  readonly #options: RotatingFileOptions;
  /** Oldest first; the last is the one being written. */
  readonly #generations: Generation[] = [];
  #file: FileHandle;

  private constructor(options: RotatingFileOptions, file: FileHandle) {
    this.#options = options;
    this.#file = file;
    this.#begin();
  }

  static async create(options: RotatingFileOptions): Promise<RotatingFile> {
    return new RotatingFile(options, await open(options.path, "wx"));
  }

  /** Lines of the generation being written. */
  get lines(): number {
    return this.#generations.at(-1)!.lines;
  }

  async append(lines: Uint8Array, count: number): Promise<void> {
    await this.#file.appendFile(lines);
    const generation = this.#generations.at(-1)!;
    generation.bytes += lines.length;
    generation.lines += count;
  }

  async rotate(): Promise<void> {
    await this.#file.close();
    for (let age = this.#generations.length - 1; age >= 0; age--) {
      if (!this.#generation(age).deleted) await rename(this.#path(age), this.#path(age + 1));
    }
    this.#file = await open(this.#options.path, "wx");
    this.#begin();
    await this.#prune();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  /** Every generation there was, deleted ones too, newest first. */
  truth(): FileTruth[] {
    return this.#generations.map((_, age) => this.#truthAt(age));
  }

  #begin(): void {
    this.#generations.push({ bytes: 0, lines: 0, deleted: false });
  }

  async #prune(): Promise<void> {
    const { keepGenerations, signal } = this.#options;
    if (keepGenerations === undefined) return;
    while (!signal.aborted) {
      const overdue = await this.#deleteOlderThan(keepGenerations);
      if (overdue <= keepGenerations * OVERDUE_FACTOR) return;
      await sleep(RELEASE_POLL_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Deletes what may go and returns how many generations should have gone but may not. */
  async #deleteOlderThan(keepGenerations: number): Promise<number> {
    let overdue = 0;
    for (let age = keepGenerations + 1; age < this.#generations.length; age++) {
      if (this.#generation(age).deleted) continue;
      if (this.#options.releasable(this.#truthAt(age))) {
        await rm(this.#path(age));
        this.#generation(age).deleted = true;
      } else overdue++;
    }
    return overdue;
  }

  #generation(age: number): Generation {
    return this.#generations.at(-1 - age)!;
  }

  #truthAt(age: number): FileTruth {
    const { bytes, lines } = this.#generation(age);
    return { path: this.#path(age), bytes, lines };
  }

  #path(age: number): string {
    return age === 0 ? this.#options.path : `${this.#options.path}.${age}`;
  }
}
