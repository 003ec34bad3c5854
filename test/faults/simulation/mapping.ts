import { batchOutcome } from "../../../local/mapping/batch-outcome.ts";
import { type Batch, BatchQueue, type GiveUpCondition } from "../../../local/mapping/batch-queue.ts";
import { failureKey, failureRecord } from "../../../local/mapping/failure-record.ts";
import type { MappingSettings } from "../../../local/mapping/settings.ts";
import { eventPayload } from "../../../local/mapping/stream-record.ts";
import type { InvokeResult } from "../../../local/lambda/invoke-result.ts";
import type { FailedBatch } from "../../../ops/audit/failed-batches.ts";
import type { MemoryS3 } from "../../../bench/memory-s3.ts";
import type { Stream, StreamShard } from "./stream.ts";
import { STREAM_ARN } from "./stream.ts";
import type { VirtualTime } from "./virtual-time.ts";

export const ROUTER_ARN = "arn:aws:lambda:us-east-1:000000000000:function:router";

const LONGEST_WAIT_MS = 60_000;

export interface MappingParts {
  readonly time: VirtualTime;
  readonly stream: Stream;
  readonly settings: MappingSettings;
  readonly failures: MemoryS3;
  readonly invoke: (shardId: string, payload: string) => Promise<InvokeResult>;
  readonly onGivenUp: (batch: FailedBatch) => void;
}

/** An event source mapping: a batch at a time of each shard, in order, children after their parents. */
export class Mapping {
  readonly #parts: MappingParts;
  readonly #consumers = new Map<string, ShardConsumer>();

  constructor(parts: MappingParts) {
    this.#parts = parts;
  }

  /** Takes up shards whose parents are done, and tells those that have begun of new records. */
  look(): void {
    for (const shard of this.#parts.stream.shards) {
      const known = this.#consumers.get(shard.shardId);
      if (known) known.look();
      else if (shard.parents.every((id) => this.#consumers.get(id)?.isOver)) {
        const consumer = new ShardConsumer(shard, this.#parts, () => this.look());
        this.#consumers.set(shard.shardId, consumer);
        void consumer.run();
      }
    }
  }

  /** Whether all that the stream has is done or given up. */
  get isDone(): boolean {
    return this.#parts.stream.shards.every(({ shardId }) => this.#consumers.get(shardId)?.isDone);
  }
}

class ShardConsumer {
  readonly #shard: StreamShard;
  readonly #parts: MappingParts;
  readonly #queue: BatchQueue;
  readonly #onOver: () => void;
  #read = 0;
  #done = 0;
  #wake: () => void = () => {};

  constructor(shard: StreamShard, parts: MappingParts, onOver: () => void) {
    this.#shard = shard;
    this.#parts = parts;
    this.#onOver = onOver;
    this.#queue = new BatchQueue(parts.settings, (records) => (this.#done += records.length));
  }

  get isDone(): boolean {
    return this.#done === this.#shard.records.length;
  }

  get isOver(): boolean {
    return this.#shard.isClosed && this.isDone;
  }

  look(): void {
    const records = this.#shard.records.slice(this.#read).map(({ record }) => record);
    if (records.length > 0) this.#queue.on({ kind: "read", records, atMs: this.#parts.time.nowMs });
    this.#read += records.length;
    this.#wake();
  }

  async run(): Promise<void> {
    const { time } = this.#parts;
    this.look();
    while (!this.isOver) {
      const action = this.#queue.next(time.nowMs);
      if (action.kind === "wait") await this.#wait(action.untilMs - time.nowMs);
      else if (action.kind === "invoke") await this.#invoke(action.batch);
      else this.#giveUp(action.batch, action.condition);
    }
    this.#onOver();
  }

  async #wait(ms: number): Promise<void> {
    const over = new AbortController();
    this.#wake = () => over.abort();
    await this.#parts.time.sleep(Math.min(ms, LONGEST_WAIT_MS), over.signal).catch(() => {});
  }

  async #invoke({ records }: Batch): Promise<void> {
    const { time, invoke, settings } = this.#parts;
    const result = await invoke(this.#shard.shardId, eventPayload(records));
    const outcome = batchOutcome(result, records, settings.reportBatchItemFailures);
    const functionError = result.ok ? null : ("Unhandled" as const);
    const answer = { requestId: result.requestId, functionError };
    this.#queue.on({ kind: "answered", outcome, answer, atMs: time.nowMs });
  }

  #giveUp(batch: Batch, condition: GiveUpCondition): void {
    const { time, failures, onGivenUp } = this.#parts;
    const { shardId } = this.#shard;
    const at = new Date(time.nowMs);
    const uuid = `00000000-0000-4000-8000-${batch.records[0]!.sequenceNumber.slice(-12)}`;
    const key = failureKey("mapping", shardId, at, uuid);
    const context = {
      functionArn: ROUTER_ARN,
      streamArn: STREAM_ARN,
      shardId,
      condition,
      at,
      uuid,
    };
    failures.put(key, Buffer.from(failureRecord(batch, context)));
    this.#queue.on({ kind: "given-up" });
    const [first, last] = [batch.records[0]!, batch.records.at(-1)!];
    onGivenUp({
      key,
      shardId,
      firstSequenceNumber: first.sequenceNumber,
      lastSequenceNumber: last.sequenceNumber,
      records: batch.records.length,
      arrivedFrom: new Date(first.arrivedAtMs).toISOString(),
      arrivedTo: new Date(last.arrivedAtMs).toISOString(),
    });
  }
}
