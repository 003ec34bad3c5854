import { isUtf8 } from "node:buffer";
import type { LineValues } from "../../wire/expression/value.ts";
import type { Labels } from "../../wire/labels.ts";
import { Misfit } from "./misfit.ts";
import type { RoutedType } from "./log-types.ts";
import { lineText } from "./line-text.ts";
import { SKIPPED, type Skipped } from "./parse/skipped.ts";
import type { PlainRows } from "./plain/plain-rows.ts";
import type { RowMetadata } from "./row-metadata.ts";
import { formatTimestamp } from "./time/timestamp.ts";
import type { TypeBatch } from "./type-batch.ts";

/** One JSON object of a COPY. source: COPY from JSON format, read 2026-11 */
const ROW_MAX_BYTES = 4 * 2 ** 20;

/**
 * The largest record of a stream. Only compressed ones have longer lines, which as objects would take a multiple of
 * their bytes of memory.
 */
export const LINE_MAX_BYTES = 10 * 2 ** 20;

const ROW_END = "}\n";

const DETAIL_CHARS = 200;

/** An event as it is written: its bytes, their CRC-32, and where they stand. */
export interface Line {
  readonly data: Uint8Array;
  readonly crc: number;
  readonly metadata: RowMetadata;
  readonly offset: number;
  /** It has no provenance. */
  readonly foreign: boolean;
  readonly tag: string;
  readonly partitionKey: string;
  /** Of its file or spool; null without provenance. */
  readonly path: string | null;
  /** Labels of its host; absent where there are none. */
  readonly labels?: Labels | undefined;
  /** What conditions are asked of, once its fields are read. */
  values?: LineValues;
  /** The type that it is a copy from. */
  readonly copyOf?: string | undefined;
  /** Types that have had a copy of it before. */
  readonly copied?: readonly string[] | undefined;
}

const NO_TYPES: readonly RoutedType[] = [];

/** Types that get a line too, once it is filed under its own. */
export function copiesOf(type: RoutedType, { values, copyOf, copied }: Line): readonly RoutedType[] {
  if (copyOf !== undefined || type.copies.length === 0) return NO_TYPES;
  return type.copies
    .filter(({ when }) => when === undefined || (values !== undefined && when.holds(values)))
    .map(({ to }) => to)
    .filter(({ name }) => !copied?.includes(name));
}

/**
 * Makes a row of a line, or keeps it as rejected, and counts it as either or as filtered.
 *
 * @param type undefined where no log type takes its tag
 * @param given what is known of it beforehand: why it gets no row
 * @returns why it has no row, undefined where it has one
 */
export function fileLine(
  batch: TypeBatch,
  type: RoutedType | undefined,
  line: Line,
  given?: Misfit | Skipped,
): Misfit | Skipped | undefined {
  const unrouted = type === undefined && new Misfit("unrouted", "no log type takes this tag");
  const misfit = given === SKIPPED ? given : unrouted || (given ?? addRow(batch, type!, line));
  if (misfit === SKIPPED) batch.counts.filtered++;
  else if (misfit) reject(batch, misfit, line, type && given === undefined ? copiesOf(type, line) : NO_TYPES);
  return misfit;
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
  const context = { _tag: tag, _path: path, _host: metadata.host, _labels: line.labels };
  const fields = writer.fields(text, context);
  if (fields instanceof Misfit || fields === SKIPPED) return fields;
  const epochMs = writer.eventTime(fields, metadata.arrivedAtMs);
  const _time = typeof epochMs === "number" ? epochMs : undefined;
  const values = { fields, _line: text, ...context, _time, _arrived_at: metadata.arrivedAtMs };
  line.values = values;
  if (writer.drops(values)) return SKIPPED;
  if (typeof epochMs !== "number") return epochMs;
  const columns = writer.columns(fields, metadata.arrivedAtMs, values);
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

function reject(
  batch: TypeBatch,
  { reason, field, detail }: Misfit,
  line: Line,
  copies: readonly RoutedType[],
): void {
  const { data, crc, metadata, offset, tag, partitionKey, path, labels, copyOf } = line;
  const copied = [...(line.copied ?? []), ...copies.map(({ name }) => name)];
  const { src, host, arrivedAtMs } = metadata;
  const encoding = isUtf8(data) && !growsInJson(data) ? "utf8" : "base64";
  batch.reject({
    reason,
    ...(field === undefined ? {} : { field }),
    detail: detail.slice(0, DETAIL_CHARS).toWellFormed(),
    type: batch.name,
    tag,
    ...(partitionKey === tag ? {} : { partitionKey }),
    _src: src,
    _off: offset,
    _crc: crc,
    _host: host,
    _arrived_at: formatTimestamp(arrivedAtMs),
    ...(path === null ? {} : { _path: path }),
    ...(labels === undefined ? {} : { _labels: labels }),
    ...(copyOf === undefined ? {} : { copyOf }),
    ...(copied.length === 0 ? {} : { copied }),
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
