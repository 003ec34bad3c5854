import { dirname } from "node:path";
import type { Gap, Source } from "../../wire/provenance.ts";
import { systemReason } from "../agent-error.ts";
import { Delivery } from "../delivery.ts";
import type { Emit, LineFilter } from "../filter/line-filter.ts";
import { type FileIdentity, sameFile, sourceId } from "./file-identity.ts";
import { type FileRecord, newRecord } from "./file-record.ts";
import type { Fingerprint } from "./fingerprint.ts";
import { agrees, firstLine, isUtf16, readHead } from "./header.ts";
import { KnownBytes } from "./known-bytes.ts";
import { HEAD, LineFramer, type Resume, type Run } from "./line-framer.ts";
import { OpenFile } from "./open-file.ts";
import { isLocal } from "./file-system.ts";
import { isLink, type Sighting, sight, sightAtOnce } from "./sighting.ts";

/** How the lines of a file are read. */
export interface Reading {
  readonly tag: string;
  readonly filter: LineFilter;
  /** The last event of several lines has ended after this long without growth. */
  readonly multiLineIdleMs: number | undefined;
}

/** Take what framing gives: lines one by one, or runs of them where nothing is done with each. */
export interface Emitters {
  readonly line: Emit;
  readonly run: (run: Run) => void;
}

/** Bytes to frame. They are good only until the next ones are asked for. */
export interface Block {
  readonly file: FollowedFile;
  readonly window: Buffer;
  /** The source ends with them, or a line is to end there. */
  readonly isEnd: boolean;
}

/** What looking at a file found: it moved away from its location, or it is shorter than what was read. */
export type Finding = "here" | "moved" | "truncated";

/**
 * What verifying a file found: its bytes are those that were read; more of them is known of it now, to
 * be written down before any is sent; or they are others.
 */
export type Verification = "same" | "learned" | "truncated" | "unreadable";

export interface Filled {
  readonly found: Verification;
  /** Not there when there is nothing to read, or nothing that is certain to be of this source. */
  readonly block: Block | undefined;
}

const NOTHING = Buffer.alloc(0);

/** One generation of one file: where it is, how far it is read, how far it is delivered. */
export class FollowedFile {
  source: Source;
  readonly reading: Reading;
  file: FileIdentity;
  readonly generation: number;
  readonly delivery: Delivery;
  location: string;
  /** Ended: read to its end, and not expected to grow. Lost: closed, and gone from where it was. */
  phase: "active" | "rotated" | "ended" | "lost";
  error: string | undefined;
  /** Why it is looked at again and again; undefined while the kernel tells of changes. */
  whyPolled: string | undefined;
  /** By another name, of which nothing is known here, it may change unnoticed. */
  hasOtherNames = false;
  /** Bytes it held when it was last looked at. */
  size: number;
  /** When it last grew, or was first seen. */
  changedAtMs: number;
  /** When a search last found it. */
  seenAtMs: number;
  endReachedAtMs: number | undefined;
  isNamed: boolean;
  /** Its bytes were truncated away, or written over. */
  isCutOff = false;
  readonly #framer: LineFramer;
  readonly #breaks: number[];
  #seenTo: number;
  #mtimeNs = "";
  #open: OpenFile | undefined;
  /** Of its location; undefined while that is not known. */
  #isLocal: boolean | undefined;
  #isLink = false;
  readonly #known: KnownBytes;

  constructor(record: FileRecord, resume: Resume, reading: Reading, nowMs: number) {
    this.source = record.source;
    this.reading = reading;
    this.file = record.file;
    this.generation = record.generation;
    this.isNamed = record.isNamed;
    this.location = record.location;
    this.phase = record.hasEnded ? "ended" : record.location === record.source.path ? "active" : "rotated";
    this.delivery = new Delivery(resume);
    this.size = resume.offset;
    this.changedAtMs = nowMs;
    this.seenAtMs = nowMs;
    this.#framer = new LineFramer(reading.filter.framing, resume);
    this.#breaks = [...record.breaks];
    this.#seenTo = resume.offset;
    this.#known = new KnownBytes(record);
  }

  get tag(): string {
    return this.reading.tag;
  }

