import { dirname, join } from "node:path";
import type { Logger } from "pino";
import type { Gap } from "../../../wire/provenance.ts";
import type { DurableFile, DurableFs } from "../../machine/durable-fs.ts";
import { newSourceId, type Recovered, Recovery } from "./recovery.ts";
import { encodeHead, HEAD_BYTES, type SectionHead } from "./section-head.ts";
import { type Segment, segment } from "./segment.ts";

export interface OpenSegment extends Segment {
  readonly file: DurableFile;
}

/** How far a spool was delivered, and how far it was on disk then, by the checkpoint. */
export interface SpoolPosition {
  readonly sourceId: string;
  readonly offset: number;
  /** Undefined where the checkpoint does not say. */
  readonly end?: number | undefined;
  /** The earlier identity, up to `offset`, while no event that is delivered has told it. */
  readonly gap?: Gap | undefined;
}

/**
 * The segments of a spool, oldest first, in one directory. One that was recovered is never written
 * to again: its torn tail, if it has one, ends where its successor begins, so nothing is truncated.
 * The last one is never removed: it remembers the source and how far it goes.
 *
 * A source that goes on under another id does so in a segment of its own. Those before it keep their heads; what is not
 * delivered of them is, under the new id.
 *
 * Each ends where the next one begins. What cannot be read of it was lost by the disk: the next one was made
 * once all before it was synced.
 */
export class Segments {
  /** Torn tails and corrupt segments that were found at the start. */
  readonly quarantined: number;
  readonly #fs: DurableFs;
  readonly #directory: string;
  readonly #log: Logger;
  readonly #list: Segment[];
  #number: number;
  #sourceId: string;

  private constructor(fs: DurableFs, directory: string, recovered: Recovered, log: Logger) {
    this.#fs = fs;
    this.#directory = directory;
    this.#log = log;
    this.#list = recovered.list;
    this.quarantined = recovered.quarantined;
    this.#number = recovered.lastNumber;
    this.#sourceId = recovered.sourceId;
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
   * @param position undefined where no checkpoint knows of the spool
   * @param isRenewed it goes on under another id
   */
  static async recover(
    fs: DurableFs,
    directory: string,
    position: SpoolPosition | undefined,
    log: Logger,
    isRenewed = false,
  ): Promise<Segments> {
    await fs.makeDirectory(directory);
    await fs.syncDirectory(dirname(directory));
    const recovered = await new Recovery(fs, directory, log).run();
    const segments = new Segments(fs, directory, recovered, log);
    if (position) await segments.#reachTo(position);
    if (isRenewed) await segments.#renew();
    return segments;
  }

  /** Where delivery goes on. */
  startAfter(position: SpoolPosition | undefined): Pick<SpoolPosition, "offset" | "gap"> {
    if (position === undefined) return { offset: 0 };
    const { sourceId, offset, gap } = position;
    if (sourceId === this.#sourceId) return { offset, gap };
    if (!this.#wentBy(sourceId)) return { offset: 0 };
    if (offset === 0 || gap) return { offset, gap };
    return { offset, gap: { from: 0, reason: "earlier-identity", lines: 0, source: sourceId } };
  }

  /** Whether the source went by an id before. */
  #wentBy(sourceId: string): boolean {
    return this.#list.some((segment) => segment.sourceId === sourceId);
  }

  /**
   * What the checkpoint knows to have been on disk and is not was lost by the disk: it is the rest of the last
   * segment, whose reader will not find it. Where all of that is delivered there is nothing to tell; but were
   * its offsets used again, other lines would have the identity of those delivered.
   */
  async #reachTo({ sourceId, offset, end = 0 }: SpoolPosition): Promise<void> {
    const known = Math.max(offset, end);
    const isOther = sourceId !== this.#sourceId && !this.#wentBy(sourceId);
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
    // What went by another id is known by it to the checkpoint.
    if (segment?.sourceId !== this.#sourceId || segment.end > segment.offset) return;
    await this.#fs.remove(segment.path).catch(() => {});
    segment.isRemoved = true;
    this.#forget(segment);
  }

  /** Another one may have removed it, too, in the same moment. */
  #forget(segment: Segment): void {
    const at = this.#list.indexOf(segment);
    if (at !== -1) this.#list.splice(at, 1);
  }

  /** Begins another source, whose offsets start at 0. Call only when everything is delivered. */
  async #startOver(): Promise<void> {
    const old = this.#list.splice(0);
    this.#sourceId = newSourceId();
    await (await this.create()).file.close();
    for (const { path } of old) await this.#fs.remove(path);
  }

  /** Goes on under another id, at the same offset. One of which nothing is on disk has no id yet that others know. */
  async #renew(): Promise<void> {
    if (this.#list.length === 0) return;
    this.#sourceId = newSourceId();
    await (await this.create()).file.close();
  }

  /** Removes the oldest segment. */
  async removeFirst(): Promise<void> {
    const first = this.#list[0]!;
    // Before it is: who does not find it any more knows that it is not lost.
    first.isRemoved = true;
    await this.#fs.remove(first.path);
    this.#forget(first);
  }
}
