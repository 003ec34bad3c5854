import type { KnownField, Scope } from "./expression/compile.ts";
import type { Surroundings, Table } from "./expression/functions.ts";
import { typeOf } from "./expression/value.ts";
import { fieldType, formatFields } from "./format-fields.ts";
import type { LogType } from "./log-type.ts";
import type { LookupTables } from "./lookup-table.ts";

/** What the expressions of all types may use. */
export interface ExpressionSettings {
  readonly tables?: LookupTables | undefined;
  readonly hashSalt?: string | undefined;
}

/**
 * What the expressions of a type may name.
 *
 * @param readerOf reads the field of a line that a name leads to
 */
export function expressionScope(
  { parse, tables: own }: Pick<LogType, "parse" | "tables">,
  { tables, hashSalt }: ExpressionSettings,
  readerOf: (path: string) => KnownField["read"],
): Scope {
  const fields = formatFields(parse);
  return {
    ...surroundings({ ...tables, ...own }, hashSalt),
    fieldNames: [...fields.known.keys()],
    field: (path) => {
      const type = fieldType(path, fields);
      return type && { type, read: readerOf(path) };
    },
  };
}

function surroundings(tables: LookupTables, hashSalt: string | undefined): Surroundings {
  return {
    hashSalt,
    tables: new Map(Object.entries(tables).map(([name, table]) => [name, tableOf(table)])),
  };
}

/** Made once for a table, however many types use it. */
const made = new WeakMap<LookupTables[string], Table>();

function tableOf(table: LookupTables[string]): Table {
  const known = made.get(table);
  if (known) return known;
  const { entries, default: otherwise } = table;
  const values = new Map(Object.entries(entries));
  const types = new Set([...values.values(), ...(otherwise === undefined ? [] : [otherwise])].map(typeOf));
  const [type = "null"] = types;
  const all: Table = { type: types.size === 1 ? type : "any", values, otherwise };
  made.set(table, all);
  return all;
}
