import { createWriteStream, type WriteStream } from "node:fs";
import { mkdir, mkdtemp, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { removeCloud } from "../cloud.ts";
import { RunError } from "./run-error.ts";
import { RunState } from "./run-state.ts";

/** With less room than this, parts of the run could not write what they had to. */
const LEAST_FREE_BYTES = 2 ** 20;

/** Where a run keeps its files, its state and what its parts print. */
export class RunFolder implements AsyncDisposable {
  readonly path: string;
  readonly state: RunState;
  readonly #log: WriteStream;
  readonly #broken = new AbortController();
  #isWanted: boolean;

  private constructor(path: string, state: RunState, isWanted: boolean) {
    this.path = path;
    this.state = state;
    this.#isWanted = isWanted;
    this.#log = createWriteStream(join(path, "weir.log"), { flags: "a" });
    this.#log.on("error", (cause) => {
      this.#broken.abort(new RunError("DISK", cause.message, `Make room where ${path} is.`, { cause }));
    });
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
   * Tells a full disk from other reasons for a run that does not balance: a part that cannot write may have gone on.
   *
   * @throws RunError DISK
   */
  async assertRoom(): Promise<void> {
    const { bavail, bsize } = await statfs(this.path);
    if (bavail * bsize >= LEAST_FREE_BYTES) return;
    throw new RunError("DISK", "no space left on device", `Make room where ${this.path} is.`);
  }

  /** One line that a part printed. */
  log(part: string, line: string): void {
    if (this.#log.writable) this.#log.write(`${part} ${line}\n`);
  }

  /** Something went wrong: a temporary folder stays, so that somebody can look, if there is anything in it. */
  keep(): void {
    this.#isWanted ||= this.#log.bytesWritten + this.#log.writableLength > 0;
  }

  get isKept(): boolean {
    return this.#isWanted;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#log.writable) await new Promise<void>((done) => this.#log.once("close", done).end());
    if (!this.#isWanted) await removeCloud(this.path);
  }
}
