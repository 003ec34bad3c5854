import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConfigError, parseConfig, type WeirConfigInput } from "../../wire/config.ts";
import { parseQuantity } from "../../wire/quantity.ts";

const types: WeirConfigInput["types"] = [
  { name: "a", parse: { format: "json" }, columns: [{ name: "x", type: "bigint" }] },
];

describe("a number with a unit", () => {
  test("may be written with another one", () => {
    const written = parseConfig(
      {
        router: { memoryMb: "2 GB", timeoutSeconds: "2 min", batchingWindowSeconds: "15s" },
        loader: { everyMinutes: "1 hour", ledgerDays: "12 weeks", memoryMb: "1GiB" },
        stream: { retentionHours: "3 days" },
        types,
      } satisfies WeirConfigInput,
      "weir.config.ts",
    );
    const numbers = parseConfig(
      {
        router: { memoryMb: 2_048, timeoutSeconds: 120, batchingWindowSeconds: 15 },
        loader: { everyMinutes: 60, ledgerDays: 84, memoryMb: 1_024 },
        stream: { retentionHours: 72 },
        types,
      },
      "weir.config.ts",
    );
    expect(written).toEqual(numbers);
  });

  test.each([
    ["2 parsecs", 'is no duration: write a number of s, such as 120, or "2 min"'],
    ["1.5 s", 'is no whole number of s: write a number of s, such as 120, or "2 min"'],
    ["120", 'is no duration: write a number of s, such as 120, or "2 min"'],
    ["1 MB", 'is no duration: write a number of s, such as 120, or "2 min"'],
    ["-2 min", 'is no duration: write a number of s, such as 120, or "2 min"'],
    ["2 h", "Too big: expected number to be <=900"],
  ])("is told with what is written instead: %s", (timeoutSeconds, message) => {
    const parse = (): unknown => parseConfig({ router: { timeoutSeconds }, types }, "weir.config.ts");
    expect(parse).toThrow(ConfigError);
    expect(parse).toThrow(`router.timeoutSeconds: ${message}`);
  });

  test("is the same in any unit of its kind", () => {
    const durations = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const;
    const name = fc.constantFrom(...(Object.keys(durations) as (keyof typeof durations)[]));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000 }), name, name, (amount, from, to) => {
        const expected = (amount * durations[from]) / durations[to];
        expect(parseQuantity(`${amount} ${from}`, to)).toBe(expected);
      }),
    );
    expect(
      ["64 KiB", "64 kB", "1,000 bytes", "1.5 MiB", "3 s", "5"].map((text) => parseQuantity(text, "bytes")),
    ).toEqual([65_536, 64_000, 1_000, 1_572_864, undefined, undefined]);
  });
});
