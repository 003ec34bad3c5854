import { compareCursors, type Cursor, LOG_BEGINNING } from "../../commit-log/cursor.ts";
import type { Log } from "../load.ts";
import { appended } from "../set-aside.ts";
import { type LoaderState, newTable, type TableState } from "../state.ts";
import { type Target, typesOf } from "../target.ts";
import { type Held, type HeldType, isUnknown, type KnownTypes } from "./held-types.ts";

/** The state as a tick begins: what is held and has a place by now is on its way, and what lost its type is held. */
export function releaseHeld(
  state: LoaderState,
  targets: readonly Target[],
  known: KnownTypes,
  log: Log,
): LoaderState {
  const held = withOrphans(released(begun(state), targets, known, log), targets, known);
  const tables = { ...held.tables };
  for (const target of targets) {
    const table = tables[target.name];
    if (table) tables[target.name] = taking(table, typesOf(target));
  }
  return { ...held, tables };
}

/** Erasures are counted among those of the types that a table takes: where these are others, they are counted anew. */
function taking(table: TableState, takes: readonly string[]): TableState {
  const { erasures } = table;
  const isSame = JSON.stringify(table.takes) === JSON.stringify(takes);
  if (isSame || erasures === undefined) return { ...table, takes: [...takes] };
  return { ...table, takes: [...takes], erasures: { ...erasures, applied: 0 } };
}

/** A loader that never held anything begins where its hindmost table is: what that has passed over, it has counted. */
function begun(state: LoaderState): LoaderState {
  if (state.held !== undefined) return state;
  const [cursor = LOG_BEGINNING] = Object.values(state.tables).map(claimedBefore).toSorted(compareCursors);
  return { ...state, held: { cursor, types: {} } };
}

function released(state: LoaderState, targets: readonly Target[], known: KnownTypes, log: Log): LoaderState {
  const held = state.held!;
  const tables = { ...state.tables };
  const kept: Held["types"] = {};
  for (const [type, interval] of Object.entries(held.types)) {
    if (isUnknown(type, known) && !known.retired.has(type)) {
      kept[type] = interval;
      continue;
    }
    const { commits, rows, oldestAt } = interval;
    const told = { type, rows, commits, oldestAt };
    if (known.retired.has(type)) {
      if (commits > 0) log.warn("rows of a retired type are not loaded: they stay in the lake", told);
      continue;
    }
    const takers = targets.filter((target) => typesOf(target).includes(type));
    const names = takers.map(({ name }) => name);
    for (const { name } of takers) tables[name] = withHeld(tables[name], type, interval);
    if (commits > 0) log.info("rows that were held have a type again", { ...told, tables: names });
  }
  return { ...state, tables, held: { ...held, types: kept } };
}

/** The table takes the rows like others that it could not read before. A new one comes to them by itself. */
function withHeld(state: TableState = newTable(), type: string, held: HeldType): TableState {
  const { from, to, commits, oldestAt } = held;
  if (commits === 0 || compareCursors(state.cursor, from) <= 0) return state;
  const interval = { from, to, count: commits, types: [type], ...(oldestAt !== undefined && { oldestAt }) };
  return { ...state, setAside: appended(state.setAside, interval) };
}

/**
 * Types that a table took and takes no longer, and that nobody knows any more: what the table has not claimed of them is
 * looked for from there on.
 */
function withOrphans(state: LoaderState, targets: readonly Target[], known: KnownTypes): LoaderState {
  let held = state.held!;
  const takes = new Map(targets.map((target) => [target.name, typesOf(target)]));
  for (const [name, table] of Object.entries(state.tables)) {
    const place = claimedBefore(table);
    // Tables are called like their type, where nobody has said otherwise.
    for (const type of table.takes ?? [name.split(".")[1]!]) {
      if (takes.get(name)?.includes(type) || !isUnknown(type, known) || known.retired.has(type)) continue;
      const earlier = held.types[type];
      // Once it is looked for, it is.
      if (earlier !== undefined && (earlier.commits > 0 || compareCursors(earlier.from, place) <= 0))
        continue;
      const [cursor] = [held.cursor, place].toSorted(compareCursors);
      const types = { ...held.types, [type]: { from: place, to: place, commits: 0, rows: 0 } };
      held = { cursor: cursor!, types };
    }
  }
  return { ...state, held };
}

/** All commits of the log before this are loaded into a table, or have nothing for it. */
function claimedBefore({ cursor, load, setAside }: TableState): Cursor {
  const [first] = [
    cursor,
    ...(load?.log ? [load.log.from] : []),
    ...setAside.map(({ from }) => from),
  ].toSorted(compareCursors);
  return first!;
}
