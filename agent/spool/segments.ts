import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import type { Logger } from "pino";
import type { DurableFile, DurableFs } from "../durable-fs.ts";
import { Quarantine } from "./quarantine.ts";
import { assertVersion, decodeHead, encodeHead, HEAD_BYTES, type SectionHead } from "./section-head.ts";
import { type Extent, scanSegment } from "./segment-scan.ts";

const NAME = /^(\d{12})\.(spool|torn|corrupt)$/;

/** A stretch of the source in a file of its own. It holds the source's bytes [offset, end). */
export interface Segment {
  readonly path: string;
  readonly offset: number;
  end: number;
  /** Lines of the source before it. */
  readonly firstLine: number;
  lines: number;
  /** Of the file, up to the last frame that is synced. What may come after is none of it. */
  bytes: number;
  isRemoved: boolean;
}

export interface OpenSegment extends Segment {
  readonly file: DurableFile;
}

/** How far a spool was delivered, and how far it was on disk then, by the checkpoint. */
export interface SpoolPosition {
  readonly sourceId: string;
  readonly offset: number;
  /** Undefined where the checkpoint does not say. */
  readonly end?: number | undefined;
}

interface Candidate extends SectionHead {
  readonly path: string;
}

/**
 * The segments of a spool, oldest first, in one directory. One that was recovered is never written
 * to again: its torn tail, if it has one, ends where its successor begins, so nothing is truncated.
 * The last one is never removed: it remembers the source and how far it goes.
 *
 * Each ends where the next one begins. What cannot be read of it was lost by the disk: the next one was made
 * once all before it was synced.
 */
export class Segments {
  readonly #fs: DurableFs;
  readonly #directory: string;
  readonly #log: Logger;
  readonly #quarantine: Quarantine;
  readonly #list: Segment[] = [];
  #number = 0;
  #sourceId = "";

  private constructor(fs: DurableFs, directory: string, log: Logger) {
    this.#fs = fs;
    this.#directory = directory;
    this.#log = log;
    this.#quarantine = new Quarantine(fs, directory, log);
  }

  get quarantined(): number {
    return this.#quarantine.found;
  }

  get sourceId(): string {
    return this.#sourceId;
  }

  get list(): readonly Segment[] {
    return this.#list;
  }

  /** Offset at which the next segment begins. */
  get end(): number {
    return this.#list.at(-1)?.end ?? 0;
  }

  /** Of the source, all of them. */
  get lines(): number {
    const last = this.#list.at(-1);
    return last === undefined ? 0 : last.firstLine + last.lines;
  }

