const LF = 0x0a;

/** Lines of over so many bytes, and an end within a line, are the reader's to name. */
export interface LineLimits {
  readonly maxBytes: number;
  readonly tooLong: (bytes: number) => Error;
  readonly cutOff: () => Error;
}

/** Lines without their line feeds, as chunks come in. Holds a chunk and a line. */
export async function* boundedLines(
  chunks: AsyncIterable<Buffer>,
  { maxBytes, tooLong, cutOff }: LineLimits,
): AsyncGenerator<Buffer> {
  let pieces: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      const piece = chunk.subarray(start, end);
      start = end + 1;
      yield pieces.length === 0 ? piece : Buffer.concat([...pieces, piece]);
      pieces = [];
      bytes = 0;
    }
    if (start === chunk.length) continue;
    pieces.push(chunk.subarray(start));
    bytes += chunk.length - start;
    if (bytes > maxBytes) throw tooLong(bytes);
  }
  if (bytes > 0) throw cutOff();
}
