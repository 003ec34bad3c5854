/**
 * The pace at which to send: a bucket that fills steadily. It is small, so that tokens saved up
 * while nothing was sent make no burst; what takes more than it holds waits until it is full, and
 * leaves a debt.
 */
const CAPACITY_SECONDS = 0.05;

export class TokenBucket {
  readonly #perSecond: number;
  readonly #capacity: number;
  /** Below 1 while tokens come more slowly than they might. */
  #share = 1;
  #tokens: number;
  #atMs: number;

  constructor(perSecond: number, nowMs: number) {
    this.#capacity = perSecond * CAPACITY_SECONDS;
    this.#perSecond = perSecond;
    this.#tokens = this.#capacity;
    this.#atMs = nowMs;
  }

  get share(): number {
    return this.#share;
  }

  get perSecond(): number {
    return this.#perSecond * this.#share;
  }

  /** When so many can be taken. */
  readyAtMs(tokens: number, nowMs: number): number {
    this.#fill(nowMs);
    const missing = Math.min(tokens, this.#capacity) - this.#tokens;
    return missing <= 0 ? nowMs : nowMs + (missing / this.perSecond) * 1_000;
  }

  take(tokens: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#tokens -= tokens;
  }

  setShare(share: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#share = share;
  }

  #fill(nowMs: number): void {
    const tokens = ((nowMs - this.#atMs) / 1_000) * this.perSecond;
    this.#tokens = Math.min(this.#capacity, this.#tokens + tokens);
    this.#atMs = nowMs;
  }
}
