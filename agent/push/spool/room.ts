import type { Logger } from "pino";
import type { Changes } from "./changes.ts";
import { HEAD_BYTES } from "./section-head.ts";
import type { SegmentWriter } from "./segment-writer.ts";
import type { Segments } from "./segments.ts";
import type { SpoolConfig } from "../../config/spool-config.ts";

/** At which a disk that others fill is looked at again. */
const LOOK_AGAIN_MS = 1_000;

/** What may change while a spool is in use. */
export interface SpoolLimits extends Pick<SpoolConfig, "overflow" | "sync"> {
  readonly maxBytes: number;
  /** Of the disk, for others. */
  readonly minFreeBytes: number;
  readonly segmentBytes: number;
  readonly maxLineBytes: number;
}

export interface RoomOptions {
  readonly segments: Segments;
  readonly writer: SegmentWriter;
  readonly changes: Changes;
  readonly limits: SpoolLimits;
  /** Of the disk. */
  readonly freeBytes: () => Promise<number>;
  /** Of the spool, for the log. */
  readonly path: string;
  readonly log: Logger;
  /** Ends every wait. */
  readonly closing: AbortSignal;
}

/** What a spool may take of the disk, and what happens when that is not enough. */
export class Room {
  limits: SpoolLimits;
  /** Events wait for room, or are left out. */
  isFull = false;
  /** The disk has too little left for others. */
  isDiskLow = false;
  readonly #options: RoomOptions;

  constructor(options: RoomOptions) {
    this.#options = options;
    this.limits = options.limits;
  }

  /** Waits, or drops the oldest. @returns false when the newest are to be left out instead @throws AbortError on closing */
  async make(bytes: number): Promise<boolean> {
    const { segments, writer } = this.#options;
    for (;;) {
      // Asked for each time: they may have changed while we waited.
      const { maxBytes, overflow } = this.limits;
      this.#noteFull(segments.bytes + bytes > maxBytes || (await this.#lookAtDisk(bytes)));
      if (!this.isFull) return true;
      if (overflow === "drop-newest") return false;
      const hasEvents = segments.list.some(({ bytes }) => bytes > HEAD_BYTES);
      if (overflow === "drop-oldest" && hasEvents) await this.#dropOldest();
      else if (this.#isLastTooLarge) await writer.persist(() => writer.roll());
      else await this.#changedOrLater();
    }
  }

  /** Were the disk filled to the brim, no checkpoint could be written, and so nothing deleted, any more. */
  async #lookAtDisk(bytes: number): Promise<boolean> {
    const free = await this.#options.freeBytes().catch(() => Infinity);
    return (this.isDiskLow = free < bytes + this.limits.minFreeBytes);
  }

  /** Others make room on a disk without telling. */
  async #changedOrLater(): Promise<void> {
    const { closing, changes } = this.#options;
    await changes.next(AbortSignal.any([closing, AbortSignal.timeout(LOOK_AGAIN_MS)])).catch(() => {});
    closing.throwIfAborted();
  }

  #noteFull(isFull: boolean): void {
    const { segments, path, log } = this.#options;
    if (isFull && !this.isFull)
      log.warn({ spool: path, bytes: segments.bytes, overflow: this.limits.overflow }, "the spool is full");
    this.isFull = isFull;
  }

  /** The last segment is never deleted: one from times of larger segments could block a spool for good. */
  get #isLastTooLarge(): boolean {
    const { list } = this.#options.segments;
    return list.length === 1 && list[0]!.bytes > this.limits.segmentBytes;
  }

  /** The reader notices that a segment is gone, and records what it has not read of it as a gap. */
  async #dropOldest(): Promise<void> {
    const { segments, writer, changes } = this.#options;
    if (segments.list.length === 1) await writer.persist(() => writer.roll());
    await writer.persist(() => segments.removeFirst());
    changes.tell();
  }
}
