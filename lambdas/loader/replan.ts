import { compareCursors } from "../commit-log/cursor.ts";
import { readLastLoad } from "./ledger/resume.ts";
import type { LoadParts } from "./load.ts";
import type { OpenLoad } from "./open-load.ts";
import type { Outcome } from "./outcome.ts";
import { appended } from "./set-aside.ts";
import type { TableState } from "./state.ts";
import type { Target } from "./target.ts";

type Failed = Extract<Outcome, { kind: "failed" }>;

/** Statements that read the load's own files, and those that read its objects, and count what they read. */
const OF_FILES: ReadonlySet<Failed["statement"]> = new Set(["copy-commits", "copy-ranges"]);
const OF_OBJECTS: ReadonlySet<Failed["statement"]> = new Set(["copy-rows", "count"]);

/** What COPY says of a key that is not there: of one of a manifest, of the manifest, and of one that it is given. */
const NOT_THERE = /NoSuchKey|Status 404|specified (?:key|S3 prefix .*) does not exist|mandatory/i;

/**
 * Whether a load may have failed because what it was planned of is no longer so: a file of its own is gone, which is
 * written anew, or an object is, or holds another number of rows, and the log may say by now what there is instead. For
 * its objects it is planned anew once: what fails again is the lake's own fault.
 */
export function isOutdated(load: OpenLoad, { cursor }: TableState, { statement, error }: Failed): boolean {
  if (load.retries !== undefined || load.search !== undefined) return false;
  if (OF_FILES.has(statement)) return NOT_THERE.test(error);
  if (load.replanned || isOfInterval(load, cursor) || !OF_OBJECTS.has(statement)) return false;
  return statement === "count" || NOT_THERE.test(error);
}

/** Whether it is of an interval that was set aside, and the log was read beyond that before. */
const isOfInterval = ({ log }: OpenLoad, cursor: TableState["cursor"]): boolean =>
  log !== undefined && compareCursors(log.to, cursor) < 0;

/** The table as it was before the load was planned, so that its commits are read from the log again. */
export async function unplanned(
  state: TableState,
  target: Target,
  error: string,
  { api, log }: LoadParts,
): Promise<TableState> {
  const { load, ...rest } = state;
  const { id, log: interval, commits, oldestCommitAt } = load!;
  log.warn("the load does not fit the lake: it is planned anew", { loadId: id, table: target.name, error });
  const anew = { ...rest, backlog: true, replanning: true as const };
  // Planned before there was a log: the ledger says where to begin, and what was claimed until then is compared.
  if (interval === undefined) {
    const { before: _, ...after } = { ...anew, ...(await readLastLoad(target, api)) };
    return after;
  }
  if (isOfInterval(load!, state.cursor)) {
    const again = { ...interval, count: commits.rows, oldestAt: oldestCommitAt };
    return { ...rest, setAside: appended(state.setAside, again) };
  }
  // What could not be read of it is found again.
  const setAside = state.setAside.filter(({ from }) => compareCursors(from, interval.from) < 0);
  return { ...anew, cursor: interval.from, setAside };
}
