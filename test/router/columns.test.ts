import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Router } from "../../lambdas/router/router.ts";
import type { LogType } from "../../wire/log-type.ts";
import { aggregate, configOf, linesOf, rejectsOf, rowsOf, streamRecord } from "./batch-fixture.ts";
import { copyRefuses } from "./copy-oracle.ts";

const KINDS = [
  "smallint",
  "integer",
  "bigint",
  "real",
  "double precision",
  "decimal(12,2)",
  "decimal(38,10)",
  "decimal(19,0)",
  "decimal(19,4)",
  "decimal(19,19)",
  "decimal(20,0)",
  "boolean",
  "date",
  "timestamp",
  "timestamptz",
  "varchar(12)",
  "varchar(65535)",
  "char(4)",
  "super",
];
const column = (type: string) => `c_${type.replaceAll(/\W/g, "_")}`;
const config = configOf([
  {
    name: "all",
    parse: { format: "json" },
    columns: KINDS.map((type) => ({ name: column(type), type })),
  },
]);
const router = new Router(config);
const type: LogType = config.types[0]!;

/** One JSON line through the router. */
function route(line: string) {
  return router.route([streamRecord(aggregate([{ tag: "all", data: line }]))]);
}

function written(kind: string, json: string): unknown {
  const routed = route(`{"${column(kind)}":${json}}`);
  return rowsOf(routed)[0]?.[column(kind)] ?? rejectsOf(routed)[0]?.reason ?? null;
}

const numberText = fc.oneof(
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.tuple(fc.bigInt({ min: 0n, max: 10n ** 30n }), fc.nat(999_999_999)).map(([a, b]) => `${a}.${b}`),
  fc.tuple(fc.integer(), fc.integer({ min: -420, max: 420 })).map(([a, b]) => `${a}e${b}`),
);
const time = fc
  .date({ min: new Date("0001-01-02T00:00:00Z"), max: new Date("9999-12-30T00:00:00Z"), noInvalidDate: true })
  .map((date) => date.toISOString());
/** JSON texts of all sorts, many of them near some column's edge. */
const json = fc.oneof(
  numberText,
  numberText.map((text) => JSON.stringify(text)),
  fc.string({ unit: "binary", maxLength: 14 }).map((text) => JSON.stringify(text)),
  fc.string({ unit: "grapheme", maxLength: 14 }).map((text) => JSON.stringify(text)),
  fc.json({ maxDepth: 3 }),
  time.map((text) => JSON.stringify(text)),
  time.map((text) => JSON.stringify(text.slice(0, 10))),
  fc.constantFrom(
    '""',
    "null",
    "true",
    '"yes"',
    String.raw`"\u0000"`,
    String.raw`"\ud800"`,
    String.raw`"\\N"`,
  ),
);

