import { Compiler, type Run, type Scope } from "./compile.ts";
import { parseExpression } from "./syntax.ts";
import { Failure, type LineValues, type ValueType } from "./value.ts";

/**
 * An expression of a configuration, checked and made ready: a part of CEL (https://cel.dev) with functions for logs.
 * docs/expressions.md is its reference, docs/decisions/0023-expressions-are-a-part-of-cel.md says why.
 */
export class Expression {
  /** What is known of its values. */
  readonly type: ValueType;
  /** Names of the fields that it reads. */
  readonly fields: ReadonlySet<string>;
  readonly #run: Run;

  /** @throws ExpressionError */
  constructor(source: string, scope: Scope) {
    const compiler = new Compiler(scope);
    const { type, run } = compiler.compile(parseExpression(source));
    this.type = type;
    this.fields = compiler.fields;
    this.#run = run;
  }

  /** @returns a value; null or undefined where there is none; or, where it cannot be worked out, a Failure */
  of(line: LineValues): unknown {
    try {
      return this.#run(line);
    } catch (error) {
      // Whatever it is, such as a stack that is too deep, it must not fail the lines beside it.
      return new Failure((error as Error).message);
    }
  }

  /** Whether it is true for a line. What cannot be worked out is not. */
  holds(line: LineValues): boolean {
    return this.of(line) === true;
  }
}
