/**
 * Names that Redshift refuses, or keeps for itself, even between quotes. Reserved words are not among them
 * but for databases: columns, tables and schemas are always quoted.
 */

/**
 * sources, read 2026-11: "Unsupported PostgreSQL features", Redshift database developer guide; insertxid and
 * deletexid are what tables of Redshift's have in the place of xmin and xmax
 */
const SYSTEM_COLUMNS = new Set([
  "oid",
  "tableoid",
  "xmin",
  "cmin",
  "xmax",
  "cmax",
  "ctid",
  "insertxid",
  "deletexid",
]);

/** Schema of the ledger and of the lock tables (lambdas/loader/table-ddl.ts). */
export const LEDGER_SCHEMA = "weir";

const SYSTEM_SCHEMAS = new Set(["information_schema", "catalog_history"]);

/** System tables and views stand in pg_catalog, which is searched before any schema. */
const SYSTEM_TABLE = /^(?:pg|stl|stv|svl|svv|svcs)_/;

/** @returns why no column may have this name, undefined if one may */
export function columnNameProblem(name: string): string | undefined {
  if (!SYSTEM_COLUMNS.has(name)) return undefined;
  return `Redshift keeps the column name "${name}" for itself: give the column another, with field: "${name}"`;
}

export function schemaNameProblem(schema: string): string | undefined {
  if (schema === LEDGER_SCHEMA) return `schema "${schema}" holds the loader's ledger: name another`;
  if (!schema.startsWith("pg_") && !SYSTEM_SCHEMAS.has(schema)) return undefined;
  return `Redshift keeps the schema name "${schema}" for itself: name another`;
}

export function tableNameProblem(table: string): string | undefined {
  if (!SYSTEM_TABLE.test(table)) return undefined;
  return `"${table}" reads like one of Redshift's system tables, which are found first: name another table`;
}

/** Databases that every cluster has. */
const SYSTEM_DATABASES = new Set(["template0", "template1", "padb_harvest", "awsdatacatalog"]);

export function databaseNameProblem(database: string): string | undefined {
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(database)) {
    return "lower-case letters, digits and _, beginning with a letter, at most 63";
  }
  if (SYSTEM_DATABASES.has(database)) return `Redshift has a database "${database}" of its own`;
  return isReservedWord(database) ? `"${database}" is a reserved word of Redshift's` : undefined;
}

/** Tells of a name that queries have to put between quotes. */
export const isReservedWord = (name: string): boolean => RESERVED_WORDS.has(name);

/** source: "Reserved words", Redshift database developer guide, read 2026-11 */
const RESERVED_WORDS = new Set(
  `aes128 aes256 all allowoverwrite analyse analyze and any array as asc authorization az64 backup between
  binary blanksasnull both bytedict bzip2 case cast check collate column constraint create credentials
  cross current_date current_time current_timestamp current_user current_user_id default deferrable deflate
  defrag delta delta32k desc disable distinct do else emptyasnull enable encode encrypt encryption end except
  explicit false for foreign freeze from full globaldict256 globaldict64k grant group gzip having identity
  ignore ilike in initially inner intersect interval into is isnull join leading left like limit localtime
  localtimestamp lun luns lzo lzop minus mostly16 mostly32 mostly8 natural new not notnull null nulls off
  offline offset oid old on only open or order outer overlaps parallel partition percent permissions pivot
  placing primary raw readratio recover references rejectlog resort respect restore right select session_user
  similar snapshot some sysdate system table tag tdes text255 text32k then timestamp to top trailing true
  truncatecolumns union unique unnest unpivot user using verbose wallet when where with without`.split(/\s+/),
);
