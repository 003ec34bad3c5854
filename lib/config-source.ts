import type { Expression, ParseResult, Program } from "oxc-parser";
import type { Place } from "../wire/config.ts";

type Path = readonly PropertyKey[];

/** A value as it is written, and where: at its key, if it has one. */
interface Written {
  readonly node: Expression;
  readonly at: number;
}

/** What is known of a value: where it is written, that it is not, or nothing. */
type Found = Written | "absent" | "unknown";

/** The text of a configuration, to say where the parts of what it exports are written. */
export class ConfigSource {
  readonly #text: string;
  readonly #errors: ParseResult["errors"];
  readonly #root: Expression | undefined;
  readonly #imports: ReadonlyMap<string, number>;
  readonly #constants: ReadonlyMap<string, Expression>;
  /** Characters before the text as it was parsed. */
  readonly #shift: number;

  private constructor(text: string, { program, errors }: ParseResult, isJson: boolean) {
    this.#text = text;
    this.#errors = errors;
    this.#shift = isJson ? JSON_START.length : 0;
    this.#constants = constantsOf(program);
    this.#imports = importsOf(program);
    this.#root = isJson ? jsonOf(program) : exportOf(program);
  }

  /** @returns undefined on a machine that the parser is not made for: problems are told without their places there */
  static async parse(file: string, text: string): Promise<ConfigSource | undefined> {
    const isJson = file.endsWith(".json");
    try {
      // Loaded late: most configurations are as they should be.
      const { parseSync } = await import("oxc-parser");
      return new ConfigSource(
        text,
        parseSync(isJson ? "config.ts" : file, isJson ? `${JSON_START}${text}\n)` : text),
        isJson,
      );
    } catch {
      return undefined;
    }
  }

  /** What is no TypeScript, each with its place. */
  syntaxErrors(): (Place & { readonly message: string })[] {
    return this.#errors.map(({ message, labels: [label] }) => ({
      ...this.#placeAt(label?.start ?? 0),
      message,
    }));
  }

  /** Place where a module is imported. */
  placeOfImport(specifierIs: (specifier: string) => boolean): Place | undefined {
    const found = [...this.#imports].find(([specifier]) => specifierIs(specifier));
    return found && this.#placeAt(found[1]);
  }

  /**
   * Where the value at a path is written, or the object that it is missing in. What is computed, or comes from another
   * file, is written nowhere here.
   *
   * @param value what the file exports: what is written has to be the same
   */
  placeOf(path: Path, value: unknown): Place | undefined {
    if (this.#root === undefined) return undefined;
    let here: Written = { node: this.#resolved(this.#root), at: this.#root.start };
    let actual = value;
    for (const [i, key] of path.entries()) {
      if (!this.#isWritten(here.node, actual)) return undefined;
      const found = this.#child(here.node, key);
      if (found === "unknown") return undefined;
      if (found === "absent") return i === path.length - 1 ? this.#placeAt(here.at) : undefined;
      actual = (actual as Readonly<Record<PropertyKey, unknown>>)[key];
      here = { ...found, node: this.#resolved(found.node) };
    }
    return this.#isWritten(here.node, actual) ? this.#placeAt(here.at) : undefined;
  }

  #placeAt(offset: number): Place {
    const before = this.#text.slice(0, offset - this.#shift).split("\n");
    return { line: before.length, column: before.at(-1)!.length + 1 };
  }

  /** A constant stands for what it is declared as, and types for nothing. */
  #resolved(node: Expression, seen: ReadonlySet<string> = new Set()): Expression {
    if (isTyped(node)) return this.#resolved(node.expression, seen);
    if (node.type === "CallExpression") {
      const [argument] = node.arguments;
      const isDefine = node.callee.type === "Identifier" && node.callee.name === "defineConfig";
      return isDefine && argument && argument.type !== "SpreadElement"
        ? this.#resolved(argument, seen)
        : node;
    }
    if (node.type !== "Identifier" || seen.has(node.name)) return node;
    const declared = this.#constants.get(node.name);
    return declared ? this.#resolved(declared, new Set([...seen, node.name])) : node;
  }

  #child(node: Expression, key: PropertyKey): Found {
    if (node.type === "ArrayExpression" && typeof key === "number") return this.#element(node.elements, key);
    if (node.type !== "ObjectExpression") return "unknown";
    for (const property of node.properties.toReversed()) {
      if (property.type === "SpreadElement") {
        const found = this.#child(this.#resolved(property.argument), key);
        if (found !== "absent") return found;
      } else {
        const name = property.computed ? undefined : nameOf(property.key);
        if (name === undefined) return "unknown";
        if (name === key) return { node: property.value, at: property.key.start };
      }
    }
    return "absent";
  }

  #element(elements: Extract<Expression, { type: "ArrayExpression" }>["elements"], index: number): Found {
    let left = index;
    for (const element of elements) {
      if (element?.type === "SpreadElement") {
        const spread = this.#resolved(element.argument);
        const length = this.#lengthOf(spread);
        if (length === undefined) return "unknown";
        if (left < length) return this.#child(spread, left);
        left -= length;
      } else if (left-- === 0) return element ? { node: element, at: element.start } : "unknown";
    }
    return "absent";
  }

  #lengthOf(node: Expression): number | undefined {
    if (node.type !== "ArrayExpression") return undefined;
    const lengths = node.elements.map((element) =>
      element?.type === "SpreadElement" ? this.#lengthOf(this.#resolved(element.argument)) : 1,
    );
    return lengths.reduce<number | undefined>(
      (sum, length) => (sum === undefined || length === undefined ? undefined : sum + length),
      0,
    );
  }

  /** Whether a value may be what is written: it could have been changed since. */
  #isWritten(node: Expression, value: unknown): boolean {
    if (node.type === "Literal") return node.value === value;
    if (node.type === "ObjectExpression")
      return typeof value === "object" && value !== null && !Array.isArray(value);
    if (node.type !== "ArrayExpression") return true;
    const length = this.#lengthOf(node);
    return Array.isArray(value) && (length === undefined || length === value.length);
  }
}

