import type { AggregateRecords } from "../../../wire/aggregate-records.ts";
import { instantiate, onceWithVectors } from "../../../wire/wasm.ts";
import { type RowMetadata, SECONDS_AT } from "../row-metadata.ts";
import * as layout from "./layout.ts";
import { ROW_MODULE } from "./module.ts";
import type { RowProgram } from "./row-program.ts";

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly end: { readonly value: number };
  readonly bytes: { readonly value: number };
  readonly firstMs: { readonly value: number };
  readonly lastMs: { readonly value: number };
  readonly timeFrom: { readonly value: number };
  readonly timeTo: { readonly value: number };
  crcs(count: number): void;
  rows(from: number, to: number, offset: number, room: number): number;
}

/** Rows that were written. */
export interface WrittenRows {
  /** Index of the first line that was not taken. */
  readonly next: number;
  /** Source bytes of the lines that were. */
  readonly bytes: number;
  /** Good until the next call. */
  readonly rows: Uint8Array;
  /** Earliest and latest of the rows' times, in ms past the clock's minute. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** The time of the line that was not taken, where that is of another minute. Good until lines are taken in. */
  readonly time: Uint8Array | undefined;
}

const WORD_BYTES = 4;
const MINUTE_MS = 60_000;

/**
 * Makes rows of lines by WebAssembly's vectors: what PlainRows does, sixteen bytes at a time and many lines in one call.
 * It leaves every line that it is not sure of to the general path. Memory: layout.ts; loops: assembly/.
 */
export class RowMachine {
  readonly #wasm: Exports;
  readonly #memory: Buffer;
  readonly #words: Int32Array;
  readonly #crcs: Uint32Array;
  #program: RowProgram | undefined;

  constructor() {
    this.#wasm = instantiate(ROW_MODULE) as Exports;
    this.#memory = Buffer.from(this.#wasm.memory.buffer);
    this.#words = new Int32Array(this.#wasm.memory.buffer);
    this.#crcs = new Uint32Array(this.#wasm.memory.buffer, layout.LINE_CRCS, layout.LINES_MAX);
  }

  /**
   * Takes in records [from, to), as many as there is room for, and computes the CRC-32 of their data.
   *
   * @param crcs gets those
   * @returns index of the first record that was not taken in
   */
  takeIn({ data, starts, ends }: AggregateRecords, from: number, to: number, crcs: Uint32Array): number {
    const begin = starts[from]!;
    const last = Math.min(to, from + layout.LINES_MAX);
    const moved = layout.INPUT - begin;
    let i = from;
    for (; i < last && ends[i]! - begin <= layout.INPUT_BYTES; i++) {
      this.#words[layout.LINE_STARTS / WORD_BYTES + i - from] = starts[i]! + moved;
      this.#words[layout.LINE_ENDS / WORD_BYTES + i - from] = ends[i]! + moved;
    }
    if (i === from) return from;
    this.#memory.set(data.subarray(begin, ends[i - 1]), layout.INPUT);
    this.#wasm.crcs(i - from);
    crcs.set(this.#crcs.subarray(0, i - from));
    return i;
  }

  /** Says what the next rows are made by. */
  load(program: RowProgram): void {
    if (this.#program === program) return;
    this.#memory.set(program.bytes, layout.PROGRAM);
    this.#program = program;
  }

  /**
   * Says what the next rows have in common: their origin, and the minute of their times.
   *
   * @param time that theirs are like but for seconds and milliseconds; absent where they have all the same
   * @returns false where there is no such minute, and every line is left
   */
  set(metadata: RowMetadata, epochMs: number, time?: Uint8Array): boolean {
    this.#setWord(layout.CLOCK_LENGTH, 0);
    if (time && (time.length > layout.CLOCK_MAX_BYTES || !(epochMs % MINUTE_MS === 0))) return false;
    const [before, after] = metadata.around(epochMs);
    if (Math.max(before.length, after.length) > layout.METADATA_TEXT_BYTES) return false;
    this.#memory.set(before, layout.BEFORE);
    this.#memory.set(after, layout.AFTER);
    this.#setWord(layout.METADATA_BEFORE_LENGTH, before.length);
    this.#setWord(layout.METADATA_AFTER_LENGTH, after.length);
    this.#setWord(layout.METADATA_SECONDS, SECONDS_AT);
    this.#setWord(layout.METADATA_MAX_BYTES, metadata.maxBytes);
    this.#setWord(layout.CLOCK_LENGTH, time?.length ?? 0);
    if (time) this.#memory.set(time, layout.CLOCK_TEXT);
    return true;
  }

  #setWord(at: number, value: number): void {
    this.#words[at / WORD_BYTES] = value;
  }

  /**
   * Writes the rows of lines [from, to) of those taken in.
   *
   * @param offset of the first in its source
   * @param room bytes that the rows may take
   */
  rows(from: number, to: number, offset: number, room: number): WrittenRows {
    const wasm = this.#wasm;
    const next = wasm.rows(from, to, offset, Math.min(room, layout.OUTPUT_MAX_BYTES));
    const [timeFrom, timeTo] = [wasm.timeFrom.value, wasm.timeTo.value];
    return {
      next,
      bytes: wasm.bytes.value,
      rows: this.#memory.subarray(layout.OUTPUT, wasm.end.value),
      firstMs: wasm.firstMs.value,
      lastMs: wasm.lastMs.value,
      time: timeTo === 0 ? undefined : this.#memory.subarray(timeFrom, timeTo),
    };
  }
}

/** What a machine has for many lines at a time. */
export interface Vectors {
  readonly machine: RowMachine | undefined;
}

/** Undefined where WebAssembly or its vectors are not to be had: every line takes the general path then. */
export const rowMachine = onceWithVectors(() => new RowMachine());
