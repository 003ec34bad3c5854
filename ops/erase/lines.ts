import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { objectLines } from "../../lambdas/commit-log/object-lines.ts";
import { codecOf } from "../../wire/keys.ts";

export { UnreadableObject } from "../../lambdas/commit-log/object-lines.ts";

const LF = Buffer.from("\n");

/** The lines of an object, each with its line feed. @throws UnreadableObject */
export async function linesOf(key: string, packed: Buffer): Promise<Buffer[]> {
  const lines: Buffer[] = [];
  for await (const line of objectLines(key, packed)) lines.push(Buffer.concat([line, LF]));
  return lines;
}

/** The lines as an object of the same codec, as routers pack them. */
export function packedLines(key: string, lines: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat(lines);
  if (codecOf(key) === "gzip") return gzipSync(bytes);
  return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
}

/** Small files of an erasure, which COPY reads as well: a line each. */
export function packedNdjson(values: readonly object[]): Buffer {
  return zstdCompressSync(values.map((value) => `${JSON.stringify(value)}\n`).join(""));
}