  get record(): FileRecord {
    const { source, tag, file, generation, isNamed, location } = this;
    const breaks = this.#breaks.filter((offset) => offset > this.resume.offset);
    // What is read and not delivered has to be read again after a crash.
    const hasEnded = this.phase === "ended" && this.resume.offset >= this.read;
    const known = { source, tag, file, generation, isNamed, location, hasEnded };
    return { ...known, ...this.fingerprint, verified: this.#known.verified, breaks };
  }

  get fingerprint(): Fingerprint {
    return this.#known.fingerprint;
  }

  /**
   * Where the next agent goes on: after what is delivered, and after what was left out since. A gap
   * begins where the last line that was sent ends; once that is delivered, so is all before the gap.
   */
  get resume(): Resume {
    const delivered = this.delivery.resume;
    const reached = this.#framer.resume;
    const isAllDelivered = reached.gap?.from === (delivered.gap?.from ?? delivered.offset);
    return isAllDelivered ? reached : delivered;
  }

  /** Bytes framed into lines, or left out. */
  get read(): number {
    return this.#framer.offset;
  }

  get gap(): Gap | undefined {
    return this.#framer.gap;
  }

  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** Every byte there is was looked at; a line that has only begun may be left. */
  get isAtEnd(): boolean {
    return this.#seenTo >= this.size;
  }

  get hasPartialLine(): boolean {
    return this.#framer.offset < this.#seenTo;
  }

  /** Its last byte ends a line, so that an event of several lines may end with it. */
  get endsWithLine(): boolean {
    return this.#known.endsWithLine;
  }

  /** Something has to be found out before it is read on. */
  get isUnknown(): boolean {
    return !this.#known.isVerifiedAt(this.size, this.#mtimeNs);
  }

  /** A line is to end at an offset that is not framed yet. */
  get nextBreak(): number | undefined {
    return this.#breaks.find((offset) => offset > this.#framer.offset);
  }

  /** Learns from a search where the file is now. */
  seen({ path, size, mtimeNs }: Sighting, nowMs: number): void {
    this.seenAtMs = nowMs;
    if (path !== this.location) this.#isLocal = undefined;
    this.location = path;
    if (this.phase === "ended" && size === this.#seenTo && mtimeNs === this.#known.verified?.mtimeNs) return;
    if (this.phase === "lost") this.error = undefined;
    this.phase = path === this.source.path ? "active" : "rotated";
    this.#measure(size, mtimeNs, nowMs);
  }

  /** Goes on in another file that begins with all that was read of this one. */
  async rehome(found: Sighting, nowMs: number): Promise<void> {
    await this.close();
    this.file = found.file;
    this.error = undefined;
    this.phase = "rotated";
    this.seen(found, nowMs);
  }

  /** True when it is where it was last seen. */
  async isThere(): Promise<boolean> {
    const here = await sight(this.location);
    return here !== undefined && sameFile(here.file, this.file);
  }

  /** Looks how long the file is by now, wherever it is. */
  async look(nowMs: number): Promise<Finding> {
    const found = this.phase === "rotated" && this.#open ? undefined : await this.#sight();
    if (found && sameFile(found.file, this.file)) return this.#measure(found.size, found.mtimeNs, nowMs);
    const hasMoved = this.phase === "active" || !this.#open;
    this.phase = "rotated";
    if (!this.#open) return "moved";
    try {
      const { size, mtimeNs } = await this.#open.sight(this.location);
      const finding = this.#measure(size, mtimeNs, nowMs);
      return finding === "here" && hasMoved ? "moved" : finding;
    } catch (error) {
      this.error = systemReason(error);
      return "here";
    }
  }

  async #sight(): Promise<Sighting | undefined> {
    if (this.#isLocal === undefined) {
      this.#isLocal = isLocal(dirname(this.location));
      this.#isLink = await isLink(this.location);
    }
    const found = this.#isLocal ? sightAtOnce(this.location) : await sight(this.location);
    this.hasOtherNames = this.#isLink || (found?.names ?? 1) > 1;
    return found;
  }

  #measure(size: number, mtimeNs: string, nowMs: number): Finding {
    if (size < this.#seenTo) return "truncated";
    if (size !== this.size) this.changedAtMs = nowMs;
    this.size = size;
    this.#mtimeNs = mtimeNs;
    if (this.isAtEnd) this.endReachedAtMs = nowMs;
    return "here";
  }

  /** Makes sure that the bytes before the position are those that were read, and learns what it can. */
  async verify(nowMs: number): Promise<Verification> {
    try {
      return await this.#verify(await this.#opened(), NOTHING, nowMs);
    } catch (error) {
      this.error = systemReason(error);
      return "unreadable";
    }
  }

  /** @param window what was just read after the position */
  async #verify(open: OpenFile, window: Buffer, nowMs: number): Promise<Verification> {
    const at = { size: this.size, mtimeNs: this.#mtimeNs };
    const head = await readHead(open);
    let comparison = await this.#known.compare(head, open);
    if (!agrees(head, window, this.read)) comparison = "other";
    if (comparison === "other") {
      this.size = this.#seenTo;
      // What was not read yet may have changed as it liked.
      return this.#known.fingerprint.header.bytes > 0 ? "truncated" : "unreadable";
    }
    if (this.read === 0 && isUtf16(head)) throw new Error("UTF-16 is not read: its lines cannot be told");
    this.#known.verifiedAt(at);
    this.error = undefined;
    return comparison === "same" && this.#learn(head, nowMs) ? "learned" : "same";
  }

  #learn(head: Buffer, nowMs: number): boolean {
    const { maxLineBytes } = this.reading.filter.framing;
    const first = this.isNamed ? undefined : firstLine(head, maxLineBytes);
    if (first !== undefined) this.#name(first, nowMs);
    return this.#known.learn(head) || first !== undefined;
  }

  #name(line: Buffer, nowMs: number): void {
    const { host } = this.source;
    this.source = { ...this.source, id: sourceId(host, this.file, this.generation, line, nowMs) };
    this.isNamed = true;
  }

