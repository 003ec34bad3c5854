import type { Gap } from "../../wire/provenance.ts";

const LINE_FEED = 10;

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

/**
 * Consecutive lines in the shape of one: line feeds divide the bytes [start, end). `gap` is before the
 * first, `extent` ends with the last.
 */
export type Run = Line;

/**
 * Cuts a source into lines, window after window. It keeps no bytes: the next window must begin at
 * `offset`, so a line that has only begun is read again once there is more of it. A window longer
 * than `maxLineBytes` therefore always makes progress.
 */
export class LineFramer {
  readonly #maxLineBytes: number;
  #offset: number;
  #standing: Standing;
  #gap: Gap | undefined;

  constructor(maxLineBytes: number, from: Resume) {
    this.#maxLineBytes = maxLineBytes;
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

  /**
   * @param isEnd the source ends with this window: a last line without line feed is a line too
   * @returns bytes of the window that are done with
   */
  frame(window: Buffer, isEnd: boolean, emit: (line: Line) => void): number {
    const base = this.#offset;
    let at = this.#finishLine(window);
    while (at < window.length) {
      const lineFeed = window.indexOf(LINE_FEED, at);
      const end = lineFeed === -1 ? window.length : lineFeed;
      if (end - at > this.#maxLineBytes) {
        const cut = at + this.#maxLineBytes;
        this.#emit(emit, at, cut, base + at, this.#maxLineBytes, "cut");
        this.#gap = { from: base + cut, reason: "too-long", lines: 0 };
      } else if (lineFeed !== -1) {
        this.#emit(emit, at, end, base + at, end - at + 1, "line");
      } else if (isEnd) {
        this.#emit(emit, at, end, base + at, end - at, "open");
      } else {
        break;
      }
      at = lineFeed === -1 ? end : lineFeed + 1;
      if (lineFeed !== -1) this.#standing = "line";
    }
    this.#offset = base + at;
    return at;
  }

  /**
   * Emits the same lines, those that the window begins with in one run. Making something of each line
   * costs as much as all else that framing does.
   */
  frameRuns(window: Buffer, isEnd: boolean, emit: (run: Run) => void): number {
    const whole = this.#standing === "line" ? this.#wholeLines(window) : 0;
    if (whole > 0) {
      this.#emit(emit, 0, whole - 1, this.#offset, whole, "line");
      this.#offset += whole;
    }
    const rest = window.subarray(whole);
    const shifted = (line: Line) => emit({ ...line, start: whole + line.start, end: whole + line.end });
    return whole + this.frame(rest, isEnd, shifted);
  }

  /**
   * End of the whole lines that a window begins with, none of them too long. A line feed within reach of
   * the longest line bounds every line before it, so few are looked for.
   */
  #wholeLines(window: Buffer): number {
    for (let at = 0; ;) {
      const lineFeed = window.subarray(at, at + this.#maxLineBytes + 1).lastIndexOf(LINE_FEED);
      if (lineFeed === -1) return at;
      at += lineFeed + 1;
    }
  }

  /** Leaves out what is left of a line that has been sent. */
  #finishLine(window: Buffer): number {
    if (window.length === 0 || this.#standing === "line") return 0;
    if (this.#standing === "cut") {
      const lineFeed = window.indexOf(LINE_FEED);
      if (lineFeed === -1) return window.length;
      this.#standing = "line";
      return lineFeed + 1;
    }
    this.#standing = "line";
    if (window[0] !== LINE_FEED) return 0;
    // The line feed of a line that was sent without it is no empty line.
    this.#gap = { from: this.#offset, reason: "skipped", lines: 0 };
    return 1;
  }

  #emit(
    emit: (line: Line) => void,
    start: number,
    end: number,
    offset: number,
    extent: number,
    standing: Standing,
  ): void {
    emit({ start, end, offset, extent, gap: this.#gap, standing });
    this.#gap = undefined;
    this.#standing = standing;
  }
}
