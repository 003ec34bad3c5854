import { type Comparison, compare, type Fingerprint, type Verified } from "./fingerprint.ts";
import { bytesOf, type LastBytes, lastBytesAfter } from "./last-bytes.ts";
import {
  agrees,
  type Beginning,
  beginsLike,
  canGrow,
  type HeadFingerprint,
  headFingerprint,
} from "./head-fingerprint.ts";
import type { LineFeed } from "../../framing/line-feed.ts";
import type { ReadableFile } from "../disk/open-file.ts";

/** What is known of the bytes that were read, and when they were last found to be there still. */
export class FileFingerprint {
  #header: HeadFingerprint;
  /** The first bytes, as many as the header covers, of a file that grows: comparing them takes less than hashing others. */
  #head: Buffer | undefined;
  #guard: LastBytes | undefined;
  #verified: Verified | undefined;

  constructor({ header, guard, verified }: Fingerprint & { readonly verified: Verified | undefined }) {
    this.#header = header;
    this.#guard = guard;
    this.#verified = verified;
  }

  get fingerprint(): Fingerprint {
    return { header: this.#header, guard: this.#guard };
  }

  get verified(): Verified | undefined {
    return this.#verified;
  }

  /** What was read ends with a line, so that an event of several lines may end with it. */
  endsWith(lineFeed: LineFeed): boolean {
    return this.#guard !== undefined && lineFeed.isEndOf(bytesOf(this.#guard), this.#guard.end);
  }

  /** Nothing has happened to the file since its bytes were compared. */
  isVerifiedAt(size: number, mtimeNs: string | undefined): boolean {
    return mtimeNs !== undefined && this.#verified?.mtimeNs === mtimeNs && this.#verified.size === size;
  }

  /**
   * @param head what the file begins with now
   * @param window what was just read of it at an offset
   */
  async compare(head: Buffer, file: ReadableFile, window: Buffer, offset: number): Promise<Comparison> {
    if (!agrees(head, window, offset)) return "other";
    if (this.#isHead(head) && (await this.#isGuardIn(file))) return "same";
    return compare(this.fingerprint, head, file);
  }

  #isHead(head: Buffer): boolean {
    const { bytes } = this.#header;
    if (this.#head) return head.length >= bytes && head.compare(this.#head, 0, bytes, 0, bytes) === 0;
    if (!beginsLike(this.#header, head)) return false;
    this.#head = ownCopy(head.subarray(0, bytes));
    return true;
  }

  async #isGuardIn(file: ReadableFile): Promise<boolean> {
    if (this.#guard === undefined) return true;
    const { end } = this.#guard;
    const bytes = bytesOf(this.#guard);
    const found = Buffer.allocUnsafe(bytes.length);
    return (await file.readAt(found, end - bytes.length)) === bytes.length && found.equals(bytes);
  }

  /** False when a file that begins like this neither begins with all that was read nor with a part of it. */
  mayBegin(beginning: Beginning): boolean {
    const { head } = beginning;
    const { bytes } = this.#header;
    if (head.length >= bytes) return beginning.isLike(this.#header);
    return this.#head === undefined || this.#head.compare(head, 0, head.length, 0, head.length) === 0;
  }

  /** Call once they were compared. @param at size and time as they were before, if that is known */
  verifiedAt(at: Verified | undefined): void {
    this.#verified = at;
  }

  /** @returns true when more is known now than before */
  learn(head: Buffer): boolean {
    const isNews = canGrow(this.#header, head.length);
    if (isNews) {
      this.#header = headFingerprint(head);
      this.#head = ownCopy(head);
    }
    return isNews;
  }

  /** @param window what was read on at an offset */
  add(window: Buffer, start: number): void {
    this.#guard = lastBytesAfter(this.#guard, window, start);
  }

  /** Forgets what can be found out again, of a file that is idle: there may be many thousands of them. */
  rest(): void {
    this.#head = undefined;
  }
}

/**
 * A copy to be kept for as long as a file is followed. What `Buffer.from` makes of so few bytes is a part of
 * Node's pool, and would keep all 64 KiB of it.
 */
function ownCopy(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}
