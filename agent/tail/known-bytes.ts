import type { FileRecord, Verified } from "./file-record.ts";
import { type Comparison, compare, type Fingerprint } from "./fingerprint.ts";
import { type Guard, guardAfter } from "./guard.ts";
import type { OpenFile } from "./open-file.ts";
import { agrees, canGrow, type Header, headerOf } from "./header.ts";

const LINE_FEED = 10;

/** What is known of the bytes that were read, and when they were last found to be there still. */
export class KnownBytes {
  #header: Header;
  #guard: Guard | undefined;
  #verified: Verified | undefined;

  constructor({ header, guard, verified }: Pick<FileRecord, "header" | "guard" | "verified">) {
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

  /** The last byte that was read ends a line, so that an event of several lines may end with it. */
  get endsWithLine(): boolean {
    return Buffer.from(this.#guard?.base64 ?? "", "base64").at(-1) === LINE_FEED;
  }

  /** Nothing has happened to the file since its bytes were compared. */
  isVerifiedAt(size: number, mtimeNs: string | undefined): boolean {
    return mtimeNs !== undefined && this.#verified?.mtimeNs === mtimeNs && this.#verified.size === size;
  }

  /**
   * @param head what the file begins with now
   * @param window what was just read of it at an offset
   */
  async compare(head: Buffer, file: OpenFile, window: Buffer, offset: number): Promise<Comparison> {
    const comparison = await compare(this.fingerprint, head, file);
    return agrees(head, window, offset) ? comparison : "other";
  }

  /** Call once they were compared. @param at size and time as they were before, if that is known */
  verifiedAt(at: Verified | undefined): void {
    this.#verified = at;
  }

  /** @returns true when more is known now than before */
  learn(head: Buffer): boolean {
    const isNews = canGrow(this.#header, head.length);
    if (isNews) this.#header = headerOf(head);
    return isNews;
  }

  /** @param window what was read on at an offset */
  add(window: Buffer, start: number): void {
    this.#guard = guardAfter(this.#guard, window, start);
  }
}
