import { commitMinute } from "../../wire/keys.ts";
import type { Appended } from "./append.ts";
import { sequence } from "./sequence.ts";
import { SequencerError } from "./sequencer-error.ts";
import type { SequencerParts } from "./sequencer-parts.ts";
import { sweep } from "./sweep.ts";

/** How often a run finds anew what is to be appended, after another one was faster. */
const MAX_ATTEMPTS = 10;

export interface RunParts extends Omit<SequencerParts, "isTimeUp"> {
  /** When a run begins no more work for new commits. What is left of the time is the sweep's. */
  readonly until: Date;
  /** When the sweep begins no more. */
  readonly sweepUntil: Date;
}

export interface RunReport {
  readonly segments: number;
  readonly commits: number;
  /** Commits that the sweep has found. */
  readonly late: number;
  readonly unreadable: number;
  /** Age of the oldest commit that was left for the next run; 0: none was left. */
  readonly lagSeconds: number;
  /** Why a run stopped before its time was up. */
  readonly failures: readonly Error[];
}

/** One run: the new commits, and then, as long as there is time, the sweep. */
export async function run({ until, sweepUntil, ...parts }: RunParts): Promise<RunReport> {
  const { now } = parts;
  const sequenced = await sequenceNew({ ...parts, isTimeUp: isPast(until, now) });
  const swept = await sweep({ ...parts, isTimeUp: isPast(sweepUntil, now) });
  return {
    segments: sequenced.segments + swept.segments,
    commits: sequenced.commits + swept.commits,
    late: swept.commits,
    unreadable: sequenced.unreadable + swept.unreadable,
    lagSeconds: lagSeconds(sequenced, now()),
    failures: [sequenced.failure, swept.failure].filter((failure) => failure !== undefined),
  };
}

/** Once it is past, it stays so, whatever the clock is set to. */
function isPast(time: Date, now: () => Date): () => boolean {
  let isPast = false;
  return () => (isPast ||= now() >= time);
}

async function sequenceNew(parts: SequencerParts): Promise<Appended> {
  const total = { segments: 0, commits: 0, unreadable: 0 };
  for (let attempt = 1; ; attempt++) {
    const appended = await sequence(parts);
    total.segments += appended.segments;
    total.commits += appended.commits;
    total.unreadable += appended.unreadable;
    if (!appended.isOvertaken || parts.isTimeUp()) return { ...appended, ...total };
    if (attempt === MAX_ATTEMPTS) return { ...appended, ...total, failure: overtaken(attempt) };
  }
}

function overtaken(times: number): SequencerError {
  const hint = "look what else puts segments, or whether something lies in log/ that is none";
  return new SequencerError("OVERTAKEN", `another run put the next segment, ${times} times`, hint);
}

/** A run that was overtaken leaves what it found to whoever was faster. */
function lagSeconds({ stoppedAt }: Appended, now: Date): number {
  const minute = stoppedAt === undefined ? undefined : commitMinute(stoppedAt);
  return minute ? Math.max(0, (now.getTime() - minute.getTime()) / 1_000) : 0;
}
