import { CommitLog } from "../../../lambdas/commit-log/commit-log.ts";
import { LOG_BEGINNING } from "../../../lambdas/commit-log/cursor.ts";
import { heartbeatObjects, readHeartbeats } from "../../../lambdas/commit-log/heartbeats.ts";
import { Audit, type AuditResult } from "../../../ops/audit/audit.ts";
import type { FoundCommit } from "../../../ops/commits/read-commits.ts";
import type { Commit } from "../../../wire/commit.ts";
import type { TableSums } from "../../../wire/loader-command.ts";
import { LAKE } from "./bucket.ts";
import { TAGS } from "./lines.ts";
import type { Simulation } from "./simulation.ts";

/** The audit balances, and it does not once one thing is taken away. */
export async function auditProblems(simulation: Simulation): Promise<string[]> {
  const { loader, random, failed } = simulation;
  const found = await commitsOf(simulation);
  const tables = await tablesOf(simulation);
  const result = await audited(simulation, found, tables);
  const problems = result.findings.map(({ kind, text }) => `the audit finds ${kind}: ${text}`);
  if (result.replayed.length !== new Set(failed.map(({ key }) => key)).size)
    problems.push(`the audit knows ${result.replayed.length} of ${failed.length} batches for replayed`);
  const notices = async (
    what: string,
    commits: readonly FoundCommit[],
    sums: readonly TableSums[],
  ): Promise<void> => {
    const { balanced } = await audited(simulation, commits, sums);
    if (balanced) problems.push(`the audit balances without ${what}`);
  };
  // A batch that came twice is in one load or in two: a smaller commit may be missing behind that.
  const repeated = found
    .filter((one, i) => !isLone(one, i, found))
    .reduce((sum, one) => sum + rowsOf(one), 0);
  const lone = found.filter((one, i) => isLone(one, i, found) && rowsOf(one) > repeated);
  if (lone.length > 0) {
    const { key } = random.pick(lone);
    const without = found.filter((one) => one.key !== key);
    await notices(`the commit ${key}`, without, tables);
    await notices(
      `an object of ${key}`,
      found.map((one) => (one.key === key ? withoutObject(one) : one)),
      tables,
    );
  }
  const full = tables.filter(({ rows = 0 }) => rows > 0);
  if (full.length > 0) {
    const { table } = random.pick(full);
    loader.warehouse.damage(`DELETE FROM ${table} WHERE rowid = (SELECT max(rowid) FROM ${table})`);
    await notices(`a row of ${table}`, found, await tablesOf(simulation));
  }
  return problems;
}

async function tablesOf({ loader }: Simulation): Promise<readonly TableSums[]> {
  const answer = await loader.command({ command: "audit" });
  if (!answer.ok) throw new Error(answer.error.message);
  return answer.tables;
}

async function commitsOf({ bucket }: Simulation): Promise<FoundCommit[]> {
  return Array.fromAsync(new CommitLog(bucket.memory.client(), LAKE).read(LOG_BEGINNING));
}

async function audited(
  { bucket, time, failed }: Simulation,
  commits: readonly FoundCommit[],
  tables: readonly TableSums[],
): Promise<AuditResult> {
  const audit = new Audit({ now: new Date(time.nowMs), tables, failures: failed });
  const s3 = bucket.memory.client();
  for (const found of commits) {
    audit.add(found);
    if (!("commit" in found)) continue;
    for (const { key } of heartbeatObjects(found.commit)) {
      for await (const one of readHeartbeats(s3, LAKE, key)) {
        if ("error" in one) throw one.error;
        audit.tell(one.heartbeat, one.arrivedAt);
      }
    }
  }
  return audit.end();
}

/** Rows for tables. */
function rowsOf(found: FoundCommit): number {
  if (!("commit" in found)) return 0;
  return TAGS.reduce((sum, tag) => sum + (found.commit.types[tag]?.rows ?? 0), 0);
}

/** Whether a commit alone has what it has. */
function isLone(found: FoundCommit, i: number, all: readonly FoundCommit[]): boolean {
  if (!("commit" in found)) return false;
  return all.every((other, j) => j === i || !("commit" in other) || !overlap(found.commit, other.commit));
}

/** By what they claim of the stream. */
const overlap = (a: Commit, b: Commit): boolean =>
  a.origin === b.origin &&
  BigInt(a.firstSequenceNumber) <= BigInt(b.lastSequenceNumber) &&
  BigInt(b.firstSequenceNumber) <= BigInt(a.lastSequenceNumber);

function withoutObject(found: FoundCommit): FoundCommit {
  if (!("commit" in found)) return found;
  const { commit } = found;
  const at = commit.objects.findIndex(({ kind }) => kind === "data");
  return { ...found, commit: { ...commit, objects: commit.objects.toSpliced(at, 1) } };
}
