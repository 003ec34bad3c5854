import { createHash } from "node:crypto";
import { loadsFolder, MAIN_WAREHOUSE, statementPrefix } from "../../wire/warehouses.ts";
import { onTableRows, rebuilt } from "./ledger/differences.ts";
import type { LastLoad } from "./ledger/last-load.ts";
import { resumeText } from "./ledger/resume.ts";
import { conflictsOf } from "./load-conflicts.ts";
import { loadSql } from "./load-sql.ts";
import { named, statementName } from "./load-statement.ts";
import { type Outcome, readException, readOutcome } from "./outcome.ts";
import { fitLoad } from "./removed-columns/fit-load.ts";
import { isOutdated, unplanned } from "./replan.ts";
import { readyTable } from "./schema/ready-table.ts";
import { retryOf } from "./load-retry.ts";
import type { LoadEvent, LoadParts, Log, Step } from "./load-step.ts";
import type { OpenLoad } from "./open-load.ts";
import { isOfData, loadErrorDetails, withDetails } from "./set-aside/load-errors.ts";
import { readRefused, type RefusedObject } from "./set-aside/load-objects.ts";
import { probeSql } from "./set-aside/probe-sql.ts";
import { countRefused, readRefusedCount } from "./set-aside/retry-refused.ts";
import { endSearch, isProbe, probedOn, refusedOn } from "./set-aside/search-load.ts";
import type { TableState } from "./state.ts";
import { fingerprint } from "./table-ddl.ts";
import type { Target } from "./target.ts";

export type { LoadEvent, LoadNumbers, LoadParts, Log, Step } from "./load-step.ts";

/** What a load may take if nothing else is said; a setting says otherwise. */
const LOAD_TIMEOUT_MINUTES = 120;

/** Sees what became of a submitted load. */
export async function settle(state: TableState, target: Target, parts: LoadParts): Promise<Step> {
  const { load } = state;
  if (load?.statementId === undefined) return { state, events: [] };
  const outcome = await ask(load, parts);
  if (outcome.kind === "running") return cancelHung(state, load, target, parts);
  if (outcome.kind === "failed") return settleFailure(state, again(load), target, outcome, parts);
  if (isProbe(load)) return { state: { ...state, load: await probedOn(again(load), parts) }, events: [] };
  if (outcome.kind === "lacks-erasures") {
    parts.log.warn("the warehouse lacks erasures: they are made again", describe(load, target));
    const { erasures: _, prepared: __, ...rest } = state;
    const { erasures, ...anew } = again(load);
    const none = erasures && { erasures: { ...erasures, applied: 0 } };
    return { state: { ...rest, load: { ...anew, ...none } }, events: [] };
  }
  if (outcome.kind === "table-rows") return onTableRows(state, again(load), outcome.isMissing, target, parts);
  if (outcome.kind === "diverged") {
    try {
      return await rebuilt(state, target, parts);
    } catch (error) {
      return fail(state, again(load), target, readException(error), parts);
    }
  }
  if (outcome.kind === "loaded-before") return finishBefore(state, load, target, outcome, parts);
  if (outcome.kind !== "overlap") return finish(state, load, target, outcome, parts);
  parts.log.info("ranges overlap the ledger: the slow path takes over", describe(load, target));
  return { state: { ...state, load: again({ ...load, path: "slow" }) }, events: [] };
}

/** A load that takes longer than it may is cancelled, and tried again once it is over. */
async function cancelHung(
  state: TableState,
  load: OpenLoad,
  target: Target,
  { api, now, log, loadTimeoutMinutes = LOAD_TIMEOUT_MINUTES }: LoadParts,
): Promise<Step> {
  const minutes = (now().getTime() - Date.parse(load.submittedAt!)) / 60_000;
  if (minutes < loadTimeoutMinutes) return { state, events: [] };
  try {
    await api.cancel(load.statementId!);
  } catch (error) {
    log.warn("a load that takes too long could not be cancelled", { ...describe(load, target), error });
  }
  if (load.cancelledAt !== undefined) return { state, events: [] };
  const error = `cancelled, since it had run for ${Math.round(minutes)} minutes`;
  log.error("a load takes too long and is cancelled", { ...describe(load, target), minutes });
  const cancelled = { ...load, cancelledAt: now().toISOString() };
  return { state: { ...state, load: cancelled }, events: [{ kind: "failed", table: target.name, error }] };
}

/** What the warehouse refuses of a load's objects is looked for; any other failure is tried again. */
async function settleFailure(
  state: TableState,
  load: OpenLoad,
  target: Target,
  outcome: Extract<Outcome, { kind: "failed" }>,
  parts: LoadParts,
): Promise<Step> {
  // Whatever it was, the table may not be what it was when it was prepared.
  const { prepared: _, ...unprepared } = state;
  const details = await loadErrorDetails(outcome, parts.api);
  const error = withDetails(outcome.error, details);
  if (outcome.transient) return fail(unprepared, load, target, { ...outcome, error }, parts);
  if (isOutdated(load, state, outcome)) {
    return { state: await unplanned({ ...unprepared, load }, target, error, parts), events: [] };
  }
  const next = isOfData(outcome, details) && (await refusedOn(load, outcome.error, details, parts));
  if (!next) return fail(unprepared, await endSearch(load, parts), target, { ...outcome, error }, parts);
  parts.log.warn("objects are refused", { ...describe(next, target), error });
  return { state: { ...unprepared, load: next }, events: [] };
}

