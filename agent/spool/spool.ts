import { EventEmitter, once } from "node:events";
import { join } from "node:path";
import type { Logger } from "pino";
import type { Source } from "../../wire/provenance.ts";
import { AgentError, systemReason } from "../agent-error.ts";
import { Arrivals } from "../arrivals.ts";
import type { DurableFs } from "../durable-fs.ts";
import { AppendQueue, type Waiting } from "./append-queue.ts";
import { type Batch, Batcher, type SpoolEvent } from "./batch.ts";
import { encodeGap, HEAD_BYTES } from "./frame.ts";
import type { SpoolConfig } from "./spool-config.ts";
import { SegmentWriter } from "./segment-writer.ts";
import { type Segment, Segments } from "./segments.ts";
import { Turns } from "./turns.ts";

/** Bytes written with one fdatasync, at most; more wait for the next. */
const GROUP_BYTES = 2 ** 20;
/** At which a disk that others fill is looked at again. */
const LOOK_AGAIN_MS = 1_000;
/** Of the age of the oldest event, which may be days. */
const ARRIVAL_STRETCHES = 1_024;
const LOW = "less than min_free_bytes of the disk is free";
/** Bytes that wait for it, beyond which nobody should bring more. */
const QUEUE_BYTES = 8 * 2 ** 20;

/** What may change while it is in use. */
export interface SpoolLimits extends Pick<SpoolConfig, "overflow" | "sync"> {
  readonly maxBytes: number;
  /** Of the disk, for others. */
  readonly minFreeBytes: number;
  readonly segmentBytes: number;
  readonly maxLineBytes: number;
}

export interface SpoolOptions extends SpoolLimits {
  readonly fs: DurableFs;
  /** The directory of all spools. */
  readonly directory: string;
  readonly name: string;
  readonly host: string;
  readonly log: Logger;
}

/** Of this process. */
export interface SpoolCounts {
  /** Put on disk, to be delivered. */
  lines: number;
  bytes: number;
  /** The newest ones, left out because the spool was full. */
  dropped: { lines: number; bytes: number };
  /** Writing that failed and was tried again, by what the system was asked to do. */
  readonly failures: ReadonlyMap<string, number>;
}

/** How far a spool was delivered, by the checkpoint. */
export interface SpoolPosition {
  readonly sourceId: string;
  readonly offset: number;
}

/**
 * Pushed events, on disk from their acknowledgement until they are delivered.
 *
 * A spool is one source: its bytes are the lines of its events, each with a line feed, as if they had
 * been written to one endless file. Frames and segments only keep them safe and do not count.
 *
 * Appends that wait are written together and synced once. Whatever fails, the events stay in memory
 * and are written again.
 */
export class Spool implements AsyncDisposable {
  readonly source: Source;
  /** When it last grew, or was opened. */
  changedAtMs = Date.now();
  readonly counts: SpoolCounts;
  readonly #arrivals = new Arrivals(ARRIVAL_STRETCHES);
  #options: SpoolOptions;
  readonly #segments: Segments;
  readonly #changed = new EventEmitter<{ change: [] }>().setMaxListeners(0);
  readonly #closing = new AbortController();
  readonly #batcher = new Batcher();
  readonly #queue = new AppendQueue();
  readonly #turns = new Turns();
  readonly #writer: SegmentWriter;
  #committing: Promise<void> | undefined;
  /** Dropped newest events, to be recorded before the next one that is kept. */
  #gap = { bytes: 0, lines: 0 };
  #isFull = false;
  /** The disk. */
  #isLow = false;

  private constructor(options: SpoolOptions, segments: Segments) {
    this.#options = options;
    this.#segments = segments;
    if (segments.end > 0) this.#arrivals.add(segments.end, this.changedAtMs);
    const path = `spool:${options.name}`;
    this.source = { id: segments.sourceId, host: options.host, path };
    this.#writer = new SegmentWriter({ segments, path, log: options.log, closing: this.#closing.signal });
    const { failures } = this.#writer;
    this.counts = { lines: 0, bytes: 0, dropped: { lines: 0, bytes: 0 }, failures };
  }

