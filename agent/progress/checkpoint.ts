import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import { AgentError, systemCode, systemReason } from "../agent-error.ts";
import { type AgentState, fileSchema, headSchema } from "./checkpoint-schema.ts";
import { CheckpointText, readCheckpointText } from "./checkpoint-text.ts";
import { DiskReserve } from "./disk-reserve.ts";
import { diskFs, type DurableFile, type DurableFs } from "../machine/durable-fs.ts";
import { type MachineState, NO_MACHINE, type Renewal } from "../machine/machine-state.ts";
import { steadyNow } from "../steady-clock.ts";
import { type FilePosition, NO_STATE } from "../tail/files/tail-state.ts";

const READ_BYTES = 2 ** 20;

/** Version, time and birth time. */
const OPENING_MAX_BYTES = 128;

const TELL_AGAIN_MS = 60_000;

const NOTHING = Buffer.alloc(0);

const EMPTY: AgentState = { ...NO_STATE, spool: undefined };

/**
 * The delivered positions, in `checkpoint.json` of the state directory.
 *
 * Written whole to a temporary file, synced, renamed over the old one, and the rename synced by its
 * directory: after a crash at any moment there is the old checkpoint or the new one. A reserve beside it has
 * the room that this takes, should others have filled the disk.
 */
export class CheckpointFile {
  readonly path: string;
  readonly #directory: string;
  readonly #fs: DurableFs;
  readonly #reserve: DiskReserve;
  /** When it was last known to be true. */
  savedAtMs = 0;
  /** The machine that it belongs to; a part of what is saved. */
  machine: MachineState = NO_MACHINE;
  /** What was loaded is a copy of a checkpoint that somebody has put in its place. */
  isRestored = false;
  /** How sources came to go on under new ids at this start. */
  renewal: Renewal | undefined;
  /** Saves that failed since the start. */
  failures = 0;
  /** Digest of what was saved last. */
  #saved: string | undefined;
  #saving: Promise<void> = Promise.resolve();
  /** What the file begins with, once this process has written it. */
  #head: Buffer | undefined;
  /** The failure that was told last. */
  #told = { message: "", atMs: 0 };

  /** @param directory that exists */
  constructor(directory: string, fs: DurableFs = diskFs) {
    this.#directory = directory;
    this.#fs = fs;
    this.path = join(directory, "checkpoint.json");
    this.#reserve = new DiskReserve(join(directory, "checkpoint.reserve"), fs);
  }

  /** @throws AgentError CHECKPOINT_CORRUPT rather than starting over unnoticed */
  async load(): Promise<AgentState> {
    let text: Buffer;
    let bornAtNs: string | undefined;
    try {
      [text, bornAtNs] = await this.#read();
    } catch (cause) {
      if (systemCode(cause) === "ENOENT") return EMPTY;
      throw this.#unusable(systemReason(cause), cause);
    }
    try {
      const files: FilePosition[] = [];
      const head = readCheckpointText(text, (file) => void files.push(fileSchema.parse(file)));
      const { savedAt, rules, copies, spool, ...of } = headSchema.parse(head);
      this.machine = of.machine;
      this.isRestored = bornAtNs !== undefined && of.bornAtNs !== undefined && bornAtNs !== of.bornAtNs;
      return { rules, files, copies, spool, savedAtMs: Date.parse(savedAt) };
    } catch (cause) {
      throw this.#unusable("not a checkpoint of this version", cause);
    }
  }

  /**
   * Writes what has changed since the last save, if anything. One save waits for the other.
   *
   * @throws AgentError CHECKPOINT_WRITE, STATE_LOCKED where another agent has saved since
   */
  save(state: AgentState, now: Date): Promise<void> {
    const text = new CheckpointText(state, this.machine);
    const saving = this.#saving.then(() => this.#save(text, now));
    this.#saving = saving.catch(() => {});
    return saving;
  }

  async #save({ pieces, digest, bytes }: CheckpointText, now: Date): Promise<void> {
    if (digest === this.#saved) {
      this.savedAtMs = now.getTime();
      return;
    }
    if (await this.#isReplaced()) throw this.#taken();
    try {
      await this.#replace(`{"version":1,"savedAt":"${now.toISOString()}",`, pieces, bytes);
    } catch (cause) {
      const hint =
        "Make room or make it writable: until then a restart sends again what was delivered since.";
      throw new AgentError("CHECKPOINT_WRITE", this.path, systemReason(cause), hint, { cause });
    }
    this.#saved = digest;
    this.#told = { message: "", atMs: 0 };
    this.savedAtMs = now.getTime();
  }

