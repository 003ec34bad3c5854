/** Of measurements, the least of this round and of the one before; 0 until the first round is over. */
export class RecentMinimum {
  readonly #roundLength: number;
  #count = 0;
  #before = 0;
  #now = Infinity;

  constructor(roundLength: number) {
    this.#roundLength = roundLength;
  }

  get value(): number {
    return Math.min(this.#before, this.#now);
  }

  add(value: number): void {
    this.#now = Math.min(this.#now, value);
    if (++this.#count < this.#roundLength) return;
    this.#before = this.#now;
    this.#now = Infinity;
    this.#count = 0;
  }
}