  /**
   * @param position undefined where no checkpoint knows of the spool
   * @throws AgentError SPOOL
   */
  static async open(options: SpoolOptions, position: SpoolPosition | undefined): Promise<Spool> {
    const directory = join(options.directory, options.name);
    try {
      const segments = await Segments.recover(options.fs, directory, options.log);
      // Were its offsets used again, other lines would have the identity of those delivered.
      const isBehind = position?.sourceId === segments.sourceId && position.offset > segments.end;
      if (isBehind) await segments.startOver();
      return new Spool(options, segments);
    } catch (cause) {
      const hint = "The agent must be able to write there; it keeps pushed events until they are delivered.";
      throw new AgentError("SPOOL", directory, systemReason(cause), hint, { cause });
    }
  }

  /** Why it cannot be written, and so nothing is acknowledged. */
  get error(): string | undefined {
    return this.#isLow ? LOW : this.#writer.error;
  }

  get maxBytes(): number {
    return this.#options.maxBytes;
  }

  /** Events wait for room, or are left out. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Those who wait for room look again. */
  configure(limits: SpoolLimits): void {
    this.#options = { ...this.#options, ...limits };
    this.#changed.emit("change");
  }

  /** Of the source, all of it on disk. */
  get end(): number {
    return this.#segments.end;
  }

  /** On disk. */
  get bytes(): number {
    return this.#segments.bytes;
  }

  /** Of all that it has had since it was opened. */
  get lines(): number {
    const last = this.#segments.list.at(-1);
    return last === undefined ? 0 : last.firstLine + last.lines;
  }

  /** Oldest first. */
  get segments(): readonly Segment[] {
    return this.#segments.list;
  }

  /** Torn tails and corrupt segments that were set aside when it was opened. */
  get quarantined(): number {
    return this.#segments.quarantined;
  }

  /** When the oldest event from an offset on arrived; of what an earlier process left, when this one began. */
  oldestMs(offset: number): number | undefined {
    return this.#arrivals.oldestMs(offset);
  }

  /** Resolves when there is more to read, or less on disk or waiting for it. @throws AbortError */
  async changed(signal: AbortSignal): Promise<void> {
    await once(this.#changed, "change", { signal });
  }

  /** Bytes that wait to be written. */
  get queuedBytes(): number {
    return this.#queue.bytes;
  }

  /** Resolves when little enough waits to be written, to one at a time. @throws AbortError */
  async ready(signal: AbortSignal): Promise<void> {
    if (this.#queue.bytes <= QUEUE_BYTES && !this.#turns.isQueued) return;
    await this.#turns.wait(async () => {
      signal.throwIfAborted();
      while (this.#queue.bytes > QUEUE_BYTES) await this.changed(signal);
    });
  }

  /**
   * Resolves once the events may be acknowledged: they are on disk, or left out on purpose.
   *
   * @throws AgentError SPOOL_CLOSED when that did not come about; some of them may be on disk
   */
  async append(events: Iterable<SpoolEvent>): Promise<void> {
    const batches = this.#batcher.batches(events, this.#options.maxLineBytes);
    await Promise.all(Array.from(batches, (batch) => this.#enqueue(batch)));
  }

  #enqueue(batch: Batch): Promise<void> {
    if (this.#closing.signal.aborted) return Promise.reject(this.#closedError());
    const appended = this.#queue.add(batch);
    this.#committing ??= this.#commitAll();
    return appended;
  }

  /** Removes what is delivered. Call only once a checkpoint that says so is on disk. */
  async release(offset: number): Promise<void> {
    const { list } = this.#segments;
    while (list.length > 1 && list[0]!.end <= offset) {
      try {
        await this.#segments.removeFirst();
      } catch (error) {
        this.#options.log.error(
          { path: list[0]!.path, reason: systemReason(error) },
          "cannot delete a segment",
        );
        return;
      }
      this.#changed.emit("change");
    }
  }

  /** What waits for room or for the disk is given up, and so not acknowledged. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#committing;
    // It is tried once: the disk may be what is wrong.
    if (this.#gap.bytes > 0) await this.#commit([]).catch(() => {});
    await this.#writer.retire();
  }

  async #commitAll(): Promise<void> {
    // Appends of the same turn share a group.
    await Promise.resolve();
    while (!this.#queue.isEmpty) {
      const groupBytes = Math.min(GROUP_BYTES, this.#options.segmentBytes - HEAD_BYTES);
      const group = this.#queue.takeGroup(groupBytes);
      try {
        if (await this.#makeRoom(group)) await this.#commit(group);
      } catch (error) {
        if (!this.#closing.signal.aborted) throw error;
        for (const { reject } of [...group, ...this.#queue.takeGroup(Infinity)]) reject(this.#closedError());
      }
    }
    // In the same turn as the look at the queue: what is appended from now on starts another run.
    this.#committing = undefined;
  }

  /** @returns false when the group was left out instead @throws AbortError on closing */
  async #makeRoom(group: readonly Waiting[]): Promise<boolean> {
    const needed = HEAD_BYTES + sum(group, ({ frames }) => frames.length);
    for (;;) {
      // Asked for each time: they may have changed while we waited.
      const { maxBytes, overflow } = this.#options;
      const isFull = this.bytes + needed > maxBytes || (await this.#isDiskLow(needed));
      this.#noteFull(isFull);
      if (!isFull) return true;
      if (overflow === "drop-newest") {
        this.#dropNewest(group);
        this.#changed.emit("change");
        return false;
      }
      const hasEvents = this.#segments.list.some(({ bytes }) => bytes > HEAD_BYTES);
      if (overflow === "drop-oldest" && hasEvents) await this.#dropOldest();
      else if (this.#isLastTooLarge) await this.#writer.persist(() => this.#writer.roll());
      else await this.#changedOrLater();
    }
  }

  /** Were the disk filled to the brim, no checkpoint could be written, and so nothing deleted, any more. */
  async #isDiskLow(needed: number): Promise<boolean> {
    const { fs, directory, name, minFreeBytes } = this.#options;
    const free = await fs.freeBytes(join(directory, name)).catch(() => Infinity);
    return (this.#isLow = free < needed + minFreeBytes);
  }

  /** Others make room on a disk without telling. */
  async #changedOrLater(): Promise<void> {
    const later = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(LOOK_AGAIN_MS)]);
    await this.changed(later).catch(() => {});
    this.#closing.signal.throwIfAborted();
  }

