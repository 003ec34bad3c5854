import * as z from "zod";
import { closest } from "./closest.ts";
import type { LogType, RedshiftDestination } from "./log-type.ts";
import {
  type LoadedWarehouseConfig,
  loadedWarehouseSchema,
  type WarehouseConfig,
  type WarehouseProblem,
  warehouseProblems,
} from "./warehouse-config.ts";

/** The one that `warehouse` is. */
export const MAIN_WAREHOUSE = "main";

/** Folders below loads/ that hold something else. See loadsFolder. */
const RESERVED_NAMES = new Set(["done", "copies", "columns"]);

/** The name stands in a namespace's, a role's and a statement's, and each has little room and signs of its own. */
const warehouseName = z
  .string()
  .regex(/^[a-z][a-z0-9]{0,11}$/, "letters in lower case and digits, beginning with a letter, at most 12")
  .refine((name) => !RESERVED_NAMES.has(name), "a name that Weir keeps for itself");

export const warehousesSchema = z
  .record(warehouseName, loadedWarehouseSchema)
  .default({})
  .meta({
    description:
      "more warehouses by name, each as `warehouse` is, which is the one named `main`: destinations name the one they " +
      "load. Each has a loader of its own, so that one which is away keeps none of the others waiting",
  });

interface Warehouses {
  readonly warehouse: WarehouseConfig;
  readonly warehouses: Readonly<Record<string, LoadedWarehouseConfig>>;
}

export interface NamedWarehouse {
  readonly name: string;
  readonly config: LoadedWarehouseConfig;
}

/** Every warehouse that there is, the main one first. */
export function warehousesOf({ warehouse, warehouses }: Warehouses): NamedWarehouse[] {
  const { [MAIN_WAREHOUSE]: named, ...others } = warehouses;
  const main = warehouse.kind === "none" ? named : warehouse;
  const all = [...(main ? [[MAIN_WAREHOUSE, main] as const] : []), ...Object.entries(others)];
  return all.map(([name, config]) => ({ name, config }));
}

/** Name of the warehouse that a destination loads. */
export function warehouseOf(
  config: Warehouses,
  { warehouse }: Pick<RedshiftDestination, "warehouse">,
): string {
  const all = warehousesOf(config);
  return warehouse ?? (all.length === 1 ? all[0]!.name : MAIN_WAREHOUSE);
}

/** Names of warehouses that no destination loads; the only one there is may be made before its tables are. */
export function unusedWarehouses(
  config: Warehouses & { readonly types: readonly Pick<LogType, "destinations">[] },
): string[] {
  if (warehousesOf(config).length === 1) return [];
  const used = new Set(
    config.types
      .flatMap(({ destinations }) => destinations)
      .flatMap((destination) => (destination.to === "redshift" ? warehouseOf(config, destination) : [])),
  );
  return warehousesOf(config)
    .map(({ name }) => name)
    .filter((name) => !used.has(name));
}

/** Why a destination has no warehouse that it can load. */
export function destinationProblem(
  config: Warehouses,
  destination: RedshiftDestination,
  table: string,
): WarehouseProblem | undefined {
  const names = warehousesOf(config).map(({ name }) => name);
  if (names.length === 0) {
    return { path: [], message: `table ${table} needs a warehouse, and warehouse.kind is "none"` };
  }
  const name = warehouseOf(config, destination);
  if (names.includes(name)) return undefined;
  if (destination.warehouse === undefined) {
    return { path: ["warehouse"], message: `absent, and none of ${names.join(", ")} is named ${name}` };
  }
  const meant = closest(name, names);
  const hint = meant === undefined ? `there is ${names.join(", ")}` : `did you mean "${meant}"?`;
  return { path: ["warehouse"], message: `no warehouse "${name}": ${hint}` };
}

/** What is wrong with each, or with some together. */
export function* warehousesProblems(
  config: Warehouses,
  region: string | undefined,
): Generator<WarehouseProblem> {
  const { warehouse, warehouses } = config;
  if (warehouse.kind !== "none" && MAIN_WAREHOUSE in warehouses) {
    yield { path: ["warehouses", MAIN_WAREHOUSE], message: "twice: `warehouse` is the one of this name" };
  }
  const places = new Map<string, string>();
  for (const named of warehousesOf(config)) {
    const isSingle = named.config === warehouse;
    const path = isSingle ? ["warehouse"] : ["warehouses", named.name];
    for (const problem of warehouseProblems(named.config, region)) {
      yield { ...problem, path: [...path, ...problem.path] };
    }
    const place = placeOf(named);
    const other = places.get(place);
    if (other !== undefined) {
      const message = `the place of warehouse "${other}": a namespace has one workgroup, and a database one ledger`;
      yield { path, message };
    }
    places.set(place, named.name);
  }
}

/** Says which database it is, so far as the configuration tells. */
function placeOf({ name, config }: NamedWarehouse): string {
  if (config.kind === "new-serverless") return config.namespace === undefined ? name : `/${config.namespace}`;
  const where = config.kind === "provisioned" ? config.cluster : config.workgroup;
  return `${config.kind}/${where}/${config.database.toLowerCase()}`;
}

/** Where the loader of a warehouse keeps what it remembers, below loads/. */
export const loadsFolder = (warehouse: string): string =>
  warehouse === MAIN_WAREHOUSE ? "" : `${warehouse}/`;

/**
 * Begins the names of the statements of a warehouse's loader, and of nobody else's: EventBridge brings that loader back
 * by it when one ends. The main one's have no folder, and a hyphen where the others have a slash.
 */
export const statementPrefix = (warehouse: string): string =>
  warehouse === MAIN_WAREHOUSE ? "weir-" : `weir/${warehouse}/`;
