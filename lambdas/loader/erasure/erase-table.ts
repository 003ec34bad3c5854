import { createHash } from "node:crypto";
import type { DescribeStatementResponse } from "@aws-sdk/client-redshift-data";
import { MAIN_WAREHOUSE, statementPrefix } from "../../../wire/warehouses.ts";
import type { LoadParts, Step } from "../load.ts";
import { type Outcome, readException, readOutcome } from "../outcome.ts";
import { readyTable } from "../schema/ready-table.ts";
import type { TableState } from "../state.ts";
import { quoteText, type Target } from "../target.ts";
import { DELETE_ROWS_AT, eraseSql } from "./erase-sql.ts";
import type { LakeErasures } from "./lake-erasures.ts";

/** As of loads: a transient failure is tried again after 1, 2, 4, 8 and 16 minutes, any other after an hour. */
const TRANSIENT_RETRIES = 5;
const RETRY_MS = 60_000;
const FAILED_RETRY_MS = 3_600_000;

/**
 * Brings a table nearer to having had all erasures of its type: sees what became of the one that runs, and submits the
 * next. It never waits for one, and a table whose erasures fail is loaded all the same: a row that comes again
 * meanwhile is deleted with the others.
 */
export async function eraseTable(
  state: TableState,
  target: Target,
  erasures: LakeErasures,
  parts: LoadParts,
): Promise<Step> {
  const { state: settled, ended } = await settleErasure(state, target, parts);
  const { applied, running, failure } = settled.erasures ?? { applied: 0 };
  const isDue = failure === undefined || parts.now().toISOString() >= failure.notBefore;
  const isMissing = applied < erasures.of(target).length;
  if (running || !(ended || (isMissing && isDue))) return { state: settled, events: [] };
  try {
    const prepared = await preparedState(settled, target, parts);
    const had = await erasuresOf(target, parts);
    if (ended?.failure && !had.has(ended.id)) return fail(prepared, target, ended.failure, parts);
    return { state: await submitNext(prepared, had, target, erasures, parts), events: [] };
  } catch (error) {
    return fail(settled, target, readException(error), parts);
  }
}

type Failure = Pick<Extract<Outcome, { kind: "failed" }>, "error" | "transient">;

interface Settled {
  readonly state: TableState;
  /** The erasure whose statement is over. A failed one may be made all the same, by an earlier one. */
  readonly ended?: { readonly id: string; readonly failure?: Failure };
}

async function settleErasure(state: TableState, target: Target, parts: LoadParts): Promise<Settled> {
  const { erasures } = state;
  if (erasures?.running === undefined) return { state };
  const { running, ...rest } = erasures;
  const { id, statementId } = running;
  const over = { ...state, erasures: rest };
  let description: DescribeStatementResponse | undefined;
  try {
    description = await parts.api.describe(statementId);
  } catch (error) {
    parts.log.warn("the erasure's statement could not be described", { erasure: id, error });
    // Another role has submitted it: what became of it, only the ledger knows.
    if ((error as Error).name !== "AccessDeniedException") return { state };
    return { state: over, ended: { id, failure: { ...readException(error), transient: true } } };
  }
  const outcome = readOutcome(description);
  if (outcome.kind === "running") return { state };
  if (outcome.kind !== "loaded") {
    const failure = outcome.kind === "failed" ? outcome : { error: outcome.kind, transient: false };
    return { state: over, ended: { id, failure } };
  }
  const rows = description?.SubStatements?.at(DELETE_ROWS_AT)?.ResultRows;
  parts.log.info("erased", { erasure: id, table: target.name, rows });
  return { state: { ...over, erasures: { applied: rest.applied } }, ended: { id } };
}

async function preparedState(state: TableState, target: Target, parts: LoadParts): Promise<TableState> {
  const prepared = await readyTable(state.prepared, target, parts);
  return state.prepared === prepared ? state : { ...state, prepared };
}

/** Ids of the erasures that a table has had, as its ledger says. */
async function erasuresOf({ name }: Target, { api }: LoadParts): Promise<ReadonlySet<string>> {
  const rows = await api.ask([`SELECT erasure_id FROM weir.erasures WHERE target = ${quoteText(name)}`]);
  return new Set(rows.map(([id]) => String(id)));
}

/** Submits the first that the table has not had. */
async function submitNext(
  state: TableState,
  had: ReadonlySet<string>,
  target: Target,
  erasures: LakeErasures,
  { api, storage, now, log }: LoadParts,
): Promise<TableState> {
  const ids = erasures.of(target);
  const missing = ids.filter((id) => !had.has(id));
  const applied = ids.length - missing.length;
  const failure = state.erasures?.failure;
  const [id] = missing;
  if (id === undefined) return { ...state, erasures: { applied } };
  const name = `${statementPrefix(target.warehouse ?? MAIN_WAREHOUSE)}erase-${id}`;
  const submittedAt = now().toISOString();
  const sql = eraseSql(await erasures.record(id), target, storage);
  const statementId = await api.submit(name, clientToken(id, target, submittedAt), sql);
  log.info("erasing", { erasure: id, table: target.name });
  const running = { id, statementId, submittedAt };
  return { ...state, erasures: { applied, running, ...(failure && { failure }) } };
}

function fail(state: TableState, target: Target, { error, transient }: Failure, parts: LoadParts): Step {
  const count = (state.erasures?.failure?.count ?? 0) + 1;
  const retrying = transient && count <= TRANSIENT_RETRIES;
  const waitMs = retrying ? RETRY_MS * 2 ** (count - 1) : FAILED_RETRY_MS;
  const notBefore = new Date(parts.now().getTime() + waitMs).toISOString();
  const fields = { table: target.name, error, count, notBefore };
  if (retrying) parts.log.warn("erasing failed, trying again", fields);
  else parts.log.error("erasing failed", fields);
  const { prepared: _, ...unprepared } = state;
  const applied = state.erasures?.applied ?? 0;
  return {
    state: { ...unprepared, erasures: { applied, failure: { error, count, notBefore } } },
    events: retrying ? [] : [{ kind: "failed", table: target.name, error: `erasing: ${error}` }],
  };
}

function clientToken(id: string, { name }: Target, submittedAt: string): string {
  return createHash("sha256").update(`${id}:${name}:${submittedAt}`).digest("hex");
}
