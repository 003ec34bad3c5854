import { closest } from "../closest.ts";
import { labelOf } from "../labels.ts";
import { ExpressionError } from "./expression-error.ts";
import { FUNCTIONS, TAKES, takesType, type Parameter, type Surroundings } from "./functions.ts";
import { isEqual, OPERATIONS, operatorProblem } from "./operators.ts";
import type { Node } from "./syntax.ts";
import { Failure, numberOf, TYPE_NAMES, type LineValues, type ValueType } from "./value.ts";

/** Works an expression out for a line. @returns a value, null or undefined where there is none, or a Failure */
export type Run = (line: LineValues) => unknown;

/** A field of a format. */
export interface KnownField {
  readonly type: ValueType;
  readonly read: (fields: LineValues["fields"]) => unknown;
}

export interface Scope extends Surroundings {
  /** @returns undefined where the format has no such field */
  readonly field: (path: string) => KnownField | undefined;
  /** Fields of the format, as far as they are known: for a hint. */
  readonly fieldNames: readonly string[];
}

export interface Compiled {
  readonly type: ValueType;
  readonly run: Run;
}

type Of<Kind extends Node["kind"]> = Extract<Node, { kind: Kind }>;

/** What every line has, whatever its format. */
const CONTEXT: ReadonlyMap<string, Compiled> = new Map<string, Compiled>([
  ["_line", { type: "text", run: (line) => line._line }],
  ["_tag", { type: "text", run: (line) => line._tag }],
  ["_path", { type: "text", run: (line) => line._path }],
  ["_host", { type: "text", run: (line) => line._host }],
  ["_time", { type: "time", run: ({ _time }) => (_time === undefined ? null : new Date(_time)) }],
  ["_arrived_at", { type: "time", run: ({ _arrived_at }) => new Date(_arrived_at) }],
]);

/** A label that a host does not have is null, as a field that a line does not have. */
function labelReader(path: string): Compiled | undefined {
  const name = labelOf(path);
  if (name === undefined) return undefined;
  return {
    type: "text",
    run: ({ _labels }) => (_labels && Object.hasOwn(_labels, name) ? _labels[name] : null),
  };
}

/** The item of a list that `exists` or `all` looks at. */
interface Item {
  readonly name: string;
  readonly quantifier: string;
  value: unknown;
}

/**
 * Checks an expression and makes a function of it.
 *
 * Its time grows no faster than the line: each part of it looks at its operands once, no operand is longer than the line
 * or than what an expression makes at most, and what is asked of each item of a list sees that item and constants alone.
 */
export class Compiler {
  readonly #scope: Scope;
  /** Names of fields that were found in the expression. */
  readonly fields = new Set<string>();
  #item: Item | undefined;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /** @throws ExpressionError */
  compile(node: Node): Compiled {
    switch (node.kind) {
      case "literal": {
        const { value } = node;
        return { type: value === null ? "null" : typeOfLiteral(value), run: () => value };
      }
      case "name":
        return this.#name(node);
      case "list": {
        const items = node.items.map((item) => this.compile(item).run);
        return { type: "list", run: (line) => all(items, line) };
      }
      case "member":
        return this.#member(node);
      case "index":
        return this.#index(node);
      case "call":
        return this.#call(node);
      case "unary":
        return this.#unary(node);
      case "binary":
        return this.#binary(node);
      case "choice":
        break;
    }
    return this.#choice(node);
  }

