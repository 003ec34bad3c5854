import type { Rig } from "../local/warehouse-fixture.ts";

type Warehouse = Rig["warehouse"];

const SCHEMAS = ["logs", "weir"];

/** Keeps what the warehouse has now. @returns puts it back, as restoring a snapshot of the warehouse does */
export async function snapshot(warehouse: Warehouse): Promise<() => Promise<void>> {
  const tables = await tablesOf(warehouse);
  await warehouse.query("DROP SCHEMA IF EXISTS snapshot CASCADE; CREATE SCHEMA snapshot");
  for (const [i, table] of tables.entries()) {
    await warehouse.query(`CREATE TABLE snapshot.t${i} AS TABLE ${table}`);
  }
  return async () => {
    for (const table of await tablesOf(warehouse)) {
      const kept = tables.indexOf(table);
      await warehouse.query(`DELETE FROM ${table}`);
      if (kept < 0) await warehouse.query(`DROP TABLE ${table}`);
      else await warehouse.query(`INSERT INTO ${table} SELECT * FROM snapshot.t${kept}`);
    }
    await warehouse.query("DROP SCHEMA snapshot CASCADE");
  };
}

async function tablesOf(warehouse: Warehouse): Promise<string[]> {
  const rows = await warehouse.query<{ name: string }>(
    `SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS name FROM pg_tables
WHERE schemaname IN (${SCHEMAS.map((schema) => `'${schema}'`).join(", ")}) ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}
