import type { RowMetadata } from "../row-metadata.ts";
import type { TypeBatch } from "../type-batch.ts";
import type { RowMachine } from "./row-machine.ts";
import type { RowProgram } from "./row-program.ts";

/** Has the machine write rows of one run into a batch, minute by minute of their times. */
export class PlainLines {
  readonly #machine: RowMachine;
  readonly #time: RowProgram["time"];
  readonly #batch: TypeBatch;
  readonly #metadata: RowMetadata;
  /** Begin of the minute that the machine knows, NaN for none; of a type without times, the arrival. */
  #epochMs = NaN;

  constructor(machine: RowMachine, program: RowProgram, batch: TypeBatch, metadata: RowMetadata) {
    this.#machine = machine;
    this.#time = program.time;
    this.#batch = batch;
    this.#metadata = metadata;
    machine.load(program);
    this.#setMinute();
  }

  /**
   * Writes rows of lines [from, to) that the machine took in.
   *
   * @param offset of the first in its source
   * @returns index of the first line that is left to the general path
   */
  write(from: number, to: number, offset: number): number {
    let refused = -1;
    for (;;) {
      const written = this.#writeMinute(from, to, offset);
      if (written === undefined || written.next === to || !written.time || refused === written.next)
        return written?.next ?? from;
      // A time that is not like the one before may begin a minute, which the machine then goes on with.
      refused = written.next;
      offset += written.bytes;
      from = written.next;
      if (!this.#startMinute(written.time)) return from;
    }
  }

  /** @returns undefined where there are no rows of that hour, and so no room for more */
  #writeMinute(from: number, to: number, offset: number) {
    const machine = this.#machine;
    if (Number.isNaN(this.#epochMs)) return machine.rows(from, from + 1, offset, Infinity);
    const rows = this.#batch.knownRowsAt(this.#epochMs);
    if (rows === undefined) return undefined;
    const written = machine.rows(from, to, offset, rows.spare);
    const count = written.next - from;
    if (count === 0) return written;
    rows.addLines(written.rows, count);
    const [firstMs, lastMs] = this.#time ? [written.firstMs, written.lastMs] : [0, 0];
    this.#batch.countRows(this.#epochMs + firstMs, this.#epochMs + lastMs, count);
    return written;
  }

  #startMinute(time: Uint8Array): boolean {
    this.#time!.read(time, 0, time.length, this.#metadata.arrivedAtMs);
    this.#setMinute();
    return !Number.isNaN(this.#epochMs);
  }

  #setMinute(): void {
    const metadata = this.#metadata;
    const { text, minuteMs } = this.#time?.last ?? { text: undefined, minuteMs: metadata.arrivedAtMs };
    this.#epochMs = this.#machine.set(metadata, minuteMs, text) ? minuteMs : NaN;
  }
}
