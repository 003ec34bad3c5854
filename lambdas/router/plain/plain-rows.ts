import { accessFieldNames, type AccessFormat } from "../../../wire/access-log/format.ts";
import { isComputed } from "../../../wire/computed-column.ts";
import type { LogType } from "../../../wire/log-type.ts";
import { accessFormatOf } from "../../../wire/access-parser.ts";
import { zoneOffsetMs } from "../../../wire/time-zone.ts";
import { columnWriter, nullsOf } from "../column/column-writer.ts";
import { fieldPath } from "../field-path.ts";
import { contextNames } from "../line-context.ts";
import { CLF_MINUTE_CHARS } from "../time/clf.ts";
import { readTime } from "../time/event-time.ts";
import { CLOSE_BRACE, COLON, COMMA, copyBytes, OPEN_BRACE } from "./bytes.ts";
import { columnCopier, copierButFor, copyText, type CopyColumn } from "./plain-column.ts";
import { PlainTime } from "./plain-time.ts";
import { accessLogScanner } from "./scan-access-log.ts";
import { jsonMembers, jsonScanner } from "./scan-json.ts";
import { KIND, Spans, type Scan } from "./spans.ts";

/** Longer lines take the general path; so no text is too long for SUPER, and no row for COPY. */
const LINE_MAX_BYTES = 2_000;

const EXTRA = Buffer.from(',"_extra":');

/** How event times of a type are read. */
export function plainTime(time: NonNullable<LogType["time"]>): PlainTime {
  return new PlainTime(readTime(time.format, time), minuteChars(time));
}

/**
 * Characters of a time up to the colon before its seconds, 0 where there is none, or where what a minute means may
 * depend on its arrival.
 */
function minuteChars({ format, zone = "UTC" }: NonNullable<LogType["time"]>): number {
  if (format === "clf") return CLF_MINUTE_CHARS;
  return format === "iso8601" && zoneOffsetMs(zone) !== undefined ? "YYYY-MM-DDTHH:MM".length : 0;
}

/** Fields that lines always have, and that no column and no time takes. */
export function untakenOf(
  type: LogType,
  always: readonly string[],
): { readonly slot: number; readonly name: string }[] {
  const taken = new Set(fieldsOf(type));
  return always.map((name, slot) => ({ slot, name })).filter(({ name }) => !taken.has(name));
}

/** Room that columns may take besides the bytes of a line. @param keys `,"name":` of each */
export function roomOf(keys: readonly Buffer[]): number {
  return keys.reduce((sum, key) => sum + key.length + 64, 1_024);
}

interface ColumnPlan {
  readonly slot: number;
  /** `,"name":` */
  readonly key: Buffer;
  readonly nullable: boolean;
  readonly copy: CopyColumn;
}

/** Any arrival: whether a text is a time does not depend on it. */
const ANY_ARRIVAL_MS = Date.UTC(2026, 0, 1);

/** Whether a text that is said to be no value reads as an event time: the general path alone looks. */
export function hasNullTimes({ time, nulls = [] }: LogType): boolean {
  if (time === undefined) return false;
  const read = readTime(time.format, time);
  return nulls.some((text) => read(text, ANY_ARRIVAL_MS) !== undefined);
}

/** Fields that columns and the event time are filled from. */
export function fieldsOf({ columns, time }: LogType): string[] {
  const fields = new Set(columns.map(({ name, field = name }) => field));
  if (time) fields.add(time.field);
  return [...fields];
}

/** Whether the fields of lines are asked for besides being copied. */
export function hasExpressions({ columns, drop, copy, remove }: LogType): boolean {
  return (
    drop !== undefined ||
    remove !== undefined ||
    (copy?.some(({ when }) => when !== undefined) ?? false) ||
    columns.some((column) => isComputed(column) || column.default !== undefined)
  );
}

/**
 * The short way for plain lines: their fields are found as spans of bytes and copied into the row, with no
 * text, no object and no number made of them. It takes under half the CPU of the general path (RowWriter),
 * writes the same bytes, and leaves every line that it is not sure of to it, so that path alone rejects.
 */
export class PlainRows {
  readonly #scan: Scan;
  readonly #spans: Spans;
  readonly #columns: readonly ColumnPlan[];
  /** Fields of an access log that no column takes: slot and `"name":`. */
  readonly #untaken: readonly { readonly slot: number; readonly key: Buffer }[];
  readonly #time: { readonly slot: number; readonly reader: PlainTime } | undefined;
  readonly #arrivedAt = { ms: NaN };
  readonly #fixedBytes: number;
  #line: Uint8Array = new Uint8Array();

