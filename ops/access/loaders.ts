import type { LoaderRequest } from "../../wire/loader-command.ts";
import { MAIN_WAREHOUSE } from "../../wire/warehouses.ts";
import { AccessError } from "./access-error.ts";

/** What every answer of a loader has: something of each table. */
interface OfTables {
  readonly tables: readonly { readonly table: string }[];
}

/**
 * Loaders that a command is for: that of one warehouse, or of all of them, since an erasure that one of them is not told
 * of is none.
 *
 * @param loaders functions by the name of their warehouse, the main one first
 * @throws AccessError NO_LOADER
 */
export function chosenLoaders(
  title: string,
  loaders: ReadonlyMap<string, string>,
  warehouse: string | undefined,
): ReadonlyMap<string, string> {
  if (loaders.size === 0) {
    const hint = "The configuration has no warehouse.";
    throw new AccessError("NO_LOADER", `${title} has no loader: its rows stay in the lake`, hint);
  }
  if (warehouse === undefined) return loaders;
  const loader = loaders.get(warehouse);
  if (loader !== undefined) return new Map([[warehouse, loader]]);
  const hint = `There is ${[...loaders.keys()].join(", ")}.`;
  throw new AccessError("NO_LOADER", `${title} has no warehouse "${warehouse}"`, hint);
}

/**
 * Tables are named as they are printed: `bi/logs.photo` is that of the warehouse `bi`, and of no other, though others
 * may have one of that name as well.
 */
export function addressed<R extends LoaderRequest>(
  command: R,
): { readonly command: R; readonly warehouse?: string } {
  if (!("table" in command) || command.table === undefined) return { command };
  const [, warehouse, table] = /^([^/]*)\/(.*)$/.exec(command.table) ?? [];
  if (warehouse === undefined) return { command };
  return { command: { ...command, table }, warehouse };
}

/** Answers of several loaders as one, tables of others than the main warehouse with its name before theirs. */
export function joinAnswers<A extends OfTables>(answers: ReadonlyMap<string, A>): A {
  const named = [...answers].map(([warehouse, answer]) => ({
    ...answer,
    tables: answer.tables.map((one) => ({
      ...one,
      table: warehouse === MAIN_WAREHOUSE ? one.table : `${warehouse}/${one.table}`,
    })),
  }));
  return { ...named[0]!, tables: named.flatMap(({ tables }) => tables) };
}
