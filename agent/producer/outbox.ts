import { EventEmitter, once } from "node:events";

/** A Kinesis record on its way, with what to tell once it has arrived. */
export interface OutgoingRecord {
  readonly data: Buffer;
  readonly partitionKey: string;
  readonly explicitHashKey: string;
  /** Shard that owned the explicit hash key when the aggregate was closed. */
  readonly shardId: string;
  readonly acknowledge: () => void;
}

/** Records that Kinesis has not acknowledged: those that wait, and those in flight. Bounded in bytes. */
export class Outbox {
  readonly #maxBytes: number;
  readonly #waiting: OutgoingRecord[] = [];
  readonly #changed = new EventEmitter<{ change: [] }>().setMaxListeners(0);
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes that wait or are in flight. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Never refuses: whoever puts waits for `room` between two blocks of lines, whose size is bounded. */
  put(record: OutgoingRecord): void {
    this.#waiting.push(record);
    this.#bytes += record.data.length;
    this.#changed.emit("change");
  }

  /** Resolves once there is less than the limit. @throws AbortError */
  async room(signal: AbortSignal): Promise<void> {
    while (this.#bytes >= this.#maxBytes) await once(this.#changed, "change", { signal });
  }

  /** Resolves once everything is acknowledged. @throws AbortError */
  async empty(signal: AbortSignal): Promise<void> {
    while (this.#bytes > 0) await once(this.#changed, "change", { signal });
  }

  /** The oldest waiting records, at least one, within both limits. @throws AbortError */
  async take(maxRecords: number, maxBytes: number, signal: AbortSignal): Promise<OutgoingRecord[]> {
    while (this.#waiting.length === 0) await once(this.#changed, "change", { signal });
    let count = 0;
    let bytes = 0;
    while (count < maxRecords && count < this.#waiting.length) {
      bytes += this.#waiting[count]!.data.length;
      if (count > 0 && bytes > maxBytes) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  acknowledged(record: OutgoingRecord): void {
    this.#bytes -= record.data.length;
    record.acknowledge();
    this.#changed.emit("change");
  }
}
