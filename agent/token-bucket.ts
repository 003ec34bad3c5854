/**
 * A pace: a bucket that fills steadily. It holds little, so that tokens saved up while none were taken
 * make no long burst; what takes more than it holds waits until it is full, and leaves a debt.
 */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #capacity: number;
  /** Below 1 while tokens come more slowly than they might. */
  #share = 1;
  #tokens: number;
  #atMs: number;

  /** @param capacitySeconds worth of tokens that it holds */
  constructor(perSecond: number, capacitySeconds: number, nowMs: number) {
    this.#capacity = perSecond * capacitySeconds;
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

  /** Below 0 while there is a debt. */
  tokens(nowMs: number): number {
    this.#fill(nowMs);
    return this.#tokens;
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
