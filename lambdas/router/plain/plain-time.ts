import type { ReadTime } from "../time/event-time.ts";
import { COLON, equalBytes, isDigit, POINT, ZERO } from "./bytes.ts";

const SECOND_CHARS = ":SS".length;
const MS_CHARS = ".mmm".length;

/**
 * Event times that are like the one before but for seconds and milliseconds: as lines come mostly in order
 * of time, most of them. The form is `<minute>:SS[.mmm]<zone>`, as in ISO 8601 and CLF.
 */
export class PlainTime {
  readonly #readTime: ReadTime;
  readonly minuteChars: number;
  #last: Uint8Array = new Uint8Array();
  #lastMinuteMs = NaN;

  /** @param minuteChars up to the colon before the seconds; 0 for formats that have another form */
  constructor(readTime: ReadTime, minuteChars: number) {
    this.#readTime = readTime;
    this.minuteChars = minuteChars;
  }

  /** The time read last that others are compared with, empty before the first; and when its minute begins. */
  get last(): { readonly text: Uint8Array; readonly minuteMs: number } {
    return { text: this.#last, minuteMs: this.#lastMinuteMs };
  }

  /** @returns ms of the epoch, NaN for what is not a time */
  read(bytes: Uint8Array, from: number, to: number, arrivedAtMs: number): number {
    const secondAt = from + this.minuteChars;
    const within = this.#isLikeLast(bytes, from, to) ? readSeconds(bytes, secondAt, to) : NaN;
    if (!Number.isNaN(within)) return this.#lastMinuteMs + within;
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString("latin1");
    const epochMs = this.#readTime(text, arrivedAtMs)?.epochMs ?? NaN;
    // Nothing but a minute's begin is of 24:00.
    if (this.minuteChars > 0 && !text.startsWith("24:00", this.minuteChars - "24:00".length)) {
      this.#last = Buffer.from(text);
      this.#lastMinuteMs = epochMs - readSeconds(bytes, secondAt, to);
    }
    return epochMs;
  }

  #isLikeLast(bytes: Uint8Array, from: number, to: number): boolean {
    const last = this.#last;
    if (to - from !== last.length || !equalBytes(bytes, from, last, 0, this.minuteChars)) return false;
    const afterSeconds = this.minuteChars + SECOND_CHARS;
    const zoneAt = last[afterSeconds] === POINT ? afterSeconds + MS_CHARS : afterSeconds;
    if (bytes[from + afterSeconds] !== last[afterSeconds]) return false;
    return equalBytes(bytes, from + zoneAt, last, zoneAt, last.length - zoneAt);
  }
}

/** `:SS` or `:SS.mmm` in ms, NaN for any other form. More digits than three are zone to us, and compared. */
function readSeconds(bytes: Uint8Array, at: number, end: number): number {
  if (at + SECOND_CHARS > end || bytes[at] !== COLON || !isDigit(bytes[at + 1]) || !isDigit(bytes[at + 2]))
    return NaN;
  const seconds = digit(bytes, at + 1) * 10 + digit(bytes, at + 2);
  if (seconds > 59) return NaN;
  if (bytes[at + SECOND_CHARS] !== POINT) return seconds * 1_000;
  const ms = at + SECOND_CHARS + 1;
  if (ms + 3 > end || !isDigit(bytes[ms]) || !isDigit(bytes[ms + 1]) || !isDigit(bytes[ms + 2])) return NaN;
  return seconds * 1_000 + digit(bytes, ms) * 100 + digit(bytes, ms + 1) * 10 + digit(bytes, ms + 2);
}

function digit(bytes: Uint8Array, at: number): number {
  return bytes[at]! - ZERO;
}
