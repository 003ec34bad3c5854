import * as z from "zod";
import { type ColumnType, parseColumnType } from "./column-type.ts";
import type { Column } from "./log-type.ts";
import { WireError } from "./wire-error.ts";

/**
 * Which rows an erasure is for: some columns have one of some values each.
 *
 * condition := term { AND term }
 * term      := column = value | column IN ( value { , value } )
 * value     := 'text' | number | TRUE | FALSE        a quote within a text is doubled
 *
 * It is evaluated on the rows of the lake, and as SQL in the warehouse, and has to say the same in both. So there are
 * no other comparisons, and only columns whose values are written in one way: no floating-point numbers, which are
 * rounded, no times and no SUPER.
 */
export const erasureTermSchema = z.strictObject({
  column: z.string(),
  /** As the lake's rows have them: see canonicalValue(). */
  values: z.array(z.string()).min(1),
});

export type ErasureTerm = z.output<typeof erasureTermSchema>;

/** Values of one condition. SQL of the Data API has 100 KB. */
const VALUES_MAX = 500;

const TOKEN =
  /\s*(?:(?<name>[A-Za-z_][A-Za-z0-9_]*)|(?<text>'(?:[^']|'')*')|(?<number>[+-]?\d+(?:\.\d+)?)|(?<sign>[=(),]))/y;

interface Token {
  readonly kind: "name" | "text" | "number" | "sign" | "end";
  readonly text: string;
  readonly at: number;
}

/**
 * Reads a condition, and checks it against the columns of the type.
 *
 * @throws WireError BAD_CONDITION, with the place of what is wrong
 */
export function parseErasureCondition(text: string, columns: readonly Column[]): ErasureTerm[] {
  const tokens = tokensOf(text);
  const terms: ErasureTerm[] = [];
  let next = tokens.next().value!;
  const take = (): Token => {
    const taken = next;
    next = tokens.next().value ?? next;
    return taken;
  };
  const expectSign = (sign: string): void => {
    const { kind, text, at } = take();
    if (kind !== "sign" || text !== sign) throw bad(`"${sign}" expected, not "${text}"`, at);
  };
  for (let more = true; more;) {
    const { kind, text: column, at } = take();
    if (kind !== "name") throw bad(`a column expected, not "${column}"`, at);
    const type = columnType(column, columns, at);
    const value = (): string => {
      const { kind, text, at } = take();
      return canonicalValue(literal(kind, text, at), type, column, at);
    };
    if (isWord(next, "IN")) {
      take();
      expectSign("(");
      const values = [value()];
      for (; next.text === "," && next.kind === "sign"; values.push(value())) take();
      expectSign(")");
      terms.push({ column, values: [...new Set(values)] });
    } else {
      expectSign("=");
      terms.push({ column, values: [value()] });
    }
    more = isWord(next, "AND");
    if (more) take();
  }
  if (next.kind !== "end") throw bad(`AND or the end expected, not "${next.text}"`, next.at);
  if (terms.reduce((sum, { values }) => sum + values.length, 0) > VALUES_MAX) {
    throw bad(`more than ${VALUES_MAX} values: make it several erasures`, 0);
  }
  return terms;
}

const isWord = ({ kind, text }: Token, word: string): boolean =>
  kind === "name" && text.toUpperCase() === word;

function* tokensOf(text: string): Generator<Token, undefined> {
  TOKEN.lastIndex = 0;
  for (let at = 0; text.slice(at).trim() !== "";) {
    TOKEN.lastIndex = at;
    const groups = TOKEN.exec(text)?.groups;
    if (groups === undefined)
      throw bad(`"${text.slice(at).trim().slice(0, 20)}" is no part of a condition`, at);
    const [kind, found] = Object.entries(groups).find(([, value]) => value !== undefined) as [
      Exclude<Token["kind"], "end">,
      string,
    ];
    yield { kind, text: found, at };
    at = TOKEN.lastIndex;
  }
  yield { kind: "end", text: "the end", at: text.length };
  return undefined;
}

function literal(kind: Token["kind"], text: string, at: number): string {
  if (kind === "text") return text.slice(1, -1).replaceAll("''", "'");
  if (kind === "number") return text;
  if (kind === "name" && /^(?:true|false)$/i.test(text)) return text.toLowerCase();
  throw bad(`a value expected, 'text', a number, TRUE or FALSE, not ${text}`, at);
}

/**
 * Type of a column that a condition may name.
 *
 * @returns undefined where it may not: there is none, or its values have no one notation
 */
export function comparableType(column: Column | undefined): ColumnType | undefined {
  const type = column && parseColumnType(column.type);
  switch (type?.kind) {
    case "smallint":
    case "integer":
    case "bigint":
    case "decimal":
    case "varchar":
    case "char":
    case "boolean":
    case "date":
      return type;
    case "real":
    case "double precision":
    case "timestamp":
    case "timestamptz":
    case "super":
    case undefined:
      break;
  }
  return undefined;
}

function columnType(name: string, columns: readonly Column[], at: number): ColumnType {
  const column = columns.find((column) => column.name === name);
  const type = comparableType(column);
  if (type !== undefined) return type;
  if (column) throw bad(`${name} is ${column.type}, which nothing can be compared with exactly`, at);
  throw bad(`the type has no column ${name}`, at);
}

const INTEGER = /^[+-]?\d{1,19}$/;
const DECIMAL = /^([+-]?)0*(\d*)(?:\.(\d*?)0*)?$/;
const DATE = /^\d{4}-\d\d-\d\d$/;

/** The value as routers write it in rows, without quotes. */
function canonicalValue(text: string, type: ColumnType, column: string, at: number): string {
  switch (type.kind) {
    case "smallint":
    case "integer":
    case "bigint":
      if (INTEGER.test(text)) return `${BigInt(text.replace(/^\+/, ""))}`;
      break;
    case "decimal": {
      const [, sign, integer = "", fraction = ""] = DECIMAL.exec(text) ?? [];
      if (sign === undefined || text.length > 2 * 38) break;
      const isZero = integer === "" && fraction === "";
      return `${sign === "-" && !isZero ? "-" : ""}${integer || "0"}${fraction && `.${fraction}`}`;
    }
    case "boolean":
      if (text === "true" || text === "false") return text;
      break;
    case "date":
      if (DATE.test(text)) return text;
      break;
    case "varchar":
    case "char":
      return text;
    case "real":
    case "double precision":
    case "timestamp":
    case "timestamptz":
    case "super":
      break; // no condition names them: comparableType()
  }
  throw bad(`'${text}' is no value of ${column}, which is ${type.kind}`, at);
}

function bad(message: string, at: number): WireError {
  return new WireError("BAD_CONDITION", `the condition cannot be read: ${message}`, at);
}
