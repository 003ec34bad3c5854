import type { EmptyColumns } from "../../ops/try/empty-columns.ts";

/** Rows of a type that are read whole: they have most columns, and fields without one. */
const SAMPLED_ROWS = 200;

const LINE_FEED = 0x0a;

/** Looks through objects of rows for columns without a value, and reads only rows that may have one. */
export class RowScan {
  readonly #columns: EmptyColumns;
  #sampled = 0;

  constructor(columns: EmptyColumns) {
    this.#columns = columns;
  }

  /** @returns takes the chunks of an object in their order */
  object(): (chunk: Buffer) => void {
    let rest: Buffer = Buffer.alloc(0);
    return (chunk) => {
      if (this.#columns.sought.size === 0) return;
      const rows = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const end = rows.lastIndexOf(LINE_FEED) + 1;
      rest = rows.subarray(end);
      this.#scan(rows.subarray(0, end));
    };
  }

  #scan(rows: Buffer): void {
    for (let at = 0; at < rows.length;) {
      const from = this.#sampled < SAMPLED_ROWS ? at : this.#next(rows, at);
      if (from < 0) return;
      const end = rows.indexOf(LINE_FEED, from);
      this.#columns.take(JSON.parse(rows.toString("utf8", from, end)) as Record<string, unknown>);
      this.#sampled++;
      at = end + 1;
    }
  }

  /** Index of the next row that names one of the columns, if only in a value or below another field; -1 if none does. */
  #next(rows: Buffer, at: number): number {
    const found = [...this.#columns.sought]
      .map((name) => rows.indexOf(`"${name}":`, at))
      .filter((place) => place >= 0);
    return found.length === 0 ? -1 : rows.lastIndexOf(LINE_FEED, Math.min(...found)) + 1;
  }
}
