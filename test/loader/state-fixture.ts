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
      Object.entries(tables).map(([name, { cursor: reached, backlog, prepared, load }]) => [
        name,
        {
          backlog,
          prepared,
          cursor,
          claimed: log
            .before(reached)
            .filter((key) => key >= cursor)
            .toSorted(),
          setAside,
          ...(load && { load: loadOfVersion1(load) }),
        },
      ]),
    ),
  };
}

function loadOfVersion1(load: OpenLoad): object {
  const { id, path, attempt, plannedAt, oldestCommitAt, rows, bytes, manifests, commits, ranges } = load;
  const { statementId, submittedAt, failure } = load;
  const plan = { id, path, attempt, plannedAt, oldestCommitAt, rows, bytes, manifests, commits, ranges };
  return { ...plan, statementId, submittedAt, failure };
}

/** Leaves a ledger as loaders of before there were numbers would have. */
export async function withoutNumbers(warehouse: Rig["warehouse"]): Promise<void> {
  await warehouse.query(
    "UPDATE weir.loads SET number = NULL, resume = NULL, arrived_from = NULL, arrived_to = NULL",
  );
}
