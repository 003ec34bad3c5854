import { accessFieldNames, type AccessFormat } from "../../../wire/access-log/format.ts";
import { accessFormatOf } from "../../../wire/access-parser.ts";
import { parseColumnType } from "../../../wire/column-type.ts";
import type { Column, LogType } from "../../../wire/log-type.ts";
import { nullsOf } from "../column/column-writer.ts";
import { fieldPath } from "../field-path.ts";
import { contextNames } from "../line-context.ts";
import { PLAIN } from "../plain/bytes.ts";
import { fieldsOf, hasExpressions, hasNullTimes, plainTime, roomOf, untakenOf } from "../plain/plain-rows.ts";
import type { PlainTime } from "../plain/plain-time.ts";
import { accessSteps } from "../plain/scan-access-log.ts";
import { jsonMembers, type Member } from "../plain/scan-json.ts";
import * as layout from "./layout.ts";
import { ProgramWriter } from "./program-writer.ts";

/** A log type as the row machine takes it: how a line is taken apart, and how each column is checked and written. */
export interface RowProgram {
  readonly bytes: Uint8Array;
  /** undefined for a type whose rows have the time of arrival. */
  readonly time: PlainTime | undefined;
}

/** What is said of the lines of a format. */
interface Lines {
  readonly format: number;
  readonly slots: number;
  /** Fields by slot. */
  readonly named: readonly string[];
  /** Those of them that a line has whether a column takes them or not. */
  readonly always: readonly string[];
  /** Members or steps. */
  readonly parts: (writer: ProgramWriter) => readonly [from: number, to: number];
  readonly after: string;
}

/** @returns undefined for types whose lines the machine does not know, or whose columns it cannot write */
export function rowProgram(type: LogType): RowProgram | undefined {
  if (type.parse.from !== undefined || type.skip?.comments || contextNames(type).length > 0) return undefined;
  if (hasExpressions(type) || hasNullTimes(type)) return undefined;
  const lines = linesOf(type);
  const columns = type.columns.map(writeOf);
  const time = type.time && plainTime(type.time);
  if (lines === undefined || columns.some((write) => write === undefined)) return undefined;
  const slotOf = (field: string): number => lines.named.indexOf(field);
  const timeSlot = type.time ? slotOf(type.time.field) : -1;
  if (type.time && (timeSlot < 0 || time!.minuteChars === 0)) return undefined;
  if (type.columns.some(({ name, field = name }) => slotOf(field) < 0)) return undefined;
  if (lines.slots > layout.SLOTS_MAX) return undefined;

  const writer = new ProgramWriter();
  const keys = type.columns.map(({ name }) => Buffer.from(`,"${name}":`));
  const parts = lines.parts(writer);
  const columnList = writer.list(
    type.columns.map((column, i) => [
      slotOf(column.field ?? column.name),
      ...writer.text(keys[i]!),
      column.nullable ? 1 : 0,
      ...columns[i]!,
      ...writer.list(nullTexts(column, type).map((text) => writer.text(Buffer.from(text)))),
    ]),
  );
  const untaken = untakenOf(type, lines.always).map(({ slot, name }) => [
    slot,
    ...writer.text(Buffer.from(`"${name}":`)),
  ]);
  const bytes = writer.finish([
    lines.format,
    lines.slots,
    ...parts,
    ...columnList,
    ...writer.list(untaken),
    timeSlot,
    time?.minuteChars ?? 0,
    ...writer.text(Buffer.from(lines.after)),
    roomOf(keys),
    // A raw line's quotes become two bytes each.
    (keys.length + 1) * (lines.format === layout.FORMAT_RAW ? 2 : 1),
  ]);
  return bytes && { bytes, time };
}

function linesOf(type: LogType): Lines | undefined {
  const access = accessFormatOf(type.parse);
  if (access) return accessLines(access);
  if (type.parse.format === "json") return jsonLines(fieldsOf(type));
  if (type.parse.format !== "raw" || type.skip?.blank === true) return undefined;
  return {
    format: layout.FORMAT_RAW,
    slots: 1,
    named: ["line"],
    always: ["line"],
    parts: (writer) => writer.list([]),
    after: "",
  };
}

function jsonLines(named: readonly string[]): Lines | undefined {
  const members = jsonMembers(named.map((field) => fieldPath(field, true)));
  return (
    members && {
      format: layout.FORMAT_JSON,
      slots: members.slots,
      named,
      always: [],
      parts: (writer) => writeMembers(writer, members.top),
      after: "",
    }
  );
}

function writeMembers(writer: ProgramWriter, members: readonly Member[]): readonly [number, number] {
  return writer.list(
    members.map(({ name, slot, below, rivals }) => [
      ...writer.text(Buffer.from(`${JSON.stringify(name.toString())}:`)),
      slot,
      ...writeMembers(writer, below),
      // One that is not plain, which has no slot, is no line's at all.
      ...writer.list(rivals.filter((rival) => rival >= 0).map((rival) => [rival])),
    ]),
  );
}

const FORMS: Readonly<Record<string, number>> = {
  request: layout.FORM_REQUEST,
  ident: layout.FORM_IDENT,
  list: layout.FORM_LIST,
};

function accessLines(format: AccessFormat): Lines {
  const names = accessFieldNames(format);
  return {
    format: layout.FORMAT_ACCESS,
    slots: names.length,
    named: names,
    always: names,
    parts: (writer) =>
      writer.list(
        accessSteps(format).map(({ before, form, holds, mayBeEmpty, slot }) => [
          ...writer.text(before),
          FORMS[form] ?? layout.FORM_OTHER,
          holds === PLAIN ? 0 : writer.text(holds)[0],
          mayBeEmpty ? 1 : 0,
          slot,
        ]),
      ),
    after: format.after,
  };
}

/** How a column is written: kind, limit and detail. Times and dates are for the general path. */
function writeOf({ type }: Column): readonly [number, number, number] | undefined {
  const parsed = parseColumnType(type)!;
  switch (parsed.kind) {
    case "varchar":
    case "char":
      return [layout.WRITE_TEXT, parsed.maxBytes, parsed.kind === "char" ? 1 : 0];
    case "smallint":
      return [layout.WRITE_INTEGER, 2 ** 15, 0];
    case "integer":
      return [layout.WRITE_INTEGER, 2 ** 31, 0];
    case "bigint":
      return [layout.WRITE_INTEGER, 0, 0];
    case "super":
      return [layout.WRITE_SUPER, 0, 0];
    case "decimal":
      // Not quite all numbers of 19 digits fit; the machine has none of more than 15.
      return [layout.WRITE_DECIMAL, Math.min(parsed.precision, 18) - parsed.scale, parsed.scale];
    case "real":
    case "double precision":
      return [layout.WRITE_FLOAT, 0, 0];
    case "boolean":
      return [layout.WRITE_BOOLEAN, 0, 0];
    case "date":
    case "timestamp":
    case "timestamptz":
      break;
  }
  return undefined;
}

/** Texts that are no value, as they stand in a line. */
function nullTexts(column: Column, type: LogType): string[] {
  const texts = [...nullsOf(column, type)];
  return type.parse.format === "json" ? texts.map((text) => JSON.stringify(text).slice(1, -1)) : texts;
}
