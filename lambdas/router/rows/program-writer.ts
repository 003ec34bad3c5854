import { PROGRAM, PROGRAM_BYTES, PROGRAM_WORDS } from "./layout.ts";

const WORD_BYTES = 4;

/** Lays out a row program: lists of records of words, and texts, each at an address of the machine's memory. */
export class ProgramWriter {
  readonly #bytes: Uint8Array[] = [];
  #at = PROGRAM + PROGRAM_WORDS * WORD_BYTES;

  /** @returns address and length */
  text(text: Uint8Array): [address: number, length: number] {
    return [this.#add(text), text.length];
  }

  /** @returns addresses of the first record, and after the last */
  list(records: readonly (readonly number[])[]): [from: number, to: number] {
    const words = wordsOf(records.flat());
    const from = this.#add(words);
    return [from, from + words.length];
  }

  /** @param words that come first @returns undefined for a program that is too large */
  finish(words: readonly number[]): Uint8Array | undefined {
    return this.#at - PROGRAM > PROGRAM_BYTES ? undefined : Buffer.concat([wordsOf(words), ...this.#bytes]);
  }

  #add(bytes: Uint8Array): number {
    const at = this.#at;
    const padded = Math.ceil(bytes.length / WORD_BYTES) * WORD_BYTES;
    this.#bytes.push(bytes, Buffer.alloc(padded - bytes.length));
    this.#at += padded;
    return at;
  }
}

function wordsOf(words: readonly number[]): Buffer {
  const bytes = Buffer.alloc(words.length * WORD_BYTES);
  for (const [i, word] of words.entries()) bytes.writeInt32LE(word | 0, i * WORD_BYTES);
  return bytes;
}
