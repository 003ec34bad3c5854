import type { FollowedFile } from "../tail/files/followed-file.ts";

/** What the monitor has to know of a source: where it is, how far it is read and delivered, what ails it. */
export type WatchedSource = Pick<
  FollowedFile,
  | "source"
  | "tag"
  | "location"
  | "phase"
  | "size"
  | "read"
  | "gap"
  | "delivery"
  | "error"
  | "isAtEnd"
  | "isOpen"
  | "changedAtMs"
> &
  // Of files alone.
  Partial<Pick<FollowedFile, "whyPolled" | "limitedTo" | "goneAtMs" | "isUnlinked">>;
