import { open } from "node:fs/promises";
import type { Resume } from "./line-framer.ts";
import type { Sighting } from "./sighting.ts";

const LINE_FEED = 10;

/** The end of a file that was there before us: what it holds so far is left out, a line begun included. */
export async function readStart({ path, size }: Sighting): Promise<Resume> {
  if (size === 0) return { offset: 0, standing: "line", gap: undefined };
  const isWhole = (await lastByte(path, size)) === LINE_FEED;
  return { offset: size, standing: isWhole ? "line" : "cut", gap: { from: 0, reason: "skipped", lines: 0 } };
}

async function lastByte(path: string, size: number): Promise<number | undefined> {
  try {
    await using handle = await open(path);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
    return bytesRead === 1 ? buffer[0] : undefined;
  } catch {
    // Unreadable now; following it will say so.
    return undefined;
  }
}
