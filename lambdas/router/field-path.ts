import type { Parser } from "../../wire/parser.ts";
import { jsonText } from "./column/super.ts";
import { Misfit } from "./misfit.ts";
import { isObject, type Fields } from "./parse/fields.ts";

/** Where a column finds its value: a field's name or, in JSON, the names down to it. */
export type FieldPath = readonly [first: string, ...rest: string[]];

export function fieldPath(field: string, hasObjects: boolean): FieldPath {
  const [first = "", ...rest] = hasObjects ? field.split(".") : [field];
  return [first, ...rest];
}

/** Whether the fields of a format may be objects. */
export function hasObjects(parser: Parser): boolean {
  if (parser.from !== undefined || parser.format === "json" || parser.format === "rfc5424") return true;
  return parser.format === "any" && parser.of.some(hasObjects);
}

/** The names that may lead to a value, first those that are to be tried first. */
interface Step {
  readonly name: string;
  /** undefined where the value is. */
  readonly below: readonly Step[] | undefined;
}

/**
 * Names with dots of their own come before objects: of `log.level` the name that is so written before `level` in the
 * object `log`. In arrays names are indexes.
 */
function stepsOf(path: readonly string[]): Step[] {
  return path
    .map((_, i) => path.length - i)
    .map((length) => ({
      name: path.slice(0, length).join("."),
      below: length === path.length ? undefined : stepsOf(path.slice(length)),
    }));
}

/** The value at a path, undefined where there is none. What all objects inherit is no field. */
export function fieldReader(path: FieldPath): (fields: Fields) => unknown {
  const [first] = path;
  if (path.length > 1) {
    const steps = stepsOf(path);
    return (fields) => valueAt(fields, steps);
  }
  const inherited = first in Object.prototype;
  return (fields) => (inherited && !Object.hasOwn(fields, first) ? undefined : fields[first]);
}

function valueAt(value: unknown, steps: readonly Step[]): unknown {
  for (const { name, below } of steps) {
    if (!holds(value, name)) continue;
    const found = below === undefined ? value[name] : valueAt(value[name], below);
    if (found !== undefined) return found;
  }
  return undefined;
}

const INDEX = /^(?:0|[1-9]\d{0,5})$/;

const holds = (value: unknown, name: string): value is Fields =>
  (isObject(value) || (Array.isArray(value) && INDEX.test(name))) && Object.hasOwn(value, name);

/** @returns the names that `fieldReader` goes by in these fields; the path itself where it leads to nothing */
export function fieldRoute(path: FieldPath): (fields: Fields) => FieldPath {
  if (path.length === 1) return () => path;
  const steps = stepsOf(path);
  return (fields) => {
    const names = routeTo(fields, steps);
    return names === undefined || names.length === path.length ? path : (names as [string, ...string[]]);
  };
}

function routeTo(value: unknown, steps: readonly Step[]): string[] | undefined {
  for (const { name, below } of steps) {
    if (!holds(value, name)) continue;
    if (below === undefined) {
      if (value[name] !== undefined) return [name];
      continue;
    }
    const rest = routeTo(value[name], below);
    if (rest) return [name, ...rest];
  }
  return undefined;
}

/** The fields that columns take: whole, or only some of the fields below. */
export class TakenFields {
  readonly #taken = new Map<string, "whole" | TakenFields>();

  static of(paths: Iterable<FieldPath>): TakenFields {
    const taken = new TakenFields();
    for (const path of paths) taken.#take(path);
    return taken;
  }

  #take([first, ...rest]: FieldPath): void {
    const known = this.#taken.get(first);
    if (rest.length === 0) this.#taken.set(first, "whole");
    if (rest.length === 0 || known === "whole") return;
    const below = known ?? new TakenFields();
    below.#take(rest as [string, ...string[]]);
    this.#taken.set(first, below);
  }

  /**
   * The fields that have a value and no column as a JSON object, not yet checked.
   *
   * @returns undefined if there are none
   */
  leftOver(fields: Fields): string | Misfit | undefined {
    let left = "";
    for (const name in fields) {
      const value = fields[name];
      if (value === null) continue;
      const taken = this.#taken.get(name);
      if (taken === "whole") continue;
      const text = taken !== undefined && isObject(value) ? taken.leftOver(value) : jsonText(value);
      if (text instanceof Misfit) return text;
      if (text !== undefined) left += `${left === "" ? "{" : ","}${jsonText(name) as string}:${text}`;
    }
    return left === "" ? undefined : `${left}}`;
  }
}
