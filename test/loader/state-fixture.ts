import type { LoaderState } from "../../lambdas/loader/state.ts";
import type { OpenLoad } from "../../lambdas/loader/open-load.ts";
import type { Rig } from "../local/warehouse-fixture.ts";
import type { LogFixture } from "./log-fixture.ts";

/** The state that a loader from before the log would have where a table is as far. */
export function stateOfVersion1(
  { tables }: LoaderState,
  log: LogFixture,
  { cursor = "", setAside = [] }: { cursor?: string; setAside?: readonly string[] } = {},
): object {
  return {
    version: 1,
    tables: Object.fromEntries(
      Object.entries(tables).map(([name, table]) => [
        name,
        {
          ...table,
          last: undefined,
          before: undefined,
          cursor,
          claimed: log
            .before(table.cursor)
            .filter((key) => key >= cursor)
            .toSorted(),
          setAside,
          ...(table.load && { load: loadOfVersion1(table.load) }),
        },
      ]),
    ),
  };
}

/** What was not there yet, JSON leaves out. */
function loadOfVersion1(load: OpenLoad): object {
  const later = ["log", "arrived", "last", "number", "statements"];
  return { ...load, ...Object.fromEntries(later.map((name) => [name, undefined])) };
}

/** Leaves a ledger as loaders of before there were numbers would have. */
export async function withoutNumbers(warehouse: Rig["warehouse"]): Promise<void> {
  await warehouse.query(
    "UPDATE weir.loads SET number = NULL, resume = NULL, arrived_from = NULL, arrived_to = NULL",
  );
}
