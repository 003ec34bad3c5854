import type { Logger } from "pino";
import { setTimeout as sleep } from "node:timers/promises";
import type { Gap, GapReason, Source } from "../../wire/provenance.ts";
import { systemReason } from "../agent-error.ts";
import { Delivery } from "../delivery.ts";
import type { WatchedSource } from "../monitor/watched-source.ts";
import type { ReportedSource } from "../heartbeats.ts";
import type { Origin } from "../producer/aggregator.ts";
import type { Run } from "../tail/line-framer.ts";
import { decodeFrame, type Frame, HEAD_BYTES } from "./frame.ts";
import type { Segment } from "./segments.ts";
import type { Spool } from "./spool.ts";
import type { DurableFile, DurableFs } from "../durable-fs.ts";

/** Room for the longest event. */
const READ_BYTES = 2 ** 20;
const RETRY_MS = 1_000;
/** Origins that are kept for tags to come again. */
const ORIGINS = 1_000;

/** Events to send, those of one tag that follow one another together. They are good only until the next are asked for. */
export interface SpoolBlock {
  readonly window: Buffer;
  readonly runs: readonly { readonly origin: Origin; readonly run: Run }[];
}

/** Reads what a spool has on disk, in its order, from where it was delivered to. */
export class SpoolReader implements ReportedSource, WatchedSource {
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
  dropped = { bytes: 0, lines: 0 };
  /** Of which the oldest, that were on disk before. */
  overtaken = { bytes: 0, lines: 0 };
  readonly #spool: Spool;
  readonly #fs: DurableFs;
  readonly #log: Logger;
  readonly #buffer = Buffer.allocUnsafe(READ_BYTES);
  readonly #origins = new Map<string, Origin>();
  #segment: Segment | undefined;
  #file: DurableFile | undefined;
  /** Where the next frame stands in the segment's file, in the source, and among the spool's lines. */
  #at = 0;
  #frameOffset = 0;
  #line: number | undefined;

  /** @param from end of what is delivered; 0 where that is unknown */
  constructor(spool: Spool, from: number, fs: DurableFs, log: Logger) {
    this.#spool = spool;
    this.#fs = fs;
    this.#log = log;
    this.#offset = from;
    this.delivery = new Delivery({ offset: from, standing: "line", gap: undefined });
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

  /** Of those that the spool has had since it was opened, as many were read or left out. */
  get lines(): number {
    return this.#line ?? 0;
  }

  get gap(): Gap | undefined {
    return this.#gap;
  }

  /** Blocks of events as they come, until the signal. */
  async *blocks(signal: AbortSignal): AsyncGenerator<SpoolBlock> {
    while (!signal.aborted) {
      yield* this.drain(signal);
      if (this.#offset < this.#spool.end) continue;
      this.endReachedAtMs = Date.now();
      await this.#spool.changed(signal).catch(() => {});
    }
  }

  /** The same, to where the spool ends now. */
  async *drain(signal: AbortSignal): AsyncGenerator<SpoolBlock> {
    const { end } = this.#spool;
    while (this.#offset < end && !signal.aborted) {
      const window = await this.#fill();
      if (window === undefined) await sleep(RETRY_MS, undefined, { signal }).catch(() => {});
      else {
        const runs = this.#frame(window);
        if (runs.length > 0) yield { window, runs };
      }
    }
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
      const left = segment.bytes - this.#at;
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
      // Segments are removed from the front only; a hole elsewhere was made by the disk.
      const reason = next === segments[0] ? "overflow" : "unreadable";
      const lines = next.firstLine - (this.#line ?? next.firstLine);
      if (reason === "overflow") {
        const bytes = next.offset - this.#offset;
        this.overtaken = { bytes: this.overtaken.bytes + bytes, lines: this.overtaken.lines + lines };
      }
      this.#leaveOut(next.offset, reason, lines);
    }
    if (next !== current || !this.#file) {
      await this.close();
      this.#file = await this.#fs.open(next.path);
      this.#segment = next;
      this.#at = HEAD_BYTES;
      this.#frameOffset = next.offset;
      this.#line = next.firstLine;
    }
    return next;
  }

  #frame(window: Buffer): SpoolBlock["runs"] {
    const segment = this.#segment!;
    const runs: { origin: Origin; run: Run }[] = [];
    let at = 0;
    while (this.#frameOffset < segment.end) {
      const frame = decodeFrame(window, at);
      if (frame === "partial" && at > 0) break;
      if (typeof frame === "string") {
        this.#skipRest(segment);
        return runs;
      }
      const isNew = this.#frameOffset + frame.extent > this.#offset;
      if (isNew && frame.kind === "lines") runs.push(this.#run(frame));
      if (isNew && frame.kind === "gap")
        this.#leaveOut(this.#frameOffset + frame.extent, frame.reason, frame.lines);
      this.#frameOffset += frame.extent;
      this.#line! += frame.lines;
      at = frame.next;
    }
    this.#at += at;
    return runs;
  }

  /** A frame was whole when it was synced or recovered: the disk has lost it since. */
  #skipRest(segment: Segment): void {
    this.#log.error({ path: segment.path, at: this.#at }, "a frame of the spool is corrupt");
    this.#leaveOut(segment.end, "unreadable", 0);
    this.#at = segment.bytes;
    this.#frameOffset = segment.end;
    this.#line = segment.firstLine + segment.lines;
  }

  /** Those of its events that were not delivered yet: a position may stand between any two. */
  #run({ tag, start, end, extent }: Frame & { kind: "lines" }) {
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
    return { origin: this.#originOf(tag), run };
  }

  #leaveOut(to: number, reason: GapReason, lines: number): void {
    const before = this.#gap;
    this.#gap = { from: before?.from ?? this.#offset, reason, lines: (before?.lines ?? 0) + lines };
    if (reason === "overflow") {
      const bytes = to - this.#offset;
      this.dropped = { bytes: this.dropped.bytes + bytes, lines: this.dropped.lines + lines };
      this.#log.warn({ spool: this.#spool.source.path, bytes, lines }, "left out: the spool was full");
    }
    this.#offset = to;
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
