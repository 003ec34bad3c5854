import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { loadConfig } from "../../lib/load-config.ts";
import { parseColumnType } from "../../wire/column-type.ts";
import { ConfigError, parseConfig } from "../../wire/config.ts";

const type = (more: object = {}): unknown => ({
  name: "access",
  parse: { format: "json" },
  columns: [{ name: "status", type: "smallint" }],
  ...more,
});

function problems(config: unknown): readonly string[] {
  try {
    parseConfig(config, "weir.config.ts");
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe("a configuration", () => {
  test.each([
    ["weir.config.ts", ["access", "photo", "user"]],
    ["docs/examples/system-logs.config.ts", ["syslog", "java", "raw"]],
  ])("as published in %s is valid, and reads the same again from its JSON", async (file, types) => {
    const parsed = await loadConfig(fileURLToPath(new URL(`../../${file}`, import.meta.url)));
    expect(parsed.types.map(({ name }) => name)).toEqual(types);
    expect(parseConfig(JSON.parse(JSON.stringify(parsed)), "config.json")).toEqual(parsed);
  });

  test.each([
    ["an unknown setting", { types: [type()], retention: 5 }, /Unrecognized key: "retention"/],
    [
      "an unknown setting of a part",
      { types: [type()], stream: { shards: 5 } },
      /^stream: Unrecognized key: "shards"/,
    ],
    ["no log type", { types: [] }, /^types: /],
    ["a name no table can have", { types: [type({ name: "Access Log" })] }, /^types\[0\]\.name: lower-case/],
    [
      "a format that does not exist",
      { types: [type({ parse: { format: "xml" } })] },
      /^types\[0\]\.parse\.format: /,
    ],
    [
      "a broken pattern",
      { types: [type({ parse: { format: "regex", pattern: "(" } })] },
      /^types\[0\]\.parse\.pattern: Invalid/,
    ],
    [
      "a pattern without named groups",
      { types: [type({ parse: { format: "regex", pattern: "a" } })] },
      /named group/,
    ],
    [
      "a column type that does not exist",
      { types: [type({ columns: [{ name: "a", type: "int8" }] })] },
      /^types\[0\]\.columns\[0\]\.type: not a column type/,
    ],
    [
      "a column twice",
      {
        types: [
          type({
            columns: [
              { name: "a", type: "date" },
              { name: "a", type: "date" },
            ],
          }),
        ],
      },
      /^types\[0\]\.columns\[1\]\.name: "a" twice/,
    ],
    ["a type twice", { types: [type(), type()] }, /^types\[1\]\.name: "access" twice/],
    [
      "a table without a warehouse",
      { types: [type({ destinations: [{ to: "redshift" }] })] },
      /^types\[0\]\.destinations\[0\]: table logs.access needs a warehouse/,
    ],
    [
      "a sort key without a column",
      { types: [type({ destinations: [{ to: "redshift", sort: ["when"] }] })] },
      /no column "when"/,
    ],
    [
      "a retention beyond the service's",
      { types: [type()], stream: { retentionHours: 9_000 } },
      /^stream\.retentionHours: /,
    ],
  ])("with %s is refused, naming the field", (_claim, config, message) => {
    expect(problems(config).join("\n")).toMatch(new RegExp(message.source, "m"));
  });

  test("with several faults names them all", () => {
    expect(problems({ types: [type({ name: "A" })], loader: { everyMinutes: 0 } })).toHaveLength(2);
  });
});

test.each([
  ["bigint", { kind: "bigint" }],
  ["double precision", { kind: "double precision" }],
  ["varchar(64)", { kind: "varchar", maxBytes: 64 }],
  ["char(2)", { kind: "char", maxBytes: 2 }],
  ["decimal(12,2)", { kind: "decimal", precision: 12, scale: 2 }],
  ["decimal(38)", { kind: "decimal", precision: 38, scale: 0 }],
  ["varchar", undefined],
  ["varchar(0)", undefined],
  ["varchar(65536)", undefined],
  ["decimal(39,0)", undefined],
  ["decimal(2,3)", undefined],
  ["bigint(4)", undefined],
  ["text", undefined],
])("column type %s reads as %o", (text, expected) => {
  expect(parseColumnType(text)).toEqual(expected);
});
