import type { BinaryOperator } from "./syntax.ts";
import { Failure, numberOf, typeOf, TYPE_NAMES, type ValueType } from "./value.ts";

/** Longest text that an expression makes: none of Redshift's is longer. */
export const TEXT_MAX_CHARS = 65_535;

type Operate = (left: unknown, right: unknown) => unknown;

/** Operators whose both sides are worked out first. */
export type StrictOperator = Exclude<BinaryOperator, "&&" | "||" | "in">;

interface Operation {
  /** Of values of these two types; undefined where there is none. */
  readonly type: (left: ValueType, right: ValueType) => ValueType | undefined;
  readonly run: Operate;
}

const sameOf =
  (...types: readonly ValueType[]) =>
  (left: ValueType, right: ValueType): ValueType | undefined => {
    const fits = (type: ValueType): boolean => type === "any" || types.includes(type);
    if (!fits(left) || !fits(right)) return undefined;
    if (left === "any") return right;
    return right === "any" || left === right ? left : undefined;
  };

const ordered = sameOf("number", "text", "time");
const comparison = (is: (order: number) => boolean): Operation => ({
  type: (left, right) => (ordered(left, right) === undefined ? undefined : "bool"),
  run: (left, right) => {
    const order = orderOf(left, right);
    return order === undefined ? undefined : is(order);
  },
});

const arithmetic = (work: (a: number, b: number) => number): Operation => {
  const type = sameOf("number");
  return {
    type: (left, right) => (type(left, right) === undefined ? undefined : "number"),
    run: (left, right) => calculated(left, right, work),
  };
};

/** Scalars alone are equal to one another: lists and objects are not compared. */
const equality = (wanted: boolean): Operation => ({
  type: (left, right) => {
    const isWhole = [left, right].some((type) => type === "list" || type === "map");
    const comparable = left === "null" || right === "null" || left === "any" || right === "any";
    return (comparable || left === right) && (!isWhole || comparable) ? "bool" : undefined;
  },
  run: (left, right) => {
    const equal = isEqual(left, right);
    return equal === undefined ? undefined : equal === wanted;
  },
});

export const OPERATIONS: Readonly<Record<StrictOperator, Operation>> = {
  "==": equality(true),
  "!=": equality(false),
  "<": comparison((order) => order < 0),
  "<=": comparison((order) => order <= 0),
  ">": comparison((order) => order > 0),
  ">=": comparison((order) => order >= 0),
  "+": {
    type: sameOf("number", "text"),
    run: (left, right) => {
      if (typeof left === "string" && typeof right === "string")
        return left.length + right.length > TEXT_MAX_CHARS ? TOO_LONG : left + right;
      return calculated(left, right, (a, b) => a + b);
    },
  },
  "-": {
    type: (left, right) => (sameOf("number", "time")(left, right) === undefined ? undefined : "number"),
    run: (left, right) =>
      left instanceof Date && right instanceof Date
        ? (left.getTime() - right.getTime()) / 1_000
        : calculated(left, right, (a, b) => a - b),
  },
  "*": arithmetic((a, b) => a * b),
  "/": arithmetic((a, b) => a / b),
  "%": arithmetic((a, b) => a % b),
};

export const TOO_LONG = new Failure(`a text of more than ${TEXT_MAX_CHARS} characters`);
const OUT_OF_RANGE = new Failure("divided by zero, or beyond any number");

function calculated(left: unknown, right: unknown, work: (a: number, b: number) => number): unknown {
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a === undefined || b === undefined) return undefined;
  const result = work(a, b);
  return Number.isFinite(result) ? result : OUT_OF_RANGE;
}

/** @returns undefined for values that have no order */
function orderOf(left: unknown, right: unknown): number | undefined {
  if (typeof left === "string" && typeof right === "string") return left < right ? -1 : left > right ? 1 : 0;
  if (left instanceof Date && right instanceof Date) return left.getTime() - right.getTime();
  const [a, b] = [numberOf(left), numberOf(right)];
  return a === undefined || b === undefined ? undefined : a - b;
}

/** @returns undefined for two lists or objects */
export function isEqual(left: unknown, right: unknown): boolean | undefined {
  const type = typeOf(left);
  if (type !== typeOf(right)) return false;
  if (type === "list" || type === "map") return undefined;
  return type === "null" || left === right || orderOf(left, right) === 0;
}

/** Says why an operator does not take what stands on its two sides. */
export function operatorProblem(operator: string, left: ValueType, right: ValueType): string {
  const hint =
    [left, right].includes("text") && [left, right].includes("number")
      ? ": int(...) and double(...) make numbers of texts, string(...) texts of numbers"
      : "";
  return `${operator} has no meaning between ${TYPE_NAMES[left]} and ${TYPE_NAMES[right]}${hint}`;
}
