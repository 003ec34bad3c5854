import {
  COLUMN_BYTES,
  COLUMN_DETAIL,
  COLUMN_KEY,
  COLUMN_KEY_LENGTH,
  COLUMN_LIMIT,
  COLUMN_NULLABLE,
  COLUMN_NULLS,
  COLUMN_NULLS_END,
  COLUMN_SLOT,
  COLUMN_WRITE,
  FORMAT_RAW,
  KIND_ARRAY,
  KIND_BOOLEAN,
  KIND_NONE,
  KIND_NUMBER,
  KIND_TEXT,
  MARK_ESCAPE,
  MARK_WIDE,
  PROGRAM,
  PROGRAM_COLUMNS,
  PROGRAM_COLUMNS_END,
  PROGRAM_FORMAT,
  PROGRAM_UNTAKEN,
  PROGRAM_UNTAKEN_END,
  TEXT_BYTES,
  UNTAKEN_BYTES,
  WRITE_BOOLEAN,
  WRITE_DECIMAL,
  WRITE_FLOAT,
  WRITE_INTEGER,
  WRITE_SUPER,
  WRITE_TEXT,
} from "../layout";
import { decimalEnd, fractionDigits, integerDigits, isTiny, numberEnd } from "./number";
import {
  extraCount,
  extraFrom,
  extraNameFrom,
  extraNameTo,
  extraTo,
  spanFrom,
  spanKind,
  spanMarks,
  spanTo,
} from "./spans";
import { BACKSLASH, CLOSE_BRACE, COLON, COMMA, copy, equals, MINUS, POINT, QUOTE, ZERO } from "./text";

/** Writes what PlainRows.write does: `_extra`, then the columns. @returns address after them, -1 where the general path shall decide */
export function writeColumns(at: i32): i32 {
  at = writeExtra(at);
  const end = load<i32>(PROGRAM + PROGRAM_COLUMNS_END);
  for (let column = load<i32>(PROGRAM + PROGRAM_COLUMNS); column < end; column += COLUMN_BYTES) {
    const slot = load<i32>(column + COLUMN_SLOT);
    const keyAt = at;
    if (spanKind(slot) > KIND_NONE && !isNull(column, slot)) {
      at = copy(load<i32>(column + COLUMN_KEY), at, load<i32>(column + COLUMN_KEY_LENGTH));
      at = writeValue(column, slot, at);
      if (at < 0) return -1;
    }
    if (at === keyAt && load<i32>(column + COLUMN_NULLABLE) === 0) return -1;
  }
  return at;
}

/** A text that is no value in this column. */
function isNull(column: i32, slot: i32): bool {
  if (spanKind(slot) !== KIND_TEXT) return false;
  const end = load<i32>(column + COLUMN_NULLS_END);
  for (let text = load<i32>(column + COLUMN_NULLS); text < end; text += TEXT_BYTES) {
    const length = load<i32>(text + 4);
    if (length === spanTo(slot) - spanFrom(slot) && equals(load<i32>(text), spanFrom(slot), length))
      return true;
  }
  return false;
}

function writeValue(column: i32, slot: i32, at: i32): i32 {
  const write = load<i32>(column + COLUMN_WRITE);
  if (write === WRITE_TEXT) return writeText(column, slot, at);
  if (write === WRITE_INTEGER) return writeInteger(column, slot, at);
  if (write === WRITE_SUPER) return writeSuper(slot, at);
  if (write === WRITE_DECIMAL || write === WRITE_FLOAT) return writeDecimal(column, slot, at, write);
  return write === WRITE_BOOLEAN ? writeBoolean(slot, at) : -1;
}

function writeText(column: i32, slot: i32, at: i32): i32 {
  const marks = spanMarks(slot);
  const escapes = marks / MARK_ESCAPE;
  const isRaw = load<i32>(PROGRAM + PROGRAM_FORMAT) === FORMAT_RAW;
  const length = spanTo(slot) - spanFrom(slot) - (isRaw ? 0 : escapes);
  if (spanKind(slot) === KIND_ARRAY || length > load<i32>(column + COLUMN_LIMIT)) return -1;
  if ((marks & MARK_WIDE) !== 0 && load<i32>(column + COLUMN_DETAIL) !== 0) return -1;
  // COPY would read \N as null: a Misfit.
  if (escapes !== 0 && length === 2) return -1;
  return isRaw && escapes !== 0 ? writeEscaped(slot, at) : writeQuoted(slot, at);
}

function writeQuoted(slot: i32, at: i32): i32 {
  store<u8>(at, QUOTE);
  at = copy(spanFrom(slot), at + 1, spanTo(slot) - spanFrom(slot));
  store<u8>(at, QUOTE);
  return at + 1;
}

