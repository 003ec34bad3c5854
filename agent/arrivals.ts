interface Stretch {
  /** When its first byte arrived. */
  readonly atMs: number;
  /** Offset at which it ends. */
  readonly end: number;
}

const LEAST_STRETCH_MS = 1_000;

/** When the bytes of a source arrived, to a second, and less exactly where very many seconds wait. */
export class Arrivals {
  readonly #maxStretches: number;
  #stretches: Stretch[] = [];
  #stretchMs = LEAST_STRETCH_MS;

  /** @param maxStretches it remembers at most: half as many parts of the time that is waited for are told apart */
  constructor(maxStretches: number) {
    this.#maxStretches = maxStretches;
  }

  /** Bytes up to here have arrived. */
  add(end: number, nowMs: number): void {
    const last = this.#stretches.at(-1);
    const isSame = last !== undefined && nowMs - last.atMs < this.#stretchMs;
    if (isSame) this.#stretches.pop();
    this.#stretches.push({ atMs: isSame ? last.atMs : nowMs, end });
    if (this.#stretches.length > this.#maxStretches) this.#thin();
  }

  /** When the oldest byte from an offset on arrived, undefined where there is none. */
  oldestMs(offset: number): number | undefined {
    const first = this.#stretches.findIndex(({ end }) => end > offset);
    if (first === -1) {
      this.#stretches = [];
      this.#stretchMs = LEAST_STRETCH_MS;
    } else this.#stretches.splice(0, first);
    return this.#stretches[0]?.atMs;
  }

  /** Joins each two, and makes new ones as long: of what waits for so long, nobody asks to the second. */
  #thin(): void {
    this.#stretchMs *= 2;
    this.#stretches = this.#stretches.flatMap((stretch, i, all) => {
      if (i % 2 === 1) return [];
      return [{ atMs: stretch.atMs, end: (all[i + 1] ?? stretch).end }];
    });
  }
}
