import { pipeline, Readable } from "node:stream";
import { createZstdDecompress } from "node:zlib";
import { segmentKey } from "../../wire/keys.ts";
import { COMMIT_MAX_BYTES } from "../../wire/limits.ts";
import { parseHead, type SegmentHead } from "../../wire/segment.ts";
import { boundedLines } from "./bounded-lines.ts";
import { CommitLogError } from "./commit-log-error.ts";

/** An entry without its line feed. */
export interface SegmentLine {
  readonly line: Buffer;
  readonly isLast: boolean;
}

/** A commit with its key, of 1,024 bytes, each of which JSON may write with six. */
const LINE_MAX_BYTES = COMMIT_MAX_BYTES + 16 * 2 ** 10;

/**
 * The entries' lines, as the segment comes in.
 *
 * @param body the segment; destroyed when the reader leaves
 * @throws CommitLogError BAD_SEGMENT, at the latest after the last line, unless they are those that the head counts
 */
export async function* segmentLines(body: Readable, segment: number): AsyncGenerator<SegmentLine> {
  const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
  try {
    const { head, rest } = await readHead(chunks, segment);
    let [count, bytes] = [0, 0];
    for await (const line of lines(unpacked(rest, chunks), segment)) {
      count++;
      bytes += line.length + 1;
      if (count <= head.commits) yield { line, isLast: count === head.commits };
    }
    if (count !== head.commits || bytes !== head.bytes) {
      const what = `${count} entries of ${bytes} bytes, and its head counts ${head.commits} of ${head.bytes}`;
      throw new CommitLogError("BAD_SEGMENT", `${segmentKey(segment)} holds ${what}`);
    }
  } finally {
    body.destroy();
  }
}

/** Some commits: smaller chunks cost a turn of the event loop each, larger ones only memory. */
const UNPACKED_CHUNK_BYTES = 256 * 2 ** 10;

/** Takes chunks up to the end of the head, and hands back what it took of the entries with them. */
async function readHead(
  chunks: AsyncIterator<Buffer, undefined>,
  segment: number,
): Promise<{ head: SegmentHead; rest: Buffer }> {
  const key = segmentKey(segment);
  const taken: Buffer[] = [];
  // Tried again when there is twice as much, so that a long head is not put together for each of its chunks.
  for (let bytes = 0, wanted = 0; ;) {
    const { value } = await chunks.next();
    if (value !== undefined) {
      taken.push(value);
      bytes += value.length;
      if (bytes < wanted) continue;
    }
    wanted = 2 * bytes;
    const start = Buffer.concat(taken);
    const parsed = parseHead(start, key);
    if (parsed?.head.segment === segment) return { head: parsed.head, rest: start.subarray(parsed.end) };
    if (parsed) throw new CommitLogError("BAD_SEGMENT", `${key} is segment ${parsed.head.segment}`);
    if (value === undefined) throw new CommitLogError("BAD_SEGMENT", `${key} is cut off`);
  }
}

/** Unpacks the frame of the entries. Leaving it closes the decompressor. */
function unpacked(first: Buffer, rest: AsyncIterator<Buffer, undefined>): AsyncIterable<Buffer> {
  const packed = async function* (): AsyncGenerator<Buffer> {
    yield first;
    for (let next = await rest.next(); next.value !== undefined; next = await rest.next()) yield next.value;
  };
  // What fails is thrown to whoever reads.
  return pipeline(
    Readable.from(packed()),
    createZstdDecompress({ chunkSize: UNPACKED_CHUNK_BYTES }),
    () => {},
  );
}

function lines(chunks: AsyncIterable<Buffer>, segment: number): AsyncGenerator<Buffer> {
  const bad = (what: string): CommitLogError =>
    new CommitLogError("BAD_SEGMENT", `${segmentKey(segment)} ${what}`);
  return boundedLines(chunks, {
    maxBytes: LINE_MAX_BYTES,
    tooLong: (bytes) => bad(`has a line of over ${bytes} bytes`),
    cutOff: () => bad("ends within a line"),
  });
}
