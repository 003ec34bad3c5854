import { getHeapStatistics } from "node:v8";

/** V8 lets the old generation grow by several times this before it looks through it by itself. */
const LEAST_GARBAGE_BYTES = 2 * 2 ** 20;

/** Looking through it takes the longer the more is in it: of thousands of files, tens of milliseconds. */
const GARBAGE_PART = 1 / 4;

/**
 * Keeps the heap about as small as what is in it. Requests take longer than a generation of garbage lasts
 * where that is a megabyte, so what belongs to them grows old first. Does nothing in a process that was not started
 * with `--expose-gc`.
 */
export class HeapTrimmer {
  #keptBytes = getHeapStatistics().used_heap_size;

  /**
   * Call once what starts the agent is done. Gives back the pages that it took, and code that ran once: 7 MB, for
   * 60 ms of CPU.
   */
  trimStart(): void {
    global.gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
    this.#keptBytes = getHeapStatistics().used_heap_size;
  }

  /** Call once a second or so. */
  trim(): void {
    if (global.gc === undefined) return;
    const usedBytes = getHeapStatistics().used_heap_size;
    const garbageBytes = Math.max(LEAST_GARBAGE_BYTES, this.#keptBytes * GARBAGE_PART);
    if (usedBytes < this.#keptBytes + garbageBytes) return;
    global.gc();
    this.#keptBytes = getHeapStatistics().used_heap_size;
  }
}
