/** A second, and a little for answers that come back faster than the one before. */
const WINDOW_MS = 1_005;

interface Arrival {
  readonly atMs: number;
  bytes: number;
  records: number;
}

/**
 * What a shard may have got within one second: all that is on its way, and what has arrived since. Requests
 * take longer at one time than at another, so records that were sent at an even pace can still arrive in a
 * bunch, and only answers tell when they did.
 */
export class ArrivalWindow {
  readonly #maxBytes: number;
  readonly #maxRecords: number;
  readonly #arrivals: Arrival[] = [];
  /** On their way, or arrived within the last second. */
  #bytes = 0;
  #records = 0;

  constructor(maxBytes: number, maxRecords: number) {
    this.#maxBytes = maxBytes;
    this.#maxRecords = maxRecords;
  }

  /** When one more record can be sent; Infinity where it takes an answer first. A lone one always can. */
  readyAtMs(bytes: number, nowMs: number): number {
    while (this.#arrivals[0] && this.#arrivals[0].atMs + WINDOW_MS <= nowMs) {
      const over = this.#arrivals.shift()!;
      this.#bytes -= over.bytes;
      this.#records -= over.records;
    }
    let bytesOver = this.#bytes + bytes - this.#maxBytes;
    let recordsOver = this.#records + 1 - this.#maxRecords;
    if (this.#records === 0 || (bytesOver <= 0 && recordsOver <= 0)) return nowMs;
    let left = this.#records;
    for (const arrival of this.#arrivals) {
      bytesOver -= arrival.bytes;
      recordsOver -= arrival.records;
      left -= arrival.records;
      if (left === 0 || (bytesOver <= 0 && recordsOver <= 0)) return arrival.atMs + WINDOW_MS;
    }
    return Infinity;
  }

  sending(bytes: number): void {
    this.#bytes += bytes;
    this.#records++;
  }

  /** @param atMs at the latest */
  arrived(bytes: number, atMs: number): void {
    const last = this.#arrivals.at(-1);
    if (last && last.atMs >= atMs) {
      last.bytes += bytes;
      last.records++;
    } else this.#arrivals.push({ atMs, bytes, records: 1 });
  }

  /** The shard did not take it. */
  refused(bytes: number): void {
    this.#bytes -= bytes;
    this.#records--;
  }
}
