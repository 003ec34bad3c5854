import fc from "fast-check";
import { expect, test } from "vitest";
import { ForwardError } from "../../../agent/push/forward/forward-error.ts";
import { JsonWriter } from "../../../agent/push/forward/json-writer.ts";
import { MsgpackReader } from "../../../agent/push/forward/msgpack.ts";
import { MsgpackFramer } from "../../../agent/push/forward/msgpack-framer.ts";
import { encode, Ext, type Value } from "./encode.ts";
import { jsonText } from "./json-text.ts";

/** One for all: what is left of a value that was refused must not matter. */
const writer = new JsonWriter();

function json(bytes: Buffer): string {
  writer.clear();
  writer.value(new MsgpackReader(bytes));
  return writer.written().toString();
}

/** By hand from the specification, one for each form it has. */
const FORMS: readonly [hex: string, json: string][] = [
  ["00", "0"],
  ["7f", "127"],
  ["80", "{}"],
  ["81a16101", '{"a":1}'],
  ["90", "[]"],
  ["920102", "[1,2]"],
  ["a0", '""'],
  ["a161", '"a"'],
  ["c0", "null"],
  ["c2", "false"],
  ["c3", "true"],
  ["c40161", '"a"'],
  ["c5000161", '"a"'],
  ["c60000000161", '"a"'],
  ["c402ff00", '"base64:/wA="'],
  ["c7020501ff", '"ext:5:Af8="'],
  ["c800010561", '"ext:5:YQ=="'],
  ["c9000000010561", '"ext:5:YQ=="'],
  ["ca3fc00000", "1.5"],
  ["cb3ff8000000000000", "1.5"],
  ["cb7ff0000000000000", "null"],
  ["cb7ff8000000000000", "null"],
  ["ccff", "255"],
  ["cdffff", "65535"],
  ["ceffffffff", "4294967295"],
  ["cfffffffffffffffff", "18446744073709551615"],
  ["cf0020000000000001", "9007199254740993"],
  ["d080", "-128"],
  ["d18000", "-32768"],
  ["d280000000", "-2147483648"],
  ["d38000000000000000", "-9223372036854775808"],
  ["d4fb01", '"ext:-5:AQ=="'],
  ["d5050102", '"ext:5:AQI="'],
  ["d60501020304", '"ext:5:AQIDBA=="'],
  ["d7006553f1000000000c", '"2023-11-14T22:13:20.000000012Z"'],
  ["c708006553f100075bcd15", '"2023-11-14T22:13:20.123456789Z"'],
  ["d80500000000000000000000000000000000", '"ext:5:AAAAAAAAAAAAAAAAAAAAAA=="'],
  ["d90161", '"a"'],
  ["da000161", '"a"'],
  ["db0000000161", '"a"'],
  ["dc000101", "[1]"],
  ["dd0000000101", "[1]"],
  ["de00010102", '{"1":2}'],
  ["df0000000181c00102", '{"msgpack:gcAB":2}'],
  ["e0", "-32"],
  ["ff", "-1"],
];

test.each(FORMS)("%s reads as %s", (hex, expected) => {
  const bytes = Buffer.from(hex, "hex");
  expect(json(bytes)).toBe(expected);
  expect(new MsgpackFramer().end(bytes, 0)).toBe(bytes.length);
});

const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Number.isInteger(number)),
    fc.string({ unit: "grapheme", maxLength: 300 }),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc
      .tuple(fc.integer({ min: -128, max: 127 }), fc.uint8Array({ maxLength: 20 }))
      .map(([type, data]) => new Ext(type, Buffer.from(data))),
    fc.array(tie("value"), { maxLength: 20 }),
    fc
      .array(fc.tuple(fc.string({ unit: "grapheme" }), tie("value")), { maxLength: 20 })
      .map((entries) => new Map<Value, Value>(entries)),
  ),
}));