  /**
   * Saves if it can. Where it cannot, positions fall behind and nothing else; the next save may have room.
   *
   * @returns whether the state is on disk
   * @throws AgentError STATE_LOCKED
   */
  async trySave(state: AgentState, log: Logger): Promise<boolean> {
    try {
      await this.save(state, new Date());
      return true;
    } catch (error) {
      if (!(error instanceof AgentError) || error.code === "STATE_LOCKED") throw error;
      this.failures++;
      this.#tellFailure(error, log);
      return false;
    }
  }

  /** It is tried every second or so: what was told is no news for a minute. */
  #tellFailure({ message, hint }: AgentError, log: Logger): void {
    const nowMs = steadyNow();
    if (message === this.#told.message && nowMs - this.#told.atMs < TELL_AGAIN_MS) return;
    this.#told = { message, atMs: nowMs };
    log.error({ path: this.path, failures: this.failures, hint }, `no checkpoint was written: ${message}`);
  }

  async #replace(opening: string, pieces: readonly Buffer[], bytes: number): Promise<void> {
    try {
      await this.#write(opening, pieces);
    } catch (error) {
      if (systemCode(error) !== "ENOSPC" || !(await this.#reserve.release())) throw error;
      await this.#write(opening, pieces);
    }
    await this.#reserve.keep(OPENING_MAX_BYTES + bytes);
  }

  async #write(opening: string, pieces: readonly Buffer[]): Promise<void> {
    const temporary = `${this.path}.new`;
    const file = await this.#create(temporary);
    let head: Buffer;
    try {
      const bornAtNs = await file.bornAtNs();
      const birth = bornAtNs === undefined ? "" : `"bornAtNs":"${bornAtNs}",`;
      head = Buffer.from(opening + birth);
      const [first = NOTHING, ...others] = pieces;
      let at = 0;
      // Each write is a turn of another thread, and most checkpoints are of one piece.
      for (const piece of [Buffer.concat([head, first]), ...others]) {
        await file.write(piece, at);
        at += piece.length;
      }
      await file.datasync();
    } finally {
      await file.close();
    }
    await this.#fs.rename(temporary, this.path);
    this.#head = head;
    await this.#fs.syncDirectory(this.#directory);
  }

  async #create(temporary: string): Promise<DurableFile> {
    try {
      return await this.#fs.create(temporary);
    } catch (error) {
      if (systemCode(error) !== "EEXIST") throw error;
      // One that a crash has left behind.
      await this.#fs.remove(temporary);
      return this.#fs.create(temporary);
    }
  }

  /** The lock holds between processes of one machine, but not between machines that share a disk. */
  async #isReplaced(): Promise<boolean> {
    const own = this.#head;
    if (own === undefined) return false;
    let file: DurableFile | undefined;
    try {
      file = await this.#fs.open(this.path);
      const head = Buffer.alloc(own.length);
      await file.read(head, 0);
      return !head.equals(own);
    } catch {
      // Whoever has deleted it, or cannot give it, has not written it.
      return false;
    } finally {
      await file?.close();
    }
  }

  #taken(): AgentError {
    const hint = "Give each agent a state_dir of its own; no lock tells of one on another machine.";
    return new AgentError(
      "STATE_LOCKED",
      this.#directory,
      "another agent has saved its checkpoint here",
      hint,
    );
  }

  /** @returns its bytes, and when it was made */
  async #read(): Promise<[Buffer, string | undefined]> {
    const file = await this.#fs.open(this.path);
    try {
      return [await readWhole(file), await file.bornAtNs()];
    } finally {
      await file.close();
    }
  }

  #unusable(reason: string, cause: unknown): AgentError {
    const hint = "Move it aside to send every file again from its beginning; rows keep their identity.";
    return new AgentError("CHECKPOINT_CORRUPT", this.path, reason, hint, { cause });
  }
}

async function readWhole(file: DurableFile): Promise<Buffer> {
  const bytes: Buffer[] = [];
  for (let at = 0; ;) {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    const bytesRead = await file.read(buffer, at);
    bytes.push(buffer.subarray(0, bytesRead));
    at += bytesRead;
    if (bytesRead < READ_BYTES) return Buffer.concat(bytes);
  }
}

/** @throws AgentError STATE_DIR */
export async function makeStateDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o750 });
  } catch (cause) {
    const hint = "Set state_dir to a directory that the agent may write.";
    throw new AgentError("STATE_DIR", directory, systemReason(cause), hint, { cause });
  }
}