/** A text as it stands in a line, with the escapes that JSON wants. */
function writeEscaped(slot: i32, at: i32): i32 {
  const end = spanTo(slot);
  store<u8>(at++, QUOTE);
  for (let from = spanFrom(slot); from < end;) {
    const bytes = v128.load(from);
    v128.store(at, bytes);
    const special = v128.or(
      i8x16.eq(bytes, i8x16.splat(0x09)),
      v128.or(i8x16.eq(bytes, i8x16.splat(0x22)), i8x16.eq(bytes, i8x16.splat(0x5c))),
    );
    const mask = i8x16.bitmask(special);
    const plain = mask === 0 ? 16 : ctz(mask);
    if (from + plain >= end) {
      at += end - from;
      break;
    }
    from += plain;
    at += plain;
    if (mask === 0) continue;
    const byte: u32 = load<u8>(from++);
    store<u8>(at, BACKSLASH);
    store<u8>(at + 1, byte === 0x09 ? 0x74 : byte);
    at += 2;
  }
  store<u8>(at, QUOTE);
  return at + 1;
}

/** Smallint and integer have a limit, of which -limit to limit - 1 are copied; any fifteen digits are a bigint. */
function writeInteger(column: i32, slot: i32, at: i32): i32 {
  const kind = spanKind(slot);
  const from = spanFrom(slot);
  const to = spanTo(slot);
  if (kind !== KIND_NUMBER && (kind !== KIND_TEXT || to === from || numberEnd(from, to) !== to)) return -1;
  const limit: u32 = load<u32>(column + COLUMN_LIMIT);
  let value: u64 = 0;
  for (let i = load<u8>(from) === MINUS ? from + 1 : from; i < to; i++) {
    const byte: u32 = load<u8>(i);
    if (byte === POINT) return -1;
    value = value * 10 + (byte - ZERO);
  }
  return limit !== 0 && value >= limit ? -1 : copy(from, at, to - from);
}

function writeSuper(slot: i32, at: i32): i32 {
  if (spanKind(slot) !== KIND_TEXT) return copy(spanFrom(slot), at, spanTo(slot) - spanFrom(slot));
  return load<i32>(PROGRAM + PROGRAM_FORMAT) === FORMAT_RAW ? writeEscaped(slot, at) : writeQuoted(slot, at);
}

/** A decimal is written as text, with all its digits; a float is not. */
function writeDecimal(column: i32, slot: i32, at: i32, write: i32): i32 {
  const kind = spanKind(slot);
  const from = spanFrom(slot);
  if (kind !== KIND_NUMBER && (kind !== KIND_TEXT || spanTo(slot) === from)) return -1;
  const to = decimalEnd(from, spanTo(slot));
  if (to < 0) return -1;
  if (write === WRITE_FLOAT) return isTiny(from) ? -1 : copy(from, at, to - from);
  if (integerDigits > load<i32>(column + COLUMN_LIMIT)) return -1;
  if (fractionDigits > load<i32>(column + COLUMN_DETAIL)) return -1;
  store<u8>(at, QUOTE);
  at = copy(from, at + 1, to - from);
  store<u8>(at, QUOTE);
  return at + 1;
}

const TRUE: u32 = 0x65757274;
const FALSE: u32 = 0x736c6166;

function writeBoolean(slot: i32, at: i32): i32 {
  const kind = spanKind(slot);
  const from = spanFrom(slot);
  const length = spanTo(slot) - from;
  if (kind === KIND_BOOLEAN) return copy(from, at, length);
  if (length === 1) {
    const byte: u32 = load<u8>(from);
    if (byte === 0x31) return literal(at, TRUE);
    return byte === 0x30 ? literal(at, FALSE) : -1;
  }
  if (kind !== KIND_TEXT || spanMarks(slot) !== 0) return -1;
  if (length === 4 && load<u32>(from) === TRUE) return literal(at, TRUE);
  return length === 5 && load<u32>(from) === FALSE && load<u8>(from + 4) === 0x65 ? literal(at, FALSE) : -1;
}

function literal(at: i32, four: u32): i32 {
  store<u32>(at, four);
  if (four === TRUE) return at + 4;
  store<u8>(at + 4, 0x65);
  return at + 5;
}

/** `,"_extra":{` in three parts. */
function openExtra(at: i32): i32 {
  store<u64>(at, 0x72747865_5f222c);
  store<u32>(at + 7, 0x7b3a2261);
  return at + 11;
}

function writeExtra(at: i32): i32 {
  const start = at;
  const end = load<i32>(PROGRAM + PROGRAM_UNTAKEN_END);
  for (let field = load<i32>(PROGRAM + PROGRAM_UNTAKEN); field < end; field += UNTAKEN_BYTES) {
    const slot = load<i32>(field);
    if (spanKind(slot) !== KIND_TEXT) continue;
    at = nextExtra(at, start);
    at = copy(load<i32>(field + 4), at, load<i32>(field + 8));
    at = writeSuper(slot, at);
  }
  for (let i = 0; i < extraCount; i++) {
    // null is no value, and of JSON's values it alone begins like this.
    if (load<u8>(extraFrom(i)) === 0x6e) continue;
    at = nextExtra(at, start);
    at = copy(extraNameFrom(i), at, extraNameTo(i) - extraNameFrom(i));
    store<u8>(at, COLON);
    at = copy(extraFrom(i), at + 1, extraTo(i) - extraFrom(i));
  }
  if (at === start) return at;
  store<u8>(at, CLOSE_BRACE);
  return at + 1;
}

function nextExtra(at: i32, start: i32): i32 {
  if (at === start) return openExtra(at);
  store<u8>(at, COMMA);
  return at + 1;
}
