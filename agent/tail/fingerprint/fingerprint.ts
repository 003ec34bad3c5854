import type { LastBytes } from "./last-bytes.ts";
import { openAsFound, type ReadableFile } from "../disk/open-file.ts";
import type { FileStat } from "../disk/file-stat.ts";
import { beginsLike, type HeadFingerprint, readHead } from "./head-fingerprint.ts";

/** What was read of a file: how it began, and what stood before the position. */
export interface Fingerprint {
  readonly header: HeadFingerprint;
  /** Undefined while nothing was read. */
  readonly guard: LastBytes | undefined;
}

/** Size and time of the last change at which the bytes before the position were those that were read. */
export interface Verified {
  readonly size: number;
  readonly mtimeNs: string;
}

/**
 * Same: every byte that was read is where it was, as far as can be told. Hole: zeros are, which is what
 * a writer that does not append leaves when it goes on at its old offset after a truncation. Other: the
 * bytes are of another file, or of another generation of this one.
 */
export type Comparison = "same" | "hole" | "other";

/** @param head the first bytes of the file, as just read from it */
export async function compare(
  { header, guard }: Fingerprint,
  head: Buffer,
  file: ReadableFile,
): Promise<Comparison> {
  const expected = Buffer.from(guard?.base64 ?? "", "base64");
  const found = Buffer.alloc(expected.length);
  const at = (guard?.end ?? 0) - expected.length;
  if ((await file.readAt(found, at)) < found.length) return "other";
  const before = head.subarray(0, header.bytes);
  if (beginsLike(header, head) && found.equals(expected)) return "same";
  return before.length === header.bytes && isZero(before) && isZero(found) ? "hole" : "other";
}

/** True when a file begins with all that was read of another. */
export async function isCopyOf(original: Fingerprint, found: FileStat): Promise<boolean> {
  if (original.header.bytes === 0) return false;
  const file = await openAsFound(found);
  try {
    return file !== undefined && (await compare(original, await readHead(file), file)) === "same";
  } finally {
    await file?.close();
  }
}

function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}
