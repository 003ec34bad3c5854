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
    [[type({ formerNames: ["access"] })], [], "types[0].formerNames[0]: its present name"],
    [
      [type({ formerNames: ["photo"] }), type({ name: "photo", formerNames: ["access"] })],
      [],
      /^types\[0\]\.formerNames\[0\]: "photo" is the name of a type: rows under it are that type's own\. To swap/,
    ],
    [
      [type({ formerNames: ["web"] }), type({ name: "photo", formerNames: ["web"] })],
      [],
      'types[1].formerNames[0]: "web" twice: it is a former name of "access" already',
    ],
    [[type()], ["access"], 'retired[0].type: "access" is among the types'],
    [[type({ formerNames: ["web"] })], ["web"], 'retired[0].type: "web" is a former name of "access"'],
    [[type()], ["web", "web"], 'retired[1].type: "web" twice'],
  ])("whose names of types leave open where rows belong is refused: %#", (types, names, message) => {
    const retired = names.map((type) => ({ type, waiting: "discard" }));
    const expected = typeof message === "string" ? message : expect.stringMatching(message);
    expect(problems({ types, retired })).toContainEqual(expected);
  });

  test.each([
    [
      "a setting in the place of another",
      { types: [type({ tags: ["a"], format: "json" })], memoryMb: 512 },
      /^types\[0\]: Unrecognized key: "tags": it is a setting of match\ntypes\[0\]: Unrecognized key: "format": it is a setting of parse and of time\nUnrecognized key: "memoryMb": it is a setting of router and of loader$/,
    ],
    ["an unknown setting", { types: [type()], retention: 5 }, /Unrecognized key: "retention"/],
    [
      "an unknown setting of a part",
      { types: [type()], stream: { shards: 5 } },
      /^stream: Unrecognized key: "shards"/,
    ],
    [
      "a parallelization factor, whatever it is",
      { types: [type()], router: { parallelizationFactor: 1 } },
      /^router: Unrecognized key: "parallelizationFactor": .*sequence numbers.*Leave the setting out.*more shards/,
    ],
    [
      "a parallelization factor beside another unknown setting",
      { types: [type()], router: { parallelizationFactor: 4, batch: 5 } },
      /^router: Unrecognized keys: "parallelizationFactor", "batch": .*more shards/,
    ],
    [
      "another unknown setting of the router",
      { types: [type()], router: { batch: 5 } },
      /^router: Unrecognized key: "batch": there is memoryMb, timeoutSeconds, batchSize, /,
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
      "a field of CSV twice",
      { types: [type({ parse: { format: "csv", fields: ["a", "b", "a"] } })] },
      /^types\[0\]\.parse\.fields: a name stands twice/,
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

  const loaded = (column: object, destination: object = {}, more: object = {}) => ({
    warehouse: { kind: "new-serverless", ...more },
    types: [
      type({
        columns: [{ name: "a", type: "bigint", ...column }],
        destinations: [{ to: "redshift", ...destination }],
      }),
    ],
  });
  const wide = Array.from({ length: 401 }, (_, i) => ({ name: `c${i}`, type: "bigint" }));

  test.each([
    ...["oid", "tableoid", "xmin", "cmin", "xmax", "cmax", "ctid", "insertxid", "deletexid"].map(
      (name) =>
        [`column ${name}`, loaded({ name }), /columns\[0\]\.name: Redshift keeps the column name/] as const,
    ),
    ...["", "_src", "_x", "a$b", "Status", "1st", "a-b", "a".repeat(128), "n\u00e4me"].map(
      (name) => [`column "${name}"`, loaded({ name }), /columns\[0\]\.name: lower-case letters/] as const,
    ),
    [
      "encoding az64 of texts",
      loaded({ type: "varchar(9)", encode: "az64" }),
      /columns\[0\]\.encode: .*az64/,
    ],
    ["encoding text255 of numbers", loaded({ encode: "text255" }), /columns\[0\]\.encode: .*text255/],
    ["encoding bytedict of super", loaded({ type: "super", encode: "bytedict" }), /\.encode: .*bytedict/],
    ["encoding delta of booleans", loaded({ type: "boolean", encode: "delta" }), /\.encode: .*delta/],
    [
      "encoding mostly8 of texts",
      loaded({ type: "varchar(9)", encode: "mostly8" }),
      /it has raw, bytedict, /,
    ],
    [
      "encoding mostly16 of smallint",
      loaded({ type: "smallint", encode: "mostly16" }),
      /\.encode: .*mostly16/,
    ],
    ["encoding mostly32 of integer", loaded({ type: "integer", encode: "mostly32" }), /\.encode: .*mostly32/],
    [
      "encoding delta32k of smallint",
      loaded({ type: "smallint", encode: "delta32k" }),
      /\.encode: .*delta32k/,
    ],
    ["encoding delta of timestamptz", loaded({ type: "timestamptz", encode: "delta" }), /\.encode: .*delta/],
    ["encoding text32k of char", loaded({ type: "char(9)", encode: "text32k" }), /\.encode: .*text32k/],
    ["encoding lzo of floats", loaded({ type: "real", encode: "lzo" }), /\.encode: .*lzo/],
    [
      "sorting by super",
      loaded({ type: "super" }, { sort: ["a"] }),
      /destinations\[0\]\.sort\[0\]: "a" is super/,
    ],
    ["sorting by _extra", loaded({}, { sort: ["_extra"] }), /\.sort\[0\]: "_extra" is super/],
    [
      "distributing by super",
      loaded({ type: "super" }, { distribution: { key: "a" } }),
      /\.distribution\.key: "a" is super/,
    ],
    [
      "sorting twice by a column",
      loaded({}, { sort: ["a", "a"] }),
      /destinations\[0\]\.sort\[1\]: "a" twice/,
    ],
    [
      "sorting by 401 columns",
      {
        warehouse: { kind: "new-serverless" },
        types: [
          type({ columns: wide, destinations: [{ to: "redshift", sort: wide.map(({ name }) => name) }] }),
        ],
      },
      /destinations\[0\]\.sort: 401 columns, and Redshift sorts by 400/,
    ],
    [
      "schema weir",
      loaded({}, { schema: "weir" }),
      /destinations\[0\]\.schema: schema "weir" holds the loader's ledger/,
    ],
    [
      "schema pg_logs",
      loaded({}, { schema: "pg_logs" }),
      /\.schema: Redshift keeps the schema name "pg_logs"/,
    ],
    ["schema information_schema", loaded({}, { schema: "information_schema" }), /keeps the schema name/],
    ["schema _x", loaded({}, { schema: "_x" }), /destinations\[0\]\.schema: lower-case/],
    [
      "table svv_tables",
      loaded({}, { table: "svv_tables" }),
      /destinations\[0\]\.table: "svv_tables" reads like/,
    ],
    ["table pg_class", loaded({}, { table: "pg_class" }), /destinations\[0\]\.table: "pg_class" reads like/],
    ["database user", loaded({}, {}, { database: "user" }), /warehouse\.database: "user" is a reserved word/],
    ["database template1", loaded({}, {}, { database: "template1" }), /warehouse\.database: Redshift has/],
    ["database Logs", loaded({}, {}, { database: "Logs" }), /warehouse\.database: lower-case/],
  ] as const)("that the warehouse refuses is refused first: %s", (_what, config, message) => {
    expect(problems(config).join("\n")).toMatch(message);
  });

  test("may name columns and tables by words that need quotes, since they always stand in quotes", () => {
    for (const name of ["user", "tag", "all", "table", "order"]) {
      expect(problems(loaded({ name }, { table: name, schema: name }))).toEqual([]);
    }
  });

  test("without a warehouse may name columns as it likes", () => {
    expect(problems({ types: [type({ columns: [{ name: "ctid", type: "bigint" }] })] })).toEqual([]);
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
  ["decimal(38,37)", { kind: "decimal", precision: 38, scale: 37 }],
  ["decimal(38,38)", undefined],
  ["decimal(39,0)", undefined],
  ["decimal(2,3)", undefined],
  ["bigint(4)", undefined],
  ["text", undefined],
])("column type %s reads as %o", (text, expected) => {
  expect(parseColumnType(text)).toEqual(expected);
});
