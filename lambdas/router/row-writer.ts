import type { LogType } from "../../wire/log-type.ts";
import { columnWriter } from "./column/column-writer.ts";
import { checkSuper } from "./column/super.ts";
import type { WriteColumn } from "./column/write-column.ts";
import { fieldPath, fieldReader, TakenFields } from "./field-path.ts";
import { Misfit, shown } from "./misfit.ts";
import type { Fields } from "./parse/fields.ts";
import { parserOf, type Parse } from "./parse/parser.ts";
import { PlainRows } from "./plain/plain-rows.ts";
import { readColumnTime, readTime, type ReadTime } from "./time/event-time.ts";

interface ColumnPlan {
  readonly name: string;
  /** `,"name":` */
  readonly key: string;
  readonly nullable: boolean;
  readonly read: (fields: Fields) => unknown;
  readonly write: WriteColumn;
}

/** A log type made ready: everything the configuration says is looked up once, not once a line. */
export class RowWriter {
  readonly parse: Parse;
  /** The short way for plain lines, where the type's format has one. */
  readonly plain: PlainRows | undefined;
  readonly #columns: readonly ColumnPlan[];
  readonly #time: { read: (fields: Fields) => unknown; readTime: ReadTime; field: string } | undefined;
  readonly #taken: TakenFields;

  constructor(type: LogType) {
    const path = (field: string) => fieldPath(field, type.parse.format);
    const { time } = type;
    const fields = type.columns.map(({ name, field = name }) => field);
    if (time) fields.push(time.field);
    this.parse = parserOf(type.parse, new Set(fields));
    this.plain = PlainRows.of(type);
    this.#columns = type.columns.map((column) => ({
      name: column.name,
      key: `,"${column.name}":`,
      nullable: column.nullable,
      read: fieldReader(path(column.field ?? column.name)),
      write: columnWriter(column.type, readColumnTime(column, time)),
    }));
    this.#time = time && {
      read: fieldReader(path(time.field)),
      readTime: readTime(time.format, time),
      field: time.field,
    };
    this.#taken = TakenFields.of(fields.map(path));
  }

  /** Event time in ms of the epoch: arrival for a type that has none. */
  eventTime(fields: Fields, arrivedAtMs: number): number | Misfit {
    if (this.#time === undefined) return arrivedAtMs;
    const { read, readTime, field } = this.#time;
    const value = read(fields);
    if (value === undefined || value === null) return new Misfit("time", "no event time", field);
    return (
      readTime(value, arrivedAtMs)?.epochMs ?? new Misfit("time", `${shown(value)} is not a time`, field)
    );
  }

  /**
   * The columns that have a value, `_extra` among them where fields are left over, as the inside of a JSON
   * object: `,"_extra":{...},"status":200`. Names are column names, so no two are equal, in any case.
   */
  columns(fields: Fields, arrivedAtMs: number): string | Misfit {
    let text = "";
    const left = this.#taken.leftOver(fields);
    if (left !== undefined) {
      const extra = left instanceof Misfit ? left : checkSuper(left);
      if (extra instanceof Misfit) return extra.of("_extra");
      text += `,"_extra":${extra}`;
    }
    for (const { name, key, nullable, read, write } of this.#columns) {
      const value = read(fields);
      const written = value === undefined || value === null ? null : write(value, arrivedAtMs);
      if (written instanceof Misfit) return written.of(name);
      if (written !== null) text += key + written;
      else if (!nullable) return new Misfit("missing", "must not be null", name);
    }
    return text;
  }
}