  #name({ name, at }: Of<"name">): Compiled {
    const item = this.#item;
    if (item?.name === name) return { type: "any", run: () => item.value };
    return this.#field(name, at);
  }

  #field(path: string, at: number): Compiled {
    if (this.#item) {
      const { name, quantifier } = this.#item;
      const message = `in ${quantifier}() only ${name} and constants may stand, not "${path}": it is asked of each item`;
      throw new ExpressionError(message, at);
    }
    const known = CONTEXT.get(path) ?? labelReader(path);
    if (known) return known;
    const field = this.#scope.field(path);
    if (!field) throw new ExpressionError(unknownField(path, this.#scope), at);
    this.fields.add(path);
    const { type, read } = field;
    if (type !== "text") return { type, run: (line) => read(line.fields) };
    // A key of logfmt without a value is true, and numbers stand beside the texts of syslog.
    return { type, run: (line) => asText(read(line.fields)) };
  }

  #member(node: Of<"member">): Compiled {
    const path = pathOf(node);
    if (path !== undefined && path[0] !== this.#item?.name) return this.#field(path.join("."), node.at);
    const { name, at } = node;
    const of = this.compile(node.of);
    if (of.type !== "any" && of.type !== "map")
      throw new ExpressionError(`${TYPE_NAMES[of.type]} has no "${name}"`, at);
    return { type: "any", run: memberReader(of.run, () => name, at) };
  }

  #index({ of: node, index: indexNode, at }: Of<"index">): Compiled {
    const [of, index] = [this.compile(node), this.compile(indexNode)];
    const wanted = { list: "number", map: "text" }[of.type as string] ?? "any";
    if (!["any", "list", "map"].includes(of.type))
      throw new ExpressionError(`${TYPE_NAMES[of.type]} has no items`, at);
    if (wanted !== "any" && index.type !== "any" && index.type !== wanted) {
      throw new ExpressionError(
        `an index of ${TYPE_NAMES[of.type]} is ${TYPE_NAMES[wanted as ValueType]}`,
        at,
      );
    }
    return { type: "any", run: memberReader(of.run, index.run, at) };
  }

  #choice({ condition: node, chosen: chosenNode, otherwise: otherwiseNode, at }: Of<"choice">): Compiled {
    const [condition, chosen, otherwise] = [node, chosenNode, otherwiseNode].map((part) =>
      this.compile(part),
    );
    assertCondition(condition!.type, "before ?", node.at);
    const run = condition!.run;
    const neither = new Failure(`what stands before ? at character ${at + 1} is neither true nor false`);
    return {
      type: commonType(chosen!.type, otherwise!.type),
      run: (line) => {
        const holds = run(line);
        if (holds === true) return chosen!.run(line);
        if (holds === false) return otherwise!.run(line);
        return holds instanceof Failure ? holds : neither;
      },
    };
  }

  #unary({ operator, of: node, at }: Of<"unary">): Compiled {
    const { type, run } = this.compile(node);
    const wanted = operator === "!" ? "bool" : "number";
    if (type !== "any" && type !== wanted)
      throw new ExpressionError(`${operator} has no meaning for ${TYPE_NAMES[type]}`, at);
    const failure = new Failure(`${operator} at character ${at + 1} has no meaning for the value`);
    return {
      type: wanted,
      run: (line) => {
        const value = run(line);
        if (value instanceof Failure) return value;
        if (operator === "!") return typeof value === "boolean" ? !value : failure;
        const number = numberOf(value);
        return number === undefined ? failure : -number;
      },
    };
  }

  #binary({ operator, left: leftNode, right: rightNode, at }: Of<"binary">): Compiled {
    if (operator === "in") return this.#in(leftNode, rightNode, at);
    const [left, right] = [this.compile(leftNode), this.compile(rightNode)];
    const failure = new Failure(`${operator} at character ${at + 1} has no meaning for the values`);
    if (operator === "&&" || operator === "||") {
      assertCondition(left.type, `beside ${operator}`, leftNode.at);
      assertCondition(right.type, `beside ${operator}`, rightNode.at);
      return { type: "bool", run: logical(operator === "||", left.run, right.run, failure) };
    }
    const { type, run } = OPERATIONS[operator];
    const result = type(left.type, right.type);
    if (result === undefined) throw new ExpressionError(operatorProblem(operator, left.type, right.type), at);
    return { type: result, run: strict(left.run, right.run, run, failure) };
  }

  #in(leftNode: Node, rightNode: Node, at: number): Compiled {
    const [left, right] = [this.compile(leftNode), this.compile(rightNode)];
    if (right.type !== "list" && right.type !== "any" && right.type !== "map")
      throw new ExpressionError(`behind in there has to be a list, not ${TYPE_NAMES[right.type]}`, at);
    const failure = new Failure(`in at character ${at + 1} has no meaning for the values`);
    const literals = rightNode.kind === "list" ? literalsOf(rightNode.items) : undefined;
    if (!literals) return { type: "bool", run: strict(left.run, right.run, contains, failure) };
    const other = literals.map(typeOfLiteral).find((type) => left.type !== "any" && type !== left.type);
    if (other !== undefined) throw new ExpressionError(operatorProblem("in", left.type, other), at);
    const values = new Set<unknown>(literals);
    return {
      type: "bool",
      run: (line) => {
        const value = left.run(line);
        return value instanceof Failure ? value : values.has(numberOf(value) ?? value);
      },
    };
  }

  #call({ name, args, at, isMethod }: Of<"call">): Compiled {
    if (name === "has" && !isMethod) return this.#has(args, at);
    if (name === "field" && !isMethod) {
      const [path] = literalsOf(args) ?? [];
      if (args.length !== 1 || typeof path !== "string")
        throw new ExpressionError('field("...") takes the name of a field, as a text', at);
      return this.#field(path, at);
    }
    if ((name === "exists" || name === "all") && isMethod) return this.#quantifier(name, args, at);
    const called = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
    if (!called) {
      const near = closest(name, Object.keys(FUNCTIONS));
      throw new ExpressionError(`no function ${name}()${near === undefined ? "" : `, but ${near}()`}`, at);
    }
    if (called.costly && this.#item)
      throw new ExpressionError(`${name}() costs too much to be asked of each item of a list`, at);
    const { parameters, result, make, resultOf } = called;
    const required = parameters.filter(({ optional }) => !optional).length;
    if (args.length < required || args.length > parameters.length) {
      const wanted = parameters.map(({ name, optional }) => (optional ? `[${name}]` : name)).join(", ");
      throw new ExpressionError(`${name}(${wanted}) has ${args.length} arguments here`, at);
    }
    const runs = args.map((arg, i) => this.#argument(name, parameters[i]!, arg));
    const constants = args.map((arg) => (arg.kind === "literal" ? arg.value : undefined));
    try {
      const run = make(constants, this.#scope);
      const failures = {
        argument: parameters.map(
          (parameter) => new Failure(`${parameter.name} of ${name}() at character ${at + 1} does not fit it`),
        ),
        result: new Failure(`${name}() at character ${at + 1} has no value`),
      };
      const takes = parameters.map(({ type }) => TAKES[type]);
      return {
        type: resultOf?.(constants, this.#scope) ?? result,
        run: calling(runs, takes, run as (...args: unknown[]) => unknown, failures),
      };
    } catch (error) {
      throw new ExpressionError((error as Error).message, at);
    }
  }

  #argument(called: string, parameter: Parameter, node: Node): Run {
    const { type, run } = this.compile(node);
    if (parameter.constant && node.kind !== "literal")
      throw new ExpressionError(`${parameter.name} of ${called}() has to be a constant`, node.at);
    if (!takesType(parameter, type)) {
      const wanted = parameter.type === "scalar" ? "a text or a number" : TYPE_NAMES[parameter.type];
      throw new ExpressionError(
        `${parameter.name} of ${called}() is ${wanted}, not ${TYPE_NAMES[type]}`,
        node.at,
      );
    }
    return run;
  }

  #has(args: readonly Node[], at: number): Compiled {
    const [node] = args;
    if (args.length !== 1 || !node) throw new ExpressionError("has() takes one field", at);
    const { run } = this.compile(node);
    return {
      type: "bool",
      run: (line) => {
        const value = run(line);
        return value !== undefined && value !== null && !(value instanceof Failure);
      },
    };
  }

  /** `list.exists(item, condition)` and `list.all(item, condition)` */
  #quantifier(quantifier: "exists" | "all", args: readonly Node[], at: number): Compiled {
    const [listNode, nameNode, conditionNode] = args;
    if (args.length !== 3 || nameNode?.kind !== "name")
      throw new ExpressionError(`${quantifier}() takes a name for the item, and a condition`, at);
    const list = this.compile(listNode!);
    if (list.type !== "list" && list.type !== "any")
      throw new ExpressionError(`${quantifier}() is for lists, not for ${TYPE_NAMES[list.type]}`, at);
    const outer = this.#item;
    const item: Item = { name: nameNode.name, quantifier, value: undefined };
    this.#item = item;
    const condition = this.compile(conditionNode!);
    this.#item = outer;
    assertCondition(condition.type, `in ${quantifier}()`, conditionNode!.at);
    const failure = new Failure(`${quantifier}() at character ${at + 1} is for lists, and for conditions`);
    const wanted = quantifier === "exists";
    return {
      type: "bool",
      run: (line) => {
        const items = list.run(line);
        if (!Array.isArray(items)) return items instanceof Failure ? items : failure;
        let failed: unknown;
        for (const value of items as unknown[]) {
          item.value = value;
          const holds = condition.run(line);
          if (holds === wanted) return wanted;
          if (typeof holds !== "boolean") failed ??= holds instanceof Failure ? holds : failure;
        }
        return failed ?? !wanted;
      },
    };
  }
}

