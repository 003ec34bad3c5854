import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { RedshiftDataClient } from "@aws-sdk/client-redshift-data";
import { AdminSession } from "../lambdas/grants/admin-session.ts";
import { grantLoader } from "../lambdas/grants/grant.ts";
import { parseConfig } from "../wire/config.ts";
import { type GrantsRequest, loaderGrants, warehouseTables } from "../wire/loader-grants.ts";
import { CREDENTIALS } from "./credentials.ts";
import type { DeployedLoader } from "./template/deployment.ts";
import { translate } from "./warehouse/dialect.ts";
import { removePostgres } from "./warehouse/postgres.ts";
import type { Statement } from "./warehouse/statement.ts";
import { startWarehouse, type Warehouse } from "./warehouse/warehouse.ts";

const GRANTS_MS = 60_000;

export interface WarehousesOptions {
  readonly loaders: readonly DeployedLoader[];
  readonly region: string;
  /** Where PostgreSQL keeps its files. */
  readonly dataDir: string;
  readonly s3Endpoint: string;
  readonly onStatementEvent: (event: object) => void;
  readonly beforeCommit?: ((statement: Statement) => Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Starts the warehouse of each loader, by its name: databases of one PostgreSQL, or of another where one has that name
 * already, each behind a Data API of its own that knows no other. The loaders have their rights by then, and no more than
 * deployed.
 *
 * @throws WarehouseError
 */
export async function startWarehouses(options: WarehousesOptions): Promise<Map<string, Warehouse>> {
  const started = new Map<string, Warehouse>();
  try {
    for (const loader of options.loaders) {
      const warehouse = await startOne(loader, started, options);
      started.set(loader.name, warehouse);
      await grant(warehouse, loader, options);
    }
    return started;
  } catch (error) {
    await stopWarehouses(started);
    throw error;
  }
}

/** Removes what warehouses that have stopped left in `dataDir` and beside it. */
export async function removeWarehouses(dataDir: string): Promise<void> {
  const beside = (await readdir(dirname(dataDir)).catch(() => [])).filter((name) =>
    name.startsWith(otherDataDir(basename(dataDir), "")),
  );
  for (const name of [basename(dataDir), ...beside]) await removePostgres(join(dirname(dataDir), name));
}

/** The first one holds the PostgreSQL of all. */
export async function stopWarehouses(warehouses: ReadonlyMap<string, Warehouse>): Promise<void> {
  for (const warehouse of [...warehouses.values()].reverse()) await warehouse.stop();
}

const otherDataDir = (dataDir: string, name: string): string => `${dataDir}-${name}`;

function startOne(
  { name, warehouse, grantedByHand }: DeployedLoader,
  started: ReadonlyMap<string, Warehouse>,
  { dataDir, s3Endpoint, onStatementEvent, beforeCommit, signal }: WarehousesOptions,
): Promise<Warehouse> {
  const { target, database, grants } = warehouse;
  const [first] = started.values();
  const isTaken = [...started.values()].some((other) => other.database === database);
  return startWarehouse({
    dataDir: first ? otherDataDir(dataDir, name) : dataDir,
    ...(first && !isTaken && { postgres: first.postgres }),
    s3: { endpoint: s3Endpoint },
    ...target,
    database,
    user: grants?.user ?? grantedByHand,
    onStatementEvent,
    ...(beforeCommit && { beforeCommit }),
    ...(signal && { signal }),
  });
}

/** What CloudFormation has done by the time a loader comes, or an administrator whom the documents tell to. */
async function grant(
  warehouse: Warehouse,
  loader: DeployedLoader,
  { region }: WarehousesOptions,
): Promise<void> {
  const { grantedByHand } = loader;
  const { target, database, grants } = loader.warehouse;
  if (grantedByHand !== undefined) return grantByHand(warehouse, await requestOf(loader, grantedByHand));
  if (!grants || !("workgroup" in target)) return;
  const client = new RedshiftDataClient({
    endpoint: warehouse.endpoint,
    region,
    credentials: CREDENTIALS,
  });
  try {
    const admin = { ...target, database, secret: "administrator" };
    await grantLoader(new AdminSession(client, admin, AbortSignal.timeout(GRANTS_MS)), grants);
  } finally {
    client.destroy();
  }
}

/** Tables stand in the configuration that the loader has beside its code. */
async function requestOf(
  { name, function: { assetDir }, warehouse: { database } }: DeployedLoader,
  user: string,
): Promise<GrantsRequest> {
  const file = join(assetDir, "config.json");
  const config = parseConfig(JSON.parse(await readFile(file, "utf8")), file);
  return { user, database, tables: warehouseTables(config, name), views: config.readers.views };
}

/** As `weir warehouse grants` prints it: in a database of yours, where no deployment comes. */
async function grantByHand(warehouse: Warehouse, request: GrantsRequest): Promise<void> {
  for (const { sql, onlyIf } of loaderGrants(request)) {
    const [row] =
      onlyIf === undefined ? [] : await warehouse.query<{ holds: boolean }>(`SELECT (${onlyIf}) AS holds`);
    if (row?.holds !== false) await warehouse.query(translate(sql));
  }
}
