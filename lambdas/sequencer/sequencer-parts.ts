import type { S3Client } from "@aws-sdk/client-s3";
import type { LogHeads } from "./log-heads.ts";

export interface SequencerLimits {
  /** What a segment holds at most: commits, and bytes of lines, unpacked; exceeded by its first commit alone. */
  readonly commits: number;
  readonly bytes: number;
  /** Commits that the sweep looks up in the log at a time; by a page of keys more. */
  readonly lookups: number;
}

/**
 * Digests of 10,000 commits take 120 KB of a head, and as many listed commits some megabytes. So much text packs to
 * a tenth.
 */
export const SEQUENCER_LIMITS: SequencerLimits = { commits: 10_000, bytes: 64 * 2 ** 20, lookups: 10_000 };

/** What a run of the sequencer works with. */
export interface SequencerParts {
  readonly s3: S3Client;
  readonly bucket: string;
  readonly heads: LogHeads;
  readonly limits: SequencerLimits;
  readonly now: () => Date;
  /** True when no more work should be begun, and from then on. */
  readonly isTimeUp: () => boolean;
  readonly log: { warn(message: string, fields: Record<string, unknown>): void };
}
