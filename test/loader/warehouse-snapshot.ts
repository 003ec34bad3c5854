import type { Rig } from "../local/warehouse-fixture.ts";

type Warehouse = Rig["warehouse"];

const SCHEMAS = ["archive", "logs", "weir"];

/** Keeps what the warehouse has now. @returns puts it back, as restoring a snapshot of the warehouse does */
export async function snapshot(
  warehouse: Warehouse,
  schemas: readonly string[] = SCHEMAS,
): Promise<() => Promise<void>> {
  const tables = await tablesOf(warehouse, schemas);
  await warehouse.query("DROP SCHEMA IF EXISTS snapshot CASCADE; CREATE SCHEMA snapshot");
  for (const [i, table] of tables.entries()) {
    await warehouse.query(`CREATE TABLE snapshot.t${i} AS TABLE ${table}`);
  }
  return async () => {
    for (const table of await tablesOf(warehouse, schemas)) await warehouse.query(`DROP TABLE ${table}`);
    for (const [i, table] of tables.entries()) {
      await warehouse.query(`CREATE TABLE ${table} AS TABLE snapshot.t${i}`);
    }
  };
}

async function tablesOf(warehouse: Warehouse, schemas: readonly string[]): Promise<string[]> {
  const rows = await warehouse.query<{ name: string }>(
    `SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS name FROM pg_tables
WHERE schemaname IN (${schemas.map((schema) => `'${schema}'`).join(", ")}) ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}
