import { crc32 } from "node:zlib";
import type { WeirConfig } from "../../../wire/config.ts";
import { openEnvelope } from "../../../wire/envelope.ts";
import type { RejectedLine } from "../../../wire/reject.ts";
import { WireError } from "../../../wire/wire-error.ts";
import { copiesOf, fileLine, type Line } from "../file-line.ts";
import type { LogTypes, RoutedType } from "../log-types.ts";
import { Misfit } from "../misfit.ts";
import { RowMetadata } from "../row-metadata.ts";
import { timestampMs } from "../time/timestamp.ts";
import type { TypeBatch } from "../type-batch.ts";
import { type BatchLimits, TypeBatches } from "../type-batches.ts";
import { ReparseReasons } from "./reparse-reasons.ts";
import { ReparsedSources } from "./reparsed-sources.ts";

/** Of a line that is shown. */
const SHOWN_CHARS = 200;

/** Lines of one object that were rejected, while they are filed anew. */
export class RejectedBatch {
  readonly sources = new ReparsedSources();
  readonly reasons = new ReparseReasons();
  /** Whether any of them is not rejected as it was. */
  isChanged = false;
  read = 0;
  /** When its lines arrived, in ms of the epoch. */
  arrivedFrom = Infinity;
  arrivedTo = -Infinity;
  /** Of its lines without provenance. */
  shardId: string | undefined;
  readonly #types: TypeBatches;
  #metadata: RowMetadata | undefined;

  constructor(logTypes: LogTypes, foreign: WeirConfig["foreign"], limits: BatchLimits) {
    this.#types = new TypeBatches(logTypes, foreign, limits);
  }

  /** @param type under which the lines were rejected, and are counted as filed anew */
  types(type: string): TypeBatch[] {
    this.#types.named(type).counts.reparsed = this.read;
    return this.#types.sorted();
  }

  /** @throws BatchFull */
  take(rejected: RejectedLine): void {
    const { _src: src, _off: offset, _path: path, _host: host } = rejected;
    const data = Buffer.from(rejected.data, rejected.encoding);
    const foreign = isForeign(src);
    const { partitionKey = rejected.tag } = rejected;
    const { tag, type, batch } =
      rejected.copyOf === undefined
        ? this.#types.of(partitionKey, data, !foreign)
        : this.#types.ofCopy(rejected.type, rejected.tag);
    this.read++;
    batch.counts.lines++;
    batch.counts.bytes += foreign ? data.length : data.length + 1;
    if (foreign) this.shardId ??= src.slice(0, src.indexOf(":"));
    else this.sources.add({ id: src, host: host ?? "", path, offset, bytes: data.length }, batch.name);
    // Lakes of version 1 do not have it. What it is of is there.
    const crc = rejected._crc ?? crc32(data);
    const metadata = this.#metadataOf(rejected);
    const { copyOf } = rejected;
    const copied = rejected.copied?.map((name) => this.#types.presentName(name));
    const place = { metadata, offset, foreign, tag, partitionKey, path: path ?? null };
    const line: Line = { data, crc, ...place, labels: rejected._labels, copyOf, copied };
    const given = foreign ? unopened(rejected, data) : undefined;
    const misfit = fileLine(batch, type, line, given);
    if (type && !given) for (const to of copiesOf(type, line)) this.#copy(to, { ...line, copyOf: type.name });
    if (!(misfit instanceof Misfit)) {
      this.isChanged = true;
      return;
    }
    const { reason, field, detail } = misfit;
    const isSame = batch.name === rejected.type && reason === rejected.reason && field === rejected.field;
    this.isChanged ||= !isSame;
    this.reasons.add({ type: batch.name, reason, ...(field !== undefined && { field }) }, () => ({
      detail: detail.slice(0, SHOWN_CHARS).toWellFormed(),
      line: data
        .toString("utf8", 0, 4 * SHOWN_CHARS)
        .slice(0, SHOWN_CHARS)
        .toWellFormed(),
      place: `${src}@${offset}`,
    }));
  }

  /** A line that its type could not read before may be one for others. */
  #copy(type: RoutedType, line: Line): void {
    const { metadata, foreign, data } = line;
    const batch = this.#types.named(type.name);
    batch.countCopy(foreign ? data.length : data.length + 1);
    if (!foreign) this.sources.copy({ id: metadata.src, host: metadata.host ?? "" }, type.name);
    fileLine(batch, type, line);
    this.isChanged = true;
  }

  /** Mostly that of the line before. */
  #metadataOf({ _src, _host, _arrived_at }: RejectedLine): RowMetadata {
    const ms = timestampMs(_arrived_at);
    const last = this.#metadata;
    if (last?.src === _src && last.host === _host && last.arrivedAtMs === ms) return last;
    this.arrivedFrom = Math.min(this.arrivedFrom, ms);
    this.arrivedTo = Math.max(this.arrivedTo, ms);
    return (this.#metadata = new RowMetadata(_src, _host, new Date(ms)));
  }
}

/** Ids of sources have no colon, and `<shardId>:<sequenceNumber>` has one. */
const isForeign = (src: string): boolean => src.includes(":");

/**
 * Another producer's record within a record was rejected as it came where it could not be opened. As a line it would be
 * what no producer has written.
 */
function unopened({ reason, detail, tag }: RejectedLine, data: Buffer): Misfit | undefined {
  if (reason !== "unparsed") return undefined;
  try {
    const { userRecords } = openEnvelope(data, tag);
    const isPlain = userRecords.length === 1 && userRecords[0]!.data === data;
    return isPlain ? undefined : new Misfit(reason, detail);
  } catch (error) {
    if (error instanceof WireError) return new Misfit(reason, error.message);
    throw error;
  }
}
