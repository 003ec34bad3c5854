import { createReadStream } from "node:fs";
import type { RejectReason } from "../../wire/reject.ts";

/** What a log file holds, told by the file and by nothing that carried it. */
export interface FileTruth {
  readonly path: string;
  readonly bytes: number;
  /** Lines that end in a line feed, and a last one that does not. */
  readonly lines: number;
  /** Source id under which the agent reads the file, where the caller knows. */
  readonly sourceId?: string;
}

export interface TypeTruth {
  readonly files: readonly FileTruth[];
  /** Lines that have to be rejected, where the writer of the files knows. */
  readonly mustReject?: Readonly<Partial<Record<RejectReason, number>>>;
}

/** By log type. */
export type Truth = Readonly<Record<string, TypeTruth>>;

const LINE_FEED = 0x0a;

/** Reads a file from end to end, or its first bytes, and counts. */
export async function countFile(path: string, signal?: AbortSignal, most = Infinity): Promise<FileTruth> {
  let bytes = 0;
  let lines = 0;
  let last = LINE_FEED;
  if (most === 0) return { path, bytes, lines };
  for await (const chunk of createReadStream(path, { signal, end: most - 1 }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    lines += countLineFeeds(chunk);
    last = chunk.at(-1) ?? last;
  }
  return { path, bytes, lines: last === LINE_FEED ? lines : lines + 1 };
}

/** As `countFile`, for the files of each type. */
export async function countFiles(
  paths: Readonly<Record<string, readonly string[]>>,
  signal?: AbortSignal,
): Promise<Truth> {
  const truth: Record<string, TypeTruth> = {};
  for (const [type, files] of Object.entries(paths)) {
    const counted: FileTruth[] = [];
    for (const path of files) counted.push(await countFile(path, signal));
    truth[type] = { files: counted };
  }
  return truth;
}

export function countLineFeeds(chunk: Uint8Array): number {
  let lines = 0;
  for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, at + 1)) lines++;
  return lines;
}
