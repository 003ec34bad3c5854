import { didYouMean } from "./closest.ts";
import { takesValue } from "./computed-column.ts";
import { unknownField } from "./expression/compile.ts";
import { Expression } from "./expression/expression.ts";
import { ExpressionError } from "./expression/expression-error.ts";
import { TYPE_NAMES } from "./expression/value.ts";
import { expressionScope, type ExpressionSettings } from "./expressions.ts";
import type { LogType } from "./log-type.ts";
import { tablesProblem } from "./lookup-table.ts";

interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What is wrong with the expressions and rules of types, so that nobody learns of it from lines. */
export function* expressionProblems(
  types: readonly LogType[],
  settings: ExpressionSettings,
): Generator<Problem> {
  const tables = tablesProblem([settings.tables, ...types.map(({ tables }) => tables)]);
  if (tables !== undefined) yield { path: ["tables"], message: tables };
  for (const [i, type] of types.entries()) {
    for (const { path, message } of typeProblems(type, settings))
      yield { path: ["types", i, ...path], message };
    yield* copyProblems(types, i);
  }
}

function* typeProblems(type: LogType, settings: ExpressionSettings): Generator<Problem> {
  const { columns, drop, copy = [], remove = [] } = type;
  const sources = [drop, ...columns.map(({ value }) => value), ...copy.map(({ when }) => when)];
  if (sources.every((source) => source === undefined) && remove.length === 0) return;
  const scope = expressionScope(type, settings, () => () => undefined);
  for (const [i, field] of remove.entries()) {
    if (scope.field(field) === undefined) yield { path: ["remove", i], message: unknownField(field, scope) };
  }
  const compiled = (source: string): Expression | string => {
    try {
      return new Expression(source, scope);
    } catch (error) {
      if (error instanceof ExpressionError) return error.message;
      throw error;
    }
  };
  for (const [i, column] of columns.entries()) {
    if (column.value === undefined) continue;
    const expression = compiled(column.value);
    const path = ["columns", i, "value"];
    if (typeof expression === "string") yield { path, message: expression };
    else if (!takesValue(column, expression.type)) {
      const wanted = column.classes ? "classes are of numbers" : `no value for ${column.type}`;
      yield { path, message: `it is ${TYPE_NAMES[expression.type]}, ${wanted}` };
    }
  }
  const conditions = [
    { path: ["drop"], source: drop },
    ...copy.map(({ when }, i) => ({ path: ["copy", i, "when"], source: when })),
  ];
  for (const { path, source } of conditions) {
    if (source === undefined) continue;
    const condition = compiled(source);
    if (typeof condition === "string") yield { path, message: condition };
    else if (condition.type !== "bool" && condition.type !== "any")
      yield { path, message: `it is ${TYPE_NAMES[condition.type]}, not a condition` };
  }
}

function* copyProblems(types: readonly LogType[], i: number): Generator<Problem> {
  const { name, copy = [] } = types[i]!;
  for (const [j, { to }] of copy.entries()) {
    const path = ["types", i, "copy", j, "to"];
    if (to === name) yield { path, message: "the type itself" };
    else if (!types.some((type) => type.name === to)) {
      const names = types.flatMap((other) => (other.name === name ? [] : other.name));
      yield { path, message: `no type "${to}"${didYouMean(to, names)}` };
    }
    if (copy.findIndex((other) => other.to === to) < j) yield { path, message: `"${to}" twice` };
  }
}