export function unknownField(path: string, { fieldNames }: Pick<Scope, "fieldNames">): string {
  const near = closest(path, fieldNames);
  return `no field "${path}" in this format${near === undefined ? "" : `, but "${near}"`}`;
}

const typeOfLiteral = (value: string | number | boolean | null): ValueType => {
  if (value === null) return "null";
  return typeof value === "string" ? "text" : typeof value === "number" ? "number" : "bool";
};

/** @returns undefined where not all are literals */
function literalsOf(nodes: readonly Node[]): (string | number | boolean | null)[] | undefined {
  const literals = nodes.flatMap((node) => (node.kind === "literal" ? [node.value] : []));
  return literals.length === nodes.length ? literals : undefined;
}

/** The names of `a.b.c`; undefined for members of anything but a name. */
function pathOf(node: Node): string[] | undefined {
  if (node.kind === "name") return [node.name];
  const of = node.kind === "member" ? pathOf(node.of) : undefined;
  return of && node.kind === "member" ? [...of, node.name] : undefined;
}

function asText(value: unknown): unknown {
  return typeof value === "boolean" || typeof value === "number" ? `${value}` : value;
}

function commonType(a: ValueType, b: ValueType): ValueType {
  if (a === b || b === "null") return a;
  return a === "null" ? b : "any";
}

