import type { CommandOf, LoaderAnswers, LoadSums, TableSums } from "../../../wire/loader-command.ts";
import { compareCursors, type Cursor, LOG_BEGINNING } from "../../commit-log/cursor.ts";
import type { DataApi, Value } from "../data-api.ts";
import { prepareLedger } from "../ledger/prepare-ledger.ts";
import { parseResume } from "../ledger/resume.ts";
import { lastReloadSql, PLACE_INDEXES, sourceRowsSql, sumsSql } from "../ledger/sums-sql.ts";
import { newTable, type TableState } from "../state.ts";
import { fingerprint } from "../table-ddl.ts";
import { type Target, typesOf } from "../target.ts";
import type { CommandSession } from "./command.ts";

/** Adds up what the ledger says of each table, and counts its rows. */
export async function audit(
  { from, sources = [] }: CommandOf<"audit">,
  { state, parts }: CommandSession,
): Promise<LoaderAnswers["audit"]> {
  const { targets, api } = parts;
  const tables: TableSums[] = [];
  for (const target of targets) {
    const table = state.tables[target.name] ?? newTable();
    // The ledger of an earlier release lacks columns until the next load.
    if (table.prepared !== fingerprint(target)) await prepareLedger(target, api);
    const sums = await sumsOf(target, table, from, api);
    const counts = sums.rows !== undefined && sources.length > 0;
    const rows = counts ? await api.ask([sourceRowsSql(target, sources)]) : [];
    const bySource = Object.fromEntries(rows.map(([id, count]) => [String(id), Number(count)]));
    tables.push({ ...sums, ...(counts && { sources: bySource }) });
  }
  return { tables };
}

async function sumsOf(
  target: Target,
  table: TableState,
  asked: Cursor | undefined,
  api: DataApi,
): Promise<TableSums> {
  const [reload] = await api.ask([lastReloadSql(target)]);
  const reloaded = reload && { number: Number(reload[0]), from: parseResume(String(reload[1])).cursor };
  const from = later(asked ?? LOG_BEGINNING, reloaded?.from ?? LOG_BEGINNING);
  const [row, isThere] = await askSums(target, { after: reloaded?.number ?? 0, from }, api);
  const numbers = row.map(Number);
  const { cursor: to, setAside } = row[20] === undefined ? BEGINNING : parseResume(String(row[20]));
  const first = row[10] === undefined ? to : cursorOf(numbers[10]!);
  const isExact = asked === undefined && (reloaded !== undefined || numbers[11] === 0);
  const { load, since } = table;
  return {
    table: target.name,
    types: typesOf(target),
    ...(since !== undefined && { since }),
    from: isExact ? from : first,
    to,
    unread: [...setAside, ...table.setAside].map(({ from, to, types }) => ({ from, to, types })),
    loads: loadSums(numbers.slice(0, 5)),
    retries: loadSums(numbers.slice(5, 10)),
    ledger: {
      inserted: numbers[12]!,
      removed: numbers[13]!,
      erased: numbers[14]!,
      erasedAtMost: numbers[15]!,
    },
    refused: { waiting: numbers[16]!, skipped: numbers[17]!, gone: numbers[18]! },
    ...(isThere && { rows: numbers[19]! }),
    ...(load?.failure && load.statementId === undefined && { failure: load.failure.error }),
  };
}

const BEGINNING = { cursor: LOG_BEGINNING, setAside: [] };

const later = (a: Cursor, b: Cursor): Cursor => (compareCursors(a, b) > 0 ? a : b);

/** @returns the sums, and whether there is a table whose rows were counted */
async function askSums(
  target: Target,
  summed: Parameters<typeof sumsSql>[1],
  api: DataApi,
): Promise<[row: Value[], isThere: boolean]> {
  try {
    return [(await api.ask([sumsSql(target, summed, true)]))[0]!, true];
  } catch (error) {
    if (!/does not exist/i.test((error as Error).message)) throw error;
    return [(await api.ask([sumsSql(target, summed, false)]))[0]!, false];
  }
}

const cursorOf = (place: number): Cursor => ({
  segment: Math.floor(place / PLACE_INDEXES),
  index: place % PLACE_INDEXES,
});

function loadSums([loads, staged, inserted, setAside, conflicting]: readonly number[]): LoadSums {
  return {
    loads: loads!,
    staged: staged!,
    inserted: inserted!,
    setAside: setAside!,
    conflicting: conflicting!,
  };
}
