import { labelOf, type Labels } from "../../wire/labels.ts";
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
  /** Labels of the host; absent where there are none. */
  readonly _labels?: Labels | undefined;
}

const NAMES = new Set(["_line", "_tag", "_path", "_host"] satisfies (keyof LineContext)[]);

/** Fields of the context that columns of a type are filled from. */
export function contextNames({ columns }: Pick<LogType, "columns">): string[] {
  const fields = new Set(columns.map(({ name, field = name }) => field));
  return [...fields].filter((name) => NAMES.has(name as "_line") || labelOf(name) !== undefined);
}

/** The fields with those of the context. One of a line's own of the same name is kept under `outer`. */
export function withContext(fields: Fields, context: LineContext, names: readonly string[]): Fields {
  if (names.length === 0) return fields;
  return mergedFields(fields, Object.fromEntries(names.map((name) => [name, valueOf(context, name)])));
}

function valueOf(context: LineContext, field: string): string | null {
  const label = labelOf(field);
  if (label === undefined) return context[field as "_line"];
  const { _labels } = context;
  return _labels && Object.hasOwn(_labels, label) ? _labels[label]! : null;
}
