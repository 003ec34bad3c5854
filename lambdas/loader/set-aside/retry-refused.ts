import { PREFIX } from "../../../wire/keys.ts";
import type { LakeErasures } from "../erasure/lake-erasures.ts";
import type { Lake } from "../lake.ts";
import { timestamp } from "../ledger-commit.ts";
import type { LoadParts, Log } from "../load.ts";
import type { OpenLoad } from "../open-load.ts";
import { LoadPlan } from "../plan.ts";
import { fitPlan } from "../removed-columns/fit-plan.ts";
import type { RefusedCount, TableState } from "../state.ts";
import { fingerprint } from "../table-ddl.ts";
import type { Target } from "../target.ts";
import { ndjson, type RefusedObject } from "./load-objects.ts";
import { goneSql, waitingCountSql, waitingSql } from "./set-aside-sql.ts";

/** Objects that one load tries again: their commits are read one by one, and a statement names them all. */
const MAX_OBJECTS = 200;

const HOUR_MS = 3_600_000;
/** They are tried again after 1, 2, 4, 8, 16 hours, and then daily: somebody may have mended the table or the lake. */
const MAX_WAIT_HOURS = 24;

/** The table's state once a load has ended that left out what the warehouse refused, or tried it again. */
export function countRefused(
  state: TableState,
  load: OpenLoad,
  refused: readonly RefusedObject[],
  target: Target,
  now: Date,
): TableState {
  const before = state.refused;
  const rows = refused.reduce((sum, { rows }) => sum + rows, 0);
  if (load.retries !== undefined)
    return afterRetry({ ...state, backlog: true }, load, refused.length, target, now);
  if (refused.length === 0) return state;
  return {
    ...state,
    refused: {
      since: before?.since ?? now.toISOString(),
      objects: (before?.objects ?? 0) + refused.length,
      rows: (before?.rows ?? 0) + rows,
      ...(before?.round !== undefined && { round: before.round }),
      // What the configuration was when it was submitted.
      fingerprint: before?.fingerprint ?? state.prepared ?? fingerprint(target),
      tries: 0,
      notBefore: new Date(now.getTime() + HOUR_MS).toISOString(),
    },
  };
}

/** A round is over at once where its one load tried all that there is. */
function afterRetry(
  state: TableState,
  { retries, rows }: OpenLoad,
  again: number,
  target: Target,
  now: Date,
): TableState {
  const known = state.refused;
  if (known === undefined) return state;
  const tried = retries!.rows;
  const left = { objects: known.objects - (tried - again), rows: Math.max(0, known.rows - rows) };
  if (left.objects <= 0 || tried >= known.objects) return endRound(state, left, target, now);
  return { ...state, refused: { ...known, ...left } };
}

/** Whether set-aside objects of a table that has no load open are to be tried now. */
export function isRetryDue({ load, refused }: TableState, target: Target, now: Date): boolean {
  if (load !== undefined || refused === undefined) return false;
  if (refused.round !== undefined || refused.fingerprint !== fingerprint(target)) return true;
  return now.toISOString() >= refused.notBefore;
}

/** Plans a load of set-aside objects that were not tried in this round; without any, the round is over. */
export async function retryRefused(
  state: TableState,
  target: Target,
  erasures: LakeErasures,
  parts: LoadParts,
): Promise<TableState> {
  const { api, lake, now, log } = parts;
  const round = state.refused!.round ?? now().toISOString();
  const begun = { ...state, refused: { ...state.refused!, round } };
  const waiting = (await api.ask([waitingSql(target, timestamp(round), MAX_OBJECTS)])).map(
    ([object, commit]) => ({ object: String(object), commit: String(commit) }),
  );
  const { plan, gone } = await planOf(waiting, target, erasures, lake);
  if (gone.length > 0) await forget(gone, target, parts);
  if (plan.size === 0) {
    return gone.length > 0 ? begun : endRound(begun, await count(target, api), target, now());
  }
  const planned = plan.load({ from: state.cursor, to: state.cursor }, now());
  // One of the same commits is in the ledger already.
  const id = `${planned.id}-r${Math.floor(now().getTime() / 1_000).toString(36)}`;
  const retries = { key: `${PREFIX.loads}${id}/retries.ndjson`, rows: waiting.length };
  const listed = erasures.of(target).length;
  const load: OpenLoad = {
    ...relocated(planned, id),
    path: "slow",
    retries,
    ...(listed > 0 && { erasures: { listed, applied: state.erasures?.applied ?? 0 } }),
  };
  await fitPlan(plan, id, target, lake);
  for (const { key, body } of plan.files(load, lake.bucket)) await lake.put(key, body);
  await lake.put(retries.key, ndjson(waiting.map(({ object }) => ({ object_key: object }))));
  log.info("set-aside objects are tried again", { table: target.name, loadId: id, objects: waiting.length });
  return { ...begun, load };
}

