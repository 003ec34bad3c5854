import picomatch from "picomatch";
import { CommitLog } from "../../lambdas/commit-log/commit-log.ts";
import { placeOf } from "../../lambdas/commit-log/log-place.ts";
import { CommitLogError } from "../../lambdas/commit-log/commit-log-error.ts";
import type { TableSums } from "../../wire/loader-command.ts";
import { WireError } from "../../wire/wire-error.ts";
import { AccessError } from "../access/access-error.ts";
import type { Outcome } from "../access/place-command.ts";
import type { Place } from "../access/place.ts";
import { startProgress } from "../access/progress.ts";
import { readCommits } from "../commits/read-commits.ts";
import { segmentBounds } from "../commits/segment-listing.ts";
import { Audit, type AuditOptions } from "./audit.ts";
import type { AuditArguments } from "./command.ts";
import { countRows, RowObjects } from "./count-rows.ts";
import { readErasedRows } from "./read-erased-rows.ts";
import { type Failures, readFailures } from "./read-failures.ts";
import { tellHeartbeats } from "./read-heartbeats.ts";
import { type AuditReport, reportOf } from "./report.ts";
import { render } from "./render.ts";

/** Reads all there is of a place, says whether it balances, and what to do where it does not. */
export async function runAudit(place: Place, options: AuditArguments): Promise<Outcome> {
  try {
    const report = await audited(place, options);
    const { balanced: ok, ...json } = report;
    return { ok, json: { ok, ...json }, text: render(place.title, report, options) };
  } catch (error) {
    // The log is not what it should be: its words say where.
    if (!(error instanceof CommitLogError || error instanceof WireError)) throw error;
    throw new AccessError("BAD_LAKE", error.message, undefined, { cause: error });
  }
}

async function audited(place: Place, options: AuditArguments): Promise<AuditReport> {
  const { s3, bucket } = place;
  const { since } = options;
  const begun = new Date();
  const wants = wanted(options);
  const bounds = await segmentBounds(s3, bucket);
  const from = since && (await placeOf(since, new CommitLog(s3, bucket)));
  const beginsLate = since !== undefined || (bounds?.first ?? 1) > 1;
  const failures = await readFailures(place);
  // Asked first: what is committed from now on waits.
  const loaders = wants ? undefined : await askLoaders(place, { ...(from && { from }) });
  const tables = loaders?.tables.filter(
    ({ types }) => options.type === undefined || types.includes(options.type),
  );
  const audit = new Audit({
    now: begun,
    beginsLate,
    failures: failures.batches,
    ...(tables && { tables }),
    ...wants,
    ...(options.type !== undefined && { type: options.type }),
  });
  for await (const { type, rows } of readErasedRows(s3, bucket)) audit.erase(type, rows);
  const objects = wants && new RowObjects(audit);
  const progress = await startProgress(1, "reading the log");
  let commits = 0;
  const onSegment = (segment: number, last: number): void => {
    const first = from?.segment ?? 1;
    progress.at(
      (segment - first) / Math.max(1, last - first + 1),
      `${commits.toLocaleString("en-US")} commits`,
    );
  };
  try {
    for await (const found of readCommits(place, { from, onSegment })) {
      audit.add(found);
      objects?.add(found);
      commits++;
    }
  } finally {
    progress.end();
  }
  const heartbeats = await tellHeartbeats(audit, place);
  const rows = objects && (await countRows(objects, place));
  const inTables = wants && (await askLoaders(place, { sources: sourceIds(audit) }));
  const asked = loaders ?? inTables!;
  tellFaults(audit, failures, asked);
  if (wants && sourceIds(audit).length === 0) {
    const subject = options.source ?? options.host!;
    const text = `no file is known that is ${subject}: nothing of one has come, and no agent speaks of one`;
    audit.found({ kind: "unknown-file", subject, text, count: 1 });
  }
  return reportOf(audit, audit.end(), {
    begun,
    options,
    failures,
    heartbeats,
    beginsLate,
    hasNoLoader: asked.hasNone === true,
    ...(rows && { rows }),
    ...(inTables && { sourceTables: inTables.tables }),
  });
}

/** What could not be looked at is no proof of anything. */
function tellFaults(audit: Audit, { unreadable, hasMore }: Failures, { failure }: AskedLoaders): void {
  for (const { key, error } of unreadable) {
    audit.found({ kind: "unreadable", subject: key, text: error.message, count: 1, objects: [key] });
  }
  if (hasMore) {
    const text = "the failure bucket has more batches than were looked at";
    audit.found({ kind: "failed-batch", subject: "failures", text, count: 1, fix: ["weir replay --failed"] });
  }
  if (failure) {
    const hint = failure.hint === undefined ? "" : ` (${failure.hint})`;
    const text = `the tables could not be counted: ${failure.message}${hint}`;
    audit.found({ kind: "stuck", subject: "loader", text, count: 1 });
  }
}

/** Which files are asked for; undefined where all are. */
function wanted({ source, host }: AuditArguments): Pick<AuditOptions, "wants" | "wantsHost"> | undefined {
  if (source === undefined && host === undefined) return undefined;
  // A path has colons as well, and hosts have none.
  const [, hosts = "*", paths = "**"] = /^(?:([^:/]*):)?(.*)$/s.exec(source ?? "") ?? [];
  const isHost = picomatch(hosts);
  const isPath =
    source === undefined ? () => true : picomatch(paths, { dot: true, basename: !paths.includes("/") });
  const wantsHost = (name: string): boolean => (host === undefined || name === host) && isHost(name);
  return { wantsHost, wants: ({ host, path }) => wantsHost(host) && (path === paths || isPath(path)) };
}

const MAX_SOURCES = 200;

const sourceIds = (audit: Audit): string[] => Array.from(audit.sources, ({ id }) => id).slice(0, MAX_SOURCES);

/** What loaders answered, or why none did. */
interface AskedLoaders {
  readonly tables: readonly TableSums[];
  /** Rows stay in the lake. */
  readonly hasNone?: true;
  readonly failure?: { readonly message: string; readonly hint?: string };
}

/** A warehouse that is away is told, and hides nothing of the lake. */
async function askLoaders(
  place: Place,
  asked: { readonly from?: { segment: number; index: number }; readonly sources?: string[] },
): Promise<AskedLoaders> {
  try {
    return await place.invokeLoader({ command: "audit", ...asked });
  } catch (error) {
    if (!(error instanceof AccessError)) throw error;
    const { code, message, hint } = error;
    if (code === "NO_LOADER") return { tables: [], hasNone: true };
    if (code !== "REFUSED" && code !== "FUNCTION_FAILED") throw error;
    return { tables: [], failure: { message, ...(hint !== undefined && { hint }) } };
  }
}
