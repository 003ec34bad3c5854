/**
 * Tokens that come at a steady rate, a second's worth of them at most. What takes more than there can
 * be waits for a full bucket and leaves a debt.
 */
export class TokenBucket {
  readonly #perSecond: number;
  /** Below 1 while tokens come more slowly than they might. */
  #share = 1;
  #tokens: number;
  #atMs: number;

  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
    this.#atMs = nowMs;
  }

  get share(): number {
    return this.#share;
  }

  /** When so many can be taken. */
  readyAtMs(tokens: number, nowMs: number): number {
    this.#fill(nowMs);
    const missing = Math.min(tokens, this.#perSecond) - this.#tokens;
    return missing <= 0 ? nowMs : nowMs + (missing / (this.#perSecond * this.#share)) * 1_000;
  }

  take(tokens: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#tokens -= tokens;
  }

  /** There are none left, whatever was thought. */
  empty(nowMs: number): void {
    this.#fill(nowMs);
    this.#tokens = Math.min(this.#tokens, 0);
  }

  setShare(share: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#share = share;
  }

  #fill(nowMs: number): void {
    const tokens = ((nowMs - this.#atMs) / 1_000) * this.#perSecond * this.#share;
    this.#tokens = Math.min(this.#perSecond, this.#tokens + tokens);
    this.#atMs = nowMs;
  }
}