/** Submits an open load that is due, its table made ready first. */
export async function submit(state: TableState, target: Target, parts: LoadParts): Promise<Step> {
  let { load } = state;
  if (!load || load.statementId !== undefined || !isDue(load, target, parts.now()))
    return { state, events: [] };
  let prepared = state.prepared;
  try {
    load = await fitLoad(load, target, parts.lake);
    if (load.fitting !== undefined) return { state: { ...state, load }, events: [] };
    prepared = await readyTable(prepared, target, parts);
    const name = nameOf(load, target);
    const following = follow(load, state);
    const sqls = [
      timeoutSql(parts),
      ...(isProbe(load)
        ? probeSql(load, target, parts.storage)
        : loadSql({ ...following, resume: resumeText(state) }, target, parts.storage)),
    ];
    const statementId = await parts.api.submit(name, clientToken(load, sqls), sqls);
    const statements = sqls.map((sql) => statementName(sql)!);
    const submitted = { ...following, statements, statementId, submittedAt: parts.now().toISOString() };
    return { state: { ...state, prepared, load: submitted }, events: [] };
  } catch (error) {
    // Nobody knows whether it was taken: the attempt stays, and so does its token.
    return fail(
      prepared === undefined ? state : { ...state, prepared },
      load,
      target,
      readException(error),
      parts,
    );
  }
}

/** A setting of the session, which is the batch's own, so that no statement waits or runs for ever. */
const timeoutSql = ({ loadTimeoutMinutes = LOAD_TIMEOUT_MINUTES }: LoadParts): string =>
  named("timeout", `SET statement_timeout TO ${loadTimeoutMinutes * 60_000}`);

/** The load as the next one after the ledger's last. */
function follow(load: OpenLoad, { last, seed }: TableState): OpenLoad {
  const { last: _, ...anew } = load;
  const number = (last?.number ?? 0) + 1;
  return { ...anew, number, ...(last && { last }), ...(seed && { seed, path: "slow" as const }) };
}

/** The ledger's last load, now that this one is there; undefined where nobody knows its number. */
function lastAfter(
  { last }: TableState,
  load: OpenLoad,
  { kind }: Outcome,
  inserted: number | undefined,
): LastLoad | undefined {
  const { id, number, arrived } = load;
  if (number === undefined || (kind === "loaded-before" && load.last === undefined)) return last;
  // Without rows of its own, it says of the table what the one before did.
  const rows = inserted === 0 ? last?.arrived : inserted === undefined ? undefined : arrived;
  return { id, number, ...(rows && { arrived: rows }) };
}

async function ask(load: OpenLoad, { api, log }: LoadParts): Promise<Outcome> {
  try {
    return readOutcome(await api.describe(load.statementId!), load.statements);
  } catch (error) {
    log.warn("the load's statement could not be described", { loadId: load.id, error });
    // Another role has submitted it, or nobody whom the service remembers: it would stay so for ever. The next attempt
    // waits for this one's lock, and learns from the ledger what became of it.
    if ((error as Error).name === "AccessDeniedException")
      return { ...readException(error), transient: true };
    return { kind: "running" };
  }
}

/** The attempt that is in the ledger may have set objects aside that this state, made anew, knows nothing of. */
async function finishBefore(
  state: TableState,
  load: OpenLoad,
  target: Target,
  outcome: Extract<Outcome, { kind: "loaded-before" }>,
  parts: LoadParts,
): Promise<Step> {
  try {
    const refused = await readRefusedCount(target, parts);
    return await finish({ ...state, ...(refused && { refused }) }, load, target, outcome, parts);
  } catch (error) {
    return fail(state, again(load), target, readException(error), parts);
  }
}

