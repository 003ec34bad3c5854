import { Environment } from "@marcbachmann/cel-js";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Scope } from "../../wire/expression/compile.ts";
import { Expression } from "../../wire/expression/expression.ts";
import { ExpressionError } from "../../wire/expression/expression-error.ts";
import { Failure, type LineValues, type ValueType } from "../../wire/expression/value.ts";

const TYPES: Readonly<Record<string, ValueType>> = {
  x: "number",
  y: "number",
  s: "text",
  t: "text",
  tags: "list",
  m: "any",
};

const SCOPE: Scope = {
  tables: new Map(),
  hashSalt: undefined,
  fieldNames: Object.keys(TYPES),
  field: (path) => {
    const [name = "", ...rest] = path.split(".");
    const type = rest.length === 0 ? TYPES[name] : "any";
    return (
      type && {
        type,
        read: (fields) => rest.reduce<unknown>((of, key) => (of as never)?.[key], fields[name]),
      }
    );
  },
};

const CEL = new Environment()
  .registerVariable("x", "double")
  .registerVariable("y", "double")
  .registerVariable("s", "string")
  .registerVariable("t", "string")
  .registerVariable("tags", "list<string>")
  .registerVariable("m", "map");

const lineOf = (fields: LineValues["fields"]): LineValues => ({
  fields,
  _line: "",
  _tag: "",
  _path: null,
  _host: null,
  _time: 0,
  _arrived_at: 0,
});

/** Expressions that mean the same in CEL where numbers are doubles: all but a field that is not there, which is null here. */
const { bool, number, text } = fc.letrec<{ bool: string; number: string; text: string }>((tie) => {
  const pair = (name: "bool" | "number" | "text", ...operators: string[]) =>
    fc
      .tuple(tie(name), fc.constantFrom(...operators), tie(name))
      .map(([left, operator, right]) => `(${left} ${operator} ${right})`);
  const choice = (name: "bool" | "number" | "text") =>
    fc.tuple(tie("bool"), tie(name), tie(name)).map(([c, a, b]) => `(${c} ? ${a} : ${b})`);
  const word = fc.constantFrom("", "a", "ab", "b", "é", "😀", 'q"\\\n').map((word) => JSON.stringify(word));
  return {
    bool: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom("true", "false", "has(m.k)", "has(m.no)", "m['no']", "m.flag", "('k' in m)"),
      pair("number", "==", "!=", "<", "<=", ">", ">="),
      pair("text", "==", "!=", "<", "<=", ">", ">="),
      pair("bool", "&&", "||", "==", "!="),
      tie("bool").map((a) => `!${a}`),
      choice("bool"),
      fc
        .tuple(tie("text"), fc.constantFrom("startsWith", "endsWith", "contains"), tie("text"))
        .map(([a, name, b]) => `${a}.${name}(${b})`),
      fc
        .tuple(fc.constantFrom("exists", "all"), word)
        .map(([name, b]) => `tags.${name}(i, i.startsWith(${b}))`),
      fc
        .tuple(tie("text"), fc.array(word, { minLength: 1, maxLength: 3 }))
        .map(([a, list]) => `(${a} in [${list.join()}])`),
      tie("text").map((a) => `(${a} in tags)`),
    ),
    number: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom("x", "y", "0.0", "1.5", "-2.0", "3e2"),
      pair("number", "+", "-", "*"),
      tie("number").map((a) => `-${a}`),
      choice("number"),
    ),
    text: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom("s", "t", "m.k", "m['no']", "m['k']", "tags[0]", "tags[9]"),
      word,
      pair("text", "+"),
      tie("text").map((a) => `${a}.trim()`),
      choice("text"),
    ),
  };
});

const FIELDS = fc.record({
  x: fc.constantFrom(0, 1.5, -2, 7),
  y: fc.constantFrom(0, 1.5, 300),
  s: fc.constantFrom("", "a", "ab ", "é"),
  t: fc.constantFrom("a", "b", "😀"),
  tags: fc.array(fc.constantFrom("a", "ab", "b"), { maxLength: 3 }),
  m: fc.record({ k: fc.constantFrom("a", "b"), flag: fc.boolean() }),
});

const FAILED = Symbol("failed");

function ofCel(source: string, fields: object): unknown {
  try {
    return CEL.evaluate(source, fields);
  } catch {
    return FAILED;
  }
}

test("an expression means what it means in CEL", () => {
  fc.assert(
    fc.property(fc.oneof(bool, number, text), FIELDS, (source, fields) => {
      const found = new Expression(source, SCOPE).of(lineOf(fields));
      const failed = found instanceof Failure || found === undefined;
      expect([source, failed ? FAILED : found]).toEqual([source, ofCel(source, fields)]);
    }),
    { numRuns: 1_000 },
  );
});

test("any text is an expression, or is refused with the place where it is none", () => {
  const words = fc.constantFrom(
    "s",
    "x",
    "'",
    '"',
    "(",
    ")",
    "[",
    "]",
    ".",
    ",",
    "?",
    ":",
    "!",
    "-",
    "==",
    "&&",
    "in",
    " ",
    "1",
    "size",
    "exists",
    "\\",
    "//",
    "\n",
    "é",
    "has(",
  );
  const source = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.array(words).map((all) => all.join("")),
  );
  fc.assert(
    fc.property(source, (source) => {
      try {
        new Expression(source, SCOPE).of(lineOf({ s: "a", x: 1 }));
      } catch (error) {
        expect(error).toBeInstanceOf(ExpressionError);
        expect((error as ExpressionError).at).toBeLessThanOrEqual(source.length);
      }
    }),
    { numRuns: 1_000 },
  );
});

test("an expression is bounded: in length, in depth, and in what it makes", () => {
  const refused = (source: string) => () => new Expression(source, SCOPE);
  expect(refused(`${"s+".repeat(2_048)}s`)).toThrow("longer than 4096 characters");
  expect(refused(`${"(".repeat(65)}s${")".repeat(65)}`)).toThrow("nested more than 64 deep");
  for (const deep of [
    "-".repeat(4_000) + "x",
    `x${"+x".repeat(2_000)}`,
    `m${".k".repeat(2_000)}`,
    `s${".trim()".repeat(500)}`,
    `m${"['k']".repeat(800)}`,
  ])
    expect(refused(deep)).toThrow("more than 256 operations on one another");
  expect(new Expression(`x${"+x".repeat(255)}`, SCOPE).of(lineOf({ x: 1 }))).toBe(256);
  const text = "a".repeat(40_000);
  const of = (source: string) =>
    (new Expression(source, SCOPE).of(lineOf({ s: text, t: "b".repeat(300) })) as Failure).reason;
  expect(of("s + s")).toBe("a text of more than 65535 characters");
  expect(of("s.replace('a', 'bb')")).toBe("a text of more than 65535 characters");
  expect(of("s.split('a').join('12')")).toBe("more than 10000 parts");
  expect(of("s.contains(t)")).toBe("looks for a text of more than 256 characters");
});
