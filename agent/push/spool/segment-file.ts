import { basename, dirname } from "node:path";
import type { Logger } from "pino";
import { systemCode } from "../../agent-error.ts";
import type { DurableFile, DurableFs } from "../../machine/durable-fs.ts";
import type { Segment } from "./segment.ts";

/** What the spool is read from. */
export type SegmentFile = Pick<DurableFile, "read" | "close">;

const NO_BYTES: SegmentFile = { read: async () => 0, close: async () => {} };

/** What somebody has taken away holds no bytes: all of it is damage. @param all of the spool's segments */
export async function openSegment(
  fs: DurableFs,
  segment: Segment,
  all: readonly Pick<Segment, "path">[],
  log: Logger,
): Promise<SegmentFile> {
  try {
    return await fs.open(segment.path);
  } catch (error) {
    if (systemCode(error) !== "ENOENT" || !(await isTakenAway(fs, segment, all))) throw error;
    log.error({ path: segment.path }, "a segment of the spool was taken away");
    return NO_BYTES;
  }
}

/** Not by us, and not with all of its disk, which may come back. */
async function isTakenAway(
  fs: DurableFs,
  segment: Segment,
  all: readonly Pick<Segment, "path">[],
): Promise<boolean> {
  if (segment.isRemoved) return false;
  const names = new Set(await fs.list(dirname(segment.path)));
  const isThere = ({ path }: Pick<Segment, "path">) => names.has(basename(path));
  return !isThere(segment) && all.some(isThere);
}
