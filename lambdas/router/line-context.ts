import type { LogType } from "../../wire/log-type.ts";
import type { Fields } from "./parse/fields.ts";
import { mergedFields } from "./parse/wrapped.ts";

/** What is known of a line besides its fields. */
export interface LineContext {
  readonly _line: string;
  readonly _tag: string;
  /** null for other producers' records, as the host. */
  readonly _path: string | null;
  readonly _host: string | null;
}

const NAMES = ["_line", "_tag", "_path", "_host"] as const satisfies readonly (keyof LineContext)[];

/** Names of the context that columns of a type are filled from. */
export function contextNames({ columns }: Pick<LogType, "columns">): (keyof LineContext)[] {
  const fields = new Set(columns.map(({ name, field = name }) => field));
  return NAMES.filter((name) => fields.has(name));
}

/** The fields with those of the context. One of a line's own of the same name is kept under `outer`. */
export function withContext(
  fields: Fields,
  context: LineContext,
  names: readonly (keyof LineContext)[],
): Fields {
  if (names.length === 0) return fields;
  return mergedFields(fields, Object.fromEntries(names.map((name) => [name, context[name]])));
}