  get bytes(): number {
    return this.#list.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /**
   * Reads what is there, checking every frame. A torn tail is set aside.
   *
   * @param position undefined where no checkpoint knows of the spool
   */
  static async recover(
    fs: DurableFs,
    directory: string,
    position: SpoolPosition | undefined,
    log: Logger,
  ): Promise<Segments> {
    const segments = new Segments(fs, directory, log);
    await fs.makeDirectory(directory);
    await fs.syncDirectory(dirname(directory));
    await segments.#recover();
    if (position) await segments.#reachTo(position);
    return segments;
  }

  async #recover(): Promise<void> {
    const candidates: Candidate[] = [];
    for (const name of (await this.#fs.list(this.#directory)).sort()) {
      const [, number, kind] = NAME.exec(name) ?? [];
      if (number === undefined) continue;
      this.#number = Math.max(this.#number, Number(number));
      const path = join(this.#directory, name);
      if (kind === "spool") candidates.push(...(await this.#readHead(path)));
    }
    this.#sourceId = candidates.at(-1)?.sourceId ?? randomBytes(9).toString("base64url");
    // A process that was killed may leave what no sync has reached: it is not read before one has.
    await this.#fs.syncDirectory(this.#directory);
    const own = candidates.filter(({ sourceId }) => sourceId === this.#sourceId);
    for (const [i, head] of own.entries()) this.#list.push(await this.#scan(head, own[i + 1]));
    // A source that was given up had nothing left to deliver.
    for (const { path, sourceId } of candidates) {
      if (sourceId !== this.#sourceId) await this.#fs.remove(path);
    }
  }

  async #readHead(path: string): Promise<Candidate[]> {
    const file = await this.#fs.open(path);
    try {
      const bytes = Buffer.alloc(HEAD_BYTES + 1);
      const length = await file.read(bytes, 0);
      assertVersion(bytes);
      const head = decodeHead(bytes.subarray(0, length), 0);
      if (head) return [{ path, ...head }];
      // Frames are written once the head is synced: without any, it was made in a crash.
      if (length > HEAD_BYTES) await this.#quarantine.segment(path);
      else {
        await this.#quarantine.tail(path, file, 0);
        await this.#fs.remove(path);
      }
    } finally {
      await file.close();
    }
    return [];
  }

  async #scan(head: Candidate, next: SectionHead | undefined): Promise<Segment> {
    const { path } = head;
    const file = await this.#fs.open(path);
    try {
      await file.datasync();
      const extent = await scanSegment(file, head, next?.offset ?? Infinity);
      if (next) return segment(path, head, { ...extent, end: next.offset, sourceLines: next.lines });
      await this.#quarantine.tail(path, file, extent.bytes);
      return segment(path, head, extent);
    } finally {
      await file.close();
    }
  }

  /**
   * What the checkpoint knows to have been on disk and is not was lost by the disk: it is the rest of the last
   * segment, whose reader will not find it. Where all of that is delivered there is nothing to tell; but were
   * its offsets used again, other lines would have the identity of those delivered.
   */
  async #reachTo({ sourceId, offset, end = 0 }: SpoolPosition): Promise<void> {
    const known = Math.max(offset, end);
    const isOther = sourceId !== this.#sourceId;
    if (known <= (isOther ? offset : this.end)) return;
    const from = isOther ? offset : Math.max(offset, this.end);
    if (from < known)
      this.#log.error({ path: this.#directory, from, to: known }, "the end of the spool is lost");
    if (isOther) return;
    if (offset === known) await this.#startOver();
    else this.#list.at(-1)!.end = known;
  }

  /** Of the section that is written next. */
  nextHead(): SectionHead {
    return { sourceId: this.#sourceId, offset: this.end, lines: this.lines };
  }

  /** A new segment at the end, its name and its head synced. */
  async create(): Promise<OpenSegment> {
    const path = join(this.#directory, `${`${++this.#number}`.padStart(12, "0")}.spool`);
    const head = this.nextHead();
    const file = await this.#fs.create(path);
    try {
      await file.write(encodeHead(head), 0);
      await file.datasync();
      await this.#fs.syncDirectory(this.#directory);
    } catch (error) {
      await file.close().catch(() => {});
      await this.#fs.remove(path).catch(() => {});
      throw error;
    }
    const { offset: end, lines: sourceLines } = head;
    const opened = Object.assign(segment(path, head, { end, sourceLines, bytes: HEAD_BYTES }), { file });
    this.#list.push(opened);
    await this.#removeFrameless(this.#list.at(-2));
    return opened;
  }

  /** A segment whose first write failed. Were it kept, a full disk would fill with them. */
  async #removeFrameless(segment: Segment | undefined): Promise<void> {
    if (segment === undefined || segment.end > segment.offset) return;
    await this.#fs.remove(segment.path).catch(() => {});
    segment.isRemoved = true;
    this.#list.splice(this.#list.indexOf(segment), 1);
  }

  /** Begins another source, whose offsets start at 0. Call only when everything is delivered. */
  async #startOver(): Promise<void> {
    const old = this.#list.splice(0);
    this.#sourceId = randomBytes(9).toString("base64url");
    await (await this.create()).file.close();
    for (const { path } of old) await this.#fs.remove(path);
  }

  /** Removes the oldest segment. */
  async removeFirst(): Promise<void> {
    const first = this.#list[0]!;
    await this.#fs.remove(first.path);
    first.isRemoved = true;
    this.#list.shift();
  }
}

function segment(path: string, head: SectionHead, { end, sourceLines, bytes }: Extent): Segment {
  const { offset, lines: firstLine } = head;
  return { path, offset, end, firstLine, lines: sourceLines - firstLine, bytes, isRemoved: false };
}
