import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { commitMinute, parseSegmentKey, segmentKey } from "../../wire/keys.ts";
import { entryLine, parseEntry, unreadableLine } from "../../wire/segment-entry.ts";
import { headDigests, headKeys, keyDigest, parseHead } from "../../wire/segment.ts";
import { zstdFrameEnd } from "../../wire/zstd-frame.ts";
import { commitOf, segmentOf } from "../commit-log/log-fixture.ts";

const text = fc.string({ unit: "binary" });

describe("entries", () => {
  test("give back key and body as they were, on one line", () => {
    fc.assert(
      fc.property(text, fc.json(), (key, json) => {
        const line = entryLine(key, Buffer.from(json)).toString();
        expect(line.indexOf("\n")).toBe(line.length - 1);
        expect(parseEntry(line.slice(0, -1))).toEqual({ key, json });
        expect(JSON.parse(line)).toEqual({ key, commit: JSON.parse(json) as unknown });
      }),
    );
  });

  test("hold a body that was printed over several lines on one", () => {
    fc.assert(
      fc.property(text, fc.jsonValue(), (key, value) => {
        const line = entryLine(key, Buffer.from(JSON.stringify(value, undefined, 2))).toString();
        expect(line.indexOf("\n")).toBe(line.length - 1);
        expect(JSON.parse(line)).toEqual({ key, commit: JSON.parse(JSON.stringify(value)) as unknown });
      }),
    );
  });

  test("say why a commit cannot be read", () => {
    fc.assert(
      fc.property(text, text, (key, why) => {
        const line = unreadableLine(key, why).toString();
        expect(parseEntry(line.slice(0, -1))).toEqual({ key, unreadable: why });
      }),
    );
  });

  test.each(["", "{}", '{"key":"a"}', '{"commit":{},"key":"a"}', '{"key":"a","commit":{', "commits/x"])(
    "%j is none",
    (line) => {
      expect(() => parseEntry(line)).toThrow(expect.objectContaining({ code: "BAD_SEGMENT" }));
    },
  );
});

describe("a segment", () => {
  test("unpacks, frame by frame, to NDJSON with the head first", async () => {
    const { bytes, head } = await segmentOf(7, [commitOf(1), { key: "commits/x", unreadable: "no" }]);
    const end = zstdFrameEnd(bytes)!;
    expect(zstdFrameEnd(bytes.subarray(end))).toBe(bytes.length - end);
    const lines = [bytes.subarray(0, end), bytes.subarray(end)].map((frame) => zstdDecompressSync(frame));
    const [first, ...entries] = Buffer.concat(lines).toString().trimEnd().split("\n");
    expect(JSON.parse(first!)).toEqual(head);
    expect(entries.map((line) => (JSON.parse(line) as { key: string }).key)).toEqual([
      commitOf(1).key,
      "commits/x",
    ]);
  });

  test("has a head that is read from as much of it as holds the head, and from no less", async () => {
    const { bytes, head } = await segmentOf(7, [commitOf(1), commitOf(2)]);
    const { end } = parseHead(bytes, "k")!;
    for (let length = 0; length < end; length++) {
      expect(parseHead(bytes.subarray(0, length), "k")).toBeUndefined();
    }
    for (let length = end; length <= bytes.length; length++) {
      expect(parseHead(bytes.subarray(0, length), "k")).toEqual({ head, end });
    }
  });

  test("may have fields in its head that this version does not know", async () => {
    const { bytes, head } = await segmentOf(1, [commitOf(1)], { later: "version" } as object);
    const { later: _, ...known } = head as typeof head & { later: string };
    expect(parseHead(bytes, "k")!.head).toEqual(known);
  });

  test.each([
    ["no zstd", Buffer.from("plain text")],
    ["no JSON", zstdCompressSync("plain text")],
    ["another version", zstdCompressSync('{"version":2}')],
  ])("with a head that is %s is none, and is named", (_, bytes) => {
    expect(() => parseHead(bytes, "log/x")).toThrow(
      expect.objectContaining({ code: "BAD_SEGMENT", message: "log/x has no head of a segment" }),
    );
  });
});

test("where a frame ends is found, whatever it holds and whatever follows", () => {
  const random = fc.uint8Array({ maxLength: 3_000 });
  const repeated = fc
    .tuple(random, fc.nat(300))
    .map(([bytes, times]) => Buffer.alloc(bytes.length * times, bytes));
  fc.assert(
    fc.property(fc.oneof(random, repeated), random, (content, after) => {
      const frame = zstdCompressSync(content);
      expect(zstdFrameEnd(Buffer.concat([frame, after]))).toBe(frame.length);
      for (const cut of [1, 4, frame.length - 1]) {
        expect(zstdFrameEnd(frame.subarray(0, frame.length - cut))).toBeUndefined();
      }
    }),
  );
});

test("digests of keys pass through the head, in order", () => {
  fc.assert(
    fc.property(fc.array(text), (keys) => {
      const digests = keys.map(keyDigest);
      expect(headDigests({ keys: headKeys(digests) })).toEqual(digests);
    }),
  );
  expect(Buffer.from(headKeys([keyDigest("abc")]), "base64").toString("hex")).toBe(
    "ba7816bf8f01cfea414140de",
  );
});

describe("keys", () => {
  test("of segments sort by their numbers and are read back", () => {
    const number = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(number, number, (a, b) => {
        expect(segmentKey(a) < segmentKey(b)).toBe(a < b);
        expect(parseSegmentKey(segmentKey(a))).toBe(a);
      }),
    );
    expect(segmentKey(42)).toBe("log/00000000000000000042.ndjson.zst");
    for (const key of ["log/42.ndjson.zst", "log/sweep.json", `x${segmentKey(1)}`, `${segmentKey(1)}x`]) {
      expect(parseSegmentKey(key)).toBeUndefined();
    }
  });

  test("of commits tell their minute, whatever their name", () => {
    expect(commitMinute("commits/2026/11/21/07/05/whatever")).toEqual(new Date("2026-11-21T07:05:00Z"));
    for (const key of ["commits/x", "commits/2026/11/21/07/05", "commits/2026/13/21/07/05/x", "data/x"]) {
      expect(commitMinute(key), key).toBeUndefined();
    }
  });
});
