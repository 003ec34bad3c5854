import type { SavedState } from "../commit-log/saved-state.ts";
import type { DataApi } from "./data-api.ts";
import type { Log } from "./load.ts";
import { type LoaderState, stateOf } from "./state.ts";

interface StateParts {
  readonly saved: SavedState<LoaderState>;
  readonly api: DataApi;
  readonly log: Log;
}

/** The state that was saved, as far as it is about the warehouse that is configured now. */
export async function readState({ saved, api, log }: StateParts): Promise<LoaderState> {
  const found = await saved.read();
  const state = stateOf(api.warehouse, found);
  if (found.warehouse !== undefined && found.warehouse !== state.warehouse) {
    const tables = Object.keys(found.tables);
    const change = { before: found.warehouse, now: state.warehouse, tables };
    log.warn("another warehouse than before: its own ledger says what it has", change);
  }
  return state;
}
