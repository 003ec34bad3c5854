interface Stretch {
  /** When its first byte arrived. */
  readonly atMs: number;
  /** Offset at which it ends. */
  end: number;
}

const LEAST_STRETCH_MS = 1_000;

/** When the bytes of a source arrived, to a second, and less exactly where very many seconds wait. */
export class Arrivals {
  readonly #maxStretches: number;
  #stretches: Stretch[] = [];

  /** @param maxStretches it remembers at most: half as many parts of the time that is waited for are told apart */
  constructor(maxStretches: number) {
    this.#maxStretches = maxStretches;
  }

  /** Bytes up to here have arrived. */
  add(end: number, nowMs: number): void {
    const [first] = this.#stretches;
    const last = this.#stretches.at(-1);
    // Of what waits for long, nobody asks to the second.
    const waitedMs = nowMs - (first?.atMs ?? nowMs);
    const stretchMs = Math.max(LEAST_STRETCH_MS, (2 * waitedMs) / this.#maxStretches);
    if (last !== undefined && nowMs - last.atMs < stretchMs) last.end = end;
    else this.#stretches.push({ atMs: nowMs, end });
    if (this.#stretches.length > this.#maxStretches) this.#thin();
  }

  /** Bytes before this offset do not wait any more. Call it often, or what they made less exact remains so. */
  delivered(offset: number): void {
    const first = this.#stretches.findIndex(({ end }) => end > offset);
    if (first !== 0) this.#stretches = first === -1 ? [] : this.#stretches.slice(first);
  }

  /** When the oldest byte from an offset on arrived, undefined where there is none. */
  oldestMs(offset: number): number | undefined {
    this.delivered(offset);
    return this.#stretches[0]?.atMs;
  }

  /** Joins each two. */
  #thin(): void {
    this.#stretches = this.#stretches.flatMap(({ atMs, end }, i, all) =>
      i % 2 === 1 ? [] : [{ atMs, end: all[i + 1]?.end ?? end }],
    );
  }
}
