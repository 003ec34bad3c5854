import type { Gap, Source } from "../../../wire/provenance.ts";
import { systemReason } from "../../agent-error.ts";
import type { Delivery } from "../../kinesis/delivery.ts";
import type { Block, FramedRun } from "../../framing/block.ts";
import type { Unpacked } from "./compressed-file.ts";
import { type FileIdentity, sourceId } from "../disk/file-identity.ts";
import { type FileRecord, newRecord } from "./file-record.ts";
import type { Verified } from "../fingerprint/fingerprint.ts";
import { FileFingerprint } from "../fingerprint/file-fingerprint.ts";
import { HEAD, type Resume } from "../../framing/line-framer.ts";
import { ReadLimit } from "./read-limit.ts";
import { ReadPosition } from "./read-position.ts";
import type { Reading } from "./reading.ts";
import type { FileStat } from "../disk/file-stat.ts";
import { FileLocation } from "./file-location.ts";

/** Bytes that were read and are to be framed. They are good only until the next ones are read. */
export interface Unframed {
  readonly window: Buffer;
  /** The source ends with them, or a line is to end there. */
  readonly isEnd: boolean;
}

/** What looking at a file found: it moved away from its location, or it is shorter than what was read. */
export type Finding = "here" | "moved" | "truncated";

/** One generation of one file: where it is, what its bytes are known to be, how far they are read. */
export class FollowedFile {
  source: Source;
  readonly reading: Reading;
  readonly generation: number;
  readonly #salt: string | undefined;
  readonly place: FileLocation;
  readonly known: FileFingerprint;
  readonly position: ReadPosition;
  readonly limit: ReadLimit | undefined;
  /** Ended: read to its end, and not expected to grow. Lost: closed, and gone from where it was. */
  phase: "active" | "rotated" | "ended" | "lost";
  error: string | undefined;
  /** Since when no byte of it can be read. */
  unreadableSinceMs: number | undefined;
  /** Why it is looked at again and again; undefined while the kernel tells of changes. */
  whyPolled: string | undefined;
  /** Bytes it held when it was last looked at. */
  size: number;
  /** When it last grew, or was first seen. */
  changedAtMs: number;
  /** Since when one that has ended or was lost is not found; undefined while it is. */
  goneAtMs: number | undefined;
  /** It has no name left by which it could be found. */
  isUnlinked = false;
  endReachedAtMs: number | undefined;
  isNamed: boolean;
  /** Its bytes were truncated away, or written over. */
  isCutOff = false;
  /** It is looked for in what rotation may have made of it. */
  isMissing = false;
  /** When it was first found to be cut off or not at its path, by the clock that files are stamped with. */
  missedAtMs: number | undefined;
  #mtimeNs: string | undefined;

  constructor(record: FileRecord, resume: Resume, reading: Reading, nowMs: number) {
    this.source = record.source;
    this.reading = reading;
    this.generation = record.generation;
    this.#salt = record.salt;
    this.isNamed = record.isNamed;
    this.phase = record.hasEnded ? "ended" : record.location === record.source.path ? "active" : "rotated";
    this.size = resume.offset;
    this.changedAtMs = nowMs;
    // The clock may have been ahead.
    this.goneAtMs = record.goneAtMs && Math.min(record.goneAtMs, nowMs);
    this.place = new FileLocation(record.file, record.location, record.unpacked);
    this.known = new FileFingerprint(record);
    this.position = new ReadPosition(reading.filter, resume, record.breaks);
    const { bytesPerSecond } = reading;
    this.limit = bytesPerSecond === undefined ? undefined : new ReadLimit(bytesPerSecond, nowMs);
  }

