import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { systemCode } from "../../agent-error.ts";
import { diskFs } from "../../machine/durable-fs.ts";
import { decodeHead, HEAD_BYTES, type SectionHead } from "./section-head.ts";
import { scanSegment } from "./segment-scan.ts";

/** What a spool holds, as far as its files tell. */
export interface SpoolExtent {
  readonly sourceId: string;
  /** Offset to which events were received. */
  readonly end: number;
  /** On disk. */
  readonly bytes: number;
}

interface Segment extends SectionHead {
  readonly path: string;
  readonly bytes: number;
}

/**
 * Looks into a spool from outside of the agent, and changes nothing. What is being written meanwhile may
 * be in or not.
 *
 * @returns undefined where there is no spool
 */
export async function spoolExtent(directory: string): Promise<SpoolExtent | undefined> {
  let bytes = 0;
  let last: Segment | undefined;
  for (const path of await segmentPaths(directory)) {
    const head = await readHead(path);
    if (head === undefined) continue;
    bytes += head.bytes;
    last = head;
  }
  return last && { sourceId: last.sourceId, end: await endOf(last), bytes };
}

async function segmentPaths(directory: string): Promise<string[]> {
  try {
    const names = await readdir(directory);
    return names
      .filter((name) => name.endsWith(".spool"))
      .sort()
      .map((name) => join(directory, name));
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
}

/** Undefined, too, for a segment that was deleted meanwhile: what it held is delivered. */
async function readHead(path: string): Promise<Segment | undefined> {
  try {
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const head = decodeHead(buffer.subarray(0, bytesRead), 0);
    return head && { ...head, path, bytes: (await file.stat()).size };
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function endOf(head: Segment): Promise<number> {
  const file = await diskFs.open(head.path);
  try {
    return (await scanSegment(file, head, Infinity)).end;
  } finally {
    await file.close();
  }
}
