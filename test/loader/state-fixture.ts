import type { LoaderState } from "../../lambdas/loader/state.ts";
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
          before: undefined,
          cursor,
          claimed: log
            .before(table.cursor)
            .filter((key) => key >= cursor)
            .toSorted(),
          setAside,
          ...(table.load && { load: { ...table.load, log: undefined } }),
        },
      ]),
    ),
  };
}
