import { BLOCK_BYTES, Lane } from "./digest-lane.ts";
import { SIMD_MODULE } from "./simd-module.ts";
import { instantiate, onceWithVectors } from "./wasm.ts";

/**
 * The loops of simd.wat, over memory of their own: bytes are copied in and out, a piece at a time, which
 * costs a fifteenth of what OpenSSL's MD5 does.
 *
 * 0      tables, state of the digests
 * 4 KiB  input: one piece, or four pieces of messages that are hashed together
 * 96 KiB output, of what a piece makes
 */
const INPUT = 2 ** 12;
const OUTPUT = 96 * 2 ** 10;
const DIGEST_STATE = 576;

/** Of lines, or of data for base64: a multiple of 12. They stay in the processor's own cache. */
const PIECE_BYTES = 48 * 2 ** 10;
/** Of each message, a multiple of 64. */
const LANE_BYTES = 16 * 2 ** 10;
/** Records of nothing but empty lines are eight times as long as those. */
const OUTPUT_BYTES = 8 * PIECE_BYTES;
/** What `frame` writes as one byte. */
const KEY_INDEX_MAX = 0x7f;

const VECTOR_BYTES = 16;
/** How far before a byte those stand that `fold` adds to it. */
const FOLDS = [1_747, 2_830, 5_321] as const;
const FOLD_BYTES = FOLDS[2];
/** Of a message that is folded, after as many bytes as are needed of what came before. */
const FOLDED = INPUT + 5_328;
const FOLD_PIECE_BYTES = 64 * 2 ** 10;
/** source: RFC 1321 */
const INITIAL_STATE = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];

export const LANES = 4;

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly next: { readonly value: number };
  readonly out: { readonly value: number };
  readonly count: { readonly value: number };
  frame(at: number, end: number, out: number, limit: number, keyIndex: number): void;
  base64(at: number, end: number, out: number): void;
  fold(at: number, end: number): void;
  add(to: number, from: number, bytes: number): void;
  md5(at: number, stride: number, blocks: number): void;
}

/** Lines that were framed. */
export interface Framed {
  /** Where the first that was not begins. */
  readonly next: number;
  readonly bytes: number;
  readonly count: number;
}

export class Simd {
  readonly #wasm: Exports;
  readonly #memory: Buffer;
  readonly #words: Uint32Array;

  constructor() {
    this.#wasm = instantiate(SIMD_MODULE) as Exports;
    this.#memory = Buffer.from(this.#wasm.memory.buffer);
    this.#words = new Uint32Array(this.#wasm.memory.buffer, DIGEST_STATE, INITIAL_STATE.length * LANES);
  }

  /**
   * Frames lines of data[start, end) that end with a line feed as user records without tags. It stops
   * where it likes: before a line that is long, that does not fit, or after some.
   *
   * @param out gets the records, from `at` on, to `limit` at most
   */
  frame(
    data: Buffer,
    start: number,
    end: number,
    out: Buffer,
    at: number,
    limit: number,
    keyIndex: number,
  ): Framed {
    if (keyIndex > KEY_INDEX_MAX) return { next: start, bytes: 0, count: 0 };
    const bytes = data.copy(this.#memory, INPUT, start, Math.min(end, start + PIECE_BYTES));
    const room = Math.max(0, Math.min(limit - at, OUTPUT_BYTES));
    this.#wasm.frame(INPUT, INPUT + bytes, OUTPUT, OUTPUT + room, keyIndex);
    const written = this.#memory.copy(out, at, OUTPUT, this.#wasm.out.value);
    return { next: start + this.#wasm.next.value - INPUT, bytes: written, count: this.#wasm.count.value };
  }

  /** Writes the base64 of data to `out` from `at` on. @returns the offset after it */
  base64(data: Buffer, out: Buffer, at: number): number {
    const whole = data.length - (data.length % 12);
    for (let from = 0; from < whole; from += PIECE_BYTES) {
      const bytes = data.copy(this.#memory, INPUT, from, Math.min(whole, from + PIECE_BYTES));
      this.#wasm.base64(INPUT, INPUT + bytes, OUTPUT);
      at += this.#memory.copy(out, at, OUTPUT, OUTPUT + (bytes / 3) * 4);
    }
    return at + out.write(data.toString("base64", whole), at, "latin1");
  }

  /**
   * Folds bytes[start, end) into as many as the last few thousand of them. The CRC-32C of these, begun with 0,
   * is that of all of them begun with ones.
   *
   * @returns bytes that are good until the next call; undefined where there are too few to fold
   */
  fold(bytes: Uint8Array, start: number, end: number): Buffer | undefined {
    const most = end - start - FOLD_BYTES;
    const folded = most - (most % VECTOR_BYTES);
    if (folded <= 0) return undefined;
    const memory = this.#memory;
    const before = FOLDED - FOLD_BYTES;
    memory.fill(0, before, FOLDED);
    for (let at = 0; at < folded; at += FOLD_PIECE_BYTES) {
      const length = Math.min(FOLD_PIECE_BYTES, folded - at);
      memory.set(bytes.subarray(start + at, start + at + length), FOLDED);
      if (at === 0) memory.writeInt32LE(~memory.readInt32LE(FOLDED), FOLDED);
      this.#wasm.fold(before, FOLDED + length);
      memory.copyWithin(before, before + length, FOLDED + length);
    }
    const rest = FOLDED + VECTOR_BYTES;
    memory.fill(0, FOLDED, rest);
    memory.set(bytes.subarray(start + folded, end), rest);
    // Those that are not left out have nothing to add.
    for (const distance of FOLDS) this.#wasm.add(rest, FOLDED - distance, distance);
    return memory.subarray(rest, rest + end - start - folded);
  }

  /** The MD5 of each of four messages. Those of one length are done the soonest. */
  md5(messages: readonly Buffer[]): Buffer[] {
    for (const [i, word] of INITIAL_STATE.entries()) this.#words.fill(word, i * LANES, (i + 1) * LANES);
    const lanes = messages.map((message) => new Lane(message));
    const digests: Buffer[] = [];
    for (;;) {
      const open = lanes.filter((lane) => !lane.isDone);
      if (open.length === 0) return digests;
      const bytes = Math.min(LANE_BYTES, ...open.map((lane) => lane.ready));
      for (const [i, lane] of lanes.entries()) lane.copy(this.#memory, INPUT + i * LANE_BYTES, bytes);
      this.#wasm.md5(INPUT, LANE_BYTES, bytes / BLOCK_BYTES);
      for (const [i, lane] of lanes.entries()) if (lane.isDone) digests[i] ??= this.#digest(i);
    }
  }

  #digest(lane: number): Buffer {
    const digest = Buffer.alloc(16);
    for (let i = 0; i < INITIAL_STATE.length; i++)
      digest.writeUInt32LE(this.#words[i * LANES + lane]!, i * 4);
    return digest;
  }
}

/** Undefined where WebAssembly or its vectors are not to be had: the caller does it in JavaScript. */
export const simd = onceWithVectors(() => new Simd());
