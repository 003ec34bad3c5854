import type { CommitRef } from "./commit-ref.ts";
import type { Shards } from "./shards.ts";

/** Records of one source go to several shards: what was to come between two commits arrived about as they did. */
const MARGIN_MS = 60_000;

/** What is known of records that were given up, or that nobody could open. */
export interface GivenUp {
  readonly hasFailedBatches: boolean;
  readonly hasQuarantined: boolean;
}

/**
 * Command lines that bring back what is missing between two commits of a source: what was given up, or else the part of
 * the stream where it must have been.
 */
export function replayLines(
  after: CommitRef | undefined,
  before: CommitRef | undefined,
  shards: Shards,
  { hasFailedBatches, hasQuarantined }: GivenUp,
): string[] {
  const lines: string[] = [];
  if (hasFailedBatches) lines.push("weir replay --failed");
  if (hasQuarantined) lines.push("weir replay --quarantined");
  if (lines.length > 0) return lines;
  const [from, to] = [
    moved(after ?? before, -MARGIN_MS, "arrivedFrom"),
    moved(before ?? after, MARGIN_MS, "arrivedTo"),
  ];
  if (from === undefined || to === undefined) return [];
  const between = shards.between(from, to);
  const [only] = between;
  if (between.length === 1 && after?.origin === only && before?.origin === only && after !== before) {
    return [
      `weir replay --shard ${only} --from ${after!.lastSequenceNumber} --to ${before!.firstSequenceNumber}`,
    ];
  }
  const shard = between.length === 1 ? ` --shard ${only}` : "";
  return [`weir replay${shard} --from ${from} --to ${to}`];
}

function moved(
  commit: CommitRef | undefined,
  byMs: number,
  end: "arrivedFrom" | "arrivedTo",
): string | undefined {
  return commit && new Date(Date.parse(commit[end]) + byMs).toISOString();
}
