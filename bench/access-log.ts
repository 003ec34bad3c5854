import { open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

export interface WrittenLines {
  readonly lines: number;
  /** Line feeds included. */
  readonly bytes: number;
}

/** A line of the combined log format that differs from others in what differs in real ones. */
export function accessLine(n: number): string {
  const time = new Date(1_700_000_000_000 + n * 7).toISOString();
  const address = `10.${(n * 7) % 256}.${(n * 13) % 256}.${(n * 31) % 256}`;
  const request = `GET /photos/${(n * 2_654_435_761) % 1_000_003}/view?size=${n % 5} HTTP/1.1`;
  const agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
  return `${address} - - [${time}] "${request}" 200 ${(n * 7_919) % 100_000} "https://example.com/" "${agent}"\n`;
}

/** Writes a file of at least so many bytes. */
export async function writeAccessLog(path: string, minBytes: number): Promise<WrittenLines> {
  await using file = await open(path, "w");
  let bytes = 0;
  let lines = 0;
  while (bytes < minBytes) {
    let block = "";
    for (let i = 0; i < 5_000; i++) block += accessLine(lines++);
    bytes += (await file.write(block)).bytesWritten;
  }
  return { lines, bytes };
}

/** Appends to a file until the signal, at a steady rate: makes up for writes that came late. */
export async function growAccessLog(
  path: string,
  bytesPerWrite: number,
  writesPerSecond: number,
  signal: AbortSignal,
): Promise<WrittenLines> {
  await using file = await open(path, "a");
  const startedAt = performance.now();
  let bytes = 0;
  let lines = 0;
  for (let n = 0; !signal.aborted; n++) {
    let text = "";
    while (text.length < bytesPerWrite) text += accessLine(lines++);
    bytes += (await file.write(text)).bytesWritten;
    const dueMs = ((n + 1) * 1_000) / writesPerSecond - (performance.now() - startedAt);
    if (dueMs > 0) await sleep(dueMs, undefined, { signal }).catch(() => {});
  }
  return { lines, bytes };
}
