import type { Client } from "pg";
import { WarehouseError } from "./warehouse-error.ts";

/**
 * What Redshift understands and PostgreSQL does not: functions and views are made once in a schema
 * that every session searches; physical clauses of DDL are left out of each statement.
 */

const SHIMS = `
CREATE SCHEMA IF NOT EXISTS redshift;
DO $$ BEGIN
  CREATE DOMAIN redshift.super AS jsonb;
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;
CREATE OR REPLACE FUNCTION redshift.getdate() RETURNS timestamp LANGUAGE sql STABLE
  AS $$ SELECT date_trunc('second', now() AT TIME ZONE 'UTC') $$;
CREATE OR REPLACE FUNCTION redshift.json_parse(text) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT
  AS $$ SELECT $1::jsonb $$;
CREATE OR REPLACE FUNCTION redshift.json_serialize(jsonb) RETURNS text LANGUAGE sql IMMUTABLE STRICT
  AS $$ SELECT $1::text $$;
CREATE OR REPLACE FUNCTION redshift.dateadd(part text, n bigint, at timestamp) RETURNS timestamp
  LANGUAGE sql IMMUTABLE AS $$ SELECT at + (n || ' ' || part)::interval $$;
CREATE OR REPLACE FUNCTION redshift.pg_last_copy_count() RETURNS bigint LANGUAGE sql STABLE
  AS $$ SELECT coalesce(nullif(current_setting('redshift.last_copy_count', true), ''), '0')::bigint $$;
CREATE OR REPLACE VIEW redshift.svv_columns AS
  SELECT table_catalog, table_schema, table_name, column_name, ordinal_position, column_default, is_nullable,
         coalesce(domain_name, data_type) AS data_type,
         character_maximum_length, numeric_precision, numeric_scale
  FROM information_schema.columns;
CREATE TABLE IF NOT EXISTS redshift.sys_load_error_detail (
  query_id bigint, start_time timestamp, file_name varchar(256), line_number bigint,
  column_name varchar(127), column_type varchar(32), column_length varchar(16),
  error_code int, error_message varchar(512));
GRANT USAGE ON SCHEMA redshift TO PUBLIC;
GRANT SELECT ON redshift.svv_columns, redshift.sys_load_error_detail TO PUBLIC;
`;

/** @throws WarehouseError DIALECT */
export async function installDialect(client: Client, database: string): Promise<void> {
  try {
    await client.query(SHIMS);
    // PUBLIC has it in both; a user must be granted it all the same, since an administrator may have taken it away.
    await client.query(`REVOKE TEMPORARY ON DATABASE "${database}" FROM PUBLIC`);
    await client.query(`ALTER DATABASE "${database}" SET search_path = "$user", public, redshift`);
    // Redshift takes a backslash in a literal for an escape.
    await client.query(`ALTER DATABASE "${database}" SET standard_conforming_strings = off`);
    await client.query(`ALTER DATABASE "${database}" SET escape_string_warning = off`);
  } catch (cause) {
    const message = (cause as Error).message;
    throw new WarehouseError("DIALECT", `Redshift's functions could not be made in ${database}`, message, {
      cause,
    });
  }
}

/** A quoted identifier, a string, a comment, or else one of the clauses that DDL alone may hold. */
const VERBATIM = /"(?:[^"]|"")*"|'(?:[^'\\]|''|\\[\s\S])*'|--[^\n]*|\/\*[\s\S]*?\*\//;
const PHYSICAL = new RegExp(
  [
    String.raw`\bENCODE\s+(?:AUTO|RAW|AZ64|BYTEDICT|DELTA32K|DELTA|LZO|MOSTLY8|MOSTLY16|MOSTLY32|RUNLENGTH|TEXT255|TEXT32K|ZSTD)\b`,
    String.raw`\bDISTSTYLE\s+(?:AUTO|EVEN|ALL|KEY)\b`,
    String.raw`\bDISTKEY(?:\s*\([^)]*\))?`,
    String.raw`\b(?:COMPOUND\s+|INTERLEAVED\s+)?SORTKEY(?:\s+AUTO\b|\s*\([^)]*\))?`,
    String.raw`\bBACKUP\s+(?:YES|NO)\b`,
  ].join("|"),
  "i",
);
const TOKEN = new RegExp(`(${VERBATIM.source})|${PHYSICAL.source}`, "gi");
const VARCHAR_MAX = new RegExp(
  `(${VERBATIM.source})|\\b(varchar|character varying)\\s*\\(\\s*max\\s*\\)`,
  "gi",
);
const DDL = /^\s*(?:CREATE\s+(?:(?:LOCAL\s+)?TEMP(?:ORARY)?\s+)?TABLE|ALTER\s+TABLE)\b/i;

const CREATE_USER = /^(\s*CREATE\s+USER\s+(?:"(?:[^"]|"")*"|\w+)\s+(?:WITH\s+)?PASSWORD\s+)DISABLE\b/i;
/** PostgreSQL has no such privilege: there, owners alone may alter. */
const GRANT_ALTER = /^(\s*GRANT\s+\w+(?:\s*,\s*\w+)*?)\s*,\s*ALTER\b/i;

/** The statement in PostgreSQL's words. Anything else that PostgreSQL lacks fails there, and says so. */
export function translate(sql: string): string {
  if (!DDL.test(sql)) return sql.replace(CREATE_USER, "$1NULL").replace(GRANT_ALTER, "$1");
  return sql
    .replace(TOKEN, (clause, verbatim: string | undefined) => (verbatim === undefined ? "" : clause))
    .replace(VARCHAR_MAX, (clause, verbatim: string | undefined) =>
      verbatim === undefined ? "varchar(65535)" : clause,
    );
}
