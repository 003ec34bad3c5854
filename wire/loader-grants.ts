import type { WeirConfig } from "./config.ts";
import { LEDGER_SCHEMA } from "./redshift-names.ts";
import { quoteName, quoteText } from "./sql-text.ts";
import { warehouseOf } from "./warehouses.ts";

/** A table that the loader fills. */
export interface WarehouseTable {
  readonly schema: string;
  readonly table: string;
}

export interface GrantsRequest {
  /** The loader's user in the database. */
  readonly user: string;
  readonly database: string;
  readonly tables: readonly WarehouseTable[];
  /** Schema of the readers' views. */
  readonly views?: string | undefined;
}

export interface Grant {
  readonly sql: string;
  /** A condition, where the statement is not to run always. */
  readonly onlyIf?: string;
}

/** Tables in the warehouse of this name. */
export function warehouseTables(
  config: Pick<WeirConfig, "types" | "warehouse" | "warehouses">,
  warehouse: string,
): WarehouseTable[] {
  return config.types.flatMap((type) =>
    type.destinations
      .filter((destination) => destination.to === "redshift")
      .filter((destination) => warehouseOf(config, destination) === warehouse)
      .map(({ schema, table = type.name }) => ({ schema, table })),
  );
}

/** @param name schema.table; neither has a dot of its own */
export function tableNamed(name: string): WarehouseTable {
  const [schema, table] = name.split(".") as [string, string];
  return { schema, table };
}

/**
 * What the loader does in a warehouse, and nothing else; an administrator runs it. It may run any number of times,
 * and takes nothing away.
 *
 *   CREATE TEMP TABLE                              TEMPORARY on the database
 *   CREATE TABLE, LOCK, COPY, INSERT, ALTER        its own tables, in schemas that it owns or may create tables in
 *   DELETE, of rows that are erased on purpose     the same
 *   CREATE VIEW, GRANT SELECT, GRANT USAGE         its own views and tables, and schemas that it owns
 *   the same of tables that somebody else owns     SELECT, INSERT, DELETE, ALTER; ALL in the ledger's schema, to LOCK too
 *   svv_columns, sys_load_error_detail             everybody sees what is his own
 *
 * Redshift has no IF NOT EXISTS for users. The user is made here and not by the loader's first sign-in, since
 * nothing can be granted to a user that is not there. sources: CREATE USER, CREATE SCHEMA, GRANT and "Default database
 * user permissions", Redshift database developer guide, read 2026-11
 */
export function loaderGrants({ user, database, tables, views }: GrantsRequest): Grant[] {
  const to = `TO ${quoteName(user)}`;
  const ofReaders = views === undefined ? [] : [views];
  const schemas = [...new Set([LEDGER_SCHEMA, ...tables.map(({ schema }) => schema), ...ofReaders])];
  return [
    {
      sql: `CREATE USER ${quoteName(user)} PASSWORD DISABLE`,
      onlyIf: `NOT EXISTS (SELECT 1 FROM pg_user WHERE lower(usename) = ${quoteText(user.toLowerCase())})`,
    },
    { sql: `GRANT TEMPORARY ON DATABASE ${quoteName(database)} ${to}` },
    ...schemas.flatMap((schema) => [
      { sql: `CREATE SCHEMA IF NOT EXISTS ${quoteName(schema)} AUTHORIZATION ${quoteName(user)}` },
      { sql: `GRANT USAGE, CREATE ON SCHEMA ${quoteName(schema)} ${to}` },
    ]),
    { sql: `GRANT ALL ON ALL TABLES IN SCHEMA ${quoteName(LEDGER_SCHEMA)} ${to}` },
    ...tables.map(({ schema, table }) => ({
      sql: `GRANT SELECT, INSERT, DELETE, ALTER ON TABLE ${quoteName(schema)}.${quoteName(table)} ${to}`,
      onlyIf: `EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = ${quoteText(schema)} AND tablename = ${quoteText(table)})`,
    })),
  ];
}

/** The same for a person to run. */
export function grantsScript(request: GrantsRequest): string {
  const statements = loaderGrants(request).map(({ sql, onlyIf }) =>
    onlyIf === undefined ? `${sql};` : `-- only if: SELECT ${onlyIf};\n${sql};`,
  );
  return `${statements.join("\n")}\n`;
}
