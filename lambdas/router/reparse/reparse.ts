import * as z from "zod";
import type { Commit } from "../../../wire/commit.ts";
import type { WeirConfig } from "../../../wire/config.ts";
import { reparseBatch, type UnfiledKey } from "../../../wire/keys.ts";
import { type QuarantinedRecord, quarantinedRecordSchema } from "../../../wire/quarantine.ts";
import { rejectedLineSchema } from "../../../wire/reject.ts";
import type { ReparsedLines, ReparseReason } from "../../../wire/router-command.ts";
import { WireError, type WireErrorCode } from "../../../wire/wire-error.ts";
import { UnreadableObject } from "../../commit-log/object-lines.ts";
import { type BatchContents, BatchWriter, type RoutedBatch } from "../batch-writer.ts";
import { Gather } from "../gather.ts";
import { LogTypes } from "../log-types.ts";
import type { Quarantined } from "../quarantine.ts";
import { BatchFull } from "../room.ts";
import { arrivalOf } from "../router.ts";
import type { StreamRecord } from "../stream-record.ts";
import { timestampMs } from "../time/timestamp.ts";
import type { TypeBatch } from "../type-batch.ts";
import { RejectedBatch } from "./rejected-batch.ts";
import { ReparseReasons } from "./reparse-reasons.ts";

/** Part of the function's memory that rows and lines rejected again may take: what was rejected took up to a quarter. */
const MEMORY_SHARE = 3 / 8;

/** Its `_src` is written into rows as it is, and its `_arrived_at` is read. */
const lineSchema = rejectedLineSchema.extend({
  _src: z.string().regex(/^[\w.:-]+$/),
  _off: z.int().min(0),
  _arrived_at: z.string().refine((text) => !Number.isNaN(timestampMs(text))),
});

/** An object to be filed anew: its key, as its commit names it, and what that says. */
export interface UnfiledObject extends UnfiledKey {
  readonly key: string;
}

export interface Reparsed {
  /** Undefined where nothing would change. */
  readonly batch: RoutedBatch | undefined;
  readonly found: ReparsedLines;
}

/**
 * Files lines that were rejected, and records that could not be opened, anew by the present configuration. The same
 * object under the same configuration gives the same objects and commit.
 */
export class Reparse {
  readonly #config: WeirConfig;
  readonly #logTypes: LogTypes;
  readonly #gather: Gather;
  readonly #writer: BatchWriter;

  constructor(config: WeirConfig) {
    this.#config = config;
    this.#logTypes = new LogTypes(config.types, config);
    this.#gather = new Gather(config);
    this.#writer = new BatchWriter(config);
  }

  /** @param lines of the object @throws UnreadableObject @throws RouterError BAD_COMMIT */
  async file(object: UnfiledObject, lines: AsyncIterable<Buffer>): Promise<Reparsed> {
    return object.kind === "rejected" ? this.#rejected(object, lines) : this.#quarantined(object, lines);
  }

