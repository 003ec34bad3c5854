import { undeliveredBytes } from "./pace.ts";
import type { Vitals } from "./vitals.ts";

/** Answer of `GET /healthz/...`: 200 when nothing is wrong, 503 otherwise. */
export interface Health {
  readonly ok: boolean;
  readonly problems: readonly string[];
}

export type HealthQuestion = "live" | "ready" | "progressing";

/**
 * Three questions with three remedies. Not live: restart it. Not ready: wait, or look at the stream.
 * Not progressing: a restart helps nothing, somebody has to look.
 */
export function health(question: HealthQuestion, vitals: Vitals, nowMs: number): Health {
  const problems = PROBLEMS[question](vitals, nowMs);
  return { ok: problems.length === 0, problems };
}

const PROBLEMS: Record<HealthQuestion, (vitals: Vitals, nowMs: number) => string[]> = {
  /** A process that answers is alive. */
  live: () => [],
  ready: unready,
  progressing: (vitals, nowMs) => [
    ...unready(vitals),
    ...unwritable(vitals, nowMs),
    ...tooMany(vitals),
    ...stalled(vitals),
  ],
};

/** The state directory is held and the inputs listen by then: an agent that cannot do so does not start. */
function unready({ openShards, stream }: Vitals): string[] {
  return openShards > 0 ? [] : [`the shards of stream ${stream} are not known yet`];
}

function tooMany({ waitingFiles }: Vitals): string[] {
  return waitingFiles > 0 ? [`${waitingFiles} files that match are not read: see tail.max_files`] : [];
}

function stalled({ pace, files, putFailure, stalledMs }: Vitals): string[] {
  const waitedMs = pace.stalledMs();
  if (waitedMs < stalledMs) return [];
  const waiting = files.filter((file) => undeliveredBytes(file) > 0);
  const bytes = waiting.reduce((sum, file) => sum + undeliveredBytes(file), 0);
  const summary = `${bytes} bytes of ${waiting.length} files wait, none acknowledged for ${Math.round(waitedMs / 1_000)} s`;
  const errors = waiting.flatMap(({ error, location }) =>
    error === undefined ? [] : [`${location}: ${error}`],
  );
  return [summary, ...(putFailure === undefined ? [] : [`PutRecords: ${putFailure}`]), ...errors];
}

/** Disks that do not take what must be kept: senders wait, or a restart would send much again. */
function unwritable({ pushed, checkpoint, stalledMs }: Vitals, nowMs: number): string[] {
  const problems: string[] = [];
  const { error } = pushed?.spool ?? {};
  if (error !== undefined) problems.push(`pushed events cannot be stored: ${error}`);
  const ageMs = nowMs - checkpoint.savedAtMs;
  if (checkpoint.failures > 0 && ageMs >= stalledMs)
    problems.push(`no checkpoint could be written for ${Math.round(ageMs / 1_000)} s`);
  return problems;
}
