/** One line of results: what was measured, and its figures with units in their names. */
export interface BenchRow {
  readonly name: string;
  readonly figures: Readonly<Record<string, number | string>>;
}

/** What runs for hours is measured as V8 has optimised it. */
const WARM_UP_ROUNDS = 8;

/**
 * CPU time, user and system of all threads, of each piece of work: the median of `rounds`. The rounds take
 * turns, so that a machine that grows slow meanwhile is slow for all.
 *
 * @param bytes that each piece of work gets through in one call
 * @returns CPU-seconds per GB, in the order of `works`
 */
export function cpuSecondsPerGb(bytes: number, rounds: number, works: readonly (() => void)[]): number[] {
  for (const work of works) for (let i = 0; i < WARM_UP_ROUNDS; i++) work();
  const measured = works.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    works.forEach((work, i) => {
      const before = process.cpuUsage();
      work();
      const { user, system } = process.cpuUsage(before);
      measured[i]!.push((user + system) / 1e6 / (bytes / 1e9));
    });
  }
  return measured.map((seconds) => seconds.sort((a, b) => a - b)[Math.floor(seconds.length / 2)]!);
}

/** For reading, not for computing on. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
