import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { countLineFeeds } from "./truth.ts";

/**
 * Number of a line in its file, from 1.
 *
 * @param offset of the line in its source, which may be the file that stands there no longer
 * @returns undefined where the file does not have this line at this place
 */
export async function lineNumber(path: string, offset: number, line: string): Promise<number | undefined> {
  try {
    if (!(await holds(path, offset, line))) return undefined;
    let before = 0;
    if (offset > 0) {
      for await (const chunk of createReadStream(path, { end: offset - 1 }) as AsyncIterable<Buffer>) {
        before += countLineFeeds(chunk);
      }
    }
    return before + 1;
  } catch {
    // Rotated away, or another host's.
    return undefined;
  }
}

async function holds(path: string, offset: number, line: string): Promise<boolean> {
  await using file = await open(path);
  const expected = Buffer.from(line);
  const { bytesRead, buffer } = await file.read(Buffer.alloc(expected.length), 0, expected.length, offset);
  return bytesRead === expected.length && buffer.equals(expected);
}
