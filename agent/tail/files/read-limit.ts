import { TokenBucket } from "../../token-bucket.ts";

/** Of one second's worth: what was not read while nothing was there may be read at once. */
const BURST_SECONDS = 1;

/** Less than this is not worth a read. */
const LEAST_READ_SECONDS = 0.1;

/**
 * How much of a file may be read at a time, for it to move on at so many bytes a second. A line for which
 * there is not room enough gets more, on credit, until it can be framed: the pace is slow, and never stops.
 */
export class ReadLimit {
  readonly bytesPerSecond: number;
  readonly #bucket: TokenBucket;
  #nowMs: number;
  /** More than there are tokens for, as a line did not fit. */
  #leastBytes = 1;

  constructor(bytesPerSecond: number, nowMs: number) {
    this.bytesPerSecond = bytesPerSecond;
    this.#bucket = new TokenBucket(bytesPerSecond, BURST_SECONDS, nowMs);
    this.#nowMs = nowMs;
  }

  /** As soon as what might be read is read, and until room is asked for and there is some. */
  get isWaiting(): boolean {
    return this.#bucket.tokens(this.#nowMs) < this.bytesPerSecond * LEAST_READ_SECONDS;
  }

  /** @returns bytes that may be read now, 0 when they have to wait */
  room(nowMs: number): number {
    this.#nowMs = nowMs;
    return this.isWaiting ? 0 : Math.max(Math.floor(this.#bucket.tokens(nowMs)), this.#leastBytes);
  }

  /**
   * Call when what was read is framed.
   *
   * @param readBytes of the window
   * @param framedBytes by which the position moved: what is read again is not counted twice
   */
  took(readBytes: number, framedBytes: number): void {
    this.#leastBytes = framedBytes > 0 ? 1 : 2 * readBytes;
    this.#bucket.take(framedBytes, this.#nowMs);
  }
}
