import type { Commit } from "../../wire/commit.ts";

/** What of a commit leads a person to it, and to the records it was made of. */
export interface CommitRef {
  readonly key: string;
  /** Shard, or another origin. */
  readonly origin: string;
  readonly firstSequenceNumber: string;
  readonly lastSequenceNumber: string;
  readonly arrivedFrom: string;
  readonly arrivedTo: string;
}

export function refOf(key: string, commit: Commit): CommitRef {
  const { origin, firstSequenceNumber, lastSequenceNumber, arrivedFrom, arrivedTo } = commit;
  return { key, origin, firstSequenceNumber, lastSequenceNumber, arrivedFrom, arrivedTo };
}
