import { createHash } from "node:crypto";
import type { ReadableFile } from "../disk/open-file.ts";

/** What a file begins with tells it from others; logs repeat themselves for less than this. */
export const HEAD_BYTES = 1_024;

/** Of the first line, as much as goes into the id of a source. */
const FIRST_LINE_BYTES = 256;

const LINE_FEED = 10;

/** Fingerprint of a file's first bytes. It grows with the file until it covers 1,024 of them. */
export interface HeadFingerprint {
  readonly bytes: number;
  readonly sha256: string;
}

export const NO_HEAD: HeadFingerprint = { bytes: 0, sha256: fingerprint(Buffer.alloc(0)) };

/** The first bytes of a file, as many as a fingerprint covers. @param into room for as many */
export async function readHead(
  file: ReadableFile,
  into: Buffer = Buffer.allocUnsafe(HEAD_BYTES),
): Promise<Buffer> {
  const bytes = await file.readAt(into, 0);
  return bytes === HEAD_BYTES ? into : into.subarray(0, bytes);
}

/** False when a file's first bytes are not those that were read of it, at an offset, just before. */
export function agrees(head: Buffer, window: Buffer, offset: number): boolean {
  if (offset >= HEAD_BYTES) return true;
  const part = window.subarray(0, HEAD_BYTES - offset);
  return part.equals(head.subarray(offset, offset + part.length));
}

export function headFingerprint(head: Buffer): HeadFingerprint {
  return { bytes: head.length, sha256: fingerprint(head) };
}

/** More bytes than it covers would make the fingerprint surer. */
export function canGrow({ bytes }: HeadFingerprint, size: number): boolean {
  return bytes < HEAD_BYTES && bytes < size;
}

export function beginsLike({ bytes, sha256 }: HeadFingerprint, head: Buffer): boolean {
  return head.length >= bytes && fingerprint(head.subarray(0, bytes)) === sha256;
}

/** The first bytes of a file that is compared with many. */
export class Beginning {
  readonly head: Buffer;
  /** By the number of bytes. */
  readonly #fingerprints = new Map<number, string>();

  constructor(head: Buffer) {
    this.head = head;
  }

  /** False when there are not as many. */
  isLike({ bytes, sha256 }: HeadFingerprint): boolean {
    if (bytes > this.head.length) return false;
    let found = this.#fingerprints.get(bytes);
    if (found === undefined) {
      found = fingerprint(this.head.subarray(0, bytes));
      this.#fingerprints.set(bytes, found);
    }
    return found === sha256;
  }
}

/**
 * The first line, or its beginning where it is long.
 *
 * @param maxBytes at which a line is cut
 * @returns undefined while it has not ended
 */
export function firstLine(head: Buffer, maxBytes: number): Buffer | undefined {
  const most = Math.min(FIRST_LINE_BYTES, maxBytes);
  const lineFeed = head.subarray(0, most).indexOf(LINE_FEED);
  if (lineFeed !== -1) return head.subarray(0, lineFeed);
  return head.length > most ? head.subarray(0, most) : undefined;
}

function fingerprint(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("base64");
}
