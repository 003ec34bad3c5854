import { randomUUID } from "node:crypto";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { batchOutcome } from "./batch-outcome.ts";
import { failureKey, failureRecord } from "./failure-record.ts";
import type { Batch, GiveUpCondition, BatchQueue } from "./batch-queue.ts";
import { ERROR_WAIT_MS, type MappingContext } from "./mapping-context.ts";
import { eventPayload } from "./stream-record.ts";
import type { Wake } from "./wake.ts";

/** The hands of a shard's batch queue: does what it asks for, and tells it what came of that. */
export class BatchWorker {
  readonly #shardId: string;
  readonly #queue: BatchQueue;
  readonly #context: MappingContext;
  readonly #changed: Wake;

  /** @param changed wakes the queue when the shard has something new, and the reader when the queue has */
  constructor(shardId: string, queue: BatchQueue, context: MappingContext, changed: Wake) {
    this.#shardId = shardId;
    this.#queue = queue;
    this.#context = context;
    this.#changed = changed;
  }

  /** Works until `ended`, or until the mapping is stopped; what is under way then is left alone. */
  async run(ended: () => boolean): Promise<void> {
    const { signal, enabled } = this.#context;
    while (!signal.aborted && !ended()) {
      await enabled.on(signal);
      if (signal.aborted) return;
      const action = this.#queue.next(Date.now());
      if (action.kind === "wait") {
        await this.#changed.wait(action.untilMs - Date.now(), signal);
        continue;
      }
      if (action.kind === "invoke") await this.#invoke(action.batch);
      else await this.#giveUp(action.batch, action.condition);
      this.#changed.wake();
    }
  }

  async #invoke(batch: Batch): Promise<void> {
    const { invoke, settings, onEvent, signal } = this.#context;
    const startedAt = performance.now();
    const result = await orAborted(invoke(eventPayload(batch.records)), signal);
    if (!result) return;
    const outcome = batchOutcome(result, batch.records, settings.reportBatchItemFailures);
    const answer = { requestId: result.requestId, functionError: result.ok ? null : ("Unhandled" as const) };
    this.#queue.on({ kind: "answered", outcome, answer, atMs: Date.now() });
    onEvent({
      kind: "invoked",
      shardId: this.#shardId,
      records: batch.records.length,
      milliseconds: performance.now() - startedAt,
      outcome: outcome.kind,
      error: result.ok ? undefined : `${result.error.type}: ${result.error.message}`,
    });
  }

  async #giveUp(batch: Batch, condition: GiveUpCondition): Promise<void> {
    const { settings, onEvent, signal } = this.#context;
    const bucket = settings.failureDestinationBucket;
    const key = bucket === undefined ? undefined : await this.#deliver(bucket, batch, condition);
    if (signal.aborted) return;
    this.#queue.on({ kind: "given-up" });
    onEvent({ kind: "gave-up", shardId: this.#shardId, records: batch.records.length, condition, key });
  }

  /** Lambda drops what its destination refuses; we keep trying, and the shard waits. */
  async #deliver(bucket: string, batch: Batch, condition: GiveUpCondition): Promise<string> {
    const { uuid: mappingUuid, functionArn, streamArn, s3, onEvent, signal } = this.#context;
    const shardId = this.#shardId;
    const [at, uuid] = [new Date(), randomUUID()];
    const key = failureKey(mappingUuid, shardId, at, uuid);
    const body = Buffer.from(failureRecord(batch, { functionArn, streamArn, shardId, condition, at, uuid }));
    while (!signal.aborted) {
      try {
        const command = new PutObjectCommand({
          Bucket: bucket,
          Key: key,
          Body: body,
          ContentLength: body.length,
        });
        await s3.send(command, { abortSignal: signal });
        return key;
      } catch (error) {
        if (signal.aborted) break;
        onEvent({ kind: "destination-failed", shardId, key, error });
        await this.#changed.wait(ERROR_WAIT_MS, signal);
      }
    }
    return key;
  }
}

/** What `work` resolves to, or undefined if the signal comes first. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const aborted = Promise.withResolvers<undefined>();
  const onAbort = (): void => aborted.resolve(undefined);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return signal.aborted ? undefined : await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
