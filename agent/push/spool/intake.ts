import { Arrivals } from "./arrivals.ts";
import { AgentError } from "../../agent-error.ts";
import { steadyNow } from "../../steady-clock.ts";
import { AppendQueue, type Waiting } from "./append-queue.ts";
import type { Batch } from "./batch.ts";
import type { Changes } from "./changes.ts";
import { encodeGap } from "./frame.ts";
import type { Room } from "./room.ts";
import { encodeHead, HEAD_BYTES } from "./section-head.ts";
import type { SegmentWriter } from "./segment-writer.ts";
import type { Segments } from "./segments.ts";
import { Mutex } from "./mutex.ts";

/** Bytes written with one fdatasync, at most; more wait for the next. */
const GROUP_BYTES = 2 ** 20;
/** Bytes that wait for it, beyond which nobody should bring more. */
export const QUEUE_BYTES = 8 * 2 ** 20;
/** Of the age of the oldest event, which may be days. */
const ARRIVAL_STRETCHES = 1_024;

export interface IntakeOptions {
  readonly segments: Segments;
  readonly writer: SegmentWriter;
  readonly room: Room;
  readonly changes: Changes;
  /** Of the spool, for errors. */
  readonly path: string;
}

/** Takes batches of events to the disk. Those that wait are written together and synced once. */
export class Intake {
  readonly arrivals = new Arrivals(ARRIVAL_STRETCHES);
  /** When the spool last grew, or was opened. */
  changedAtMs = steadyNow();
  /** Put on disk. */
  lines = 0;
  bytes = 0;
  /** The newest ones, left out because the spool was full. */
  readonly dropped = { lines: 0, bytes: 0 };
  readonly #options: IntakeOptions;
  readonly #queue = new AppendQueue();
  readonly #turns = new Mutex();
  #committing: Promise<void> | undefined;
  /** Dropped newest events, to be recorded before the next one that is kept. */
  #gap = { bytes: 0, lines: 0 };
  #isClosed = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
    const { end } = options.segments;
    if (end > 0) this.arrivals.add(end, this.changedAtMs);
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
      while (this.#queue.bytes > QUEUE_BYTES) await this.#options.changes.next(signal);
    });
  }

  /** Resolves once the batch is on disk, or left out on purpose. @throws AgentError SPOOL_CLOSED */
  add(batch: Batch): Promise<void> {
    if (this.#isClosed) return Promise.reject(this.#closedError());
    const appended = this.#queue.add(batch);
    this.#committing ??= this.#commitAll();
    return appended;
  }

  /** Call once what the writer and the room wait for is given up. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#committing;
    // It is tried once: the disk may be what is wrong.
    if (this.#gap.bytes > 0) await this.#commit([]).catch(() => {});
    await this.#options.writer.retire();
  }

  async #commitAll(): Promise<void> {
    const { room, changes } = this.#options;
    // Appends of the same turn share a group.
    await Promise.resolve();
    while (!this.#queue.isEmpty) {
      const groupBytes = Math.min(GROUP_BYTES, room.limits.segmentBytes - HEAD_BYTES);
      const group = this.#queue.takeGroup(groupBytes);
      try {
        if (await room.make(HEAD_BYTES + sum(group, ({ frames }) => frames.length)))
          await this.#commit(group);
        else this.#leaveOut(group);
      } catch (error) {
        if (!this.#isClosed) throw error;
        for (const { reject } of [...group, ...this.#queue.takeGroup(Infinity)]) reject(this.#closedError());
      }
      changes.tell();
    }
    // In the same turn as the look at the queue: what is appended from now on starts another run.
    this.#committing = undefined;
  }

  #leaveOut(group: readonly Waiting[]): void {
    for (const { extent, lines, resolve } of group) {
      this.#gap = { bytes: this.#gap.bytes + extent, lines: this.#gap.lines + lines };
      this.dropped.bytes += extent;
      this.dropped.lines += lines;
      resolve();
    }
  }

  /** A section of a segment: whatever came before it is synced. */
  async #commit(group: readonly Waiting[]): Promise<void> {
    const { segments, writer, room } = this.#options;
    const gap = this.#gap;
    const section = gap.bytes === 0 && group.length === 1 ? group[0]!.section : joined(group, gap);
    encodeHead(segments.nextHead(), section);
    await writer.persist(async () => {
      const segment = await writer.room(section.length, room.limits.segmentBytes);
      // A new segment has its head.
      const bytes = segment.bytes === HEAD_BYTES ? section.subarray(HEAD_BYTES) : section;
      await segment.file.write(bytes, segment.bytes);
      const acknowledge = () => group.forEach(({ resolve }) => resolve());
      if (room.limits.sync === "deliver") acknowledge();
      await segment.file.datasync();
      this.changedAtMs = steadyNow();
      segment.bytes += bytes.length;
      segment.end += gap.bytes + sum(group, ({ extent }) => extent);
      segment.lines += gap.lines + sum(group, ({ lines }) => lines);
      this.#gap = { bytes: 0, lines: 0 };
      this.lines += sum(group, ({ lines }) => lines);
      this.bytes += sum(group, ({ extent }) => extent);
      this.arrivals.add(segment.end, this.changedAtMs);
      acknowledge();
    });
  }

  #closedError(): AgentError {
    const hint = "Events without acknowledgement are the sender's to send again.";
    return new AgentError("SPOOL_CLOSED", this.#options.path, "the agent is stopping", hint);
  }
}

/** A section without its head. */
function joined(group: readonly Batch[], gap: { readonly bytes: number; readonly lines: number }): Buffer {
  const left = gap.bytes > 0 ? [encodeGap("overflow", gap.bytes, gap.lines)] : [];
  return Buffer.concat([Buffer.alloc(HEAD_BYTES), ...left, ...group.map(({ frames }) => frames)]);
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
