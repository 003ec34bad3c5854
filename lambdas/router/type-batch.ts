import { noLines } from "../../wire/commit.ts";
import type { RejectedLine } from "../../wire/reject.ts";
import { LineBuffer } from "./line-buffer.ts";
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
  readonly hour: number;
  readonly lines: LineBuffer;
  firstMs: number;
  lastMs: number;
}

/** What a batch holds of one log type: rows by hour of event time, refused lines, and their counts. */
export class TypeBatch {
  readonly name: string;
  readonly counts = noLines();
  readonly #hours = new Map<number, Rows>();
  /** The hour of the row before: lines come mostly in order of time. */
  #last: Rows | undefined;
  readonly #rejected = new LineBuffer();

  constructor(name: string) {
    this.name = name;
  }

  /** Where rows of this event time are filed. */
  rowsAt(epochMs: number): LineBuffer {
    return this.#hour(epochMs).lines;
  }

  /** Call once the row is there. */
  countRow(epochMs: number, foreign: boolean): void {
    const rows = this.#hour(epochMs);
    if (epochMs < rows.firstMs) rows.firstMs = epochMs;
    if (epochMs > rows.lastMs) rows.lastMs = epochMs;
    this.counts.rows++;
    if (foreign) this.counts.foreignRows++;
  }

  #hour(epochMs: number): Rows {
    const hour = Math.floor(epochMs / HOUR_MS);
    if (this.#last?.hour === hour) return this.#last;
    let rows = this.#hours.get(hour);
    if (rows === undefined) {
      rows = { hour, lines: new LineBuffer(), firstMs: Infinity, lastMs: -Infinity };
      this.#hours.set(hour, rows);
    }
    this.#last = rows;
    return rows;
  }

  reject(line: RejectedLine): void {
    this.#rejected.add(`${JSON.stringify(line)}\n`);
    this.counts.rejected++;
  }

  get rejected(): LineBuffer {
    return this.#rejected;
  }

  /**
   * The rows by hour of event time, in order of time; all in the hour of arrival where the hours are more
   * than `maxHours`, so that a backfill does not become thousands of tiny objects.
   */
  hours(maxHours: number, arrivedAt: Date): HourOfRows[] {
    const hours = [...this.#hours.values()]
      .filter(({ lines }) => lines.lines > 0)
      .sort((a, b) => a.hour - b.hour);
    if (hours.length <= maxHours) {
      return hours.map((rows) => hourOfRows(new Date(rows.hour * HOUR_MS), [rows]));
    }
    return [hourOfRows(arrivedAt, hours)];
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

function hourOfRows(hour: Date, rows: readonly Rows[]): HourOfRows {
  return {
    hour,
    pieces: rows.flatMap(({ lines }) => lines.pieces()),
    rows: rows.reduce((sum, { lines }) => sum + lines.lines, 0),
    from: new Date(Math.min(...rows.map(({ firstMs }) => firstMs))),
    to: new Date(Math.max(...rows.map(({ lastMs }) => lastMs))),
  };
}
