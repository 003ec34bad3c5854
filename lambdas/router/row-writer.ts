import type { LogType } from "../../wire/log-type.ts";
import { columnWriter } from "./column/column-writer.ts";
import { checkSuper } from "./column/super.ts";
import type { WriteColumn } from "./column/write-column.ts";
import { fieldPath, type FieldPath, fieldReader, fieldRoute, hasObjects, TakenFields } from "./field-path.ts";
import { contextNames, type LineContext, withContext } from "./line-context.ts";
import { Misfit, shown } from "./misfit.ts";
import { noEvent } from "./no-event.ts";
import type { Fields } from "./parse/fields.ts";
import { parserOf, type Parse } from "./parse/parser.ts";
import { SKIPPED, type Skipped } from "./parse/skipped.ts";
import { PlainRows } from "./plain/plain-rows.ts";
import { readTime, type ReadTime } from "./time/event-time.ts";

interface ColumnPlan {
  readonly name: string;
  /** `,"name":` */
  readonly key: string;
  readonly nullable: boolean;
  /** The value that does not fit goes to `_extra`, in the place of the whole line being rejected. */
  readonly unfitToExtra: boolean;
  readonly path: FieldPath;
  readonly read: (fields: Fields) => unknown;
  readonly write: WriteColumn;
}

/** A log type made ready: everything the configuration says is looked up once, not once a line. */
export class RowWriter {
  readonly parse: Parse;
  /** The short way for plain lines, where the type's format has one. */
  readonly plain: PlainRows | undefined;
  /** Bytes that are not UTF-8 are replaced, in the place of the line being rejected. */
  readonly replacesInvalidUtf8: boolean;
  readonly #context: readonly (keyof LineContext)[];
  readonly #columns: readonly ColumnPlan[];
  readonly #time: { read: (fields: Fields) => unknown; readTime: ReadTime; field: string } | undefined;
  readonly #paths: readonly FieldPath[];
  readonly #routes: readonly ((fields: Fields) => FieldPath)[];
  readonly #hasDots: boolean;
  readonly #taken: TakenFields;
  readonly #nulls: ReadonlySet<unknown>;

  constructor(type: LogType) {
    const path = (field: string) => fieldPath(field, hasObjects(type.parse));
    const { time } = type;
    const fields = type.columns.map(({ name, field = name }) => field);
    if (time) fields.push(time.field);
    this.parse = parserOf(type.parse, new Set(fields), noEvent(type));
    this.replacesInvalidUtf8 = type.invalidUtf8 === "replace";
    this.#context = contextNames(type);
    this.plain = PlainRows.of(type);
    this.#columns = type.columns.map((column) => ({
      name: column.name,
      key: `,"${column.name}":`,
      nullable: column.nullable,
      unfitToExtra: column.onMisfit === "extra",
      path: path(column.field ?? column.name),
      read: fieldReader(path(column.field ?? column.name)),
      write: columnWriter(column, type),
    }));
    this.#time = time && {
      read: fieldReader(path(time.field)),
      readTime: readTime(time.format, time),
      field: time.field,
    };
    this.#paths = fields.map(path);
    this.#routes = this.#paths.map(fieldRoute);
    this.#hasDots = this.#paths.some(({ length }) => length > 1);
    this.#taken = TakenFields.of(this.#paths);
    this.#nulls = new Set(type.nulls);
  }

  /** The fields of a line, and of what else is known of it as far as columns take it. */
  fields(line: string, context: Omit<LineContext, "_line">): Fields | Misfit | Skipped {
    const fields = this.parse(line);
    if (fields instanceof Misfit || fields === SKIPPED) return fields;
    return withContext(fields, { ...context, _line: line }, this.#context);
  }

  /** Event time in ms of the epoch: arrival for a type that has none. */
  eventTime(fields: Fields, arrivedAtMs: number): number | Misfit {
    if (this.#time === undefined) return arrivedAtMs;
    const { read, readTime, field } = this.#time;
    const value = read(fields);
    if (value === undefined || value === null || this.#nulls.has(value))
      return new Misfit("time", "no event time", field);
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
    let unfit: Set<FieldPath> | undefined;
    for (const { name, key, nullable, unfitToExtra, path, read, write } of this.#columns) {
      const value = read(fields);
      const written = value === undefined || value === null ? null : write(value, arrivedAtMs);
      if (written instanceof Misfit) {
        if (!unfitToExtra) return written.of(name);
        (unfit ??= new Set()).add(path);
      } else if (written !== null) text += key + written;
      else if (!nullable) return new Misfit("missing", "must not be null", name);
    }
    const extra = this.#extra(fields, unfit);
    return extra instanceof Misfit ? extra : extra + text;
  }

  #extra(fields: Fields, unfit: ReadonlySet<FieldPath> | undefined): string | Misfit {
    const taken = this.#takenIn(fields, unfit);
    const left = taken.leftOver(fields);
    if (left === undefined) return "";
    const extra = left instanceof Misfit ? left : checkSuper(left);
    return extra instanceof Misfit ? extra.of("_extra") : `,"_extra":${extra}`;
  }

  /** Lines mostly have the paths as they are, and values that fit. */
  #takenIn(fields: Fields, unfit: ReadonlySet<FieldPath> | undefined): TakenFields {
    if (!unfit && !this.#hasDots) return this.#taken;
    const routes = this.#routes.map((route) => route(fields));
    if (!unfit && routes.every((route, i) => route === this.#paths[i])) return this.#taken;
    const names = new Set([...(unfit ?? [])].map(nameOf));
    return TakenFields.of(routes.filter((_, i) => !names.has(nameOf(this.#paths[i]!))));
  }
}

const nameOf = (path: FieldPath): string => path.join(".");