  /** @returns undefined for types whose lines have no short way */
  static of(type: LogType): PlainRows | undefined {
    if (type.parse.from !== undefined || type.skip?.comments || contextNames(type).length > 0)
      return undefined;
    if (hasExpressions(type) || hasNullTimes(type)) return undefined;
    const access = accessFormatOf(type.parse);
    if (access) return PlainRows.#ofAccessLog(type, access);
    if (type.parse.format !== "json") return undefined;
    const named = fieldsOf(type);
    const members = jsonMembers(named.map((field) => fieldPath(field, true)));
    return members && new PlainRows(type, jsonScanner(members), members.slots, named, []);
  }

  static #ofAccessLog(type: LogType, format: AccessFormat): PlainRows | undefined {
    const names = accessFieldNames(format);
    const plain = new PlainRows(type, accessLogScanner(format), names.length, names, names);
    return plain.#columns.every(({ slot }) => slot >= 0) ? plain : undefined;
  }

  /**
   * @param named fields by slot
   * @param always of these, those that a line has whether a column takes them or not
   */
  private constructor(
    type: LogType,
    scan: Scan,
    slots: number,
    named: readonly string[],
    always: readonly string[],
  ) {
    const slotOf = (field: string): number => named.indexOf(field);
    const { time } = type;
    this.#scan = scan;
    this.#spans = new Spans(slots);
    this.#columns = type.columns.map((column) => {
      const { name, field = name, nullable } = column;
      const copied = columnCopier(column.type, columnWriter(column, type), this.#arrivedAt);
      const copy = copierButFor(nullsOf(column, type), copied);
      return { slot: slotOf(field), key: Buffer.from(`,"${name}":`), nullable, copy };
    });
    this.#time = time && {
      slot: slotOf(time.field),
      reader: plainTime(time),
    };
    this.#untaken = untakenOf(type, always).map(({ slot, name }) => ({
      slot,
      key: Buffer.from(`"${name}":`),
    }));
    this.#fixedBytes = roomOf(this.#columns.map(({ key }) => key));
  }

  /** Room that the columns of the line scanned last may take. */
  get maxBytes(): number {
    // A field may fill more than one column, each time with quotes.
    return this.#fixedBytes + this.#line.length * (this.#columns.length + 1);
  }

  /**
   * Finds the fields of a line, which `write` then writes.
   *
   * @returns event time in ms of the epoch, NaN if the line is not plain
   */
  scan(line: Uint8Array, arrivedAtMs: number): number {
    const end = line[line.length - 1] === 0x0d ? line.length - 1 : line.length;
    if (end > LINE_MAX_BYTES) return NaN;
    this.#spans.clear();
    if (!this.#scan(line, end, this.#spans)) return NaN;
    this.#line = line;
    this.#arrivedAt.ms = arrivedAtMs;
    if (this.#time === undefined) return arrivedAtMs;
    const { slot, reader } = this.#time;
    const { kind, from, to } = this.#spans;
    if (kind[slot] !== KIND.text && kind[slot] !== KIND.number) return NaN;
    return reader.read(line, from[slot]!, to[slot]!, arrivedAtMs);
  }

  /** As RowWriter.columns. @returns offset after what was written, -1 if a value is not plain after all */
  write(out: Buffer, at: number): number {
    const { kind, from, to } = this.#spans;
    at = this.#writeExtra(out, at);
    for (const { slot, key, nullable, copy } of this.#columns) {
      const keyAt = at;
      if (kind[slot]! > KIND.none) {
        const valueAt = copyBytes(key, 0, out, at, key.length);
        at = copy(kind[slot] as 2, this.#line, from[slot]!, to[slot]!, out, valueAt);
        if (at < 0) return -1;
        if (at === valueAt) at = keyAt;
      }
      if (at === keyAt && !nullable) return -1;
    }
    return at;
  }

  #writeExtra(out: Buffer, at: number): number {
    const { kind, from, to, extras, extraCount } = this.#spans;
    const start = at;
    const open = (): number => {
      if (at > start) out[at] = COMMA;
      else out[(at = copyBytes(EXTRA, 0, out, at, EXTRA.length))] = OPEN_BRACE;
      return at + 1;
    };
    for (const { slot, key } of this.#untaken) {
      if (kind[slot] !== KIND.text) continue;
      at = copyBytes(key, 0, out, open(), key.length);
      at = copyText(this.#line, from[slot]!, to[slot]!, out, at);
    }
    for (let i = 0; i < extraCount; i++) {
      const extra = extras[i]!;
      // null is no value, and of JSON's values it alone begins like this.
      if (this.#line[extra.from] === 0x6e) continue;
      at = copyBytes(this.#line, extra.nameFrom, out, open(), extra.nameTo - extra.nameFrom);
      out[at] = COLON;
      at = copyBytes(this.#line, extra.from, out, at + 1, extra.to - extra.from);
    }
    if (at === start) return at;
    out[at] = CLOSE_BRACE;
    return at + 1;
  }
}
