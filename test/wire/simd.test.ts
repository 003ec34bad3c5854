import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { SIMD_MODULE_FILE, simdModule } from "../../bin/simd-module.mts";
import { JsonBody } from "../../agent/kinesis/request-body.ts";
import { AggregateBuilder } from "../../wire/aggregate.ts";
import { Simd } from "../../wire/simd.ts";

const vectors = new Simd();

/** Bytes of lengths on both sides of blocks, pieces and their padding. */
const message = fc
  .tuple(fc.oneof(fc.nat(300), fc.nat(70_000)), fc.integer())
  .map(([length, seed]) => Buffer.from(Array.from({ length }, (_, i) => (seed + i * 131) % 251)));

test("the module that is checked in is made of its source", async () => {
  expect(await simdModule()).toBe(await readFile(SIMD_MODULE_FILE, "utf8"));
});

test("four digests at once are those of OpenSSL, whatever the lengths", () => {
  fc.assert(
    fc.property(fc.tuple(message, message, message, message), (messages) => {
      const expected = messages.map((bytes) => createHash("md5").update(bytes).digest("hex"));
      expect(vectors.md5(messages).map((digest) => digest.toString("hex"))).toEqual(expected);
    }),
  );
});

test("base64 is Node's, and nothing beside it is written", () => {
  fc.assert(
    fc.property(message, fc.nat(20), (data, at) => {
      const expected = data.toString("base64");
      const out = Buffer.alloc(at + expected.length + 20, "!");
      expect(vectors.base64(data, out, at)).toBe(at + expected.length);
      expect(out.toString("latin1")).toBe("!".repeat(at) + expected + "!".repeat(20));
    }),
  );
});

/** The oracle: lines given one by one never meet the vectors. */
function recordsOneByOne(text: Buffer, keyIndex: number): Buffer {
  const builder = new AggregateBuilder(2 ** 20);
  const withKeys = () => {
    for (let i = 0; i <= keyIndex; i++) builder.add(`${i}`, Buffer.alloc(0), []);
  };
  withKeys();
  const head = builder.finish("0").length;
  withKeys();
  for (let at = 0, end = text.indexOf(10); end !== -1; at = end + 1, end = text.indexOf(10, at)) {
    builder.addSlice(`${keyIndex}`, text, at, end, []);
  }
  const DIGEST = 16;
  return builder.finish("0").subarray(head - DIGEST, -DIGEST);
}

const line = fc.oneof(
  { weight: 20, arbitrary: fc.string({ unit: "binary", maxLength: 300 }) },
  { weight: 1, arbitrary: fc.integer({ min: 16_000, max: 17_000 }).map((length) => "x".repeat(length)) },
);

test("lines are framed as they are one by one, up to the first that is left, and within the limit", () => {
  const lines = fc.array(
    line.map((text) => text.replaceAll("\n", "")),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(lines, fc.nat(140), fc.nat(20_000), fc.boolean(), (lines, keyIndex, room, isOpen) => {
      const text = Buffer.from(`before\n${lines.join("\n")}${isOpen ? "" : "\n"}`);
      const out = Buffer.alloc(room + 40, "!");
      const framed = vectors.frame(text, 7, text.length, out, 7, 7 + room, keyIndex);
      const expected = recordsOneByOne(text.subarray(7, framed.next), keyIndex);
      expect(framed.bytes).toBeLessThanOrEqual(room);
      expect(out.subarray(7, 7 + framed.bytes).equals(expected)).toBe(true);
      expect(out.subarray(7 + framed.bytes).every((byte) => byte === 0x21)).toBe(true);
      expect(text.subarray(7, framed.next).filter((byte) => byte === 10)).toHaveLength(framed.count);
      const first = text.indexOf(10, 7) - 7;
      const isEasy = keyIndex < 128 && first >= 0 && first < 16_000 && first + 10 <= room;
      if (isEasy) expect(framed.count).toBeGreaterThan(0);
    }),
  );
});

/** Evaluated here, and where there is no WebAssembly. */
function sample(Builder: typeof AggregateBuilder, Body: typeof JsonBody): string {
  const builder = new Builder(2 ** 20);
  const lines = Buffer.from(
    Array.from({ length: 3_000 }, (_, i) => `line ${i}${"x".repeat(i % 200)}`).join("\n"),
  );
  builder.addLines("tag", lines, 0, lines.length, [], 2 ** 20);
  const [partitionKey, explicitHashKey] = ["a", "1"];
  const record = {
    data: builder.finish("1"),
    partitionKey,
    explicitHashKey,
    source: undefined,
    acknowledge() {},
  };
  return new Body().write("stream", [record]).toString("base64");
}

test("without WebAssembly the same bytes are sent", () => {
  const script = `
    import { AggregateBuilder } from "./wire/aggregate.ts";
    import { JsonBody } from "./agent/kinesis/request-body.ts";
    delete globalThis.WebAssembly;
    process.stdout.write((${sample.toString()})(AggregateBuilder, JsonBody));`;
  const args = ["--input-type=module", "--eval", script];
  const cwd = new URL("../..", import.meta.url);
  expect(execFileSync(process.execPath, args, { cwd, encoding: "utf8", maxBuffer: 2 ** 24 })).toBe(
    sample(AggregateBuilder, JsonBody),
  );
});
