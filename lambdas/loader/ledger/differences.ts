import type { LoadParts, Step } from "../load.ts";
import type { OpenLoad } from "../open-load.ts";
import { readRefusedCount } from "../set-aside/retry-refused.ts";
import { newTable, type TableState } from "../state.ts";
import type { Target } from "../target.ts";
import { NO_LOAD } from "./last-load.ts";
import { hasUnknownRows, readLastLoad } from "./resume.ts";

/**
 * The state of a table, made anew from the ledger, since the two differ: a warehouse was restored or replaced, the state
 * was removed or is an older one, or another loader was faster. What the ledger does not have is read from the log again.
 */
export async function rebuilt(state: TableState, target: Target, parts: LoadParts): Promise<Step> {
  const { api, log } = parts;
  const ledger = await readLastLoad(target, api);
  const refused = await readRefusedCount(target, parts);
  const seed = await hasUnknownRows(target, api);
  const [has, expected] = [ledger.last, state.last];
  const difference = { table: target.name, ledger: has, state: expected, readsFrom: ledger.cursor };
  if (has.number < (expected?.number ?? 0)) {
    log.error("the ledger lacks loads: the warehouse was restored, or is another one", difference);
  } else log.warn("the ledger has other loads than the state", difference);
  const { prepared, takes, since } = state;
  return {
    state: {
      ...newTable(),
      ...(prepared !== undefined && { prepared }),
      ...(takes !== undefined && { takes }),
      // What comes after the ledger's last load is wanted, wherever the table was to begin.
      ...(since !== undefined && has.number === 0 && { since }),
      ...ledger,
      ...(refused && { refused }),
      ...(seed && { seed }),
      backlog: true,
    },
    events: [
      { kind: "diverged", table: target.name, ledger: has.number, state: expected?.number ?? 0 },
      ...(seed ? [{ kind: "unknown-rows" as const, table: target.name }] : []),
    ],
  };
}

const COMPARED = "what the log brings is compared with the table's own rows";

/** What a person does about rows that are gone. */
export const RELOAD = (table: string): string => `weir loads reload ${table}`;

/**
 * The load goes on all the same, whatever became of the rows of the others: what is new is not held up. Where the ledger
 * knows nothing of what the table has, the load makes it a ledger, and compares.
 *
 * @param next the load as a new attempt
 */
export function onTableRows(
  state: TableState,
  next: OpenLoad,
  isMissing: boolean,
  { name: table }: Target,
  { log }: LoadParts,
): Step {
  const { prepared: _, ...unprepared } = state;
  const kept = isMissing ? unprepared : state;
  const { last } = state;
  if (last?.number === NO_LOAD.number) {
    if (isMissing) return { state: { ...kept, load: next }, events: [] };
    log.error("the table has rows that the ledger knows nothing of", { table, hint: COMPARED });
    const load: OpenLoad = { ...next, path: "slow", seed: true };
    return { state: { ...kept, load }, events: [{ kind: "unknown-rows", table }] };
  }
  const what = isMissing ? "it was dropped" : "it was emptied, or restored from a copy";
  const hint = `to load again from the lake what it lacks: ${RELOAD(table)}`;
  log.error("rows that were loaded are gone from the table", { table, what, last, hint });
  const load: OpenLoad = { ...next, lacksRows: true };
  return { state: { ...kept, load }, events: [{ kind: "rows-gone", table, isMissing }] };
}
