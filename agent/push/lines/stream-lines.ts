import type { LineCounts } from "./line-counts.ts";
import type { Spool } from "../spool/spool.ts";

const LINE_FEED = 10;

export interface LineStreamOptions {
  /** Asked for each time: it may change with the configuration, and so may the next. */
  readonly tag: () => string;
  readonly spool: Pick<Spool, "append" | "ready">;
  /** A longer line becomes several events: what has no end must not fill the memory. */
  readonly maxLineBytes: () => number;
  readonly signal: AbortSignal;
  readonly counts: LineCounts;
}

/**
 * Puts the lines of a stream into the spool until it ends, a last one without line feed included.
 * Nothing more is read while lines are not on disk, so a full spool holds back the writer.
 *
 * @throws AgentError SPOOL_CLOSED, and what the stream fails with
 */
export async function storeLines(stream: AsyncIterable<Buffer>, options: LineStreamOptions): Promise<void> {
  const { tag, spool, maxLineBytes, signal, counts } = options;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const { lines, end } = splitLines(bytes, maxLineBytes());
    await spool.ready(signal);
    await spool.append(lines.map((data) => ({ tag: tag(), data })));
    rest = bytes.subarray(end);
    counts.lines += lines.length;
    for (const { length } of lines) counts.bytes += length;
  }
  if (rest.length === 0) return;
  await spool.append([{ tag: tag(), data: rest }]);
  counts.lines++;
  counts.bytes += rest.length;
}

/** @returns the lines, and where the one that has only begun begins */
function splitLines(bytes: Buffer, maxLineBytes: number): { readonly lines: Buffer[]; readonly end: number } {
  const lines: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineFeed = bytes.indexOf(LINE_FEED, at);
    const end = lineFeed === -1 ? bytes.length : lineFeed;
    for (; end - at > maxLineBytes; at += maxLineBytes) lines.push(bytes.subarray(at, at + maxLineBytes));
    if (lineFeed === -1) return { lines, end: at };
    lines.push(bytes.subarray(at, end));
    at = end + 1;
  }
}
