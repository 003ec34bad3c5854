import { noLines } from "../../wire/commit.ts";
import type { RejectedLine } from "../../wire/reject.ts";
import { LineBuffer } from "./line-buffer.ts";
import type { Room } from "./room.ts";
import { RouterError } from "./router-error.ts";

const HOUR_MS = 3_600_000;

export interface HourOfRows {
  readonly hour: Date;
  readonly pieces: readonly Buffer[];
  readonly rows: number;
  readonly from: Date;
  readonly to: Date;
}

interface Rows {
  /** Hours since the epoch; of rows of many hours together, any of them. */
  readonly hour: number;
  readonly lines: LineBuffer;
  firstMs: number;
  lastMs: number;
}

/**
 * What a batch holds of one log type: rows by hour of event time, refused lines, and their counts.
 *
 * Rows of more hours than `maxHours` are kept together from then on, and filed by the hour of arrival: a
 * backfill does not become thousands of tiny objects, nor does a record of lines that all name another hour.
 */
export class TypeBatch {
  readonly name: string;
  readonly counts = noLines();
  readonly #maxHours: number;
  readonly #memory: Room;
  readonly #hours = new Map<number, Rows>();
  /** The hour of the row before: lines come mostly in order of time. */
  #last: Rows | undefined;
  #together: Rows | undefined;
  readonly #rejected: LineBuffer;

  constructor(name: string, maxHours: number, memory: Room) {
    this.name = name;
    this.#maxHours = maxHours;
    this.#memory = memory;
    this.#rejected = new LineBuffer(memory);
  }

  /** Counts a line of another type's that is one of this type's too. @param bytes that it stands for */
  countCopy(bytes: number): void {
    this.counts.lines++;
    this.counts.bytes += bytes;
    this.counts.copies = (this.counts.copies ?? 0) + 1;
  }

  /** Where rows of this event time are filed. */
  rowsAt(epochMs: number): LineBuffer {
    return this.#rows(epochMs).lines;
  }

  /** Place where rows of this event time are filed; undefined if there has been none of its hour. */
  knownRowsAt(epochMs: number): LineBuffer | undefined {
    return (this.#together ?? this.#hours.get(Math.floor(epochMs / HOUR_MS)))?.lines;
  }

  /** Call once rows of one hour are there. */
  countRows(firstMs: number, lastMs: number, count: number): void {
    const rows = this.#rows(firstMs);
    rows.firstMs = Math.min(rows.firstMs, firstMs);
    rows.lastMs = Math.max(rows.lastMs, lastMs);
    this.counts.rows += count;
  }

  /** Call once the row is there. */
  countRow(epochMs: number, foreign: boolean): void {
    const rows = this.#rows(epochMs);
    if (epochMs < rows.firstMs) rows.firstMs = epochMs;
    if (epochMs > rows.lastMs) rows.lastMs = epochMs;
    this.counts.rows++;
    if (foreign) this.counts.foreignRows++;
  }

  #rows(epochMs: number): Rows {
    if (this.#together) return this.#together;
    const hour = Math.floor(epochMs / HOUR_MS);
    if (this.#last?.hour === hour) return this.#last;
    let rows = this.#hours.get(hour);
    if (rows === undefined) {
      if (this.#hours.size === this.#maxHours) return this.#putTogether();
      rows = { hour, lines: new LineBuffer(this.#memory), firstMs: Infinity, lastMs: -Infinity };
      this.#hours.set(hour, rows);
    }
    this.#last = rows;
    return rows;
  }

  #putTogether(): Rows {
    const [first, ...others] = [...this.#hours.values()].sort((a, b) => a.hour - b.hour);
    for (const { lines, firstMs, lastMs } of others) {
      first!.lines.append(lines);
      first!.firstMs = Math.min(first!.firstMs, firstMs);
      first!.lastMs = Math.max(first!.lastMs, lastMs);
    }
    this.#hours.clear();
    return (this.#together = first!);
  }

  reject(line: RejectedLine): void {
    this.#rejected.add(`${JSON.stringify(line)}\n`);
    this.counts.rejected++;
  }

  get rejected(): LineBuffer {
    return this.#rejected;
  }

  /** Hours that have rows of their own. */
  get hourCount(): number {
    return this.#hours.size;
  }

  /** The rows by hour of event time, in order of time; together where the hours are more than `maxHours`. */
  hours(maxHours: number, arrivedAt: Date): HourOfRows[] {
    if (this.#hours.size > maxHours) this.#putTogether();
    if (this.#together) return this.#together.lines.lines > 0 ? [hourOfRows(arrivedAt, this.#together)] : [];
    return [...this.#hours.values()]
      .filter(({ lines }) => lines.lines > 0)
      .sort((a, b) => a.hour - b.hour)
      .map((rows) => hourOfRows(new Date(rows.hour * HOUR_MS), rows));
  }

  /** @throws RouterError UNBALANCED: a mistake of ours, not of the data's */
  assertBalanced(): void {
    const { lines, rows, rejected, filtered, duplicates } = this.counts;
    if (lines === rows + rejected + filtered + duplicates) return;
    throw new RouterError(
      "UNBALANCED",
      `${this.name}: ${lines} lines, but ${JSON.stringify(this.counts)}`,
      "report this as a defect; the batch is in the stream and, after the retries, in the failure bucket",
    );
  }
}

function hourOfRows(hour: Date, { lines, firstMs, lastMs }: Rows): HourOfRows {
  const [from, to] = [new Date(firstMs), new Date(lastMs)];
  return { hour, pieces: lines.pieces(), rows: lines.lines, from, to };
}
