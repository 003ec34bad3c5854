import { systemReason } from "../../agent-error.ts";
import type { FileIdentity } from "../disk/file-identity.ts";
import { HEAD_BYTES } from "../fingerprint/head-fingerprint.ts";
import { OpenFile, type ReadableFile } from "../disk/open-file.ts";
import type { FileStat } from "../disk/file-stat.ts";
import { formatOf, unpack } from "../disk/unpack.ts";

/** A read and the last bytes before it are asked for in any order: so much is kept of what was unpacked last. */
const KEPT_BYTES = 2 ** 20 + 2 ** 17;

/** What zlib says of a file that ends too early. */
const CUT_SHORT = "unexpected end of file";

/** What unpacking a whole file has shown. */
export interface Unpacked {
  /** That came out of it. */
  readonly bytes: number;
  /** Why no more did, where it is damaged. */
  readonly damage?: string | undefined;
  /** That would have come out of it, where a damaged file still says so. */
  readonly expected?: number | undefined;
}

/** A gzip file ends with the size of what it holds, modulo 2^32. source: RFC 1952 */
const ISIZE_BYTES = 4;

/** No deflate stream holds more of one byte. source: zlib's technical notes */
const MOST_PER_BYTE = 1_032;

/**
 * A compressed file, read at offsets of what it holds. It is unpacked from its beginning on, and again when
 * bytes are asked for that were passed; never more than a little of it is in memory.
 */
export class CompressedFile implements ReadableFile {
  readonly #packed: OpenFile;
  readonly #path: string;
  #head: Buffer = Buffer.alloc(0);
  #source: AsyncGenerator<Buffer> | undefined;
  #blocks: Buffer[] = [];
  /** Offsets of what is kept. */
  #start = 0;
  #end = 0;
  #damage: string | undefined;
  #isWhole = false;

  /** @returns undefined when another file, or none, is at the path @throws when it cannot be read */
  static async open(path: string, file: FileIdentity): Promise<CompressedFile | undefined> {
    const packed = await OpenFile.open(path, file);
    return packed && new CompressedFile(packed, path);
  }

  private constructor(packed: OpenFile, path: string) {
    this.#packed = packed;
    this.#path = path;
  }

  async readAt(buffer: Buffer, offset: number): Promise<number> {
    const end = offset + buffer.length;
    if (end <= HEAD_BYTES && end <= this.#head.length) return this.#head.copy(buffer, 0, offset, end);
    if (offset < this.#start) await this.#startOver();
    while (this.#end < end && (await this.#unpackMore(offset)));
    let at = this.#start;
    let read = 0;
    for (const block of this.#blocks) {
      const from = Math.max(0, offset + read - at);
      if (from < block.length && read < buffer.length) read += block.copy(buffer, read, from);
      at += block.length;
    }
    return read;
  }

  /** Unpacks it to its end. */
  async measure(): Promise<Unpacked> {
    while (await this.#unpackMore(Infinity));
    if (this.#damage === undefined) return { bytes: this.#end };
    return { bytes: this.#end, damage: this.#damage, expected: await this.#expected() };
  }

  /** @returns undefined where the end of the file is missing, or says what cannot be */
  async #expected(): Promise<number | undefined> {
    if (formatOf(this.#path) !== ".gz" || this.#damage === CUT_SHORT) return undefined;
    const { size } = await this.#packed.stat(this.#path);
    const trailer = Buffer.alloc(ISIZE_BYTES);
    if ((await this.#packed.readAt(trailer, Math.max(0, size - ISIZE_BYTES))) < ISIZE_BYTES) return undefined;
    const more = (trailer.readUInt32LE() - this.#end) % 2 ** 32;
    const expected = this.#end + (more < 0 ? more + 2 ** 32 : more);
    return expected <= size * MOST_PER_BYTE ? expected : undefined;
  }

  async #startOver(): Promise<void> {
    await this.#source?.return(undefined);
    this.#source = undefined;
    this.#blocks = [];
    this.#start = 0;
    this.#end = 0;
    this.#isWhole = false;
  }

  /** @param needed offset from which on what there is has to be kept @returns false at the end */
  async #unpackMore(needed: number): Promise<boolean> {
    if (this.#isWhole) return false;
    const block = await this.#next();
    if (block === undefined) {
      this.#isWhole = true;
      return false;
    }
    this.#blocks.push(block);
    this.#end += block.length;
    if (this.#head.length < HEAD_BYTES && this.#start === 0) {
      this.#head = Buffer.concat(this.#blocks).subarray(0, HEAD_BYTES);
    }
    for (let [first] = this.#blocks; first; [first] = this.#blocks) {
      const start = this.#start + first.length;
      if (start > needed || this.#end - start < KEPT_BYTES) break;
      this.#blocks.shift();
      this.#start = start;
    }
    return true;
  }

  async #next(): Promise<Buffer | undefined> {
    try {
      const { size } = await this.#packed.stat(this.#path);
      this.#source ??= unpack(this.#packed, formatOf(this.#path) ?? ".gz", size);
      const { value } = (await this.#source.next()) as IteratorResult<Buffer, undefined>;
      return value;
    } catch (error) {
      this.#damage = systemReason(error);
      return undefined;
    }
  }

  /** The compressed file as it is now. */
  async stat(path: string): Promise<FileStat> {
    return this.#packed.stat(path);
  }

  async close(): Promise<void> {
    await this.#source?.return(undefined);
    await this.#packed.close();
  }
}