async function finish(
  state: TableState,
  load: OpenLoad,
  target: Target,
  outcome: Extract<Outcome, { kind: "loaded" | "loaded-before" }>,
  parts: LoadParts,
): Promise<Step> {
  const { lake, now, log } = parts;
  const conflicts = await conflictsOf(load, target, outcome, parts);
  const inserted = outcome.kind === "loaded" ? (outcome.inserted ?? load.rows) : undefined;
  const erased = outcome.kind === "loaded" ? (outcome.erased ?? 0) : 0;
  // Of a load whose end nobody saw, weir.loads has the numbers.
  const duplicates = inserted === undefined ? {} : { duplicates: load.rows - inserted - erased };
  const record = {
    ...describe(load, target),
    outcome: outcome.kind,
    rows: load.rows,
    bytes: load.bytes,
    ...(inserted !== undefined && { inserted, ...duplicates }),
    ...(conflicts !== undefined && { conflicts: conflicts.count }),
    ...(erased > 0 && { erased }),
    seconds: (now().getTime() - Date.parse(load.plannedAt)) / 1_000,
  };
  await lake.put(`loads/done/${load.id}.json`, JSON.stringify(record));
  log.info("loaded", record);
  tellForgotten(load, target, parts);
  if (conflicts !== undefined) log.warn("lines claim one place", { ...describe(load, target), ...conflicts });
  const { load: _, last: __, seed: ___, ...rest } = state;
  const last = lastAfter(state, load, outcome, inserted);
  const refused = await readRefused(load, lake);
  const aside = refusedEvents(load, refused, target, log);
  const seconds = outcome.kind === "loaded" && outcome.seconds !== undefined && { seconds: outcome.seconds };
  const left = { ...duplicates, ...(erased > 0 && { erased }) };
  const numbers = { rows: inserted ?? 0, bytes: load.bytes, ...left, ...seconds };
  const told = conflicts && { conflicts: conflicts.count, conflict: conflicts.example };
  return {
    state: countRefused({ ...rest, ...(last && { last }) }, load, refused, target, now()),
    events: [{ kind: "loaded", table: target.name, ...numbers, ...told }, ...aside],
  };
}

const DAY_MS = 86_400_000;

/** Of rows that come so late, nobody knows whether they were there before: in doubt they are delivered, and told. */
function tellForgotten(load: OpenLoad, target: Target, { now, log }: LoadParts): void {
  const { arrived } = load;
  const { ledgerDays } = target;
  if (arrived === undefined || now().getTime() - Date.parse(`${arrived.from}Z`) < ledgerDays * DAY_MS) return;
  const hint = "what sources brought from which nothing has come since may be there twice";
  log.warn("rows arrived before the time that the ledger remembers", {
    ...describe(load, target),
    arrived,
    ledgerDays,
    hint,
  });
}

function fail(
  state: TableState,
  load: OpenLoad,
  target: Target,
  outcome: Extract<Outcome, { kind: "failed" }>,
  { now, log }: LoadParts,
): Step {
  const { error } = outcome;
  // While the warehouse is away it is the breaker that waits, for all tables.
  const count = (load.failure?.count ?? 0) + (outcome.isAway ? 0 : 1);
  const { waitMs, isTold } = retryOf(outcome, count);
  const failure = {
    error,
    count,
    notBefore: new Date(now().getTime() + waitMs).toISOString(),
    fingerprint: fingerprint(target),
  };
  const fields = { ...describe(load, target), ...failure };
  if (isTold) log.error("load failed", fields);
  else log.warn("load failed, trying again", fields);
  return {
    state: { ...state, load: { ...load, failure } },
    events: isTold ? [{ kind: "failed", table: target.name, error }] : [],
    ...(outcome.isAway && { away: error }),
  };
}

/** The load as a new attempt: its statement is over. */
function again(load: OpenLoad): OpenLoad {
  const next = { ...load, attempt: load.attempt + 1 };
  delete next.statementId;
  delete next.submittedAt;
  delete next.cancelledAt;
  return next;
}

function isDue({ failure }: OpenLoad, target: Target, now: Date): boolean {
  if (!failure || failure.fingerprint !== fingerprint(target)) return true;
  return now.toISOString() >= failure.notBefore;
}

/** The id of a load of another warehouse than the main one has the warehouse's folder already. */
function nameOf({ id }: OpenLoad, { warehouse = MAIN_WAREHOUSE }: Target): string {
  return `${statementPrefix(warehouse)}${id.slice(loadsFolder(warehouse).length)}`;
}

/**
 * At most 64 characters; within 8 hours the same token is the same statement. A load that is planned
 * anew, after somebody removed the state, is not; nor is one whose SQL has changed with the configuration
 * or the release: the ledger refuses the later of the two. Redshift Data API, read 2026-11
 */
function clientToken({ id, plannedAt, path, attempt }: OpenLoad, sqls: readonly string[]): string {
  const named = [id, plannedAt, path, attempt, ...sqls];
  return createHash("sha256").update(JSON.stringify(named)).digest("hex");
}

/** Examples in a log line of what may be many: it has the first few. */
const LOGGED_EXAMPLES = 5;

function refusedEvents(
  load: OpenLoad,
  refused: readonly RefusedObject[],
  target: Target,
  log: Log,
): LoadEvent[] {
  const [first] = refused;
  if (first === undefined) return [];
  const rows = refused.reduce((sum, { rows }) => sum + rows, 0);
  const told = { objects: refused.length, rows };
  log.error("objects set aside", {
    ...describe(load, target),
    ...told,
    first: refused.slice(0, LOGGED_EXAMPLES),
  });
  return [{ kind: "set-aside", table: target.name, ...told, error: first.error }];
}

const describe = ({ id, path, attempt, manifests }: OpenLoad, target: Target): Record<string, unknown> => ({
  loadId: id,
  table: target.name,
  path,
  attempt,
  manifests: manifests.map(({ key }) => key),
});
