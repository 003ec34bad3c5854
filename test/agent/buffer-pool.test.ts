import { expect, test } from "vitest";
import { BufferPool } from "../../agent/kinesis/buffer-pool.ts";

test("a buffer is used again for what is about as large, and for nothing while it is in use", () => {
  const pool = new BufferPool(2 ** 20);
  const first = pool.take(30_000);
  expect(first).toHaveLength(30_000);
  expect(pool.take(30_000).buffer).not.toBe(first.buffer);
  pool.give(first);
  expect(pool.take(5_000).buffer).not.toBe(first.buffer);
  const again = pool.take(32_768);
  expect(again).toHaveLength(32_768);
  expect(again.buffer).toBe(first.buffer);
});

test("what is kept is bounded, and makes room for sizes that are asked for now", () => {
  const pool = new BufferPool(2 ** 20);
  const large = Array.from({ length: 5 }, () => pool.take(2 ** 18));
  for (const buffer of large.slice(0, 4)) pool.give(buffer);
  pool.give(pool.take(2 ** 21));
  expect(pool.take(2 ** 18).buffer).toBe(large[3]!.buffer);
  pool.give(large[3]!);
  const small = pool.take(10_000);
  pool.give(small);
  expect(pool.take(10_000).buffer).toBe(small.buffer);
  expect(large.map(({ buffer }) => buffer)).not.toContain(pool.take(2 ** 18).buffer);
});
