import { isUtf8 } from "node:buffer";
import type { WeirConfig } from "../../wire/config.ts";
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
import type { StreamRecord } from "./stream-record.ts";
import { formatTimestamp } from "./time/timestamp.ts";
import { TypeBatch } from "./type-batch.ts";

/** One JSON object of a COPY. source: COPY from JSON format, read 2026-11 */
const ROW_MAX_BYTES = 4 * 2 ** 20;

const DETAIL_CHARS = 200;

/** Where an event came from, in the form its row and its reject say it. */
interface Origin {
  readonly src: string;
  readonly host: string | null;
  readonly arrivedAtMs: number;
  /** `,"_src":"..","_off":` and, after the offset, `,"_host":"..","_arrived_at":".."` */
  readonly beforeOffset: string;
  readonly afterOffset: string;
}

/** A batch while its records come in. */
export class Batch {
  readonly sources = new DeliveredSources();
  userRecords = 0;
  readonly #logTypes: LogTypes;
  readonly #foreignTag: ((fields: Fields) => unknown) | undefined;
  readonly #types = new Map<string, TypeBatch>();

  constructor(logTypes: LogTypes, foreign: WeirConfig["foreign"]) {
    this.#logTypes = logTypes;
    this.#foreignTag =
      foreign.tag === "partition-key" ? undefined : fieldReader(fieldPath(foreign.tag.field, "json"));
  }

  /** By name, so that the same batch always gives the same commit. */
  types(): TypeBatch[] {
    return [...this.#types.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Takes all events of one Kinesis record. */
  take(record: StreamRecord, events: readonly Event[]): void {
    const foreign = origin(`${record.shardId}:${record.sequenceNumber}`, null, record.arrivedAt);
    let source: Source | undefined;
    let own = foreign;
    events.forEach((event, index) => {
      const { position } = event;
      if (position && position.source !== source) {
        source = position.source;
        own = origin(source.id, source.host, record.arrivedAt);
      }
      this.#deliver(event, position ? own : foreign, position?.offset ?? index);
    });
    this.userRecords += events.length;
  }

  #deliver({ record: { partitionKey, data }, position }: Event, origin: Origin, offset: number): void {
    const tag = position || !this.#foreignTag ? partitionKey : tagOf(data, this.#foreignTag);
    const type = tag === undefined ? undefined : this.#typeOf(tag, position !== undefined);
    const batch = this.#typeBatch(type?.name ?? UNROUTED_TYPE);
    const { counts } = batch;
    counts.lines++;
    counts.bytes += position?.extent ?? data.length;
    if (position) {
      const { duplicate, gap } = this.sources.deliver(position, batch.name);
      counts.lines += gap?.lines ?? 0;
      counts.filtered += gap?.lines ?? 0;
      counts.bytes += gap?.bytes ?? 0;
      if (duplicate) {
        counts.duplicates++;
        return;
      }
    }
    const misfit = type
      ? addRow(batch, type, data, origin, offset)
      : new Misfit("unrouted", tag === undefined ? "no tag in the record" : "no log type takes this tag");
    if (misfit) reject(batch, misfit, tag ?? "", data, origin, offset);
  }

  /** Agents alone send heartbeats: another producer's would mislead the audit. */
  #typeOf(tag: string, hasProvenance: boolean): RoutedType | undefined {
    return tag === HEARTBEAT_TYPE && !hasProvenance ? undefined : this.#logTypes.ofTag(tag);
  }

  #typeBatch(name: string): TypeBatch {
    let batch = this.#types.get(name);
    if (batch === undefined) this.#types.set(name, (batch = new TypeBatch(name)));
    return batch;
  }
}

function origin(src: string, host: string | null, arrivedAt: Date): Origin {
  const arrivedAtMs = arrivedAt.getTime();
  return {
    src,
    host,
    arrivedAtMs,
    beforeOffset: `","_src":"${src}","_off":`,
    afterOffset:
      (host === null ? "" : `,"_host":${JSON.stringify(host)}`) +
      `,"_arrived_at":"${formatTimestamp(arrivedAtMs)}"`,
  };
}

/** The tag of another producer's record, where the configuration says it stands in a field. */
function tagOf(data: Uint8Array, read: (fields: Fields) => unknown): string | undefined {
  const line = lineText(data);
  const fields = typeof line === "string" ? parseJson(line) : line;
  const tag = fields instanceof Misfit ? undefined : read(fields);
  return typeof tag === "string" ? tag : undefined;
}

/** @returns why there is no row, undefined when there is */
function addRow(
  batch: TypeBatch,
  { writer }: RoutedType,
  data: Uint8Array,
  { src, arrivedAtMs, beforeOffset, afterOffset }: Origin,
  offset: number,
): Misfit | undefined {
  const line = lineText(data);
  if (typeof line !== "string") return line;
  const fields = writer.parse(line);
  if (fields instanceof Misfit) return fields;
  const epochMs = writer.eventTime(fields, arrivedAtMs);
  if (typeof epochMs !== "number") return epochMs;
  const columns = writer.columns(fields, arrivedAtMs);
  if (typeof columns !== "string") return columns;
  const row = `{"_time":"${formatTimestamp(epochMs)}${beforeOffset}${offset}${afterOffset}${columns}}\n`;
  if (row.length > ROW_MAX_BYTES / 3 && Buffer.byteLength(row) > ROW_MAX_BYTES) {
    return new Misfit("too-large", `a row of ${Buffer.byteLength(row)} bytes`);
  }
  batch.addRow(row, epochMs, src.includes(":"));
  return undefined;
}

function reject(
  batch: TypeBatch,
  { reason, field, detail }: Misfit,
  tag: string,
  data: Uint8Array,
  { src, host, arrivedAtMs }: Origin,
  offset: number,
): void {
  const encoding = isUtf8(data) ? "utf8" : "base64";
  batch.reject({
    reason,
    ...(field === undefined ? {} : { field }),
    detail: detail.slice(0, DETAIL_CHARS).toWellFormed(),
    type: batch.name,
    tag,
    _src: src,
    _off: offset,
    _host: host,
    _arrived_at: formatTimestamp(arrivedAtMs),
    encoding,
    data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString(encoding),
  });
}
