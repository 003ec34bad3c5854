import type { DatabaseSync } from "node:sqlite";

/**
 * What Redshift understands and SQLite does not: functions are made once, and the rest is put into SQLite's words.
 * Times are numbers here, milliseconds since 1970, so that intervals can be taken from them and texts compared.
 */
export function installDialect(db: DatabaseSync, now: () => number, lastCopyCount: () => number): void {
  db.function("getdate", () => Math.floor(now() / 1_000) * 1_000);
  db.function("pg_last_copy_count", () => lastCopyCount());
  db.function(
    "split_part",
    (text, separator, n) => String(text).split(String(separator))[Number(n) - 1] ?? "",
  );
  db.function("lpad", (text, length, fill) => String(text).padStart(Number(length), String(fill)));
  db.function("as_text", (ms) => (ms === null ? null : timestampText(Number(ms)).replace(/\.000$/, "")));
  db.function("to_char", { varargs: true }, (ms) => (ms === null ? null : timestampText(Number(ms))));
}

const UNIT_MS: Readonly<Record<string, number>> = { hours: 3_600_000, days: 86_400_000 };

const TIMESTAMP = /'(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d+)?)Z?'/g;
const INTERVAL = /INTERVAL '(\d+) (hours|days)'/g;
const CREATE_TABLE = /^CREATE (TEMP )?TABLE(?: IF NOT EXISTS)? (\S+) \((?!LIKE)/;

export function translate(sql: string): string {
  return sql
    .replace(
      /^CREATE TEMP TABLE (\w+) \(LIKE (\S+)\)/,
      "CREATE TEMP TABLE $1 AS SELECT * FROM $2 WHERE 1 = 0",
    )
    .replace(TIMESTAMP, (_, day: string, time: string) => `${Date.parse(`${day}T${time}Z`)}`)
    .replace(INTERVAL, (_, n: string, unit: string) => `${Number(n) * UNIT_MS[unit]!}`)
    .replace(/CAST\((\S+) AS varchar\)/g, "as_text($1)")
    .replace(
      /^DELETE FROM staged USING places\s+WHERE[\s\S]*/,
      `DELETE FROM staged WHERE ("_src", "_off") IN (SELECT "_src", "_off" FROM places)`,
    )
    .replace(
      /^DELETE FROM (\w+) USING (weir\.erased_rows)\s+WHERE ([\s\S]*)/,
      "DELETE FROM $1 WHERE EXISTS (SELECT 1 FROM $2 WHERE $3)",
    );
}

/** A column as it is declared. */
export interface Declared {
  readonly name: string;
  readonly type: string;
  readonly isRequired: boolean;
}

/** Name and columns of a table that a statement makes; undefined for other statements. */
export function declaredTable(
  sql: string,
): { readonly table: string; readonly columns: Declared[] } | undefined {
  const [head, , table] = CREATE_TABLE.exec(sql) ?? [];
  if (head === undefined) return undefined;
  const body = sql.slice(
    head.length,
    sql.lastIndexOf("\n)") >= 0 ? sql.lastIndexOf("\n)") : sql.lastIndexOf(")"),
  );
  const columns = body.split(/,\s(?![^(]*\))/).map((column) => declaredColumn(column.trim()));
  return { table: unquoted(table!), columns };
}

export function declaredColumn(text: string): Declared {
  const [, quoted, plain, type] = /^(?:"([^"]+)"|(\w+)) (\w+(?:\(\d+(?:,\d+)?\))?)/.exec(text)!;
  return { name: quoted ?? plain!, type: type!, isRequired: /\bNOT NULL\b/.test(text) };
}

export const unquoted = (name: string): string => name.replaceAll('"', "");

/** As Redshift writes a timestamp. */
export const timestampText = (ms: number): string =>
  new Date(ms).toISOString().slice(0, 23).replace("T", " ");
