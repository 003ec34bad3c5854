import type { Column } from "../../../wire/log-type.ts";
import { addColumnSql } from "../table-ddl.ts";
import { quoteName, tableSql, type Target } from "../target.ts";

/**
 * What a person runs to give a column another type, its values kept. Redshift changes no type but the length of a
 * varchar, and drops no column that is a key.
 */
export function convertColumnSql(target: Target, column: Column, from: string): string[] {
  const { distribution, sort } = target;
  const alter = `ALTER TABLE ${tableSql(target)}`;
  const [old, made] = [quoteName(column.name), quoteName(`${column.name}_new`)];
  const isSorted = sort.includes(column.name);
  const isDistributed = typeof distribution === "object" && distribution.key === column.name;
  return [
    ...(isSorted ? [`${alter} ALTER SORTKEY NONE`] : []),
    ...(isDistributed ? [`${alter} ALTER DISTSTYLE EVEN`] : []),
    addColumnSql(target, { ...column, name: `${column.name}_new` }),
    `UPDATE ${tableSql(target)} SET ${made} = ${conversion(old, from, column.type)}`,
    `${alter} DROP COLUMN ${old}`,
    `${alter} RENAME COLUMN ${made} TO ${old}`,
    ...(isDistributed ? [`${alter} ALTER DISTSTYLE KEY DISTKEY ${old}`] : []),
    ...(isSorted ? [`${alter} ALTER COMPOUND SORTKEY (${sort.map(quoteName).join(", ")})`] : []),
  ];
}

/** source: JSON_PARSE and JSON_SERIALIZE, Redshift database developer guide, read 2026-11 */
function conversion(column: string, from: string, to: string): string {
  if (to === "super") return /char/.test(from) ? `JSON_PARSE(${column})` : `CAST(${column} AS super)`;
  if (from === "super" && /char/.test(to)) return `CAST(JSON_SERIALIZE(${column}) AS ${to})`;
  return `CAST(${column} AS ${to})`;
}
