import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteBudget, PendingBytes } from "../../../agent/push/forward/pending-bytes.ts";

const MIB = 2 ** 20;

test("however bytes come and are taken, they are the same and in their order", () => {
  const steps = fc.array(fc.record({ chunk: fc.uint8Array({ maxLength: 50 }), share: fc.nat(100) }));
  const outcome = fc.property(steps, (steps) => {
    const pending = new PendingBytes(new ByteBudget(MIB));
    let whole = Buffer.alloc(0);
    for (const { chunk, share } of steps) {
      pending.append(Buffer.from(chunk));
      whole = Buffer.concat([whole, chunk]);
      expect(pending.bytes).toEqual(whole);
      const length = Math.floor((whole.length * share) / 100);
      expect(pending.take(length)).toEqual(whole.subarray(0, length));
      whole = whole.subarray(length);
      expect(pending.bytes).toEqual(whole);
    }
  });
  fc.assert(outcome);
});

test.each([0, 10])("a large message is let go of when it is taken, and %i bytes after it stay", (length) => {
  const pending = new PendingBytes(new ByteBudget(16 * MIB));
  const rest = Buffer.alloc(length, "r");
  for (let n = 0; n < 12; n++) pending.append(Buffer.alloc(MIB));
  pending.append(rest);
  expect(pending.take(12 * MIB)).toHaveLength(12 * MIB);
  expect(pending.bytes).toEqual(rest);
  expect(pending.bytes.buffer.byteLength).toBeLessThan(MIB);
});