  get record(): FileRecord {
    const { source, tag, file, generation, isNamed, location, known, position } = this;
    // What is read and not delivered has to be read again after a crash.
    const hasEnded = this.phase === "ended" && position.resume.offset >= position.read;
    const record = { source, tag, file, generation, isNamed, location, hasEnded, goneAtMs: this.goneAtMs };
    const { unpacked } = this.place;
    const { breaks } = position;
    return { ...record, ...known.fingerprint, verified: known.verified, unpacked, breaks, salt: this.#salt };
  }

  get tag(): string {
    return this.reading.tag;
  }

  get file(): FileIdentity {
    return this.place.file;
  }

  get location(): string {
    return this.place.path;
  }

  get isOpen(): boolean {
    return this.place.isOpen;
  }

  /** Bytes framed into lines, or left out. */
  get read(): number {
    return this.position.read;
  }

  get delivery(): Delivery {
    return this.position.delivery;
  }

  get gap(): Gap | undefined {
    return this.position.gap;
  }

  /** Every byte there is was looked at; a line that has only begun may be left. */
  get isAtEnd(): boolean {
    return this.position.seenTo >= this.size;
  }

  /** Bytes a second, while it waits for nothing but its limit. */
  get limitedTo(): number | undefined {
    return this.limit?.isWaiting && !this.isAtEnd ? this.limit.bytesPerSecond : undefined;
  }

  /** What the last look found; undefined before the first. */
  get looked(): Verified | undefined {
    return this.#mtimeNs === undefined ? undefined : { size: this.size, mtimeNs: this.#mtimeNs };
  }

  /** Something has to be found out before it is read on. */
  get isUnknown(): boolean {
    return !this.known.isVerifiedAt(this.size, this.#mtimeNs);
  }

  /** Nothing more is expected of it. */
  get isOver(): boolean {
    return this.phase === "ended" || this.phase === "lost";
  }

  /** As long as nothing happens to it, there is nothing to do with it, however much time passes. */
  get isAtRest(): boolean {
    if (this.isOver) return true;
    return this.phase === "active" && this.isAtEnd && !this.isUnknown && !this.position.hasPartialLine;
  }

  /** Learns from a search where the file is now. */
  seen({ path, size: found, mtimeNs }: FileStat, nowMs: number): void {
    const { unpacked } = this.place;
    const size = unpacked?.bytes ?? found;
    this.goneAtMs = undefined;
    this.missedAtMs = undefined;
    this.isUnlinked = false;
    this.place.path = path;
    const { seenTo } = this.position;
    if (this.phase === "ended" && size === seenTo && mtimeNs === this.known.verified?.mtimeNs) return;
    // More cannot be read of it.
    if (this.phase === "lost" && unpacked?.damage !== undefined) return;
    if (this.phase === "lost") this.error = undefined;
    this.phase = path === this.source.path ? "active" : "rotated";
    this.#measure(size, mtimeNs, nowMs);
  }

  /** Goes on in another file that begins with all that was read of this one. */
  async rehome(found: FileStat, nowMs: number, unpacked?: Unpacked): Promise<void> {
    await this.place.close();
    this.place.file = found.file;
    this.place.unpacked = unpacked;
    this.isCutOff = false;
    this.error = undefined;
    this.phase = "rotated";
    this.seen(found, nowMs);
  }

  /** Looks how long the file is by now, wherever it is. */
  async look(nowMs: number): Promise<Finding> {
    if (this.isOver) return this.#lookAgain(nowMs);
    const found = this.phase === "rotated" && this.isOpen ? undefined : await this.place.atPath();
    if (found) {
      this.goneAtMs = undefined;
      this.missedAtMs = undefined;
      return this.#measure(found.size, found.mtimeNs, nowMs);
    }
    const hasMoved = this.phase === "active" || !this.isOpen;
    this.phase = "rotated";
    this.missedAtMs ??= Date.now();
    if (!this.isOpen) return "moved";
    try {
      const { size, mtimeNs, names } = await this.place.atHandle();
      this.isUnlinked = names === 0;
      const finding = this.#measure(size, mtimeNs, nowMs);
      return finding === "here" && hasMoved ? "moved" : finding;
    } catch (error) {
      this.error = systemReason(error);
      return "here";
    }
  }

  /** Nothing more is missing when it is gone. */
  async #lookAgain(nowMs: number): Promise<Finding> {
    const found = await this.place.atPath();
    if (found) this.seen(found, nowMs);
    else this.goneAtMs ??= nowMs;
    return "here";
  }

  #measure(size: number, mtimeNs: string, nowMs: number): Finding {
    if (size < this.position.seenTo) return "truncated";
    if (size !== this.size) this.changedAtMs = nowMs;
    this.size = size;
    this.#mtimeNs = mtimeNs;
    if (this.isAtEnd) this.endReachedAtMs = nowMs;
    return "here";
  }

  /** @param line its first, which makes its id that of these very bytes */
  name(line: Buffer, nowMs: number): void {
    const { host } = this.source;
    const id = sourceId(host, this.file, this.generation, line, nowMs, this.#salt);
    this.source = { ...this.source, id };
    this.isNamed = true;
  }

  /** Cuts what `fill` read into lines. */
  frame({ window, isEnd }: Unframed): Block<FollowedFile> {
    const from = this.read;
    this.known.add(window, from);
    const runs: FramedRun<FollowedFile>[] = [];
    this.position.frame(window, isEnd, (run, bytes, isEvent) =>
      runs.push({ origin: this, bytes, run, isEvent }),
    );
    const extent = this.read - from;
    this.limit?.took(window.length, extent);
    this.size = Math.max(this.size, this.position.seenTo);
    return { runs, extent };
  }

  async end(): Promise<void> {
    this.phase = "ended";
    await this.place.close();
  }

  /** Leaves out what is nowhere any more, up to a size. @returns how many bytes that are */
  abandon(size: number): number {
    const lost = size - this.read;
    if (lost > 0) this.position.leaveOutTo(size);
    this.size = Math.max(this.size, size);
    return Math.max(0, lost);
  }

  /** The bytes that begin where this generation was cut off, or that took its inode. */
  nextGeneration(path: string, reading: Reading, nowMs: number): FollowedFile {
    const found = { file: this.file, path: this.location };
    const { host } = this.source;
    const record = newRecord(found, path, host, reading.tag, this.generation + 1, nowMs, this.#salt);
    const next = new FollowedFile(record, HEAD, reading, nowMs);
    next.place.takeOver(this.place);
    return next;
  }
}
