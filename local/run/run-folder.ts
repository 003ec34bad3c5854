import { createWriteStream, type WriteStream } from "node:fs";
import { mkdir, mkdtemp, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { inspect } from "node:util";
import { removeCloud } from "../cloud.ts";
import { RunError } from "./run-error.ts";
import { RunState } from "./run-state.ts";

/** With less room than this, parts of the run could not write what they had to. */
const LEAST_FREE_BYTES = 2 ** 20;
/** As Node.js, PostgreSQL and cp have it. ENOSPC alone may as well be that the kernel watches no more files. */
const FULL = /no space left on device/i;

/** Where a run keeps its files, its state and what its parts print. */
export class RunFolder implements AsyncDisposable {
  readonly path: string;
  readonly state: RunState;
  readonly #log: WriteStream;
  readonly #broken = new AbortController();
  #saysFull = false;
  #isWanted: boolean;

  private constructor(path: string, state: RunState, isWanted: boolean) {
    this.path = path;
    this.state = state;
    this.#isWanted = isWanted;
    this.#log = createWriteStream(join(path, "weir.log"), { flags: "a" });
    this.#log.on("error", (cause) => this.#broken.abort(this.#diskError(cause.message, cause)));
  }

  /**
   * @param asked an empty folder, one to be made, or one that an earlier run has left; a temporary one if absent
   * @throws RunError DIR_NOT_EMPTY, DIR_IN_USE, NOT_DRAINED
   */
  static async open(asked: string | undefined): Promise<RunFolder> {
    const path = asked === undefined ? await mkdtemp(join(tmpdir(), "weir-")) : resolve(asked);
    await mkdir(path, { recursive: true });
    return new RunFolder(path, await RunState.open(path), asked !== undefined);
  }

  /** Aborts, with a RunError DISK, when nothing more can be written here: the run would only limp on. */
  get broken(): AbortSignal {
    return this.#broken.signal;
  }

  /**
   * Tells a full disk from other reasons for a failure. A part that cannot write may have gone on, or have taken
   * away what it had written before it ended, so what it said counts as well as the room there is now.
   *
   * @param error what failed; absent for a run that does not balance
   * @returns a RunError DISK, or `error`, as which a RunError stays: it says already what to do
   */
  async reasonOf<E>(error: E): Promise<E | RunError> {
    if (this.broken.aborted) return this.broken.reason as RunError;
    if (error instanceof RunError) return error;
    const isFull = this.#saysFull || FULL.test(inspect(error)) || !(await this.#hasRoom());
    if (!isFull) return error;
    const met = error instanceof Error ? `, met as: ${error.message}` : "";
    return this.#diskError(`no space left on device${met}`, error);
  }

  /** One line that a part printed. */
  log(part: string, line: string): void {
    this.#saysFull ||= FULL.test(line);
    if (this.#log.writable) this.#log.write(`${part} ${line}\n`);
  }

  /** Something went wrong: a temporary folder stays, so that somebody can look, if there is anything in it. */
  keep(): void {
    this.#isWanted ||= this.#log.bytesWritten + this.#log.writableLength > 0;
  }

  get isKept(): boolean {
    return this.#isWanted;
  }

  async #hasRoom(): Promise<boolean> {
    try {
      const { bavail, bsize } = await statfs(this.path);
      return bavail * bsize >= LEAST_FREE_BYTES;
    } catch {
      return true; // the folder is gone, which is no full disk
    }
  }

  #diskError(message: string, cause: unknown): RunError {
    return new RunError("DISK", message, `Make room where ${this.path} is.`, { cause });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#log.writable) await new Promise<void>((done) => this.#log.once("close", done).end());
    if (!this.#isWanted) await removeCloud(this.path);
  }
}
