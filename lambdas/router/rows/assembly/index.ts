import {
  FORMAT_ACCESS,
  FORMAT_JSON,
  KIND_TEXT,
  LINE_CRCS,
  LINE_ENDS,
  LINE_MAX_BYTES,
  LINE_STARTS,
  METADATA_MAX_BYTES,
  OUTPUT,
  PROGRAM,
  PROGRAM_FORMAT,
  PROGRAM_MINUTE_CHARS,
  PROGRAM_ROOM,
  PROGRAM_ROOM_LINES,
  PROGRAM_SLOTS,
  PROGRAM_TIME_SLOT,
} from "../layout";
import { hasMs, isOfMinute, msOfMinute } from "./clock";
import { writeColumns } from "./columns";
import { crc32, makeTables } from "./crc32";
import { writeMetadata } from "./metadata";
import { scanAccessLog } from "./scan-access-log";
import { scanJson } from "./scan-json";
import { scanRaw } from "./scan-raw";
import { clearExtras, clearSpans, spanFrom, spanKind, spanTo } from "./spans";

const CARRIAGE_RETURN: u32 = 0x0d;

makeTables();

/** Address past the rows written by the last call of `rows`. */
export let end: i32 = 0;
/** Source bytes that the lines of these rows stand for. */
export let bytes: i32 = 0;
/** Times of the rows written, in ms past the clock's minute. */
export let firstMs: i32 = 0;
export let lastMs: i32 = 0;
/** The time of the line that was not taken, where it is not of the clock's minute: `timeTo` is 0 for other reasons. */
export let timeFrom: i32 = 0;
export let timeTo: i32 = 0;

/** The CRC-32 of each line. */
export function crcs(count: i32): void {
  for (let i = 0; i < count * 4; i += 4) {
    store<u32>(LINE_CRCS + i, crc32(load<i32>(LINE_STARTS + i), load<i32>(LINE_ENDS + i)));
  }
}

/**
 * Writes the rows of lines, one after the other.
 *
 * @param offset of the first in its source
 * @param room bytes that rows may take
 * @returns index of the first line that was not taken: it is for the general path, or needs more room
 */
export function rows(from: i32, to: i32, offset: f64, room: i32): i32 {
  let at = OUTPUT;
  firstMs = i32.MAX_VALUE;
  lastMs = i32.MIN_VALUE;
  timeTo = 0;
  bytes = 0;
  for (; from < to; from++) {
    const start = load<i32>(LINE_STARTS + from * 4);
    const length = load<i32>(LINE_ENDS + from * 4) - start;
    if (at - OUTPUT + roomFor(length) > room) break;
    const next = writeRow(at, start, length, <u64>offset + bytes, load<u32>(LINE_CRCS + from * 4));
    if (next < 0) break;
    at = next;
    bytes += length + 1;
  }
  end = at;
  return from;
}

function roomFor(length: i32): i32 {
  const fixed = load<i32>(METADATA_MAX_BYTES) + load<i32>(PROGRAM + PROGRAM_ROOM);
  return fixed + length * load<i32>(PROGRAM + PROGRAM_ROOM_LINES);
}

/** @returns address after the row, -1 where the line is not plain */
function writeRow(at: i32, start: i32, length: i32, offset: u64, crc: u32): i32 {
  let lineEnd = start + length;
  if (length > 0 && load<u8>(lineEnd - 1) === CARRIAGE_RETURN) lineEnd--;
  if (lineEnd - start > LINE_MAX_BYTES || !scan(start, lineEnd)) return -1;
  const timeSlot = load<i32>(PROGRAM + PROGRAM_TIME_SLOT);
  let seconds = 0;
  if (timeSlot >= 0) {
    if (spanKind(timeSlot) !== KIND_TEXT) return -1;
    if (!isOfMinute(spanFrom(timeSlot), spanTo(timeSlot))) {
      timeFrom = spanFrom(timeSlot);
      timeTo = spanTo(timeSlot);
      return -1;
    }
    seconds = secondsAt(timeSlot);
  }
  at = writeColumns(writeMetadata(at, seconds, hasMs, offset, crc));
  if (at < 0) return -1;
  // }\n
  store<u16>(at, 0x0a7d);
  if (timeSlot >= 0) {
    firstMs = min(firstMs, msOfMinute);
    lastMs = max(lastMs, msOfMinute);
  }
  return at + 2;
}

function secondsAt(timeSlot: i32): i32 {
  return spanFrom(timeSlot) + load<i32>(PROGRAM + PROGRAM_MINUTE_CHARS) + 1;
}

function scan(at: i32, end: i32): bool {
  clearSpans(load<i32>(PROGRAM + PROGRAM_SLOTS));
  clearExtras();
  const format = load<i32>(PROGRAM + PROGRAM_FORMAT);
  if (format === FORMAT_JSON) return scanJson(at, end);
  return format === FORMAT_ACCESS ? scanAccessLog(at, end) : scanRaw(at, end);
}