  #noteFull(isFull: boolean): void {
    const { overflow, log } = this.#options;
    if (isFull && !this.#isFull)
      log.warn({ spool: this.source.path, bytes: this.bytes, overflow }, "the spool is full");
    this.#isFull = isFull;
  }

  /** The last segment is never deleted: one from times of larger segments could block a spool for good. */
  get #isLastTooLarge(): boolean {
    const { list } = this.#segments;
    return list.length === 1 && list[0]!.bytes > this.#options.segmentBytes;
  }

  #dropNewest(group: readonly Waiting[]): void {
    for (const { extent, lines, resolve } of group) {
      this.#gap = { bytes: this.#gap.bytes + extent, lines: this.#gap.lines + lines };
      this.counts.dropped.bytes += extent;
      this.counts.dropped.lines += lines;
      resolve();
    }
  }

  /** The reader notices that a segment is gone, and records what it has not read of it as a gap. */
  async #dropOldest(): Promise<void> {
    const { list } = this.#segments;
    if (list.length === 1) await this.#writer.persist(() => this.#writer.roll());
    await this.#writer.persist(() => this.#segments.removeFirst());
    this.#changed.emit("change");
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    const gap = this.#gap;
    const frames = group.map(({ frames }) => frames);
    if (gap.bytes > 0) frames.unshift(encodeGap("overflow", gap.bytes, gap.lines));
    const bytes = frames.length === 1 ? frames[0]! : Buffer.concat(frames);
    await this.#writer.persist(async () => {
      const segment = await this.#writer.room(bytes.length, this.#options.segmentBytes);
      await segment.file.write(bytes, segment.bytes);
      const acknowledge = () => group.forEach(({ resolve }) => resolve());
      if (this.#options.sync === "deliver") acknowledge();
      await segment.file.datasync();
      this.changedAtMs = Date.now();
      segment.bytes += bytes.length;
      segment.end += gap.bytes + sum(group, ({ extent }) => extent);
      segment.lines += gap.lines + sum(group, ({ lines }) => lines);
      this.#gap = { bytes: 0, lines: 0 };
      this.counts.lines += sum(group, ({ lines }) => lines);
      this.counts.bytes += sum(group, ({ extent }) => extent);
      this.#arrivals.add(segment.end, this.changedAtMs);
      acknowledge();
    });
    this.#changed.emit("change");
  }

  #closedError(): AgentError {
    const hint = "Events without acknowledgement are the sender's to send again.";
    return new AgentError("SPOOL_CLOSED", this.source.path, "the agent is stopping", hint);
  }
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
