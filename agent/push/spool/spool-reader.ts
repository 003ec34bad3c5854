import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import type { Gap, GapReason, Source } from "../../../wire/provenance.ts";
import { AgentError, systemReason } from "../../agent-error.ts";
import { Delivery } from "../../kinesis/delivery.ts";
import type { Block, FramedRun } from "../../framing/block.ts";
import type { Origin } from "../../kinesis/aggregator.ts";
import { steadyNow } from "../../steady-clock.ts";
import type { Run } from "../../framing/line-framer.ts";
import { decodeFrame, type Frame } from "./frame.ts";
import { HEAD_BYTES } from "./section-head.ts";
import { openSegment, type SegmentFile } from "./segment-file.ts";
import { findHead } from "./segment-scan.ts";
import type { Segment } from "./segment.ts";
import type { Spool } from "./spool.ts";
import type { DurableFs } from "../../machine/durable-fs.ts";

/** Room for the longest event. */
const READ_BYTES = 2 ** 20;
const RETRY_MS = 1_000;
/** Origins that are kept for tags to come again. */
const ORIGINS = 1_000;

interface Amount {
  readonly bytes: number;
  readonly lines: number;
}

/** Reads what a spool has on disk, in its order, from where it was delivered to. */
export class SpoolReader {
  /** Each of its events has its own. */
  readonly tag = "";
  readonly phase = "active";
  endReachedAtMs: number | undefined;
  readonly delivery: Delivery;
  /** Bytes of the source that were read, or left out. */
  #offset: number;
  /** Left out since the last event. */
  #gap: Gap | undefined;
  /** Why it cannot be read. */
  error: string | undefined;
  /** Left out because the spool was full, as far as this process has read. */
  dropped: Amount = { bytes: 0, lines: 0 };
  /** Of which the oldest, that were on disk before. */
  overtaken: Amount = { bytes: 0, lines: 0 };
  /** What the disk has lost of it, as far as this process has read. */
  lost: Amount = { bytes: 0, lines: 0 };
  readonly #spool: Spool;
  readonly #fs: DurableFs;
  readonly #log: Logger;
  readonly #buffer = Buffer.allocUnsafe(READ_BYTES);
  readonly #origins = new Map<string, Origin>();
  #segment: Segment | undefined;
  #file: SegmentFile | undefined;
  /** Where the next frame stands in the segment's file, in the source, and among the spool's lines. */
  #at = 0;
  #frameOffset = 0;
  #line: number | undefined;
  /** Of the source, to which the window goes. */
  #windowEnd = 0;
  /** There is no frame where the next one should be. */
  #isDamaged = false;

  /**
   * @param from end of what is delivered; 0 where that is unknown
   * @param gap of an earlier identity, up to there, while no event has told it
   */
  constructor(spool: Spool, from: number, fs: DurableFs, log: Logger, gap?: Gap) {
    this.#spool = spool;
    this.#fs = fs;
    this.#log = log;
    this.#offset = from;
    this.#gap = gap;
    this.delivery = new Delivery({ offset: from, standing: "line", gap });
  }

  get source(): Source {
    return this.#spool.source;
  }

  /** Where its name stands for it in the status. */
  get location(): string {
    return this.source.path;
  }

  get size(): number {
    return this.#spool.end;
  }

  /** Of the last event, or of the start. */
  get changedAtMs(): number {
    return this.#spool.changedAtMs;
  }

  get isAtEnd(): boolean {
    return this.#offset >= this.#spool.end;
  }

  get isOpen(): boolean {
    return this.#file !== undefined;
  }

  get read(): number {
    return this.#offset;
  }

  /** Of the spool's lines, as many were read or left out. */
  get lines(): number {
    return this.#line ?? this.#spool.segments[0]?.firstLine ?? 0;
  }

  get gap(): Gap | undefined {
    return this.#gap;
  }

