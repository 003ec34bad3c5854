import { isUtf8 } from "node:buffer";
import { crc32 } from "node:zlib";
import type { WeirConfig } from "../../wire/config.ts";
import { COMMIT_MAX_BYTES } from "../../wire/limits.ts";
import { HEARTBEAT_TYPE, UNROUTED_TYPE } from "../../wire/log-type.ts";
import type { Source } from "../../wire/provenance.ts";
import { DeliveredSources } from "./delivered-sources.ts";
import { fieldPath, fieldReader } from "./field-path.ts";
import { lineText } from "./line-text.ts";
import type { LogTypes, RoutedType } from "./log-types.ts";
import { Misfit } from "./misfit.ts";
import type { Event } from "./open-record.ts";
import type { Fields } from "./parse/fields.ts";
import { parseJson } from "./parse/json.ts";
import { SKIPPED, type Skipped } from "./parse/skipped.ts";
import type { PlainRows } from "./plain/plain-rows.ts";
import { RowMetadata } from "./row-metadata.ts";
import { Room } from "./room.ts";
import type { StreamRecord } from "./stream-record.ts";
import { formatTimestamp } from "./time/timestamp.ts";
import { TypeBatch } from "./type-batch.ts";

/** One JSON object of a COPY. source: COPY from JSON format, read 2026-11 */
const ROW_MAX_BYTES = 4 * 2 ** 20;

/**
 * The largest record of a stream. Only compressed ones have longer lines, which as objects would take a multiple of
 * their bytes of memory.
 */
const LINE_MAX_BYTES = 10 * 2 ** 20;

const ROW_END = "}\n";

const DETAIL_CHARS = 200;

/** What a commit may say of sources; the rest of it names objects and types, which the configuration bounds. */
const SOURCES_MAX_BYTES = (COMMIT_MAX_BYTES * 3) / 4;

export interface BatchLimits {
  /** Memory for rows and rejected lines. */
  readonly maxBytes: number;
  readonly maxHours: number;
}

/** An event as it is written: its bytes, their CRC-32, and where they stand. */
interface Line {
  readonly data: Uint8Array;
  readonly crc: number;
  readonly metadata: RowMetadata;
  readonly offset: number;
  /** It has no provenance. */
  readonly foreign: boolean;
  readonly tag: string;
  /** Of its file or spool; null without provenance. */
  readonly path: string | null;
}

/** A batch while its records come in. */
export class Batch {
  readonly sources = new DeliveredSources(
    new Room("sources, ranges and gaps in a commit", SOURCES_MAX_BYTES),
  );
  userRecords = 0;
  readonly #logTypes: LogTypes;
  readonly #foreignTag: ((fields: Fields) => unknown) | undefined;
  readonly #maxHours: number;
  readonly #memory: Room;
  readonly #types = new Map<string, TypeBatch>();

  constructor(logTypes: LogTypes, foreign: WeirConfig["foreign"], { maxBytes, maxHours }: BatchLimits) {
    this.#logTypes = logTypes;
    this.#maxHours = maxHours;
    this.#memory = new Room("rows and rejected lines", maxBytes);
    this.#foreignTag =
      foreign.tag === "partition-key" ? undefined : fieldReader(fieldPath(foreign.tag.field, true));
  }

  /** By name, so that the same batch always gives the same commit. */
  types(): TypeBatch[] {
    return [...this.#types.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Memory that rows and rejected lines take. */
  get bytes(): number {
    return this.#memory.taken;
  }

  /** Takes all events of one Kinesis record. @throws BatchFull */
  take(record: StreamRecord, events: readonly Event[]): void {
    const foreign = new RowMetadata(`${record.shardId}:${record.sequenceNumber}`, null, record.arrivedAt);
    let source: Source | undefined;
    let own = foreign;
    events.forEach((event, index) => {
      const { position } = event;
      if (position && position.source !== source) {
        source = position.source;
        own = new RowMetadata(source.id, source.host, record.arrivedAt);
      }
      this.#deliver(event, position ? own : foreign, position?.offset ?? index);
    });
    this.userRecords += events.length;
  }

  #deliver({ record, position, unopened, isEmpty }: Event, metadata: RowMetadata, offset: number): void {
    const { partitionKey, data } = record;
    const tag = (!position && this.#foreignTag && tagOf(data, this.#foreignTag)) || partitionKey;
    const type = this.#typeOf(tag, position !== undefined);
    const batch = this.#typeBatch(type?.name ?? UNROUTED_TYPE);
    const { counts } = batch;
    const crc = crc32(data);
    counts.lines++;
    counts.bytes += position?.extent ?? data.length;
    if (position) {
      const { duplicate, leftOut } = this.sources.deliver(position, batch.name, crc);
      counts.lines += leftOut.lines;
      counts.filtered += leftOut.lines;
      counts.bytes += leftOut.bytes;
      if (duplicate) {
        counts.duplicates++;
        return;
      }
    }
    const path = position?.source.path ?? null;
    const line = { data, crc, metadata, offset, foreign: position === undefined, tag, path };
    let misfit: Misfit | Skipped | undefined;
    if (isEmpty) misfit = SKIPPED;
    else if (!type) misfit = new Misfit("unrouted", "no log type takes this tag");
    else if (unopened) misfit = new Misfit("unparsed", unopened);
    else misfit = addRow(batch, type, line);
    if (misfit === SKIPPED) counts.filtered++;
    else if (misfit) reject(batch, misfit, line);
  }

  /** Agents alone send heartbeats: another producer's would mislead the audit. */
  #typeOf(tag: string, hasProvenance: boolean): RoutedType | undefined {
    return tag === HEARTBEAT_TYPE && !hasProvenance ? undefined : this.#logTypes.ofTag(tag);
  }

  #typeBatch(name: string): TypeBatch {
    let batch = this.#types.get(name);
    if (batch === undefined)
      this.#types.set(name, (batch = new TypeBatch(name, this.#maxHours, this.#memory)));
    return batch;
  }
}