const TYPED = new Set([
  "TSAsExpression",
  "TSSatisfiesExpression",
  "TSNonNullExpression",
  "ParenthesizedExpression",
]);

type Typed = Extract<
  Expression,
  { type: "TSAsExpression" | "TSSatisfiesExpression" | "TSNonNullExpression" | "ParenthesizedExpression" }
>;

const isTyped = (node: Expression): node is Typed => TYPED.has(node.type);

const JSON_START = "(";

function jsonOf({ body: [statement] }: Program): Expression | undefined {
  return statement?.type === "ExpressionStatement" ? statement.expression : undefined;
}

function exportOf({ body }: Program): Expression | undefined {
  const exported = body.find((statement) => statement.type === "ExportDefaultDeclaration")?.declaration;
  const isExpression = exported && !/Declaration$|^Function|^Class/.test(exported.type);
  return isExpression ? (exported as Expression) : undefined;
}

/** Constants of the module by name. */
function constantsOf({ body }: Program): Map<string, Expression> {
  const declarations = body.map((statement) =>
    statement.type === "ExportNamedDeclaration" ? statement.declaration : statement,
  );
  return new Map(
    declarations.flatMap((declaration) =>
      declaration?.type === "VariableDeclaration" && declaration.kind === "const"
        ? declaration.declarations.flatMap(({ id, init }) =>
            id.type === "Identifier" && init ? [[id.name, init] as const] : [],
          )
        : [],
    ),
  );
}

function importsOf({ body }: Program): Map<string, number> {
  return new Map(
    body.flatMap((statement) =>
      "source" in statement && statement.source
        ? [[statement.source.value, statement.source.start] as const]
        : [],
    ),
  );
}

/** @returns undefined for a key that is computed */
function nameOf(key: {
  readonly type: string;
  readonly name?: unknown;
  readonly value?: unknown;
}): string | undefined {
  if (key.type === "Identifier") return String(key.name);
  return key.type === "Literal" ? String(key.value) : undefined;
}
