import { join } from "node:path";
import type { Logger } from "pino";
import type { Source } from "../../../wire/provenance.ts";
import { AgentError, systemReason } from "../../agent-error.ts";
import type { DurableFs } from "../../machine/durable-fs.ts";
import { Batcher, type SpoolEvent } from "./batch.ts";
import { Changes } from "./changes.ts";
import { Intake } from "./intake.ts";
import { Room, type SpoolLimits } from "./room.ts";
import { SegmentWriter } from "./segment-writer.ts";
import type { Segment } from "./segment.ts";
import { Segments, type SpoolPosition } from "./segments.ts";

const LOW = "less than min_free_bytes of the disk is free";

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
  readonly lines: number;
  readonly bytes: number;
  /** The newest ones, left out because the spool was full. */
  readonly dropped: { readonly lines: number; readonly bytes: number };
  /** Writing that failed and was tried again, by what the system was asked to do. */
  readonly failures: ReadonlyMap<string, number>;
}

/**
 * Pushed events, on disk from their acknowledgement until they are delivered.
 *
 * A spool is one source: its bytes are the lines of its events, each with a line feed, as if they had
 * been written to one endless file. Frames and segments only keep them safe and do not count.
 *
 * Whatever fails, the events stay in memory and are written again.
 */
export class Spool implements AsyncDisposable {
  readonly source: Source;
  readonly #log: Logger;
  readonly #segments: Segments;
  readonly #batcher = new Batcher();
  readonly #changes = new Changes();
  readonly #closing = new AbortController();
  readonly #writer: SegmentWriter;
  readonly #room: Room;
  readonly #intake: Intake;

  private constructor(options: SpoolOptions, segments: Segments) {
    const { fs, directory, name, host, log } = options;
    const path = `spool:${name}`;
    const { signal: closing } = this.#closing;
    this.source = { id: segments.sourceId, host, path };
    this.#log = log;
    this.#segments = segments;
    const changes = this.#changes;
    const writer = new SegmentWriter({ segments, path, log, closing });
    const freeBytes = () => fs.freeBytes(join(directory, name));
    const room = new Room({ segments, writer, changes, limits: options, freeBytes, path, log, closing });
    this.#writer = writer;
    this.#room = room;
    this.#intake = new Intake({ segments, writer, room, changes, path });
  }

  /**
   * @param position undefined where no checkpoint knows of the spool
   * @param isRenewed it goes on under another id
   * @throws AgentError SPOOL
   */
  static async open(
    options: SpoolOptions,
    position: SpoolPosition | undefined,
    isRenewed = false,
  ): Promise<Spool> {
    const directory = join(options.directory, options.name);
    try {
      const { fs, log } = options;
      return new Spool(options, await Segments.recover(fs, directory, position, log, isRenewed));
    } catch (cause) {
      const hint = "The agent must be able to write there; it keeps pushed events until they are delivered.";
      throw new AgentError("SPOOL", directory, systemReason(cause), hint, { cause });
    }
  }

  /** Where delivery goes on. */
  startAfter(position: SpoolPosition | undefined): Pick<SpoolPosition, "offset" | "gap"> {
    return this.#segments.startAfter(position);
  }

  get counts(): SpoolCounts {
    const { lines, bytes, dropped } = this.#intake;
    return { lines, bytes, dropped, failures: this.#writer.failures };
  }

  /** When it last grew, or was opened. */
  get changedAtMs(): number {
    return this.#intake.changedAtMs;
  }

  /** Why it cannot be written, and so nothing is acknowledged. */
  get error(): string | undefined {
    return this.#room.isDiskLow ? LOW : this.#writer.error;
  }

  get maxBytes(): number {
    return this.#room.limits.maxBytes;
  }

  /** Longest line of one event: what is longer is cut there. */
  get maxLineBytes(): number {
    return this.#room.limits.maxLineBytes;
  }

  get dropsOldest(): boolean {
    return this.#room.limits.overflow === "drop-oldest";
  }

  /** Events wait for room, or are left out. */
  get isFull(): boolean {
    return this.#room.isFull;
  }

  /** Those who wait for room look again. */
  configure(limits: SpoolLimits): void {
    this.#room.limits = limits;
    this.#changes.tell();
  }

  /** Of the source, all of it on disk. */
  get end(): number {
    return this.#segments.end;
  }

  /** On disk. */
  get bytes(): number {
    return this.#segments.bytes;
  }

  /** Of the source, all of them. */
  get lines(): number {
    return this.#segments.lines;
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
    return this.#intake.arrivals.oldestMs(offset);
  }

  /** Resolves when there is more to read, or less on disk or waiting for it. @throws AbortError */
  changed(signal: AbortSignal): Promise<void> {
    return this.#changes.next(signal);
  }

  /** Bytes that wait to be written. */
  get queuedBytes(): number {
    return this.#intake.queuedBytes;
  }

  /** Resolves when little enough waits to be written, to one at a time. @throws AbortError */
  ready(signal: AbortSignal): Promise<void> {
    return this.#intake.ready(signal);
  }

  /**
   * Resolves once the events may be acknowledged: they are on disk, or left out on purpose.
   *
   * @throws AgentError SPOOL_CLOSED when that did not come about; some of them may be on disk
   */
  async append(events: Iterable<SpoolEvent>): Promise<void> {
    const batches = this.#batcher.batches(events, this.#room.limits.maxLineBytes);
    const appended: Promise<void>[] = [];
    for (const batch of batches) {
      const stored = this.#intake.add(batch);
      // Where a later event cannot be had, nobody waits for those before it.
      stored.catch(() => {});
      appended.push(stored);
    }
    await Promise.all(appended);
  }

  /** Removes what is delivered. Call only once a checkpoint that says so is on disk. */
  async release(offset: number): Promise<void> {
    this.#intake.arrivals.delivered(offset);
    const { list } = this.#segments;
    while (list.length > 1 && list[0]!.end <= offset) {
      const { path } = list[0]!;
      try {
        await this.#segments.removeFirst();
      } catch (error) {
        this.#log.error({ path, reason: systemReason(error) }, "cannot delete a segment");
        return;
      }
      this.#changes.tell();
    }
  }

  /** What waits for room or for the disk is given up, and so not acknowledged. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#intake.close();
  }
}
