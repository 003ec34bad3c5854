import type { Gap, GapReason } from "../../wire/provenance.ts";
import { beginsWith, type Encoding } from "./encoding.ts";
import { LINE_FEED, type LineFeed } from "./line-feed.ts";

/** Where an event ends cannot be told before there is more of the source. */
const UNKNOWN = -2;

/** No writer begins a line with so many zero bytes; a truncation under a writer leaves holes of them. */
const HOLE_BYTES = 64;

/**
 * Where a position stands: after a line feed ("line"), after a line that was sent before its line
 * feed came ("open"), or within a line whose rest is left out up to its line feed ("cut").
 */
export type Standing = "line" | "open" | "cut";

/** A position in a source from which framing can go on, in this process or in a later one. */
export interface Resume {
  readonly offset: number;
  readonly standing: Standing;
  /** Bytes before `offset` that no record has stated yet. */
  readonly gap: Gap | undefined;
}

export const HEAD: Resume = { offset: 0, standing: "line", gap: undefined };

/** One event: bytes [start, end) of a window, and the source bytes they stand for. */
export interface Line {
  readonly start: number;
  readonly end: number;
  readonly offset: number;
  readonly extent: number;
  readonly gap: Gap | undefined;
  /** Where the source stands after it. */
  readonly standing: Standing;
}

/** What makes an event of lines, and which events are left out. Asked with bytes of the window. */
export interface Framing {
  /** A longer event is cut, or ends before the line that would make it longer. */
  readonly maxLineBytes: number;
  /** Left out where bytes are taken as they stand, and lines end with the byte 0A. */
  readonly encoding?: Encoding | undefined;
  /** Whether a line begins an event. Left out where every line is one. */
  readonly begins?: ((window: Buffer, start: number, end: number) => boolean) | undefined;
  /** Why an event is left out, if it is. The same bytes must get the same answer, whenever they are read. */
  readonly leaveOut?: ((window: Buffer, start: number, end: number) => GapReason | undefined) | undefined;
}

/**
 * Consecutive lines in the shape of one: line feeds divide the bytes [start, end). `gap` is before the
 * first, `extent` ends with the last.
 */
export type Run = Line;

/**
 * Cuts a source into lines, window after window. It keeps no bytes: the next window must begin at
 * `offset`, so a line that has only begun is read again once there is more of it. A window longer
 * than `maxLineBytes` therefore always makes progress.
 *
 * A gap always begins where the last line that was kept ends, and ends where the next one begins. What
 * is framed again after a crash, from whatever position, so gives the same gaps.
 */
export class LineFramer {
  readonly #framing: Framing;
  readonly #lineFeed: LineFeed;
  #offset: number;
  #standing: Standing;
  #gap: Gap | undefined;

  constructor(framing: Framing, from: Resume) {
    this.#framing = framing;
    this.#lineFeed = framing.encoding?.lineFeed ?? LINE_FEED;
    this.#offset = from.offset;
    this.#standing = from.standing;
    this.#gap = from.gap;
  }

  /** Source offset at which the next window begins. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes left out since the last line. */
  get gap(): Gap | undefined {
    return this.#gap;
  }

  /** Where framing would go on. */
  get resume(): Resume {
    return { offset: this.#offset, standing: this.#standing, gap: this.#gap };
  }

  /**
   * @param isEnd the source ends with this window: a last line without line feed is a line too
   * @returns bytes of the window that are done with
   */
  frame(window: Buffer, isEnd: boolean, emit: (line: Line) => void): number {
    const base = this.#offset;
    const { maxLineBytes, encoding } = this.#framing;
    const { unitBytes } = this.#lineFeed;
    if (window.length < unitBytes && !isEnd) return 0;
    let at = this.#finishLine(window, isEnd);
    at += this.#leaveOutMark(window, at);
    while (at < window.length) {
      if (window[at] === 0) {
        const hole = this.#leaveOutHole(window, at, isEnd);
        at += hole.bytes;
        if (hole.isOpen || at === window.length) break;
      }
      const lineFeed = this.#eventEnd(window, at, isEnd);
      if (lineFeed === UNKNOWN) break;
      const end = lineFeed === -1 ? window.length : lineFeed;
      if (end - at > maxLineBytes) {
        const longest = window.subarray(at, at + maxLineBytes);
        const cut = at + (encoding?.wholeCharacters(longest) ?? maxLineBytes);
        this.#take(emit, window, at, cut, base + at, cut - at, "cut");
        this.#leaveOut(base + cut, "too-long", 0);
      } else if (lineFeed !== -1) {
        this.#take(emit, window, at, end, base + at, end - at + unitBytes, "line");
      } else if (isEnd) {
        this.#take(emit, window, at, end, base + at, end - at, "open");
      } else {
        break;
      }
      at = lineFeed === -1 ? end : lineFeed + unitBytes;
      if (lineFeed !== -1) this.#standing = "line";
    }
    this.#offset = base + at;
    return at;
  }

  /**
   * @returns index of the line feed with which the event ends; -1 when its first line has none; UNKNOWN
   *   while the line after it may belong to it
   */
  #eventEnd(window: Buffer, start: number, isEnd: boolean): number {
    const { maxLineBytes, begins } = this.#framing;
    let end = this.#nextLineFeed(window, start);
    if (begins === undefined) return end;
    while (end !== -1 && end - start <= maxLineBytes) {
      const next = end + this.#lineFeed.unitBytes;
      if (next === window.length) return isEnd ? end : UNKNOWN;
      const lineFeed = this.#nextLineFeed(window, next);
      const nextEnd = lineFeed === -1 ? window.length : lineFeed;
      if (nextEnd - start > maxLineBytes) return end;
      if (lineFeed === -1 && !isEnd) return UNKNOWN;
      if (begins(window, next, nextEnd)) return end;
      end = lineFeed;
    }
    return end;
  }

