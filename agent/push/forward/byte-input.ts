import { ForwardError } from "./forward-error.ts";

/** Bytes that come one after another, of which as few are held as whoever reads them leaves. */
export interface ByteInput {
  /** Those that are there and not consumed; good until more are waited for. */
  readonly window: Buffer;
  consume(bytes: number): void;
  /** Waits until there are more in the window. @returns false at their end @throws what they fail with */
  more(): Promise<boolean>;
}

/** Waits for bytes without which a message is not whole. @throws ForwardError ENDED */
export async function needMore(input: ByteInput): Promise<void> {
  if (!(await input.more())) throw new ForwardError("ENDED", "the connection ended within a message");
}

/** Waits for as many bytes, or for the end of those that there are. */
export async function atLeast(input: ByteInput, bytes: number): Promise<Buffer> {
  while (input.window.length < bytes && (await input.more()));
  return input.window;
}

/** So many of the next bytes of another input, and no more. */
export class Content implements ByteInput {
  readonly #input: ByteInput;
  #left: number;

  constructor(input: ByteInput, bytes: number) {
    this.#input = input;
    this.#left = bytes;
  }

  get window(): Buffer {
    return this.#input.window.subarray(0, this.#left);
  }

  /** Not consumed yet, whether they are there or not. */
  get left(): number {
    return this.#left;
  }

  consume(bytes: number): void {
    this.#input.consume(bytes);
    this.#left -= bytes;
  }

  async more(): Promise<boolean> {
    if (this.#input.window.length >= this.#left) return false;
    await needMore(this.#input);
    return true;
  }
}

/** Bytes that are all there. */
export class WholeInput implements ByteInput {
  window: Buffer;

  constructor(bytes: Buffer) {
    this.window = bytes;
  }

  consume(bytes: number): void {
    this.window = this.window.subarray(bytes);
  }

  async more(): Promise<boolean> {
    return false;
  }
}
