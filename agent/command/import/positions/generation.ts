import { CompressedFile, type Unpacked } from "../../../tail/files/compressed-file.ts";
import { CLOCK_TICK_MS } from "../../../tail/disk/file-identity.ts";
import { HEAD_BYTES, readHead } from "../../../tail/fingerprint/head-fingerprint.ts";
import type { LineFeed } from "../../../framing/line-feed.ts";
import { OpenFile, type ReadableFile } from "../../../tail/disk/open-file.ts";
import type { FileStat } from "../../../tail/disk/file-stat.ts";
import { formatOf } from "../../../tail/disk/unpack.ts";
import { isLineStart } from "./line-start.ts";

/** One of the files that were, one after the other, at a path: the one that is there, or a rotated one. */
export class Generation {
  readonly fileStat: FileStat;
  #unpacked: Unpacked | undefined;

  constructor(fileStat: FileStat) {
    this.fileStat = fileStat;
  }

  get path(): string {
    return this.fileStat.path;
  }

  get isCompressed(): boolean {
    return formatOf(this.path) !== undefined;
  }

  /** Time at which it was written last. Compressing a file keeps that. */
  get changedAtMs(): number {
    return Number(this.fileStat.mtimeNs) / 1e6;
  }

  /** Not all file systems keep it. */
  get hasBirthTime(): boolean {
    return this.fileStat.file.birthtimeNs !== "0";
  }

  isBornAfter(timeMs: number): boolean {
    return Number(this.fileStat.file.birthtimeNs) / 1e6 > timeMs + CLOCK_TICK_MS;
  }

  /** A compressed file may keep whole seconds alone. */
  isChangedAfter(timeMs: number): boolean {
    return this.changedAtMs + (this.changedAtMs % 1_000 === 0 ? 999 : 0) > timeMs;
  }

  /** @throws when it cannot be read, or was replaced */
  async open(): Promise<ReadableFile> {
    const { path, file } = this.fileStat;
    const opened = await (this.isCompressed ? CompressedFile : OpenFile).open(path, file);
    if (opened === undefined) throw new Error(`${path} was replaced while it was being opened`);
    return opened;
  }

  /** Result of unpacking it whole; undefined where it is not compressed. */
  async unpacked(): Promise<Unpacked | undefined> {
    if (!this.isCompressed || this.#unpacked) return this.#unpacked;
    const { path, file } = this.fileStat;
    const opened = await CompressedFile.open(path, file);
    if (opened === undefined) throw new Error(`${path} was replaced while it was being opened`);
    try {
      return (this.#unpacked = await opened.measure());
    } finally {
      await opened.close();
    }
  }

  /** Bytes of log that it holds. */
  async size(): Promise<number> {
    return (await this.unpacked())?.bytes ?? this.fileStat.size;
  }

  /** Whether it may be what was read up to a position: lines end where that was. */
  async mayHold(offset: number, lineFeed: LineFeed): Promise<boolean> {
    if ((await this.size()) < offset) return false;
    const opened = await this.open();
    try {
      return await isLineStart(opened, offset, lineFeed);
    } finally {
      await opened.close();
    }
  }

  async beginsLike(other: Generation): Promise<boolean> {
    const [own, others] = [await this.#head(), await other.#head()];
    const bytes = Math.min(own.length, others.length, HEAD_BYTES);
    return bytes > 0 && own.compare(others, 0, bytes, 0, bytes) === 0;
  }

  async #head(): Promise<Buffer> {
    const opened = await this.open();
    try {
      return Buffer.from(await readHead(opened));
    } finally {
      await opened.close();
    }
  }
}
