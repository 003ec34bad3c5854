import type { WeirConfig } from "../../wire/config.ts";
import type { BatchId } from "../../wire/keys.ts";
import { BatchWriter, type RoutedBatch } from "./batch-writer.ts";
import { Gather } from "./gather.ts";
import { rowMachine, type Vectors } from "./rows/row-machine.ts";
import { RouterError } from "./router-error.ts";
import type { StreamRecord } from "./stream-record.ts";

export type { RoutedBatch } from "./batch-writer.ts";

/**
 * Turns batches of Kinesis records into objects of the lake. The same batch under the same configuration gives the
 * same keys and bytes; whatever gives other bytes gives another key.
 */
export class Router {
  readonly #gather: Gather;
  readonly #writer: BatchWriter;

  /** @param vectors the machine that makes rows of plain lines, if it is to be used */
  constructor(config: WeirConfig, vectors: Vectors = { machine: rowMachine() }) {
    this.#gather = new Gather(config, vectors);
    this.#writer = new BatchWriter(config);
  }

  /**
   * @param records of one shard, in order, at least one
   * @throws RouterError MIXED_SHARDS, UNBALANCED, BAD_COMMIT; never for what the records hold
   */
  route(records: readonly StreamRecord[]): RoutedBatch {
    const { batch, quarantined, taken } = this.#gather.from(records);
    const some = records.slice(0, taken);
    const contents = {
      id: batchId(some),
      arrived: arrivalOf(some.map(({ arrivedAt }) => arrivedAt)),
      records: some.length,
      bytes: some.reduce((sum, { data }) => sum + data.length, 0),
      userRecords: batch.userRecords,
      types: batch.types(),
      quarantined,
      sources: batch.sources.toArray(),
      contested: batch.sources.contested(),
    };
    return this.#writer.write(contents, records[taken]?.sequenceNumber);
  }
}

/** The first and the last of some times, at least one. */
export function arrivalOf(times: readonly Date[]): { readonly from: Date; readonly to: Date } {
  const ms = times.map((time) => time.getTime());
  const [from, to] = [ms.reduce((a, b) => Math.min(a, b)), ms.reduce((a, b) => Math.max(a, b))];
  return { from: new Date(from), to: new Date(to) };
}

/** @throws RouterError MIXED_SHARDS */
function batchId(records: readonly StreamRecord[]): BatchId {
  const first = records[0]!;
  const stray = records.find(({ shardId }) => shardId !== first.shardId);
  if (stray) {
    throw new RouterError(
      "MIXED_SHARDS",
      `records of ${first.shardId} and of ${stray.shardId} in one batch`,
      "hand over the records of each shard apart",
    );
  }
  return {
    origin: first.shardId,
    firstSequenceNumber: first.sequenceNumber,
    lastSequenceNumber: records.at(-1)!.sequenceNumber,
  };
}