/** What JSON a value is due to become: the same rules, told the other way round. */
function expected(value: Value): string {
  if (typeof value === "bigint") return `${value}`;
  if (Buffer.isBuffer(value)) {
    const text = value.toString();
    return JSON.stringify(Buffer.from(text).equals(value) ? text : `base64:${value.toString("base64")}`);
  }
  if (value instanceof Ext) return json(encode(value));
  if (Array.isArray(value)) return `[${value.map(expected).join(",")}]`;
  if (!(value instanceof Map)) return JSON.stringify(value);
  return `{${Array.from(value, ([key, item]) => `${JSON.stringify(key)}:${expected(item)}`).join(",")}}`;
}

test("every value in every form becomes its JSON, and ends where it ends", () => {
  fc.assert(
    fc.property(
      value,
      fc.infiniteStream(fc.nat(5)),
      fc.uint8Array({ maxLength: 3 }),
      (value, widths, after) => {
        const bytes = encode(value, () => widths.next().value as number);
        expect(json(bytes)).toBe(expected(value));
        expect(new MsgpackFramer().end(Buffer.concat([bytes, after]), 0)).toBe(bytes.length);
        const reader = new MsgpackReader(Buffer.concat([bytes, after]));
        expect(reader.skip()).toEqual(bytes);
      },
    ),
  );
});

test("a value that comes in pieces ends at its last byte, and not before", () => {
  fc.assert(
    fc.property(value, fc.array(fc.nat(400)), (value, cuts) => {
      const bytes = encode(value);
      const framer = new MsgpackFramer();
      for (const cut of cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b)) {
        expect(framer.end(bytes.subarray(0, cut), 0)).toBe(undefined);
        expect(framer.leastBytes).toBeLessThanOrEqual(bytes.length);
      }
      expect(framer.end(bytes, 0)).toBe(bytes.length);
    }),
  );
});

/** JSON of values one after another, and what ended them. */
function outcome(bytes: Uint8Array, write: (reader: MsgpackReader) => string): [string[], unknown] {
  const reader = new MsgpackReader(Buffer.from(bytes));
  const written: string[] = [];
  try {
    while (!reader.done) written.push(write(reader));
    return [written, undefined];
  } catch (error) {
    expect(error).toBeInstanceOf(ForwardError);
    return [written, (error as ForwardError).message];
  }
}

const viaBytes = (reader: MsgpackReader) => {
  writer.clear();
  writer.value(reader);
  return writer.written().toString();
};

test("any bytes at all are read or refused as by way of strings, never more than there are", () => {
  // Heads come more often than by chance, so that what is in them is reached.
  const byte = fc.oneof(
    fc.nat(255),
    fc.nat({ max: 0x3f }).map((n) => 0x80 + n),
  );
  const text = fc.string({ unit: "binary", maxLength: 40 }).map((text) => encode(text));
  const piece = fc.oneof(
    byte.map((byte) => Buffer.of(byte)),
    text,
    value.map((value) => encode(value)),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const bytes = Buffer.concat(pieces);
      expect(outcome(bytes, viaBytes)).toEqual(outcome(bytes, jsonText));
    }),
    { numRuns: 1_000 },
  );
});

test("a count that its bytes cannot hold is refused before anything is made for it", () => {
  expect(() => json(Buffer.from("ddffffffff", "hex"))).toThrow("past the end");
  expect(() => json(Buffer.from("dfffffffff00", "hex"))).toThrow("past the end");
});

test("depth is bounded where values are read and free where they are passed over", () => {
  const deep = Buffer.concat([Buffer.alloc(100_000, 0x91), Buffer.of(0xc0)]);
  expect(new MsgpackFramer().end(deep, 0)).toBe(deep.length);
  expect(new MsgpackReader(deep).skip()).toHaveLength(deep.length);
  expect(json(deep)).toHaveLength(101 + '"msgpack:"'.length + 4 * Math.ceil((deep.length - 101) / 3) + 101);
});
