import { LAMBDA_PAYLOAD_MAX_BYTES } from "../../wire/limits.ts";
import { Lane } from "./lane.ts";
import type { MappingSettings } from "./settings.ts";
import type { StreamRecord } from "./stream-record.ts";

/** One batch under way and one ahead. A GetRecords reply, 10 MiB at most, comes on top of it. */
const READ_AHEAD_BYTES = 2 * LAMBDA_PAYLOAD_MAX_BYTES;

interface Unfinished {
  readonly record: StreamRecord;
  done: boolean;
}

/**
 * What is read of a shard and not finished, spread over as many lanes as may be invoked at a time.
 * Records of one partition key share a lane, so that their order is kept.
 *
 * Invariant: every record up to and including `checkpoint` is done or given up.
 */
export class Shard {
  readonly lanes: readonly Lane[];
  readonly #unfinished: Unfinished[] = [];
  readonly #bySequenceNumber = new Map<string, Unfinished>();
  #bytes = 0;
  #read = 0;
  #checkpoint: string | undefined;
  #caughtUp = { sinceMs: -Infinity, read: 0 };

  constructor(settings: MappingSettings) {
    const onDone = (records: readonly StreamRecord[]): void => this.#done(records);
    this.lanes = Array.from({ length: settings.parallelizationFactor }, () => new Lane(settings, onDone));
  }

  /** Sequence number up to which nothing is left to do; undefined before the first. */
  get checkpoint(): string | undefined {
    return this.#checkpoint;
  }

  /** False while enough is read ahead. */
  get hasRoom(): boolean {
    return this.#bytes < READ_AHEAD_BYTES;
  }

  /** True when nothing that was read is left to do. */
  get idle(): boolean {
    return this.#unfinished.length === 0;
  }

  /** When the oldest unfinished record arrived. */
  get oldestArrivedAtMs(): number | undefined {
    return this.#unfinished[0]?.record.arrivedAtMs;
  }

  get inFlight(): number {
    return this.lanes.reduce((sum, lane) => sum + lane.inFlight, 0);
  }

  /** Records read, in order. */
  read(records: readonly StreamRecord[], atMs: number): void {
    const shares: StreamRecord[][] = this.lanes.map(() => []);
    for (const record of records) {
      const unfinished = { record, done: false };
      this.#unfinished.push(unfinished);
      this.#bySequenceNumber.set(record.sequenceNumber, unfinished);
      this.#bytes += record.entryBytes;
      shares[laneOf(record.partitionKey, this.lanes.length)]!.push(record);
    }
    this.#read += records.length;
    this.lanes.forEach((lane, i) => {
      if (shares[i]!.length > 0) lane.on({ kind: "read", records: shares[i]!, atMs });
    });
  }

  /** A request that began at `sinceMs` left nothing unread. */
  caughtUp(sinceMs: number): void {
    this.#caughtUp = { sinceMs, read: this.#read };
  }

  /** True when all that was in the shard at `sinceMs` is done or given up. */
  finished(sinceMs: number): boolean {
    const done = this.#read - this.#unfinished.length;
    return this.#caughtUp.sinceMs >= sinceMs && done >= this.#caughtUp.read;
  }

  #done(records: readonly StreamRecord[]): void {
    for (const { sequenceNumber } of records) {
      this.#bySequenceNumber.get(sequenceNumber)!.done = true;
      this.#bySequenceNumber.delete(sequenceNumber);
    }
    const first = this.#unfinished.findIndex(({ done }) => !done);
    const prefix = this.#unfinished.splice(0, first < 0 ? this.#unfinished.length : first);
    for (const { record } of prefix) this.#bytes -= record.entryBytes;
    this.#checkpoint = prefix.at(-1)?.record.sequenceNumber ?? this.#checkpoint;
  }
}

/** FNV-1a, 32 bits: any hash that spreads keys will do. */
function laneOf(partitionKey: string, lanes: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < partitionKey.length; i++) {
    hash = Math.imul(hash ^ partitionKey.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0) % lanes;
}
