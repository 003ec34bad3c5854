import { defaultProblem } from "./column-default.ts";
import { parseColumnType } from "./column-type.ts";
import type { ValueType } from "./expression/value.ts";

/** What of a column decides how its value comes about. */
export interface ComputedColumn {
  readonly type: string;
  readonly field?: string | undefined;
  readonly value?: string | undefined;
  readonly classes?: Readonly<Record<string, readonly [from: number | "*", to: number | "*"]>> | undefined;
  readonly default?: string | number | boolean | undefined;
  readonly onMisfit?: "reject" | "truncate" | "extra" | undefined;
  readonly time?: { readonly format: string } | undefined;
}

interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** A column of which the value is no field's as it stands. */
export const isComputed = ({ value, classes }: ComputedColumn): boolean =>
  value !== undefined || classes !== undefined;

/** What a column says of itself that cannot be. */
export function* computedProblems(column: ComputedColumn): Generator<Problem> {
  const { value, field, classes, onMisfit, type } = column;
  if (value !== undefined && field !== undefined)
    yield { path: ["value"], message: "a column is filled from a field or by an expression, not from both" };
  if (isComputed(column) && onMisfit === "extra")
    yield {
      path: ["onMisfit"],
      message: "keeps the field that a column is filled from: a computed one has none",
    };
  if (classes) {
    const kind = parseColumnType(type)?.kind;
    if (kind !== undefined && kind !== "varchar" && kind !== "char" && kind !== "super")
      yield { path: ["classes"], message: `classes are texts, not ${type}` };
    yield* rangeProblems(classes);
  }
  const unfit = defaultProblem(type, column.default);
  if (unfit !== undefined) yield { path: ["default"], message: unfit };
}

type Range = readonly [number, number];

/** @returns both bounds as numbers */
export const rangeOf = ([from, to]: readonly [number | "*", number | "*"]): Range => [
  from === "*" ? -Infinity : from,
  to === "*" ? Infinity : to,
];

function* rangeProblems(classes: NonNullable<ComputedColumn["classes"]>): Generator<Problem> {
  const ranges = Object.entries(classes).map(([name, bounds]) => [name, rangeOf(bounds)] as const);
  for (const [i, [name, [from, to]]] of ranges.entries()) {
    if (from >= to) yield { path: ["classes", name], message: "from has to be below to" };
    const other = ranges.slice(0, i).find(([, [otherFrom, otherTo]]) => from < otherTo && otherFrom < to);
    if (other) yield { path: ["classes", name], message: `overlaps "${other[0]}"` };
  }
}

const NUMBER: readonly ValueType[] = ["number", "text"];
const TEXT: readonly ValueType[] = ["text", "number", "bool", "time"];

/** Types of values that a column may take, though not each of their values. */
function takenBy({ type, time }: ComputedColumn): readonly ValueType[] | undefined {
  const kind = parseColumnType(type)?.kind;
  switch (kind) {
    case "smallint":
    case "integer":
    case "bigint":
    case "real":
    case "double precision":
    case "decimal":
      return NUMBER;
    case "boolean":
      return ["bool", "text", "number"];
    case "varchar":
    case "char":
      return TEXT;
    case "date":
    case "timestamp":
    case "timestamptz":
      return time?.format.startsWith("epoch") ? ["time", "text", "number"] : ["time", "text"];
    case "super":
    case undefined:
      break;
  }
  return undefined;
}

/** Whether values of this type may ever fit the column. */
export function takesValue(column: ComputedColumn, type: ValueType): boolean {
  if (type === "any") return true;
  if (column.classes) return NUMBER.includes(type);
  return takenBy(column)?.includes(type) ?? true;
}
