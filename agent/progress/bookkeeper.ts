import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import type { CheckpointFile } from "./checkpoint.ts";
import type { Heartbeats } from "./heartbeats.ts";
import { steadyNow, toTick } from "../steady-clock.ts";
import type { FollowedFile } from "../tail/files/followed-file.ts";
import type { PushedInput } from "../push/pushed-input.ts";
import type { Tail } from "../tail/tail.ts";

/** A crash sends again what was acknowledged since the last checkpoint: a second of it, or a little more. */
const CHECKPOINT_EVERY_MS = 1_000;
/** One of tens of thousands of files takes long to write: so many times as long passes before the next. */
const PAUSE_PER_SAVE = 20;
const LONGEST_PAUSE_MS = 10_000;
/** While nothing is delivered there is little to write: where files are by now, and what they are called. */
const IDLE_CHECKPOINT_EVERY_MS = 5_000;

export interface BookkeeperOptions {
  readonly tail: Pick<Tail, "files" | "forget" | "state">;
  readonly pushed: Pick<PushedInput, "reader" | "position" | "release"> | undefined;
  readonly checkpoint: CheckpointFile;
  /** Left out when they are turned off. */
  readonly heartbeats: Heartbeats | undefined;
  readonly heartbeatMs: number;
  /** Stays the same while every file stays as it is; undefined while that cannot be told. */
  readonly stamp: () => number | undefined;
  readonly log: Logger;
}

/** Writes down how far each file is delivered: in the checkpoint for us, in heartbeats for everybody. */
export class Bookkeeper {
  readonly #options: BookkeeperOptions;
  /** Ended sources that a heartbeat has told of. */
  readonly #reported = new WeakSet<FollowedFile>();
  #nextBeatMs: number;
  /** Bytes that the last checkpoint had as delivered; from when on there may be a next, and until when without more. */
  #kept = { delivered: -1, fromMs: 0, untilMs: 0 };
  /** State of the files in which everything is delivered, written down and told. */
  #settled: number | undefined;

  constructor(options: BookkeeperOptions) {
    this.#options = options;
    this.#nextBeatMs = steadyNow() + options.heartbeatMs;
  }

  /** Runs until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const everyMs = Math.min(CHECKPOINT_EVERY_MS, this.#options.heartbeatMs);
    while (!signal.aborted) {
      const stamp = this.#options.stamp();
      const isSettled = stamp !== undefined && stamp === this.#settled;
      if (isSettled) this.#options.checkpoint.savedAtMs = Date.now();
      else this.#settled = (await this.#keep()) ? stamp : undefined;
      // While Kinesis is away, one that waits is enough: they are not bounded as lines are.
      if (this.#options.heartbeats?.isUnderWay) this.#settled = undefined;
      else this.#beatIfDue(isSettled);
      await sleep(toTick(everyMs), undefined, { signal }).catch(() => {});
    }
  }

  /** @returns true when all that was read is delivered and written down */
  async #keep(): Promise<boolean> {
    const { checkpoint, tail, pushed, log } = this.#options;
    const beganMs = steadyNow();
    if (beganMs < this.#kept.fromMs) return false;
    const spool = pushed?.position;
    const delivered = this.#delivered(spool?.offset);
    if (delivered === this.#kept.delivered && beganMs < this.#kept.untilMs) return false;
    const isAll = this.#isAllDelivered;
    if (!(await checkpoint.trySave({ ...tail.state, spool }, log))) return false;
    const nowMs = steadyNow();
    const pauseMs = Math.min(PAUSE_PER_SAVE * (nowMs - beganMs), LONGEST_PAUSE_MS);
    this.#kept = { delivered, fromMs: nowMs + pauseMs, untilMs: nowMs + IDLE_CHECKPOINT_EVERY_MS };
    if (spool) await pushed?.release(spool);
    return isAll;
  }

  get #isAllDelivered(): boolean {
    const { tail, pushed } = this.#options;
    for (const file of tail.files()) if (!isDelivered(file)) return false;
    return pushed === undefined || isDelivered(pushed.reader);
  }

  #delivered(pushed = 0): number {
    let delivered = pushed;
    for (const { delivery } of this.#options.tail.files()) delivered += delivery.resume.offset;
    return delivered;
  }

  /** @throws AgentError CHECKPOINT_WRITE */
  async save(): Promise<void> {
    const { checkpoint, tail, pushed } = this.#options;
    await checkpoint.save({ ...tail.state, spool: pushed?.position }, new Date());
  }

  /** Tells of every source whose end was not told already, whatever is under way. @param isLast see Heartbeats */
  beat(isLast = false): void {
    this.#nextBeatMs = steadyNow() + this.#options.heartbeatMs;
    this.#tell(this.#unreported(), Date.now(), isLast);
  }

  /** Tells at once of a source that has ended. @param isSettled none has since it was last asked */
  #beatIfDue(isSettled: boolean): void {
    if (steadyNow() >= this.#nextBeatMs) return this.beat();
    if (isSettled) return;
    const ended = this.#unreported().filter(hasEnded);
    if (ended.length > 0) this.#tell(ended, Date.now());
  }

  #unreported(): FollowedFile[] {
    return Array.from(this.#options.tail.files()).filter((file) => {
      // An ended file that has grown is told of again.
      if (!hasEnded(file)) this.#reported.delete(file);
      return !this.#reported.has(file);
    });
  }

  #tell(files: readonly FollowedFile[], nowMs: number, isLast = false): void {
    const { heartbeats, pushed, tail } = this.#options;
    heartbeats?.beat(pushed ? [...files, pushed.reader] : files, new Date(nowMs), isLast);
    for (const file of files) if (hasEnded(file)) this.#reported.add(file);
    for (const file of tail.files()) if (this.#reported.has(file) || file.phase === "lost") tail.forget(file);
  }
}

/** Lines that were read may still be in an aggregate that is not closed. */
function isDelivered({ read, gap, delivery }: Pick<FollowedFile, "read" | "gap" | "delivery">): boolean {
  return delivery.resume.offset >= (gap?.from ?? read);
}

function hasEnded({ phase, delivery }: FollowedFile): boolean {
  return phase === "ended" && !delivery.isPending;
}
