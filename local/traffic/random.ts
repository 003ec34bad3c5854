/**
 * sfc32, a small generator that passes PractRand: the same seed gives the same traffic on every machine.
 * source: https://pracrand.sourceforge.net/RNG_engines.txt
 */
export class Random {
  #a = 0x9e3779b9;
  #b = 0x243f6a88;
  #c = 0xb7e15162;
  #counter: number;

  constructor(seed: number) {
    this.#counter = seed | 0;
    // The seed reaches the whole state only after some rounds.
    for (let i = 0; i < 16; i++) this.fraction();
  }

  /** In [0, 1). */
  fraction(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return (sum >>> 0) / 2 ** 32;
  }

  /** A whole number in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit);
  }

  chance(share: number): boolean {
    return this.fraction() < share;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  /** As `pick`, but the first choices come most often, as pages, users and countries do. */
  favour<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.fraction() ** 3 * choices.length)]!;
  }

  /** Mostly small, sometimes very large, as response sizes are: `median` times e to a normal deviate. */
  skewed(median: number): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.fraction())) * Math.cos(2 * Math.PI * this.fraction());
    return Math.round(median * Math.exp(normal));
  }
}
