import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import type { Logger } from "pino";
import { systemReason } from "../agent-error.ts";
import { decodeFrame, decodeHead, encodeHead, HEAD_BYTES, type SegmentHead } from "./frame.ts";
import type { DurableFile, DurableFs } from "../durable-fs.ts";

const NAME = /^(\d{12})\.(spool|torn|corrupt)$/;
const READ_BYTES = 2 ** 20;
/** Segments without a head that are kept: of more, the oldest go. */
const KEPT_CORRUPT = 4;

/** A stretch of the source in a file of its own. It holds the source's bytes [offset, end). */
export interface Segment {
  readonly path: string;
  readonly offset: number;
  end: number;
  /** Lines of the source before it, since the spool was opened. */
  readonly firstLine: number;
  lines: number;
  /** Of the file, up to the last frame that is synced. What may come after is none of it. */
  bytes: number;
  isRemoved: boolean;
}

export interface OpenSegment extends Segment {
  readonly file: DurableFile;
}

interface Candidate extends SegmentHead {
  readonly path: string;
}

/** How far the frames of a segment go. */
interface Extent {
  readonly end: number;
  readonly lines: number;
  readonly bytes: number;
}

/**
 * The segments of a spool, oldest first, in one directory. One that was recovered is never written
 * to again: its torn tail, if it has one, ends where its successor begins, so nothing is truncated.
 * The last one is never removed: it remembers the source and how far it goes.
 */
export class Segments {
  readonly #fs: DurableFs;
  readonly #directory: string;
  readonly #log: Logger;
  readonly #list: Segment[] = [];
  /** Torn tails and corrupt segments that were found, and set aside where that could be. */
  quarantined = 0;
  #number = 0;
  #sourceId = "";

  private constructor(fs: DurableFs, directory: string, log: Logger) {
    this.#fs = fs;
    this.#directory = directory;
    this.#log = log;
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

  get bytes(): number {
    return this.#list.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Reads what is there, checking every frame. A torn tail is set aside. */
  static async recover(fs: DurableFs, directory: string, log: Logger): Promise<Segments> {
    const segments = new Segments(fs, directory, log);
    await fs.makeDirectory(directory);
    await fs.syncDirectory(dirname(directory));
    await segments.#recover();
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
    for (const [i, candidate] of own.entries()) {
      const extent = await this.#scan(candidate, own[i + 1]?.offset ?? Infinity);
      this.#add(candidate.path, candidate.offset, extent);
    }
    // A source that was given up had nothing left to deliver.
    for (const { path, sourceId } of candidates) {
      if (sourceId !== this.#sourceId) await this.#fs.remove(path);
    }
  }

  async #readHead(path: string): Promise<Candidate[]> {
    const file = await this.#fs.open(path);
    try {
      const head = Buffer.alloc(HEAD_BYTES + 1);
      const length = await file.read(head, 0);
      const decoded = decodeHead(head.subarray(0, length));
      if (decoded) return [{ path, ...decoded }];
      // Frames are written once the head is synced: without any, it was made in a crash.
      if (length > HEAD_BYTES) await this.#setAside(path);
      else {
        await this.#quarantine(path, file, 0);
        await this.#fs.remove(path);
      }
    } finally {
      await file.close();
    }
    return [];
  }

  /** Keeps all of a segment that the disk has spoilt: it may hold what was acknowledged and not delivered. */
  async #setAside(path: string): Promise<void> {
    this.quarantined++;
    const aside = path.replace(/spool$/, "corrupt");
    this.#log.error({ path, aside }, "the segment's head is corrupt: what it holds cannot be delivered");
    try {
      await this.#fs.rename(path, aside);
      const names = (await this.#fs.list(this.#directory)).filter((name) => name.endsWith(".corrupt")).sort();
      for (const name of names.slice(0, -KEPT_CORRUPT)) await this.#fs.remove(join(this.#directory, name));
    } catch (error) {
      this.#log.warn({ path: aside, reason: systemReason(error) }, "the segment could not be set aside");
    }
  }

  /** @param limit where the next segment begins: what comes after was never acknowledged */
  async #scan({ path, offset }: Candidate, limit: number): Promise<Extent> {
    const file = await this.#fs.open(path);
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    let extent: Extent = { end: offset, lines: 0, bytes: HEAD_BYTES };
    try {
      await file.datasync();
      for (;;) {
        const window = buffer.subarray(0, await file.read(buffer, extent.bytes));
        const next = scanWindow(window, extent, limit);
        if (next.bytes > extent.bytes) {
          extent = next;
          continue;
        }
        if (limit === Infinity && window.length > 0) await this.#quarantine(path, file, extent.bytes);
        return extent;
      }
    } finally {
      await file.close();
    }
  }

  /** Keeps bytes that are no frames for people to look at: those of the latest crash. */
  async #quarantine(path: string, file: DurableFile, from: number): Promise<void> {
    const bytes = Buffer.alloc(READ_BYTES);
    const tail = bytes.subarray(0, await file.read(bytes, from));
    if (tail.length === 0) return;
    this.quarantined++;
    const aside = path.replace(/spool$/, "torn");
    this.#log.warn({ path, from, aside }, "the segment has a torn tail, of which nothing was acknowledged");
    try {
      for (const name of await this.#fs.list(this.#directory)) {
        if (name.endsWith(".torn")) await this.#fs.remove(join(this.#directory, name));
      }
      const copy = await this.#fs.create(aside);
      await copy.write(tail, 0);
      await copy.close();
    } catch (error) {
      this.#log.warn({ path: aside, reason: systemReason(error) }, "the torn tail could not be set aside");
    }
  }

  #add(path: string, offset: number, { end, lines, bytes }: Extent): Segment {
    const last = this.#list.at(-1);
    const firstLine = last === undefined ? 0 : last.firstLine + last.lines;
    const segment = { path, offset, end, firstLine, lines, bytes, isRemoved: false };
    this.#list.push(segment);
    return segment;
  }

  /** A new segment at the end, its name and its head synced. */
  async create(): Promise<OpenSegment> {
    const path = join(this.#directory, `${`${++this.#number}`.padStart(12, "0")}.spool`);
    const { end: offset } = this;
    const file = await this.#fs.create(path);
    try {
      await file.write(encodeHead({ sourceId: this.#sourceId, offset }), 0);
      await file.datasync();
      await this.#fs.syncDirectory(this.#directory);
    } catch (error) {
      await file.close().catch(() => {});
      await this.#fs.remove(path).catch(() => {});
      throw error;
    }
    const segment = this.#add(path, offset, { end: offset, lines: 0, bytes: HEAD_BYTES });
    await this.#removeFrameless(this.#list.at(-2));
    return Object.assign(segment, { file });
  }

  /** A segment whose first write failed. Were it kept, a full disk would fill with them. */
  async #removeFrameless(segment: Segment | undefined): Promise<void> {
    if (segment === undefined || segment.bytes > HEAD_BYTES) return;
    await this.#fs.remove(segment.path).catch(() => {});
    segment.isRemoved = true;
    this.#list.splice(this.#list.indexOf(segment), 1);
  }

  /** Begins another source, whose offsets start at 0. Call only when everything is delivered. */
  async startOver(): Promise<void> {
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

function scanWindow(window: Buffer, from: Extent, limit: number): Extent {
  let { end, lines } = from;
  let at = 0;
  while (end < limit) {
    const frame = decodeFrame(window, at);
    if (typeof frame === "string") break;
    end += frame.extent;
    lines += frame.lines;
    at = frame.next;
  }
  return { end, lines, bytes: from.bytes + at };
}
