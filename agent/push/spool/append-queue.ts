import type { Batch } from "./batch.ts";

/** A batch whose sender waits to hear that it is durable. */
export interface Waiting extends Batch {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Batches that wait to be written, in the order they came. */
export class AppendQueue {
  readonly #waiting: Waiting[] = [];
  #bytes = 0;

  /** Of the frames that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** @returns what settles once the batch is done with */
  add(batch: Batch): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ ...batch, resolve, reject });
    this.#bytes += batch.frames.length;
    return promise;
  }

  /** The oldest batches within the limit, and one in any case. */
  takeGroup(maxBytes: number): Waiting[] {
    let count = 0;
    let bytes = 0;
    while (count < this.#waiting.length) {
      const size = this.#waiting[count]!.frames.length;
      if (count > 0 && bytes + size > maxBytes) break;
      bytes += size;
      count++;
    }
    this.#bytes -= bytes;
    return this.#waiting.splice(0, count);
  }
}