function assertCondition(type: ValueType, where: string, at: number): void {
  if (type === "bool" || type === "any") return;
  throw new ExpressionError(`${where} there has to be a condition, not ${TYPE_NAMES[type]}`, at);
}

function all(items: readonly Run[], line: LineValues): unknown {
  const values: unknown[] = [];
  for (const run of items) {
    const value = run(line);
    if (value instanceof Failure) return value;
    values.push(value);
  }
  return values;
}

function strict(left: Run, right: Run, operate: (a: unknown, b: unknown) => unknown, failure: Failure): Run {
  return (line) => {
    const a = left(line);
    if (a instanceof Failure) return a;
    const b = right(line);
    if (b instanceof Failure) return b;
    return operate(a, b) ?? failure;
  };
}

/** As in CEL, what is known of one side may settle it, though the other side fails. */
function logical(settles: boolean, left: Run, right: Run, failure: Failure): Run {
  return (line) => {
    const a = left(line);
    if (a === settles) return settles;
    const b = right(line);
    if (b === settles) return settles;
    if (a === !settles && b === !settles) return !settles;
    if (a instanceof Failure) return a;
    return b instanceof Failure ? b : failure;
  };
}

function contains(value: unknown, list: unknown): boolean | undefined {
  if (Array.isArray(list)) return list.some((item) => isEqual(value, item) === true);
  if (typeof list !== "object" || list === null || typeof value !== "string") return undefined;
  return Object.hasOwn(list, value);
}

function memberReader(of: Run, name: Run, at: number): Run {
  const failure = new Failure(`no such item at character ${at + 1}`);
  return (line) => {
    const value = of(line);
    if (value instanceof Failure) return value;
    const key = name(line);
    if (key instanceof Failure) return key;
    if (Array.isArray(value))
      return (typeof key === "number" ? (value as unknown[])[key] : undefined) ?? failure;
    const isMember = typeof value === "object" && value !== null && typeof key === "string";
    return isMember && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : failure;
  };
}

function calling(
  args: readonly Run[],
  takes: readonly ((value: unknown) => unknown)[],
  run: (...args: unknown[]) => unknown,
  failures: { readonly argument: readonly Failure[]; readonly result: Failure },
): Run {
  return (line) => {
    const values: unknown[] = [];
    for (let i = 0; i < args.length; i++) {
      const value = args[i]!(line);
      if (value instanceof Failure) return value;
      const taken = takes[i]!(value);
      if (taken === undefined) return failures.argument[i]!;
      values.push(taken);
    }
    return run(...values) ?? failures.result;
  };
}