  async #rejected(object: UnfiledObject, lines: AsyncIterable<Buffer>): Promise<Reparsed> {
    const { key, type } = object;
    const { memoryMb } = this.#config.router;
    const maxBytes = memoryMb * 2 ** 20 * MEMORY_SHARE;
    const limits = { maxBytes, maxHours: this.#config.lake.maxHoursPerBatch };
    const batch = new RejectedBatch(this.#logTypes, this.#config.foreign, limits);
    try {
      for await (const line of parsed(key, lines, lineSchema)) batch.take(line);
    } catch (error) {
      if (!(error instanceof BatchFull)) throw error;
      throw new UnreadableObject(key, `it makes ${error.message}: raise router.memoryMb`, { cause: error });
    }
    const { read, shardId, arrivedFrom, arrivedTo, isChanged } = batch;
    const types = batch.types(type);
    const found = foundIn(read, types, 0, batch.reasons.toArray());
    if (!isChanged) return { batch: undefined, found };
    const contents = {
      arrived: { from: new Date(arrivedFrom), to: new Date(arrivedTo) },
      userRecords: 0,
      types,
      quarantined: [],
      sources: batch.sources.toArray(),
      contested: [],
    };
    return { batch: this.#write(object, contents, read, shardId), found };
  }

  async #quarantined(object: UnfiledObject, lines: AsyncIterable<Buffer>): Promise<Reparsed> {
    const stored: QuarantinedRecord[] = [];
    for await (const one of parsed(object.key, lines, quarantinedRecordSchema)) stored.push(one);
    const records = stored.map((one) => streamRecord(one, object.origin));
    if (records.length === 0) return { batch: undefined, found: foundIn(0, [], 0, []) };
    const { batch, quarantined, taken } = this.#gather.from(records);
    // What a batch has no more room for waits for the next time, as it was.
    const waiting = records.slice(taken).map((record, i) => quarantinedAs(record, stored[taken + i]!));
    const again = [...quarantined, ...waiting];
    const types = batch.types();
    const found = foundIn(records.length, types, again.length, reasonsOf(again));
    const reasons = new Map(records.map((record, i) => [record, stored[i]!.reason]));
    const isSame =
      again.length === records.length &&
      again.every(({ record, error }) => error.code === reasons.get(record));
    if (isSame) return { batch: undefined, found };
    const contents = {
      arrived: arrivalOf(records.map(({ arrivedAt }) => arrivedAt)),
      userRecords: batch.userRecords,
      types,
      quarantined: again,
      sources: batch.sources.toArray(),
      contested: batch.sources.contested(),
    };
    return { batch: this.#write(object, contents, records.length, records[0]!.shardId), found };
  }

  /** Records and their bytes were counted when they came. */
  #write(
    object: UnfiledObject,
    contents: Omit<BatchContents, "id" | "records" | "bytes" | "consumed">,
    rows: number,
    shardId: string | undefined,
  ): RoutedBatch {
    const { key, kind, type } = object;
    const consumed: Commit["consumed"] = [
      { kind, type, key, rows, ...(shardId !== undefined && { shardId }) },
    ];
    return this.#writer.write({ ...contents, id: reparseBatch(key, object), records: 0, bytes: 0, consumed });
  }
}

/** @throws UnreadableObject */
async function* parsed<T>(
  key: string,
  lines: AsyncIterable<Buffer>,
  schema: { parse(value: unknown): T },
): AsyncGenerator<T> {
  let number = 0;
  for await (const line of lines) {
    number++;
    let value: T;
    try {
      value = schema.parse(JSON.parse(line.toString()));
    } catch (cause) {
      throw new UnreadableObject(key, `line ${number} is not what a router writes there`, { cause });
    }
    yield value;
  }
}

function streamRecord(stored: QuarantinedRecord, origin: string): StreamRecord {
  const { shardId = origin, sequenceNumber, partitionKey, arrivedAt, data } = stored;
  return {
    shardId,
    sequenceNumber,
    partitionKey,
    arrivedAt: new Date(arrivedAt),
    data: Buffer.from(data, "base64"),
  };
}

/** The code may be of another release. */
const quarantinedAs = (record: StreamRecord, { reason, detail }: QuarantinedRecord): Quarantined => ({
  record,
  error: new WireError(reason as WireErrorCode, detail),
});

function reasonsOf(quarantined: readonly Quarantined[]): ReparseReason[] {
  const reasons = new ReparseReasons();
  for (const { record, error } of quarantined) {
    const place = `${record.shardId}:${record.sequenceNumber}`;
    reasons.add({ type: "", reason: error.code }, () => ({ detail: error.message, place }));
  }
  return reasons.toArray();
}

function foundIn(
  read: number,
  types: readonly TypeBatch[],
  quarantined: number,
  reasons: readonly ReparseReason[],
): ReparsedLines {
  const counts = types.map(({ name, counts }) => {
    const { lines, rows, rejected, filtered, duplicates } = counts;
    return [name, { lines, rows, rejected, filtered, duplicates }] as const;
  });
  return { read, types: Object.fromEntries(counts), quarantined, reasons };
}