  /**
   * Lets a line end where the file ends now. What time decides is decided once: it is to be written down
   * before the line is sent, lest another agent, reading the line grown longer, gives it the same identity.
   *
   * @returns false when that cannot be now
   */
  async breakHere(nowMs: number): Promise<boolean> {
    try {
      const open = await this.#opened();
      if ((await open.sight(this.location)).size !== this.size) return false;
      if (!this.isNamed) this.#name(await readHead(open), nowMs);
      this.#breaks.push(this.#seenTo);
      return true;
    } catch (error) {
      this.error = systemReason(error);
      return false;
    }
  }

  /**
   * Fills the buffer from the first byte that is not framed yet, and verifies the file after that: what
   * was read before then is of the file that is known, though it be truncated in the next moment.
   *
   * @returns no block when nothing can be read, and `error` says why where that is one
   */
  async fill(buffer: Buffer, nowMs: number): Promise<Filled> {
    const offset = this.#framer.offset;
    const end = this.nextBreak;
    try {
      const room = Math.min(buffer.length, end === undefined ? buffer.length : end - offset);
      const open = await this.#opened();
      const window = buffer.subarray(0, await open.readAt(buffer.subarray(0, room), offset));
      const found = await this.#verify(open, window, nowMs);
      const isGood = window.length > 0 && (found === "same" || found === "learned");
      const block = isGood ? { file: this, window, isEnd: offset + window.length === end } : undefined;
      return { found, block };
    } catch (error) {
      this.error = systemReason(error);
      return { found: "unreadable", block: undefined };
    }
  }

  async #opened(): Promise<OpenFile> {
    this.#open ??= await OpenFile.open(this.location, this.file);
    if (this.#open) return this.#open;
    throw new Error(`${this.location} was replaced while it was being opened`);
  }

  /** Cuts what `fill` gave into lines. */
  frame(window: Buffer, isEnd: boolean, emit: Emitters): void {
    const { filter } = this.reading;
    this.#seenTo = Math.max(this.#seenTo, this.#known.add(window, this.#framer.offset));
    this.size = Math.max(this.size, this.#seenTo);
    if (filter.isPlain) {
      this.#framer.frameRuns(window, isEnd, emit.run);
    } else {
      filter.takeWindow();
      this.#framer.frame(window, isEnd, filter.masked(window, emit.line));
    }
  }

  /** Goes on with the handle of one that stands for the same file. */
  takeOver(before: FollowedFile): void {
    this.#open = before.#open;
    before.#open = undefined;
  }

  async end(): Promise<void> {
    this.phase = "ended";
    await this.close();
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.close();
  }

  /** The bytes that begin where this generation was cut off, or that took its inode. */
  nextGeneration(path: string, reading: Reading, nowMs: number): FollowedFile {
    const { file, location, source } = this;
    const found = { file, path: location };
    const record = newRecord(found, path, source.host, reading.tag, this.generation + 1, nowMs);
    const next = new FollowedFile(record, HEAD, reading, nowMs);
    next.#open = this.#open;
    this.#open = undefined;
    return next;
  }
}
