import { systemReason } from "../../agent-error.ts";
import { markedUtf16, UTF_8 } from "../../framing/encoding.ts";
import type { FollowedFile, Unframed } from "./followed-file.ts";
import { firstLine, HEAD_BYTES, readHead } from "../fingerprint/head-fingerprint.ts";
import { type ReadableFile, READ_AT_ONCE_BYTES } from "../disk/open-file.ts";

/**
 * What verifying a file found: its bytes are those that were read; more of them is known of it now, to
 * be written down before any is sent; or they are others.
 */
export type Verification = "same" | "learned" | "truncated" | "unreadable";

export interface Filled {
  readonly found: Verification;
  /** Not there when there is nothing to read, or nothing that is certain to be of this source. */
  readonly unframed: Unframed | undefined;
}

const NOTHING = Buffer.alloc(0);

/** Where a tail reads to, one file after the other. */
export class ReadBuffer {
  readonly window: Buffer;
  readonly head = Buffer.allocUnsafe(HEAD_BYTES);

  /** @param bytes of the window */
  constructor(bytes: number) {
    this.window = Buffer.allocUnsafe(bytes);
  }
}

/**
 * Fills the buffer from the first byte that is not framed yet, and verifies the file after that: what
 * was read before then is of the file that is known, though it be truncated in the next moment.
 *
 * @returns no bytes when nothing can be read, and the file's `error` says why where that is one
 */
export async function fill(file: FollowedFile, buffer: ReadBuffer, nowMs: number): Promise<Filled> {
  const { read, nextBreak: end } = file.position;
  try {
    // What has come since it was looked at is found at the next look.
    const most = file.size - read < READ_AT_ONCE_BYTES ? READ_AT_ONCE_BYTES : buffer.window.length;
    const room = Math.min(most, (end ?? Infinity) - read, file.limit?.room(nowMs) ?? Infinity);
    const open = await file.place.opened();
    const window = buffer.window.subarray(0, await open.readAt(buffer.window.subarray(0, room), read));
    const found = await verifyAfter(window, file, open, nowMs, buffer.head);
    const isGood = window.length > 0 && (found === "same" || found === "learned");
    return { found, unframed: isGood ? { window, isEnd: read + window.length === end } : undefined };
  } catch (error) {
    file.error = systemReason(error);
    return { found: "unreadable", unframed: undefined };
  }
}

/** Makes sure that the bytes before the position are those that were read, and learns what it can. */
export async function verify(file: FollowedFile, nowMs: number): Promise<Verification> {
  try {
    return await verifyAfter(NOTHING, file, await file.place.opened(), nowMs);
  } catch (error) {
    file.error = systemReason(error);
    return "unreadable";
  }
}

/** @param window what was just read after the position */
async function verifyAfter(
  window: Buffer,
  file: FollowedFile,
  open: ReadableFile,
  nowMs: number,
  into?: Buffer,
): Promise<Verification> {
  const { known, position, looked } = file;
  const head = await readHead(open, into);
  const comparison = await known.compare(head, open, window, position.read);
  if (comparison === "other") {
    file.size = position.seenTo;
    // What was not read yet may have changed as it liked.
    return known.fingerprint.header.bytes > 0 ? "truncated" : "unreadable";
  }
  if (position.read === 0) assertEncoding(file, head);
  known.verifiedAt(looked);
  file.error = undefined;
  return comparison === "same" && learn(file, head, nowMs) ? "learned" : "same";
}

/** Lines of UTF-16 that are cut at the byte 0A are cut within characters. */
function assertEncoding({ reading }: FollowedFile, head: Buffer): void {
  const marked = markedUtf16(head);
  const { encoding } = reading.filter.framing;
  if (marked === undefined || marked === encoding?.name) return;
  const is = encoding ? `it is ${encoding.name}` : "it is not set, and lines cannot be told without it";
  throw new Error(`begins like UTF-16: set encoding = "${marked}" in its [[files]] entry; ${is}`);
}

function learn(file: FollowedFile, head: Buffer, nowMs: number): boolean {
  const { maxLineBytes } = file.reading.filter.framing;
  const first = file.isNamed ? undefined : firstLine(head, maxLineBytes);
  if (first !== undefined) file.name(first, nowMs);
  return file.known.learn(head) || first !== undefined;
}

/**
 * Lets a line end where the file ends now. What time decides is decided once: it is to be written down
 * before the line is sent, lest another agent, reading the line grown longer, gives it the same identity.
 *
 * @param isLast no more of it is expected; otherwise the line ends before a character that has only begun
 * @returns false when that cannot be now
 */
export async function breakHere(file: FollowedFile, isLast: boolean, nowMs: number): Promise<boolean> {
  try {
    const open = await file.place.opened();
    if ((await file.place.atHandle()).size !== file.size) return false;
    const { read, seenTo } = file.position;
    const end = isLast ? seenTo : read + (await wholeCharacters(file, open));
    if (end === read) return false;
    if (!file.isNamed) file.name(await readHead(open), nowMs);
    file.position.breakAt(end);
    return true;
  } catch (error) {
    file.error = systemReason(error);
    return false;
  }
}

/** @returns how many of the bytes that are no line yet are whole characters */
async function wholeCharacters({ reading, position }: FollowedFile, open: ReadableFile): Promise<number> {
  const begun = Buffer.allocUnsafe(position.seenTo - position.read);
  const bytes = begun.subarray(0, await open.readAt(begun, position.read));
  return (reading.filter.framing.encoding ?? UTF_8).wholeCharacters(bytes);
}
