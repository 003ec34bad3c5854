import type { LogType } from "../../wire/log-type.ts";
import { jsonText } from "./column/super.ts";
import { Misfit } from "./misfit.ts";
import { isObject, type Fields } from "./parse/fields.ts";

/**
 * Where a column finds its value: a field's name or, in JSON, the names down to it. Names of other formats
 * may hold dots of their own.
 */
export type FieldPath = readonly [first: string, ...rest: string[]];

export function fieldPath(field: string, format: LogType["parse"]["format"]): FieldPath {
  const [first = "", ...rest] = format === "json" ? field.split(".") : [field];
  return [first, ...rest];
}

/** The value at a path, undefined where there is none. What all objects inherit is no field. */
export function fieldReader([first, ...rest]: FieldPath): (fields: Fields) => unknown {
  const own = first in Object.prototype;
  const read = (fields: Fields): unknown =>
    own && !Object.hasOwn(fields, first) ? undefined : fields[first];
  if (rest.length === 0) return read;
  const below = fieldReader(rest as [string, ...string[]]);
  return (fields) => {
    const value = read(fields);
    return isObject(value) ? below(value) : undefined;
  };
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
