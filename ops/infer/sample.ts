import { open, stat } from "node:fs/promises";
import { type FileLine, isPacked, readLines } from "../try/read-lines.ts";

/** A stretch of lines that follow one another. */
export type Stretch = readonly FileLine[];

/** What is looked at of a file: all of a smaller one. */
const WHOLE_MAX_BYTES = 8 * 2 ** 20;
const STRETCHES = 16;

/** What is read of a file that cannot be read at any place, such as a packed one. */
const READ_MAX_BYTES = 64 * 2 ** 20;
const STRETCH_LINES = 256;

const LINE_FEED = 0x0a;

/**
 * Lines from several places of a file, some that follow one another at each: all of a file of up to 8 MiB.
 *
 * @throws AccessError BAD_REQUEST for a file that cannot be read
 */
export async function sampleFile(file: string): Promise<Stretch[]> {
  const isPlain =
    file !== "-" &&
    (await stat(file).then(
      (stats) => stats.isFile(),
      () => false,
    ));
  if (!isPlain || (await isPacked(file))) return sampleStream(file);
  const { size } = await stat(file);
  return size <= WHOLE_MAX_BYTES ? sampleStream(file) : samplePlaces(file, size);
}

/** As many stretches as are kept; where there are more, every second one is left out, again and again. */
async function sampleStream(file: string): Promise<Stretch[]> {
  const maxBytes = WHOLE_MAX_BYTES / STRETCHES;
  let stretches: FileLine[][] = [];
  let [stretch, bytes, every, count] = [[] as FileLine[], 0, 1, 0];
  let kept = 0;
  const close = (): void => {
    if (stretch.length > 0 && count++ % every === 0) {
      stretches.push(stretch);
      kept += bytes;
    }
    [stretch, bytes] = [[], 0];
    if (kept <= WHOLE_MAX_BYTES) return;
    stretches = stretches.filter((_, i) => i % 2 === 0);
    kept = stretches.flat().reduce((sum, { data }) => sum + data.length, 0);
    every *= 2;
  };
  for await (const line of readLines(file)) {
    stretch.push(line);
    bytes += line.data.length;
    if (stretch.length === STRETCH_LINES || bytes > maxBytes) close();
    if (line.offset > READ_MAX_BYTES) break;
  }
  close();
  // With nothing left out between them, they are one.
  return every === 1 ? [stretches.flat()] : stretches;
}

async function samplePlaces(file: string, size: number): Promise<Stretch[]> {
  await using handle = await open(file);
  const length = WHOLE_MAX_BYTES / STRETCHES;
  const stretches: Stretch[] = [];
  for (let i = 0; i < STRETCHES; i++) {
    const position = Math.floor((i * (size - length)) / (STRETCHES - 1));
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(length), position });
    stretches.push(linesWithin(file, buffer.subarray(0, bytesRead), position));
  }
  return stretches;
}

/** The lines that are in a piece of a file whole; the first only where the file begins with it. */
function linesWithin(file: string, piece: Buffer, position: number): Stretch {
  const lines: FileLine[] = [];
  let at = position === 0 ? 0 : piece.indexOf(LINE_FEED) + 1;
  for (let feed = piece.indexOf(LINE_FEED, at); feed >= 0; feed = piece.indexOf(LINE_FEED, at)) {
    const number = position === 0 ? lines.length + 1 : undefined;
    lines.push({ file, number, offset: position + at, data: piece.subarray(at, feed) });
    at = feed + 1;
  }
  return lines;
}
