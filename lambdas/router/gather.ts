import type { WeirConfig } from "../../wire/config.ts";
import { soundAggregates } from "../../wire/deaggregate.ts";
import { gapsBefore, leftOutIn } from "../../wire/provenance.ts";
import { WireError } from "../../wire/wire-error.ts";
import { Batch } from "./batch.ts";
import { LogTypes } from "./log-types.ts";
import { openRuns } from "./open-record.ts";
import type { Quarantined } from "./quarantine.ts";
import { BatchFull } from "./room.ts";
import { rowMachine, type RowMachine, type Vectors } from "./rows/row-machine.ts";
import { type Event, Run } from "./run.ts";
import type { StreamRecord } from "./stream-record.ts";

/**
 * Part of the function's memory that a batch may unpack to. Its rows are held as text, once more in one
 * piece while they are compressed, and Node itself takes about 100 MB.
 */
const MEMORY_SHARE = 1 / 8;

/** What a row has beyond its line: metadata and column names. Counted so that tiny lines count too. */
const ROW_OVERHEAD_BYTES = 180;

/**
 * What rows and rejected lines may take of memory before the record that brings them is given up: text can
 * take several times its bytes as JSON.
 */
const ROWS_GROWTH = 2;

/** What the records of a batch were found to hold. */
export interface Gathered {
  readonly batch: Batch;
  readonly quarantined: readonly Quarantined[];
  /** Records that the batch ends after. */
  readonly taken: number;
}

interface Opened {
  readonly parts: readonly (Event | Run)[];
  /** That its rows may take, from its lines as they came. */
  readonly bytes: number;
  /** Source bytes that it stands for, gaps included. */
  readonly sourceBytes: number;
}

/** Takes records into a batch, as many as it holds. */
export class Gather {
  readonly #config: WeirConfig;
  readonly #logTypes: LogTypes;
  readonly #maxBytes: number;
  readonly #machine: RowMachine | undefined;

  /** @param vectors the machine that makes rows of plain lines; without one, each line is taken by itself */
  constructor(config: WeirConfig, vectors: Vectors = { machine: rowMachine() }) {
    this.#machine = vectors.machine;
    this.#config = config;
    this.#logTypes = new LogTypes(config.types, config);
    this.#maxBytes = config.router.memoryMb * 2 ** 20 * MEMORY_SHARE;
  }

  /**
   * Takes records until there are no more or a batch holds no more. A record that turns out too large while it
   * is taken leaves half of it behind, so the batch is gathered again up to there; one that is too large by
   * itself is quarantined.
   */
  from(records: readonly StreamRecord[]): Gathered {
    const quarantined: Quarantined[] = [];
    const sound = soundAggregates(records.map(({ data }) => data));
    let batch = this.#newBatch();
    let sums = { bytes: 0, sourceBytes: 0 };
    for (const [taken, record] of records.entries()) {
      const opened = this.#open(record, sound);
      if (opened instanceof WireError) {
        quarantined.push({ record, error: opened });
        continue;
      }
      const isFirst = batch.userRecords === 0;
      const { bytes, sourceBytes } = opened;
      sums = { bytes: sums.bytes + bytes, sourceBytes: sums.sourceBytes + sourceBytes };
      const isFull =
        sums.bytes > this.#maxBytes ||
        batch.bytes > this.#maxBytes ||
        !Number.isSafeInteger(sums.sourceBytes);
      if (isFull && !isFirst) return { batch, quarantined, taken };
      try {
        batch.take(record, opened.parts);
      } catch (error) {
        if (!(error instanceof BatchFull)) throw error;
        if (!isFirst) return this.from(records.slice(0, taken));
        quarantined.push({ record, error: new WireError("INFLATED_TOO_LARGE", `makes ${error.message}`) });
        batch = this.#newBatch();
        sums = { bytes: 0, sourceBytes: 0 };
      }
    }
    return { batch, quarantined, taken: records.length };
  }

  #newBatch(): Batch {
    const limits = { maxBytes: this.#maxBytes * ROWS_GROWTH, maxHours: this.#config.lake.maxHoursPerBatch };
    return new Batch(this.#logTypes, this.#config.foreign, limits, this.#machine);
  }

  /** The events of a record, or why it is quarantined whole. */
  #open(record: StreamRecord, sound: ReadonlySet<Uint8Array>): Opened | WireError {
    try {
      const parts = openRuns(record, this.#config.foreign.splitLines, sound);
      let [bytes, sourceBytes] = [0, 0];
      for (const part of parts) {
        if (part instanceof Run) {
          bytes += part.extent - part.length + part.length * ROW_OVERHEAD_BYTES;
          sourceBytes += part.extent;
          continue;
        }
        const { record, position } = part;
        bytes += record.data.length + ROW_OVERHEAD_BYTES;
        if (position) sourceBytes += position.extent;
        if (position?.gap) sourceBytes += leftOutIn(gapsBefore(position.offset, position.gap)).bytes;
      }
      if (bytes <= this.#maxBytes) return { parts, bytes, sourceBytes };
      const message = `makes about ${bytes} bytes of rows, more than memory is set aside for`;
      return new WireError("INFLATED_TOO_LARGE", message);
    } catch (error) {
      if (error instanceof WireError) return error;
      throw error;
    }
  }
}
