import type { LoaderStatus, TableCondition, TableStatus } from "../../../wire/loader-command.ts";
import { Lag } from "../lag.ts";
import { pauseOf, pauseText } from "../pause.ts";
import { newTable, type TableState } from "../state.ts";
import type { CommandSession } from "./command.ts";

type PausableTable = TableState & Pick<TableStatus, "paused">;

/** How far every table is, in words. It changes nothing. */
export async function status(_command: unknown, { state, parts }: CommandSession): Promise<LoaderStatus> {
  const { targets, commitLog, now } = parts;
  const lag = new Lag(commitLog);
  const configured = new Map(targets.map(({ name }) => [name, newTable()]));
  const tables: TableStatus[] = [];
  for (const [name, table] of new Map([...configured, ...Object.entries(state.tables)])) {
    // What a table that nobody configures has not read has nothing for it.
    const oldest = await lag.since(table);
    const since = configured.has(name) || table.load || table.setAside.length > 0 ? oldest : undefined;
    const paused = pauseOf(state, name);
    tables.push(
      tableStatus(name, { ...table, ...(paused && { paused }) }, configured.has(name), since, now()),
    );
  }
  return { tables: tables.toSorted((a, b) => (a.table < b.table ? -1 : 1)) };
}

function tableStatus(
  name: string,
  table: PausableTable,
  isConfigured: boolean,
  since: string | undefined,
  now: Date,
): TableStatus {
  const condition = isConfigured ? conditionOf(table, since) : "unconfigured";
  const { refused, erasures, paused } = table;
  const setAside = table.setAside.map(({ count, ...interval }) => ({ ...interval, commits: count }));
  return {
    table: name,
    condition,
    text: sentence(condition, table, since),
    cursor: table.cursor,
    lagSeconds: since === undefined ? 0 : Math.max(0, (now.getTime() - Date.parse(since)) / 1_000),
    ...(table.load && { load: openLoad(table.load) }),
    ...(paused && { paused }),
    setAside,
    ...(refused && {
      refused: {
        objects: refused.objects,
        rows: refused.rows,
        since: refused.since,
        notBefore: refused.notBefore,
      },
    }),
    ...(erasures?.failure && { erasureFailure: erasures.failure }),
  };
}

function conditionOf({ load, paused }: PausableTable, since: string | undefined): TableCondition {
  if (load?.statementId !== undefined) return "loading";
  if (load?.failure !== undefined) return "failed";
  if (paused !== undefined) return "paused";
  return since === undefined ? "loaded" : "waiting";
}

function sentence(condition: TableCondition, table: PausableTable, since?: string): string {
  const { load, setAside, refused, erasures, paused } = table;
  const commits = setAside.reduce((sum, { count }) => sum + count, 0);
  return [
    ...(paused ? [pauseText(paused)] : []),
    WORDS[condition](load, since),
    ...(commits > 0 ? [`${commits} commits could not be read and are set aside`] : []),
    ...(refused ? [`the warehouse refuses ${refused.rows} rows, set aside since ${refused.since}`] : []),
    ...(erasures?.failure ? [`rows could not be erased: ${erasures.failure.error}`] : []),
  ].join("; ");
}

type Words = (load: TableState["load"], since: string | undefined) => string;

const WORDS: Readonly<Record<TableCondition, Words>> = {
  loaded: () => "all that the log holds is loaded",
  waiting: (load, since) =>
    load ? `a load of ${load.rows} rows is planned` : `the next tick reads commits from ${since}`,
  loading: (load) => {
    const retried = load!.failure ? `, attempt ${load!.attempt + 1}, after: ${load!.failure.error}` : "";
    return `a load of ${load!.rows} rows runs since ${load!.submittedAt}${retried}`;
  },
  paused: (load, since) => {
    if (load) return `a load of ${load.rows} rows is planned`;
    return since === undefined ? "nothing waits" : `commits from ${since} on wait`;
  },
  failed: (load) => {
    const { count, notBefore, error } = load!.failure!;
    const failed = count === 1 ? "failed" : `failed ${count} times`;
    return `a load of ${load!.rows} rows ${failed} and is tried again from ${notBefore}: ${error}`;
  },
  unconfigured: (load) =>
    load
      ? `no log type names this table any more, and its load of ${load.rows} rows stays open`
      : "no log type names this table any more",
};

function openLoad(load: NonNullable<TableState["load"]>): NonNullable<TableStatus["load"]> {
  const { id, path, attempt, rows, bytes, plannedAt, statementId, failure } = load;
  return {
    id,
    path,
    attempt,
    rows,
    bytes,
    plannedAt,
    ...(statementId !== undefined && { statementId }),
    ...(failure && {
      failure: { error: failure.error, count: failure.count, notBefore: failure.notBefore },
    }),
  };
}