  /** Blocks of events as they come, until the signal. */
  async *blocks(signal: AbortSignal): AsyncGenerator<Block<Origin>> {
    while (!signal.aborted) {
      yield* this.drain(signal);
      if (this.#offset < this.#spool.end) continue;
      this.endReachedAtMs = steadyNow();
      await this.#spool.changed(signal).catch(() => {});
    }
  }

  /**
   * The same, to where the spool ends now.
   *
   * @param tries to read what cannot be read, one a second: a disk may come back
   * @throws AgentError SPOOL after as many
   */
  async *drain(signal: AbortSignal, tries = Infinity): AsyncGenerator<Block<Origin>> {
    const { end } = this.#spool;
    let failures = 0;
    while (this.#offset < end && !signal.aborted) {
      const window = await this.#fill();
      if (window === undefined) {
        if (++failures >= tries) throw this.#unreadable(end);
        await sleep(RETRY_MS, undefined, { signal }).catch(() => {});
      } else {
        failures = 0;
        const block = this.#frame(window);
        if (block.runs.length > 0) yield block;
      }
    }
  }

  #unreadable(end: number): AgentError {
    const message = `bytes ${this.#offset} to ${end} cannot be read: ${this.error}`;
    const hint = "All else is delivered. What is there is read at the next start.";
    return new AgentError("SPOOL", this.#spool.source.path, message, hint);
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  /** @returns bytes from the next frame on; undefined when they cannot be read, and `error` says why */
  async #fill(): Promise<Buffer | undefined> {
    try {
      const segment = await this.#find();
      if (this.#isDamaged) await this.#passDamage(segment);
      const left = segment.bytes - this.#at;
      // It may grow while it is read.
      this.#windowEnd = segment.end;
      const buffer = this.#buffer.subarray(0, Math.min(left, READ_BYTES));
      const bytesRead = await this.#file!.read(buffer, this.#at);
      this.error = undefined;
      return buffer.subarray(0, bytesRead);
    } catch (error) {
      // A segment that was dropped meanwhile is not there, and the next one is found instead.
      this.error = systemReason(error);
      this.#log.error({ spool: this.#spool.source.path, reason: this.error }, "the spool cannot be read");
      return undefined;
    }
  }

  /** The segment that holds the next byte, opened. */
  async #find(): Promise<Segment> {
    const current = this.#segment;
    if (current && this.#file && !current.isRemoved && this.#frameOffset < current.end) return current;
    const { segments } = this.#spool;
    const next = segments.find(({ end }) => end > this.#offset)!;
    if (next.offset > this.#offset) {
      // The disk may have lost the oldest segment, too: it was if none was removed.
      const reason = this.#spool.dropsOldest ? "overflow" : "unreadable";
      const lines = next.firstLine - (this.#line ?? next.firstLine);
      if (reason === "overflow") this.overtaken = more(this.overtaken, next.offset - this.#offset, lines);
      this.#leaveOut(next.offset, reason, lines);
    }
    if (next !== current || !this.#file) {
      await this.close();
      this.#file = await openSegment(this.#fs, next, this.#spool.segments, this.#log);
      this.#segment = next;
      this.#at = HEAD_BYTES;
      this.#frameOffset = next.offset;
      this.#line = next.firstLine;
      this.#isDamaged = false;
    }
    return next;
  }

  /** Events of one tag that follow one another are one run. */
  #frame(window: Buffer): Block<Origin> {
    const segment = this.#segment!;
    const runs: FramedRun<Origin>[] = [];
    let extent = 0;
    let at = 0;
    while (this.#frameOffset < this.#windowEnd) {
      const frame = decodeFrame(window, at);
      if (frame === "partial" && at > 0) break;
      if (typeof frame === "string" || (frame.kind === "head" && !this.#begin(frame, segment))) {
        this.#isDamaged = true;
        break;
      }
      const isNew = this.#frameOffset + frame.extent > this.#offset;
      if (isNew && frame.kind === "lines") {
        const framed = this.#run(frame, window);
        runs.push(framed);
        extent += framed.run.extent;
      }
      if (isNew && frame.kind === "gap")
        this.#leaveOut(this.#frameOffset + frame.extent, frame.reason, frame.lines);
      this.#frameOffset += frame.extent;
      this.#line! += frame.lines;
      at = frame.next;
    }
    this.#at += at;
    return { runs, extent };
  }

  /** @returns false where the section cannot stand there */
  #begin({ offset, sourceLines }: Frame & { kind: "head" }, segment: Segment): boolean {
    if (offset < this.#frameOffset || offset > segment.end) return false;
    this.#passTo(offset, sourceLines, segment);
    return true;
  }

  /** Whatever can be read after it begins with a head. */
  async #passDamage(segment: Segment): Promise<void> {
    const { bytes, end, firstLine, lines } = segment;
    const head = await findHead(this.#file!, segment.sourceId, this.#at + 1, bytes);
    this.#isDamaged = false;
    this.#at = head ?? bytes;
    if (head === undefined) this.#passTo(end, firstLine + lines, segment);
  }

  /** What was there was whole when it was synced: the disk has lost it since. */
  #passTo(offset: number, line: number, { path }: Segment): void {
    if (offset > this.#offset) {
      // Of those in the part that is lost, as many may be delivered.
      const lines = this.#offset > this.#frameOffset ? 0 : line - this.#line!;
      const bytes = offset - this.#offset;
      this.#log.error({ path, from: this.#offset, bytes, lines }, "a part of the spool cannot be read");
      this.#leaveOut(offset, "unreadable", lines);
    }
    this.#frameOffset = offset;
    this.#line = line;
  }

  /** Those of its events that were not delivered yet: a position may stand between any two. */
  #run({ tag, start, end, extent }: Frame & { kind: "lines" }, bytes: Buffer): FramedRun<Origin> {
    const delivered = this.#offset - this.#frameOffset;
    const run: Run = {
      start: start + delivered,
      end,
      offset: this.#offset,
      extent: extent - delivered,
      gap: this.#gap,
      standing: "line",
    };
    this.#gap = undefined;
    this.#offset += run.extent;
    return { origin: this.#originOf(tag), bytes, run, isEvent: false };
  }

  #leaveOut(to: number, reason: GapReason, lines: number): void {
    const gap = this.#gap;
    const bytes = to - this.#offset;
    if (gap === undefined) this.#gap = { from: this.#offset, reason, lines };
    else if (gap.reason === "earlier-identity")
      this.#gap = { from: this.#offset, reason, lines, before: gap };
    else this.#gap = { ...gap, reason, lines: gap.lines + lines };
    this.#offset = to;
    if (reason === "unreadable") this.lost = more(this.lost, bytes, lines);
    if (reason !== "overflow") return;
    this.dropped = more(this.dropped, bytes, lines);
    this.#log.warn({ spool: this.#spool.source.path, bytes, lines }, "left out: the spool was full");
  }

  #originOf(tag: string): Origin {
    let origin = this.#origins.get(tag);
    if (origin === undefined) {
      if (this.#origins.size >= ORIGINS) this.#origins.clear();
      origin = { source: this.#spool.source, tag, delivery: this.delivery };
      this.#origins.set(tag, origin);
    }
    return origin;
  }
}

function more(before: Amount, bytes: number, lines: number): Amount {
  return { bytes: before.bytes + bytes, lines: before.lines + lines };
}