describe("whatever a line holds", () => {
  test("COPY takes the row that comes of it, or the line is rejected with a reason", () => {
    const line = fc
      .uniqueArray(fc.tuple(fc.constantFrom(...KINDS.map(column), "other", "__proto__", "Other"), json), {
        selector: ([name]) => name,
        maxLength: 6,
      })
      .map((fields) => `{${fields.map(([name, value]) => `"${name}":${value}`).join(",")}}`);
    fc.assert(
      fc.property(line, (line) => {
        const routed = route(line);
        for (const row of linesOf(routed, "data")) expect(copyRefuses(row, type)).toBeUndefined();
        for (const reject of rejectsOf(routed)) expect(reject.data).toBe(line);
        expect(routed.commit.types["all"]).toMatchObject({ lines: 1 });
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("a value that fits its column arrives as it was", () => {
  test("whole numbers to the last digit, as JSON number or text, beyond 2^53 as text", () => {
    for (const [kind, bits] of [
      ["smallint", 16n],
      ["integer", 32n],
      ["bigint", 64n],
    ] as const) {
      const half = 2n ** (bits - 1n);
      fc.assert(
        fc.property(fc.bigInt({ min: -half, max: half - 1n }), fc.boolean(), (value, quoted) => {
          const read = written(kind, quoted ? `"${value}"` : `${value}`);
          expect(BigInt(read as string | number)).toBe(value);
          expect(typeof read).toBe(Number.isSafeInteger(Number(value)) ? "number" : "string");
        }),
        { numRuns: 200 },
      );
      expect(written(kind, `${half}`)).toBe("range");
      expect(written(kind, `${-half - 1n}`)).toBe("range");
      expect(written(kind, "1e400")).toBe("range");
      expect(written(kind, "1.5")).toBe("type");
      expect(written(kind, "12.0")).toBe(12);
    }
  });

  test("decimals to the last digit", () => {
    const digits = fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n });
    fc.assert(
      fc.property(digits, fc.boolean(), (unscaled, quoted) => {
        const text = `${unscaled}`.replace("-", "").padStart(11, "0");
        const decimal = `${unscaled < 0n ? "-" : ""}${text.slice(0, -10)}.${text.slice(-10)}`;
        const read = written("decimal(38,10)", quoted ? `"${decimal}"` : decimal) as string;
        const [whole = "", fraction = ""] = read.replace("-", "").split(".");
        expect(BigInt(whole + fraction.padEnd(10, "0")) * (read.startsWith("-") ? -1n : 1n)).toBe(unscaled);
      }),
      { numRuns: 200 },
    );
    expect(written("decimal(12,2)", "1.005")).toBe("range");
    expect(written("decimal(12,2)", "1.500")).toBe("1.5");
    expect(written("decimal(12,2)", "1e9")).toBe("1000000000");
    expect(written("decimal(12,2)", "1e10")).toBe("range");
    expect(written("decimal(12,2)", "1e999999999")).toBe("range");
    // Redshift keeps 19 digits in 64 bits.
    expect(written("decimal(19,0)", "9223372036854775807")).toBe("9223372036854775807");
    expect(written("decimal(19,0)", "9223372036854775808")).toBe("range");
    expect(written("decimal(19,4)", "-922337203685477.5807")).toBe("-922337203685477.5807");
    expect(written("decimal(19,4)", "-922337203685478")).toBe("range");
    expect(written("decimal(19,19)", "0")).toBe("0");
    expect(written("decimal(20,0)", "9223372036854775808")).toBe("9223372036854775808");
    expect(written("decimal(12,2)", "-0.00")).toBe("0");
  });

  test("floating point numbers", () => {
    fc.assert(
      fc.property(fc.double({ min: -1e308, max: 1e308, noNaN: true }), (value) => {
        fc.pre(value === 0 || Math.abs(value) >= 1e-307);
        expect(written("double precision", String(value))).toBe(value === 0 ? 0 : value);
      }),
    );
    expect(written("real", "1e38")).toBe("range");
    expect(written("real", "1e-38")).toBe("range");
    expect(written("double precision", "1e-400")).toBe("range");
    expect(written("double precision", '"NaN"')).toBe("type");
  });

  test("text of any characters but NUL and lone surrogates, up to so many bytes of UTF-8", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400 }), (text) => {
        fc.pre(!text.includes("\0") && text !== String.raw`\N`);
        expect(written("varchar(65535)", JSON.stringify(text))).toBe(text);
      }),
    );
    expect(written("varchar(12)", '"äöüäöü"')).toBe("äöüäöü");
    expect(written("varchar(12)", '"äöüäöü."')).toBe("length");
    expect(written("varchar(12)", String.raw`"a\u0000"`)).toBe("type");
    expect(written("varchar(12)", String.raw`"\ud83d"`)).toBe("type");
    expect(written("varchar(12)", String.raw`"\ud83d\ude00"`)).toBe("😀");
    expect(written("varchar(12)", String.raw`"\\N"`)).toBe("type");
    expect(written("varchar(12)", "12.5")).toBe("12.5");
    expect(written("varchar(12)", "[1]")).toBe("type");
    expect(written("char(4)", '"abcd"')).toBe("abcd");
    expect(written("char(4)", '"é"')).toBe("type");
  });

  test("times and dates", () => {
    fc.assert(
      fc.property(time, (text) => {
        const expected = text.replace("T", " ").replace("Z", "");
        expect(written("timestamp", JSON.stringify(text))).toBe(expected);
        expect(written("timestamptz", JSON.stringify(text))).toBe(`${expected}+00`);
        expect(written("date", JSON.stringify(text.slice(0, 10)))).toBe(text.slice(0, 10));
      }),
    );
    expect(written("timestamp", '"2026-11-21T10:00:00.123456+09:00"')).toBe("2026-11-21 01:00:00.123456");
    expect(written("timestamp", '"2026-02-29T10:00:00Z"')).toBe("type");
    expect(written("timestamp", '"0001-01-01T00:00:00Z"')).toBe("0001-01-01 00:00:00.000");
    expect(written("timestamp", '"0001-01-01T00:00:00+01:00"')).toBe("type");
    expect(written("date", '"2024-02-29"')).toBe("2024-02-29");
    expect(written("date", '"1900-02-29"')).toBe("type");
  });

  test("JSON in SUPER, numbers with all their digits", () => {
    const line = `{"${column("super")}":{"id":12345678901234567890,"f":0.12345678901234567890,"n":null}}`;
    const [row] = linesOf(route(line), "data");
    expect(row).toContain(
      `"${column("super")}":{"id":12345678901234567890,"f":0.12345678901234567890,"n":null}`,
    );
    expect(written("super", JSON.stringify("x".repeat(65_536)))).toBe("length");
    expect(written("super", JSON.stringify("x".repeat(65_535)))).toHaveLength(65_535);
    expect(written("super", `${"[".repeat(1_001)}${"]".repeat(1_001)}`)).toBe("type");
    expect(written("super", "[1e400]")).toBe("range");
    expect(written("super", '"1e400 in a text"')).toBe("1e400 in a text");
    expect(written("super", String.raw`"a\\u0000"`)).toBe(String.raw`a\u0000`);
    expect(written("super", String.raw`"a\u0000"`)).toBe("type");
  });
});

test("nothing nests deep enough to stop the router", () => {
  const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
  for (const name of [column("super"), column("bigint"), column("varchar(12)"), "other"]) {
    expect(rejectsOf(route(`{"${name}":${deep}}`))).toMatchObject([{ reason: "type" }]);
  }
});

test("an empty text is no value where a column holds no text, and an empty text where it does", () => {
  const [row] = rowsOf(
    route(
      `{${KINDS.slice(0, 16)
        .map((kind) => `"${column(kind)}":""`)
        .join(",")}}`,
    ),
  );
  expect(Object.entries(row!).filter(([name]) => name.startsWith("c_"))).toEqual([
    [column("varchar(12)"), ""],
  ]);
});