  #nextLineFeed(window: Buffer, from: number): number {
    return this.#lineFeed.indexIn(window, from, this.#offset);
  }

  /**
   * Of a hole that may go on after the window, as much stays as makes one: where windows end must not
   * decide what a line is.
   */
  #leaveOutHole(window: Buffer, start: number, isEnd: boolean): { bytes: number; isOpen: boolean } {
    let end = start;
    while (window[end] === 0) end++;
    const isOpen = end === window.length && !isEnd && end - start <= this.#framing.maxLineBytes;
    if (end - start < HOLE_BYTES) return { bytes: 0, isOpen };
    const goesOn = end === window.length && !isEnd;
    const zeros = end - start - (goesOn ? HOLE_BYTES : 0);
    const bytes = zeros - (zeros % this.#lineFeed.unitBytes);
    if (bytes > 0) this.#leaveOut(this.#offset + start, "unreadable", 0);
    return { bytes, isOpen: goesOn };
  }

  /**
   * Emits the same lines, those that the window begins with in one run. Making something of each line
   * costs as much as all else that framing does.
   */
  frameRuns(window: Buffer, isEnd: boolean, emit: (run: Run) => void): number {
    const whole = this.#standing === "line" ? this.#wholeLines(window) : 0;
    if (whole > 0) {
      this.#take(emit, window, 0, whole - 1, this.#offset, whole, "line");
      this.#offset += whole;
    }
    const rest = window.subarray(whole);
    const shifted = (line: Line) => emit({ ...line, start: whole + line.start, end: whole + line.end });
    return whole + this.frame(rest, isEnd, shifted);
  }

  /**
   * End of the whole lines that a window begins with, none of them too long. A line feed within reach of
   * the longest line bounds every line before it, so few are looked for. Zero bytes may be a hole.
   */
  #wholeLines(window: Buffer): number {
    if (window.includes(0)) return 0;
    for (let at = 0; ;) {
      const lineFeed = window
        .subarray(at, at + this.#framing.maxLineBytes + 1)
        .lastIndexOf(LINE_FEED.bytes[0]!);
      if (lineFeed === -1) return at;
      at += lineFeed + 1;
    }
  }

  /** Passes over bytes that are nowhere any more. */
  leaveOutTo(offset: number): void {
    this.#leaveOut(this.#offset, "unreadable", 0);
    this.#offset = offset;
    this.#standing = "line";
  }

  /** Leaves out what is left of a line that has been sent. */
  #finishLine(window: Buffer, isEnd: boolean): number {
    if (window.length === 0 || this.#standing === "line") return 0;
    const { unitBytes } = this.#lineFeed;
    const lineFeed = this.#nextLineFeed(window, 0);
    if (this.#standing === "cut") {
      // Half a character at the end may be half of a line feed.
      const half = isEnd ? 0 : (this.#offset + window.length) % unitBytes;
      if (lineFeed === -1) return window.length - half;
      this.#standing = "line";
      return lineFeed + unitBytes;
    }
    this.#standing = "line";
    if (lineFeed !== 0) return 0;
    // The line feed of a line that was sent without it is no empty line.
    this.#leaveOut(this.#offset, "skipped", 0);
    return unitBytes;
  }

  /** A byte order mark is no text. Nor is half a character, whose other half was the end of a line that was sent. */
  #leaveOutMark(window: Buffer, at: number): number {
    const offset = this.#offset + at;
    const mark = offset === 0 ? this.#framing.encoding?.byteOrderMark : undefined;
    if (mark && beginsWith(window, mark)) {
      this.#leaveOut(offset, "skipped", 0);
      return mark.length;
    }
    const half = at < window.length ? offset % this.#lineFeed.unitBytes : 0;
    if (half > 0) this.#leaveOut(offset, "unreadable", 0);
    return half;
  }

  /**
   * A gap has one reason: that of the first line in it, or where it holds no whole line, of its first bytes. What an
   * earlier identity has delivered stays apart.
   */
  #leaveOut(from: number, reason: GapReason, lines: number): void {
    const gap = this.#gap;
    if (gap === undefined) this.#gap = { from, reason, lines };
    else if (gap.reason === "earlier-identity") this.#gap = { from, reason, lines, before: gap };
    else {
      const isDecided = gap.lines > 0 || lines === 0;
      this.#gap = { ...gap, reason: isDecided ? gap.reason : reason, lines: gap.lines + lines };
    }
  }

  #take(
    emit: (line: Line) => void,
    window: Buffer,
    start: number,
    end: number,
    offset: number,
    extent: number,
    standing: Standing,
  ): void {
    const reason = this.#framing.leaveOut?.(window, start, end);
    if (reason === undefined) {
      emit({ start, end, offset, extent, gap: this.#gap, standing });
      this.#gap = undefined;
    } else {
      this.#leaveOut(offset, reason, 1);
    }
    this.#standing = standing;
  }
}
