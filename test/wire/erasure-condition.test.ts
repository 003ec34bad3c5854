import { describe, expect, test } from "vitest";
import { parseErasureCondition } from "../../wire/erasure-condition.ts";
import type { Column } from "../../wire/log-type.ts";

const TYPES: Readonly<Record<string, string>> = {
  n: "bigint",
  price: "decimal(12,4)",
  name: "varchar(20)",
  ok: "boolean",
  day: "date",
  ratio: "double precision",
  at: "timestamp",
  tree: "super",
  or: "varchar(8)",
};
const COLUMNS = Object.entries(TYPES).map(([name, type]): Column => ({ name, type, nullable: true }));
const parse = (text: string) => parseErasureCondition(text, COLUMNS);

describe("a condition", () => {
  test.each([
    ["n = 42", [{ column: "n", values: ["42"] }]],
    [" n=+042 ", [{ column: "n", values: ["42"] }]],
    ["n = '9223372036854775807'", [{ column: "n", values: ["9223372036854775807"] }]],
    ["n IN (1, -2,1)", [{ column: "n", values: ["1", "-2"] }]],
    [
      "name = 'it''s' and ok = TRUE",
      [
        { column: "name", values: ["it's"] },
        { column: "ok", values: ["true"] },
      ],
    ],
    [
      "name = '42' AND name in ('', ' x')",
      [
        { column: "name", values: ["42"] },
        { column: "name", values: ["", " x"] },
      ],
    ],
    ["price = 1.50", [{ column: "price", values: ["1.5"] }]],
    [
      "price = '-0.00' AND day = '2026-11-21'",
      [
        { column: "price", values: ["0"] },
        { column: "day", values: ["2026-11-21"] },
      ],
    ],
    ["or = 'OR 1=1 --'", [{ column: "or", values: ["OR 1=1 --"] }]],
  ])("%j is read", (text, terms) => {
    expect(parse(text)).toEqual(terms);
  });

  test.each([
    ["", /a column expected, not "the end"/],
    ["n", /"=" expected, not "the end"/],
    ["n = ", /a value expected, .* not the end/],
    ["n = 1 OR n = 2", /AND or the end expected, not "OR"/],
    ["n = 1 AND", /a column expected/],
    ["n > 1", /"> 1" is no part of a condition/],
    ["n = 1; DROP TABLE x", /"; DROP TABLE x" is no part/],
    ["n = 1 -- x", /"-- x" is no part/],
    ["n = name", /a value expected, .* not name/],
    ["n IN ()", /a value expected/],
    ["n IN (1", /"\)" expected, not "the end"/],
    ["n = 1.5", /'1.5' is no value of n, which is bigint/],
    ["n = 'x'", /'x' is no value of n/],
    ["ok = 'yes'", /'yes' is no value of ok/],
    ["day = 'today'", /'today' is no value of day/],
    ["name = 'open", /"'open" is no part/],
    ['"n" = 1', /is no part/],
    ["ratio = 1", /ratio is double precision, which nothing can be compared with exactly/],
    ["at = '2026-11-21'", /at is timestamp/],
    ["tree = 'x'", /tree is super/],
    ["nobody = 1", /the type has no column nobody/],
    ["constructor = 1", /the type has no column constructor/],
    [`n IN (${Array.from({ length: 501 }, (_, i) => i).join(",")})`, /more than 500 values/],
  ])("%j is refused, and why", (text, why) => {
    expect(() => parse(text)).toThrow(why);
    expect(() => parse(text)).toThrow(/at byte \d+/);
  });
});
