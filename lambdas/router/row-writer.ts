import { Expression } from "../../wire/expression/expression.ts";
import { Failure, type LineValues } from "../../wire/expression/value.ts";
import { expressionScope, type ExpressionSettings } from "../../wire/expressions.ts";
import type { LogType } from "../../wire/log-type.ts";
import { columnValue } from "./column/column-value.ts";
import { columnWriter, defaultText } from "./column/column-writer.ts";
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
import { rowProgram, type RowProgram } from "./rows/row-program.ts";
import { readTime, type ReadTime } from "./time/event-time.ts";

interface ColumnPlan {
  readonly name: string;
  /** `,"name":` */
  readonly key: string;
  readonly nullable: boolean;
  /** The value that does not fit goes to `_extra`, in the place of the whole line being rejected. */
  readonly unfitToExtra: boolean;
  readonly path: FieldPath;
  readonly read: (line: LineValues) => unknown;
  readonly write: WriteColumn;
  /** Written where there is no value; undefined for nothing. */
  readonly otherwise: string | Misfit | undefined;
}

/** A log type made ready: everything the configuration says is looked up once, not once a line. */
export class RowWriter {
  readonly parse: Parse;
  /** The short way for plain lines, where the type's format has one. */
  readonly plain: PlainRows | undefined;
  /** What the row machine makes of lines, where it knows the type's format and columns. */
  readonly program: RowProgram | undefined;
  /** Bytes that are not UTF-8 are replaced, in the place of the line being rejected. */
  readonly replacesInvalidUtf8: boolean;
  readonly #context: readonly string[];
  readonly #columns: readonly ColumnPlan[];
  readonly #time: { read: (fields: Fields) => unknown; readTime: ReadTime; field: string } | undefined;
  readonly #paths: readonly FieldPath[];
  readonly #routes: readonly ((fields: Fields) => FieldPath)[];
  readonly #hasDots: boolean;
  readonly #taken: TakenFields;
  readonly #nulls: ReadonlySet<unknown>;
  readonly #drop: Expression | undefined;
  readonly #compile: (source: string) => Expression;

  constructor(type: LogType, settings: ExpressionSettings = {}) {
    const path = (field: string) => fieldPath(field, hasObjects(type.parse));
    const { time, remove = [] } = type;
    const scope = expressionScope(type, settings, (field) => fieldReader(path(field)));
    this.#compile = (source) => new Expression(source, scope);
    const values = type.columns.map((column) => columnValue(column, this.#compile, path));
    this.#drop = type.drop === undefined ? undefined : this.#compile(type.drop);
    // What is computed leaves the fields that it reads where they are.
    const fields = values.flatMap(({ takes }) => takes ?? []);
    if (time) fields.push(time.field);
    const read = [...values.flatMap(({ reads }) => [...reads]), ...(this.#drop?.fields ?? [])];
    this.parse = parserOf(type.parse, new Set([...fields, ...read]), noEvent(type));
    this.replacesInvalidUtf8 = type.invalidUtf8 === "replace";
    this.#context = contextNames(type);
    this.plain = PlainRows.of(type);
    this.program = rowProgram(type);
    this.#columns = type.columns.map((column, i) => ({
      name: column.name,
      key: `,"${column.name}":`,
      nullable: column.nullable,
      unfitToExtra: column.onMisfit === "extra",
      path: path(column.field ?? column.name),
      read: values[i]!.read,
      write: columnWriter(column, type),
      otherwise: defaultText(column),
    }));
    this.#time = time && {
      read: fieldReader(path(time.field)),
      readTime: readTime(time.format, time),
      field: time.field,
    };
    this.#paths = [...fields, ...remove].map(path);
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

  /** A condition on lines of the type. */
  condition(source: string): Expression {
    return this.#compile(source);
  }

  /** Whether the type has no row of such a line. */
  drops(line: LineValues): boolean {
    return this.#drop?.holds(line) ?? false;
  }

  /**
   * The columns that have a value, `_extra` among them where fields are left over, as the inside of a JSON
   * object: `,"_extra":{...},"status":200`. Names are column names, so no two are equal, in any case.
   *
   * @param line what expressions may name besides the fields
   */
  columns(
    fields: Fields,
    arrivedAtMs: number,
    line: LineValues = bareLine(fields, arrivedAtMs),
  ): string | Misfit {
    let text = "";
    let unfit: Set<FieldPath> | undefined;
    for (const { name, key, nullable, unfitToExtra, path, read, write, otherwise } of this.#columns) {
      const value = read(line);
      const isNone = value === undefined || value === null || value instanceof Failure;
      const written = isNone ? null : write(value, arrivedAtMs);
      if (written instanceof Misfit) {
        if (!unfitToExtra) return written.of(name);
        (unfit ??= new Set()).add(path);
      } else if (written !== null) text += key + written;
      else if (otherwise instanceof Misfit) return otherwise.of(name);
      else if (otherwise !== undefined) text += key + otherwise;
      else if (!nullable) return new Misfit("missing", `must not be null${reasonOf(value)}`, name);
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

const bareLine = (fields: Fields, arrivedAtMs: number): LineValues => ({
  fields,
  _line: "",
  _tag: "",
  _path: null,
  _host: null,
  _time: undefined,
  _arrived_at: arrivedAtMs,
});

const reasonOf = (value: unknown): string => (value instanceof Failure ? `: ${value.reason}` : "");

const nameOf = (path: FieldPath): string => path.join(".");
