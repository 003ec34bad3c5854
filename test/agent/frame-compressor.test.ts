import { randomBytes } from "node:crypto";
import { zstdDecompressSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { FrameCompressor } from "../../agent/kinesis/frame-compressor.ts";
import { zstdFrameEnd } from "../../wire/zstd-frame.ts";

const allocate = (bytes: number): Buffer => Buffer.allocUnsafe(bytes);

test("each aggregate becomes one frame, wherever it lies in what zlib writes to", async () => {
  const compressor = new FrameCompressor(allocate);
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 50_000 });
  const contents = fc.oneof(
    bytes,
    fc.nat(400_000).map((size) => randomBytes(size + 1)),
  );
  await fc.assert(
    fc.asyncProperty(contents, async (content) => {
      const frame = await compressor.compress(Buffer.from(content));
      expect(zstdFrameEnd(frame)).toBe(frame.length);
      expect(zstdDecompressSync(frame).equals(content)).toBe(true);
    }),
  );
  compressor.close();
});

test("a frame that ends where a chunk of zlib's does is one frame, too", async () => {
  const compressor = new FrameCompressor(allocate);
  // Bytes that do not pack have a header of 10 before them, so four frames are 256 KiB.
  for (let i = 0; i < 9; i++) {
    const content = randomBytes(2 ** 16 - 10);
    const frame = await compressor.compress(content);
    expect(frame).toHaveLength(2 ** 16);
    expect(zstdDecompressSync(frame).equals(content)).toBe(true);
  }
  compressor.close();
});

test("whoever compresses with one that is closed is told", async () => {
  const compressor = new FrameCompressor(allocate);
  compressor.close();
  await expect(compressor.compress(Buffer.from("line"))).rejects.toThrow(/destroyed/);
});
