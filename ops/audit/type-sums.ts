import { type Commit, noLines, type TypeCounts } from "../../wire/commit.ts";

type Counts = { -readonly [K in keyof TypeCounts]: TypeCounts[K] };

/** What the commits say of a log type, the first one of each batch counted. */
export interface TypeSum extends Readonly<Counts> {
  readonly type: string;
  /** Of the rows, those that are there at least, and at most, a second time: their bytes came again. */
  readonly againLeast: number;
  readonly againMost: number;
}

/** By the hour in which Kinesis took the lines; by the day where that would be very many. */
export interface TypeHour extends Readonly<Counts> {
  readonly type: string;
  /** `2026-11-26T10`, or `2026-11-26` */
  readonly hour: string;
}

/** How much of a commit's bytes came before. */
export type Freshness = "fresh" | "partly" | "again";

/** Each takes some 200 bytes. */
const MAX_CELLS = 100_000;
const HOUR_CHARS = "2026-11-26T10".length;
const DAY_CHARS = "2026-11-26".length;

/**
 * Sums over all commits, by type and hour. Lines that a later commit files anew are where it files them: lines and
 * rejected lines are less what was reparsed.
 */
export class TypeSums {
  readonly #types = new Map<string, Counts & { againLeast: number; againMost: number }>();
  #hours = new Map<string, Map<string, Counts>>();
  #cells = 0;
  #hourChars = HOUR_CHARS;

  add({ types, arrivedFrom }: Commit, freshness: Freshness): void {
    const hour = arrivedFrom.slice(0, this.#hourChars);
    for (const type in types) {
      const counts = types[type]!;
      let sum = this.#types.get(type);
      if (sum === undefined) this.#types.set(type, (sum = { ...noLines(), againLeast: 0, againMost: 0 }));
      addTo(sum, counts);
      if (freshness === "again") sum.againLeast += counts.rows;
      if (freshness !== "fresh") sum.againMost += counts.rows;
      this.#addTo(hour, type, counts);
    }
    if (this.#cells > MAX_CELLS && this.#hourChars === HOUR_CHARS) this.#byDay();
  }

  #addTo(hour: string, type: string, counts: TypeCounts): void {
    let ofHour = this.#hours.get(hour);
    if (ofHour === undefined) this.#hours.set(hour, (ofHour = new Map()));
    let cell = ofHour.get(type);
    if (cell === undefined) {
      ofHour.set(type, (cell = noLines()));
      this.#cells++;
    }
    addTo(cell, counts);
  }

  #byDay(): void {
    const hours = this.#hours;
    this.#hourChars = DAY_CHARS;
    this.#hours = new Map();
    for (const [hour, types] of hours) {
      for (const [type, counts] of types) this.#addTo(hour.slice(0, DAY_CHARS), type, counts);
    }
  }

  get types(): TypeSum[] {
    return [...this.#types]
      .map(([type, sum]) => ({ type, ...settled(sum) }))
      .toSorted((a, b) => (a.type < b.type ? -1 : 1));
  }

  get hours(): TypeHour[] {
    return [...this.#hours]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([hour, types]) =>
        Array.from(types, ([type, counts]) => ({ hour, type, ...settled(counts) })),
      );
  }
}

function addTo(sum: Counts, counts: TypeCounts): void {
  sum.lines += counts.lines;
  sum.bytes += counts.bytes;
  sum.rows += counts.rows;
  sum.rejected += counts.rejected;
  sum.filtered += counts.filtered;
  sum.duplicates += counts.duplicates;
  sum.foreignRows += counts.foreignRows;
  sum.reparsed += counts.reparsed;
  if (counts.copies !== undefined) sum.copies = (sum.copies ?? 0) + counts.copies;
}

function settled<C extends Counts>(sum: C): C {
  return { ...sum, lines: sum.lines - sum.reparsed, rejected: sum.rejected - sum.reparsed };
}
