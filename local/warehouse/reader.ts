import { randomBytes } from "node:crypto";
import { type ClientConfig, escapeIdentifier } from "pg";
import { READER } from "./postgres.ts";
import type { Warehouse } from "./warehouse.ts";

/**
 * Lets one more user in, who may read tables and views, those of later too, and nothing else: it is the server that
 * refuses whatever a statement of theirs tries beyond. Tables belong to whoever made them, so each owner grants.
 *
 * @returns how to log in, by the warehouse's name; the password is another one at every start
 */
export async function letReaderIn(
  warehouses: ReadonlyMap<string, Warehouse>,
): Promise<Map<string, ClientConfig>> {
  const password = randomBytes(24).toString("hex");
  const logins = new Map<string, ClientConfig>();
  for (const [name, warehouse] of warehouses) {
    await warehouse.query(MAKE_READER);
    await warehouse.query(`ALTER ROLE ${READER} PASSWORD '${password}'`);
    await warehouse.query(`ALTER ROLE ${READER} SET temp_file_limit = ${TEMP_KIB}`);
    await grantTables(warehouse);
    const { port, database } = warehouse;
    logins.set(name, { host: "127.0.0.1", port, database, user: READER, password });
  }
  return logins;
}

/** What a statement may write to the disk while it sorts, in KiB. */
const TEMP_KIB = 256 * 1024;

const MAKE_READER = `DO $$ BEGIN
  CREATE ROLE ${READER} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT;
EXCEPTION WHEN duplicate_object THEN NULL; END $$`;

async function grantTables(warehouse: Warehouse): Promise<void> {
  const owners = await names(warehouse, OWNERS);
  for (const owner of owners) {
    const anything = `ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} GRANT`;
    await warehouse.query(`${anything} USAGE ON SCHEMAS TO ${READER}`);
    await warehouse.query(`${anything} SELECT ON TABLES TO ${READER}`);
  }
  for (const schema of await names(warehouse, SCHEMAS)) {
    await warehouse.query(`GRANT USAGE ON SCHEMA ${schema} TO ${READER}`);
    await warehouse.query(`GRANT SELECT ON ALL TABLES IN SCHEMA ${schema} TO ${READER}`);
  }
}

/** Ourselves, and the users whom we have made and whose rights we have. */
const OWNERS = `SELECT rolname AS name FROM pg_roles
  WHERE pg_has_role(current_user, oid, 'USAGE') AND rolname !~ '^pg_' AND rolname <> '${READER}'`;

const SCHEMAS = `SELECT nspname AS name FROM pg_namespace
  WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND pg_has_role(current_user, nspowner, 'USAGE')`;

async function names(warehouse: Warehouse, sql: string): Promise<string[]> {
  return (await warehouse.query<{ name: string }>(sql)).map(({ name }) => escapeIdentifier(name));
}