/** The tag of another producer's event, where the configuration says it stands in a field. */
function tagOf(data: Uint8Array, read: (fields: Fields) => unknown): string | undefined {
  const line = data.length > LINE_MAX_BYTES ? undefined : lineText(data);
  const fields = typeof line === "string" ? parseJson(line) : line;
  const tag = fields === undefined || fields instanceof Misfit ? undefined : read(fields);
  return typeof tag === "string" ? tag : undefined;
}

/** @returns false if the line is not plain; nothing is added then */
function addPlainRow(batch: TypeBatch, plain: PlainRows, line: Line): boolean {
  const { data, crc, metadata, offset, foreign } = line;
  const epochMs = plain.scan(data, metadata.arrivedAtMs);
  if (Number.isNaN(epochMs)) return false;
  const rows = batch.rowsAt(epochMs);
  const out = rows.room(metadata.maxBytes + plain.maxBytes);
  const end = plain.write(out, metadata.write(out, rows.at, epochMs, offset, crc));
  if (end < 0) return false;
  rows.added(end + out.write(ROW_END, end, "latin1"));
  batch.countRow(epochMs, foreign);
  return true;
}

/** @returns why there is no row, undefined when there is */
function addRow(batch: TypeBatch, { writer }: RoutedType, line: Line): Misfit | Skipped | undefined {
  if (writer.plain && addPlainRow(batch, writer.plain, line)) return undefined;
  const { data, crc, metadata, offset, foreign, tag, path } = line;
  if (data.length > LINE_MAX_BYTES) return new Misfit("too-large", `a line of ${data.length} bytes`);
  const text = lineText(data, writer.replacesInvalidUtf8);
  if (typeof text !== "string") return text;
  const fields = writer.fields(text, { _tag: tag, _path: path, _host: metadata.host });
  if (fields instanceof Misfit || fields === SKIPPED) return fields;
  const epochMs = writer.eventTime(fields, metadata.arrivedAtMs);
  if (typeof epochMs !== "number") return epochMs;
  const columns = writer.columns(fields, metadata.arrivedAtMs);
  if (typeof columns !== "string") return columns;
  const columnBytes = Buffer.byteLength(columns);
  if (metadata.maxBytes + columnBytes > ROW_MAX_BYTES) {
    return new Misfit("too-large", `a row of ${metadata.maxBytes + columnBytes} bytes`);
  }
  const rows = batch.rowsAt(epochMs);
  const out = rows.room(metadata.maxBytes + columnBytes + ROW_END.length);
  const at = metadata.write(out, rows.at, epochMs, offset, crc);
  rows.added(at + out.write(columns + ROW_END, at, "utf8"));
  batch.countRow(epochMs, foreign);
  return undefined;
}

function reject(batch: TypeBatch, { reason, field, detail }: Misfit, line: Line): void {
  const { data, crc, metadata, offset, tag, path } = line;
  const { src, host, arrivedAtMs } = metadata;
  const encoding = isUtf8(data) && !growsInJson(data) ? "utf8" : "base64";
  batch.reject({
    reason,
    ...(field === undefined ? {} : { field }),
    detail: detail.slice(0, DETAIL_CHARS).toWellFormed(),
    type: batch.name,
    tag,
    _src: src,
    _off: offset,
    _crc: crc,
    _host: host,
    _arrived_at: formatTimestamp(arrivedAtMs),
    ...(path === null ? {} : { _path: path }),
    encoding,
    data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString(encoding),
  });
}

/** JSON writes most control characters in six bytes: text with many of them takes less room in base64. */
function growsInJson(data: Uint8Array): boolean {
  let controls = 0;
  for (const byte of data) if (byte < 0x20) controls++;
  return controls * 5 > data.length / 3;
}