interface Waiting {
  readonly object: string;
  readonly commit: string;
}

/** A load of these objects, or of what an erasure has put in their place, and those whose commit is gone. */
async function planOf(
  waiting: readonly Waiting[],
  target: Target,
  erasures: LakeErasures,
  lake: Lake,
): Promise<{ readonly plan: LoadPlan; readonly gone: readonly string[] }> {
  const plan = new LoadPlan(target);
  const gone: string[] = [];
  for (const [key, own] of byCommit(waiting)) {
    const read = await lake.commit(key);
    if (read === undefined) gone.push(...own);
    if (!read || "error" in read) continue;
    const names = read.commit.objects.map((object) => object.key);
    const rewritten = await erasures.rewritten(target, names);
    const objects = read.commit.objects.filter(
      (object) => own.includes(object.key) || own.includes(rewritten.get(object.key)?.key ?? ""),
    );
    plan.add(key, { ...read.commit, objects });
    const wanted = new Set(objects.map((object) => object.key));
    plan.replaceObjects(new Map([...rewritten].filter(([name]) => wanted.has(name))));
  }
  return { plan, gone };
}

async function count(target: Target, api: LoadParts["api"]): Promise<Pick<RefusedCount, "objects" | "rows">> {
  const [[objects, rows] = []] = await api.ask([waitingCountSql(target)]);
  return { objects: Number(objects ?? 0), rows: Number(rows ?? 0) };
}

/** What the warehouse says of a table's set-aside objects, where nobody remembers. They are due within the hour. */
export async function readRefusedCount(
  target: Target,
  { api, now }: Pick<LoadParts, "api" | "now">,
): Promise<RefusedCount | undefined> {
  const counted = await count(target, api);
  if (counted.objects === 0) return undefined;
  const since = now().toISOString();
  const notBefore = new Date(now().getTime() + HOUR_MS).toISOString();
  return { ...counted, since, fingerprint: fingerprint(target), tries: 0, notBefore };
}

function endRound(
  state: TableState,
  counted: Pick<RefusedCount, "objects" | "rows">,
  target: Target,
  now: Date,
): TableState {
  const { refused, ...rest } = state;
  if (counted.objects <= 0) return rest;
  const { round: _, tries, ...known } = refused!;
  const hours = Math.min(2 ** (tries + 1), MAX_WAIT_HOURS);
  return {
    ...rest,
    refused: {
      ...known,
      ...counted,
      fingerprint: fingerprint(target),
      tries: tries + 1,
      notBefore: new Date(now.getTime() + hours * HOUR_MS).toISOString(),
    },
  };
}

/** Objects whose commit somebody has removed from the lake. */
async function forget(
  objects: readonly string[],
  target: Target,
  { api, log }: { readonly api: LoadParts["api"]; readonly log: Log },
): Promise<void> {
  await api.run(goneSql(target, objects));
  log.warn("set-aside objects are gone", { table: target.name, count: objects.length, first: objects[0] });
}

function byCommit(waiting: readonly Waiting[]): Map<string, string[]> {
  const commits = new Map<string, string[]>();
  for (const { object, commit } of waiting) commits.set(commit, [...(commits.get(commit) ?? []), object]);
  return commits;
}

/** The same load under another id. */
function relocated(load: OpenLoad, id: string): OpenLoad {
  const moved = <T extends { readonly key: string }>(file: T): T => ({
    ...file,
    key: file.key.replace(load.id, id),
  });
  return {
    ...load,
    id,
    manifests: load.manifests.map(moved),
    objects: moved(load.objects!),
    commits: moved(load.commits),
    ranges: moved(load.ranges),
  };
}
