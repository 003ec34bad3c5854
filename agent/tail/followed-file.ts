import { type FileHandle, open } from "node:fs/promises";
import type { Gap, Source } from "../../wire/provenance.ts";
import { systemReason } from "../agent-error.ts";
import { Delivery } from "../delivery.ts";
import { type FileIdentity, identify, sameFile, sourceId } from "./file-identity.ts";
import { type Guard, guardAfter, stillHolds } from "./guard.ts";
import { HEAD, type Line, LineFramer, type Resume, type Run } from "./line-framer.ts";
import { type Sighting, sight } from "./sighting.ts";

/** What a checkpoint keeps of a followed file, but for its position. */
export interface FileRecord {
  readonly source: Source;
  readonly tag: string;
  readonly file: FileIdentity;
  readonly generation: number;
  /** Path at which it was last seen; the source's path is the one it was first read under. */
  readonly location: string;
  readonly hasEnded: boolean;
  readonly guard: Guard | undefined;
}

/** Bytes to frame. They are good only until the next ones are asked for. */
export interface Block {
  readonly file: FollowedFile;
  readonly window: Buffer;
  /** The source ends with them. */
  readonly isEnd: boolean;
}

/** What looking at a file found: it moved away from its location, or it is shorter than what was read. */
export type Finding = "here" | "moved" | "truncated";

/** One generation of one file: where it is, how far it is read, how far it is delivered. */
export class FollowedFile {
  readonly source: Source;
  readonly tag: string;
  readonly maxLineBytes: number;
  readonly file: FileIdentity;
  readonly generation: number;
  readonly delivery: Delivery;
  location: string;
  /** Ended: read to its end, and not expected to grow. Lost: closed, and gone from where it was. */
  phase: "active" | "rotated" | "ended" | "lost";
  error: string | undefined;
  /** Bytes it held when it was last looked at. */
  size: number;
  /** When it last grew, or was first seen. */
  changedAtMs: number;
  /** When a search last found it. */
  seenAtMs: number;
  endReachedAtMs: number | undefined;
  readonly #framer: LineFramer;
  #seenTo: number;
  #handle: FileHandle | undefined;
  #guard: Guard | undefined;
  /** Since it last grew, the bytes before were found to be those that were read. */
  #isVerified = false;

  constructor(record: FileRecord, resume: Resume, maxLineBytes: number, nowMs: number) {
    this.source = record.source;
    this.tag = record.tag;
    this.maxLineBytes = maxLineBytes;
    this.file = record.file;
    this.generation = record.generation;
    this.location = record.location;
    this.phase = record.hasEnded ? "ended" : record.location === record.source.path ? "active" : "rotated";
    this.delivery = new Delivery(resume);
    this.size = resume.offset;
    this.changedAtMs = nowMs;
    this.seenAtMs = nowMs;
    this.#framer = new LineFramer(maxLineBytes, resume);
    this.#seenTo = resume.offset;
    this.#guard = record.guard;
  }

  get record(): FileRecord {
    const { source, tag, file, generation, location } = this;
    return { source, tag, file, generation, location, hasEnded: this.phase === "ended", guard: this.#guard };
  }

  /** Bytes framed into lines, or left out. */
  get read(): number {
    return this.#framer.offset;
  }

  get gap(): Gap | undefined {
    return this.#framer.gap;
  }

  get isOpen(): boolean {
    return this.#handle !== undefined;
  }

  /** Every byte there is was looked at; a line that has only begun may be left. */
  get isAtEnd(): boolean {
    return this.#seenTo >= this.size;
  }

  get hasPartialLine(): boolean {
    return this.#framer.offset < this.#seenTo;
  }

  /** Learns from a search where the file is now. */
  seen({ path, size }: Sighting, nowMs: number): void {
    this.seenAtMs = nowMs;
    this.location = path;
    if (this.phase === "ended" && size === this.#seenTo) return;
    if (this.phase === "lost") this.error = undefined;
    this.phase = path === this.source.path ? "active" : "rotated";
    this.#measure(size, nowMs);
  }

  /** Looks how long the file is by now, wherever it is. */
  async look(nowMs: number): Promise<Finding> {
    const found = this.phase === "rotated" && this.#handle ? undefined : await sight(this.location);
    if (found && sameFile(found.file, this.file)) return this.#measure(found.size, nowMs);
    const hasMoved = this.phase === "active" || !this.#handle;
    this.phase = "rotated";
    if (!this.#handle) return "moved";
    try {
      const finding = this.#measure((await this.#handle.stat()).size, nowMs);
      return finding === "here" && hasMoved ? "moved" : finding;
    } catch (error) {
      this.error = systemReason(error);
      return "here";
    }
  }

  #measure(size: number, nowMs: number): Finding {
    if (size < this.#seenTo) return "truncated";
    if (size !== this.size) {
      this.changedAtMs = nowMs;
      this.#isVerified = false;
    }
    this.size = size;
    if (this.isAtEnd) this.endReachedAtMs = nowMs;
    return "here";
  }

  /**
   * Fills the buffer from the first byte that is not framed yet.
   *
   * @returns "truncated" when the bytes before are not those that were read; undefined when nothing
   *   can be read, and `error` says why where that is one
   */
  async fill(buffer: Buffer): Promise<Buffer | "truncated" | undefined> {
    try {
      this.#handle ??= await this.#open();
      this.#isVerified ||= this.#guard === undefined || (await stillHolds(this.#guard, this.#handle));
      if (!this.#isVerified) {
        this.size = this.#seenTo;
        return "truncated";
      }
      const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, this.#framer.offset);
      this.error = undefined;
      return bytesRead > 0 ? buffer.subarray(0, bytesRead) : undefined;
    } catch (error) {
      this.error = systemReason(error);
      return undefined;
    }
  }

  async #open(): Promise<FileHandle> {
    const handle = await open(this.location);
    if (sameFile(identify(await handle.stat({ bigint: true })), this.file)) return handle;
    await handle.close();
    throw new Error(`${this.location} was replaced while it was being opened`);
  }

  /** True when it holds more, or less, than it did at the last look. */
  async hasChanged(): Promise<boolean> {
    return (await this.#handle?.stat())?.size !== this.size;
  }

  /** Cuts what `fill` gave into lines. */
  frame(window: Buffer, isEnd: boolean, emit: (line: Line) => void): void {
    this.#saw(window);
    this.#framer.frame(window, isEnd, emit);
  }

  /** The same, for whoever has no use for each line. */
  frameRuns(window: Buffer, isEnd: boolean, emit: (run: Run) => void): void {
    this.#saw(window);
    this.#framer.frameRuns(window, isEnd, emit);
  }

  #saw(window: Buffer): void {
    this.#guard = guardAfter(this.#guard, window, this.#framer.offset);
    this.#seenTo = Math.max(this.#seenTo, this.#guard.end);
    this.size = Math.max(this.size, this.#seenTo);
  }

  /** Goes on with the handle of one that stands for the same file. */
  takeOver(before: FollowedFile): void {
    this.#handle = before.#handle;
    before.#handle = undefined;
  }

  async end(): Promise<void> {
    this.phase = "ended";
    await this.close();
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  /** The bytes that begin where this generation was cut off. */
  nextGeneration(nowMs: number): FollowedFile {
    const generation = this.generation + 1;
    const id = sourceId(this.source.host, this.file, generation, nowMs);
    const source = { ...this.source, id };
    const record = { ...this.record, source, generation, hasEnded: false, guard: undefined };
    const next = new FollowedFile(record, HEAD, this.maxLineBytes, nowMs);
    next.#handle = this.#handle;
    this.#handle = undefined;
    return next;
  }
}
