import { WireError } from "../../wire/wire-error.ts";
import type { CommittedRecords, Interval } from "./committed-records.ts";
import type { FailureBucket } from "./failure-bucket.ts";
import { payloadRecords, type ReplayRecord } from "./replay-record.ts";
import type { StreamReader } from "./stream-reader.ts";
import type { StreamSummary } from "./stream-shards.ts";
import type { Lost, Stretch } from "./stretch.ts";

/** What came to light while a stretch was read. */
export interface ReadRemarks {
  readonly lost: Lost[];
  readonly notes: string[];
}

export interface StretchReaderParts {
  readonly bucket: FailureBucket;
  readonly reader: StreamReader;
  readonly stream: StreamSummary;
  readonly committed: CommittedRecords;
  readonly now: () => Date;
}

/** What the stream had of a stretch. */
interface Read {
  first?: ReplayRecord;
  last?: ReplayRecord;
  count: number;
}

/** Reads the records of a stretch: from its object where that has them, and from the stream otherwise. */
export class StretchReader {
  readonly #parts: StretchReaderParts;

  constructor(parts: StretchReaderParts) {
    this.#parts = parts;
  }

  async *read(stretch: Stretch, remarks: ReadRemarks): AsyncGenerator<ReplayRecord> {
    const brought = await this.#payload(stretch, remarks);
    if (brought) yield* brought;
    else yield* this.#stream(stretch, remarks);
  }

  /** @returns undefined where only the stream has the records */
  async #payload({ object, failure }: Stretch, { notes }: ReadRemarks): Promise<ReplayRecord[] | undefined> {
    if (failure === undefined) return undefined;
    try {
      const { payload } = object === undefined ? failure : await this.#parts.bucket.read(object);
      const name = object ?? `a batch of ${failure.shardId}`;
      return payload === undefined ? undefined : payloadRecords(failure, payload, name);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      notes.push(`${error.message}; read from the stream instead`);
      return undefined;
    }
  }

  async *#stream(stretch: Stretch, { lost }: ReadRemarks): AsyncGenerator<ReplayRecord> {
    const { shardId, from, to } = stretch;
    const { stream, reader } = this.#parts;
    const read: Read = { count: 0 };
    if (stream.shards.has(shardId)) {
      for await (const record of reader.read(shardId, from, to, stretch.failure?.arrivedFrom)) {
        read.first ??= record;
        read.last = record;
        read.count++;
        yield record;
      }
    }
    lost.push(...(stretch.failure ? this.#missing(stretch, read) : await this.#trimmed(stretch, read.first)));
  }

  /** Of a batch that was given up, both ends are known: what does not begin and end with them lacks some of it. */
  #missing({ shardId, failure, object }: Stretch, { first, last, count }: Read): Lost[] {
    const { firstSequenceNumber, lastSequenceNumber, records, arrivedFrom, arrivedTo } = failure!;
    const ends = { first: BigInt(firstSequenceNumber), last: BigInt(lastSequenceNumber) };
    const gone =
      first && last
        ? [
            { first: ends.first, last: first.sequence - 1n },
            { first: last.sequence + 1n, last: ends.last },
          ].filter((interval) => interval.first <= interval.last)
        : [ends];
    const lacking = gone.flatMap((interval) => this.#parts.committed.lacking(shardId, interval));
    const isAll = gone.length === 1 && lacking.length === 1 && isSame(gone[0]!, lacking[0]!);
    return lacking.map((interval) => ({
      ...named(shardId, interval),
      arrivedFrom: arrivedFrom.toISOString(),
      arrivedTo: arrivedTo.toISOString(),
      ...(isAll && { records: records - count }),
      ...(object !== undefined && { object }),
    }));
  }

  /** Of what an operator asks for: whether the shard has had records there that it has no more. */
  async #trimmed({ shardId, from, to }: Stretch, first: ReplayRecord | undefined): Promise<Lost[]> {
    const { stream, committed, reader, now } = this.#parts;
    const horizon = new Date(now().getTime() - stream.retentionMs);
    const isYoung =
      stream.createdAt > horizon || stream.shards.get(shardId)!.parents.some((id) => stream.shards.has(id));
    if ("at" in from) {
      if (isYoung || from.at >= horizon) return [];
      const until = "at" in to && to.at < horizon ? to.at : horizon;
      return [{ shardId, arrivedFrom: from.at.toISOString(), arrivedTo: until.toISOString() }];
    }
    if (first?.sequence === from.sequence) return [];
    const oldest = await reader.oldest(shardId);
    if (oldest !== undefined && oldest.sequence <= from.sequence) return [];
    // A commit of records that are gone proves that some are, also where retention was raised since.
    const known = committed.ends(shardId);
    const isProven = known !== undefined && (oldest === undefined || known.first < oldest.sequence);
    if (isYoung && !isProven) return [];
    const end = "sequence" in to ? to.sequence : (oldest?.sequence ?? known?.last ?? from.sequence);
    const last = oldest !== undefined && oldest.sequence <= end ? oldest.sequence - 1n : end;
    const begin = stream.shards.get(shardId)!.first;
    const start = from.sequence > begin ? from.sequence : begin;
    const lacking = committed.lacking(shardId, { first: start, last });
    if (lacking.length === 0) return [];
    const interval = { first: lacking[0]!.first, last: lacking.at(-1)!.last };
    return [{ ...named(shardId, interval), arrivedTo: (oldest?.arrivedAt ?? horizon).toISOString() }];
  }
}

const isSame = (a: Interval, b: Interval): boolean => a.first === b.first && a.last === b.last;

const named = (shardId: string, { first, last }: Interval): Pick<Lost, "shardId" | "from" | "to"> => ({
  shardId,
  from: `${first}`,
  to: `${last}`,
});
