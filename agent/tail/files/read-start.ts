import { open } from "node:fs/promises";
import type { LineFeed } from "../../framing/line-feed.ts";
import type { Resume } from "../../framing/line-framer.ts";
import type { FileStat } from "../disk/file-stat.ts";

/** The end of a file that was there before us: what it holds so far is left out, a line begun included. */
export async function readStart({ path, size }: FileStat, lineFeed: LineFeed): Promise<Resume> {
  if (size === 0) return { offset: 0, standing: "line", gap: undefined };
  const isWhole = lineFeed.isEndOf(await lastBytes(path, size, lineFeed.unitBytes), size);
  return { offset: size, standing: isWhole ? "line" : "cut", gap: { from: 0, reason: "skipped", lines: 0 } };
}

async function lastBytes(path: string, size: number, bytes: number): Promise<Buffer> {
  const last = Buffer.alloc(Math.min(bytes, size));
  try {
    await using handle = await open(path);
    const { bytesRead } = await handle.read(last, 0, last.length, size - last.length);
    return last.subarray(0, bytesRead);
  } catch {
    // Unreadable now; following it will say so.
    return Buffer.alloc(0);
  }
}
