import { ExpressionError } from "./expression-error.ts";
import { tokensOf, type Token } from "./tokens.ts";

/**
 * Reads expressions, whose grammar is a part of CEL's (https://github.com/google/cel-spec, read 2026-11):
 *
 *     expression := or [ "?" or ":" expression ]
 *     or, and, comparison, sum, product: operators that bind from left to right
 *     unary      := { "!" | "-" } postfix
 *     postfix    := primary { "." name [ arguments ] | "[" expression "]" }
 *     primary    := literal | name [ arguments ] | "(" expression ")" | "[" [ expression { "," expression } ] "]"
 */
export type Node = { readonly at: number } & (
  | { readonly kind: "literal"; readonly value: string | number | boolean | null }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "list"; readonly items: readonly Node[] }
  | { readonly kind: "member"; readonly of: Node; readonly name: string }
  | { readonly kind: "index"; readonly of: Node; readonly index: Node }
  /** `x.f(y)` is read as `f(x, y)`, and says so. */
  | {
      readonly kind: "call";
      readonly name: string;
      readonly args: readonly Node[];
      readonly isMethod: boolean;
    }
  | { readonly kind: "unary"; readonly operator: "!" | "-"; readonly of: Node }
  | {
      readonly kind: "binary";
      readonly operator: BinaryOperator;
      readonly left: Node;
      readonly right: Node;
    }
  | { readonly kind: "choice"; readonly condition: Node; readonly chosen: Node; readonly otherwise: Node }
);

/** By how tight they bind, the loosest first. */
const LEVELS = [
  ["||"],
  ["&&"],
  ["==", "!=", "<", "<=", ">", ">=", "in"],
  ["+", "-"],
  ["*", "/", "%"],
] as const;
export type BinaryOperator = (typeof LEVELS)[number][number];

export const EXPRESSION_MAX_CHARS = 4_096;
/** Of brackets in one another, and of operations on the results of others, which a stack has to hold. */
const MAX_BRACKETS = 64;
const MAX_DEPTH = 256;

const LITERALS: ReadonlyMap<string, boolean | null> = new Map([
  ["true", true],
  ["false", false],
  ["null", null],
]);

/** @throws ExpressionError */
export function parseExpression(source: string): Node {
  if (source.length > EXPRESSION_MAX_CHARS) {
    throw new ExpressionError(`longer than ${EXPRESSION_MAX_CHARS} characters`, EXPRESSION_MAX_CHARS);
  }
  return new ExpressionParser(tokensOf(source)).whole();
}

class ExpressionParser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #brackets = 0;
  readonly #depths = new Map<Node, number>();

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Node {
    const node = this.#expression();
    if (this.#token.kind !== "end") throw this.#unexpected("an operator or the end");
    return node;
  }

  get #token(): Token {
    return this.#tokens[this.#at]!;
  }

  /** Each level of nesting comes through here, so that the stack is bounded. */
  #expression(): Node {
    if (++this.#brackets > MAX_BRACKETS)
      throw new ExpressionError(`nested more than ${MAX_BRACKETS} deep`, this.#token.at);
    const condition = this.#binary(0);
    const { at } = this.#token;
    let node = condition;
    if (this.#takes("?")) {
      const chosen = this.#binary(0);
      this.#expect(":");
      const otherwise = this.#expression();
      node = this.#over([condition, chosen, otherwise], { kind: "choice", condition, chosen, otherwise, at });
    }
    this.#brackets--;
    return node;
  }

  #binary(level: number): Node {
    const operators: readonly string[] | undefined = LEVELS[level];
    if (!operators) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const { kind, text, at } = this.#token;
      if ((kind !== "sign" && kind !== "name") || !operators.includes(text)) return left;
      this.#at++;
      const right = this.#binary(level + 1);
      left = this.#over([left, right], { kind: "binary", operator: text as BinaryOperator, left, right, at });
    }
  }

  #unary(): Node {
    const signs: { operator: "!" | "-"; at: number }[] = [];
    for (; this.#is("!") || this.#is("-"); this.#at++)
      signs.push({ operator: this.#token.text as "!" | "-", at: this.#token.at });
    return signs.reduceRight<Node>((of, { operator, at }) => {
      if (operator === "-" && of.kind === "literal" && typeof of.value === "number")
        return { kind: "literal", value: -of.value, at };
      return this.#over([of], { kind: "unary", operator, of, at });
    }, this.#postfix());
  }

  #postfix(): Node {
    let node = this.#primary();
    for (;;) {
      if (this.#takes(".")) {
        const { kind, text: name, at } = this.#token;
        if (kind !== "name") throw this.#unexpected("a name");
        this.#at++;
        if (this.#takes("(")) {
          const args = [node, ...this.#items(")")];
          node = this.#over(args, { kind: "call", name, args, isMethod: true, at });
        } else node = this.#over([node], { kind: "member", of: node, name, at });
      } else if (this.#takes("[")) {
        const index = this.#expression();
        this.#expect("]");
        node = this.#over([node, index], { kind: "index", of: node, index, at: index.at });
      } else return node;
    }
  }

  #primary(): Node {
    const { kind, text, at } = this.#token;
    if (kind === "number" || kind === "text") {
      this.#at++;
      return { kind: "literal", value: kind === "number" ? Number(text) : text, at };
    }
    if (kind === "name" && text !== "in") {
      this.#at++;
      const literal = LITERALS.get(text);
      if (literal !== undefined) return { kind: "literal", value: literal, at };
      if (this.#takes("(")) {
        const args = this.#items(")");
        return this.#over(args, { kind: "call", name: text, args, isMethod: false, at });
      }
      return { kind: "name", name: text, at };
    }
    if (this.#takes("[")) {
      const items = this.#items("]");
      return this.#over(items, { kind: "list", items, at });
    }
    if (!this.#takes("(")) throw this.#unexpected("a value");
    const node = this.#expression();
    this.#expect(")");
    return node;
  }

  /** Bounds how deep an expression is, however it is written: whoever works it out goes down to its leaves. */
  #over(parts: readonly Node[], node: Node): Node {
    const depth = 1 + Math.max(0, ...parts.map((part) => this.#depths.get(part) ?? 0));
    if (depth > MAX_DEPTH)
      throw new ExpressionError(`more than ${MAX_DEPTH} operations on one another`, node.at);
    this.#depths.set(node, depth);
    return node;
  }

  /** What stands between brackets, the first of which is taken. */
  #items(end: ")" | "]"): Node[] {
    const items: Node[] = [];
    if (this.#takes(end)) return items;
    do items.push(this.#expression());
    while (this.#takes(","));
    this.#expect(end);
    return items;
  }

  #is(sign: string): boolean {
    return this.#token.kind === "sign" && this.#token.text === sign;
  }

  #takes(sign: string): boolean {
    const is = this.#is(sign);
    if (is) this.#at++;
    return is;
  }

  #expect(sign: string): void {
    if (!this.#takes(sign)) throw this.#unexpected(`"${sign}"`);
  }

  #unexpected(expected: string): ExpressionError {
    const { kind, text, at } = this.#token;
    return new ExpressionError(
      `${expected} expected, ${kind === "end" ? "and it ends" : `not ${JSON.stringify(text)}`}`,
      at,
    );
  }
}
