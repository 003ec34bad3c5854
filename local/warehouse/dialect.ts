import type { Client } from "pg";
import { WarehouseError } from "./warehouse-error.ts";

/**
 * What Redshift understands and PostgreSQL does not: functions and views are made once in a schema
 * that every session searches; physical clauses of DDL are left out of each statement.
 *
 * PostgreSQL has no encodings and keys: redshift.table_attributes has those that somebody puts there. Its views bind
 * early, so a column's type is changed with the views above it taken away for the moment.
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
CREATE TABLE IF NOT EXISTS redshift.table_attributes (
  schema_name text, table_name text, column_name text, encoding text, distkey boolean, sortkey int, diststyle int);
CREATE OR REPLACE VIEW redshift.svv_redshift_columns AS
  SELECT table_catalog AS database_name, table_schema AS schema_name, c.table_name, c.column_name, ordinal_position,
         a.encoding, a.distkey, a.sortkey
  FROM information_schema.columns c LEFT JOIN redshift.table_attributes a
    ON a.schema_name = table_schema AND a.table_name = c.table_name AND a.column_name = c.column_name;
CREATE OR REPLACE VIEW redshift.pg_class_info AS
  SELECT c.oid AS reloid, c.relname, c.relnamespace, (
    SELECT max(diststyle) FROM redshift.table_attributes a
    WHERE a.schema_name = n.nspname AND a.table_name = c.relname) AS releffectivediststyle
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace;
CREATE OR REPLACE FUNCTION redshift.alter_below_views(changed regclass, statement text) RETURNS void
  LANGUAGE plpgsql AS $$
DECLARE
  above record;
  reader text;
  anew text[] := '{}';
  one text;
BEGIN
  FOR above IN
    SELECT DISTINCT c.oid, c.oid::regclass::text AS name, c.relacl::text, c.relowner
    FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class c ON c.oid = r.ev_class
    WHERE d.refobjid = changed AND c.relkind = 'v'
  LOOP
    anew := anew || format('CREATE VIEW %s AS %s', above.name, pg_get_viewdef(above.oid));
    FOR reader IN
      SELECT grantee::regrole::text FROM aclexplode(above.relacl::aclitem[])
      WHERE privilege_type = 'SELECT' AND grantee NOT IN (0, above.relowner)
    LOOP
      anew := anew || format('GRANT SELECT ON %s TO %s', above.name, reader);
    END LOOP;
    EXECUTE format('DROP VIEW %s', above.name);
  END LOOP;
  EXECUTE statement;
  FOREACH one IN ARRAY anew LOOP EXECUTE one; END LOOP;
END $$;
GRANT USAGE ON SCHEMA redshift TO PUBLIC;
GRANT SELECT ON redshift.svv_columns, redshift.sys_load_error_detail, redshift.svv_redshift_columns,
  redshift.pg_class_info, redshift.table_attributes TO PUBLIC;
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

const LATE_BINDING =
  /^(\s*CREATE\s+(?:OR\s+REPLACE\s+)?VIEW\b[\s\S]*?)\s+WITH\s+NO\s+SCHEMA\s+BINDING\s*;?\s*$/i;
/** PostgreSQL has one kind of role, and no word before its name but GROUP. */
const GRANT_TO_ROLE = /^(\s*GRANT\s[\s\S]*\sTO\s+)ROLE\s+/i;
const ALTER_TYPE = /^\s*ALTER\s+TABLE\s+(\S+)\s+ALTER\s+COLUMN\s+[\s\S]+?\s+TYPE\s/i;

/** The statement in PostgreSQL's words. Anything else that PostgreSQL lacks fails there, and says so. */
export function translate(sql: string): string {
  const ddl = inPostgres(sql);
  const [, table] = ALTER_TYPE.exec(ddl) ?? [];
  if (table === undefined) return ddl;
  return `SELECT redshift.alter_below_views($table$${table}$table$, $statement$${ddl}$statement$)`;
}

function inPostgres(sql: string): string {
  if (!DDL.test(sql)) {
    return sql
      .replace(CREATE_USER, "$1NULL")
      .replace(GRANT_ALTER, "$1")
      .replace(LATE_BINDING, "$1")
      .replace(GRANT_TO_ROLE, "$1");
  }
  return sql
    .replace(TOKEN, (clause, verbatim: string | undefined) => (verbatim === undefined ? "" : clause))
    .replace(VARCHAR_MAX, (clause, verbatim: string | undefined) =>
      verbatim === undefined ? "varchar(65535)" : clause,
    );
}
