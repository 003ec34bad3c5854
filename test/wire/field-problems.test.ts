import { describe, expect, test } from "vitest";
import { ConfigError, parseConfig, type WeirConfigInput } from "../../wire/config.ts";
import { fieldWarnings } from "../../wire/field-problems.ts";
import { formatFields } from "../../wire/format-fields.ts";
import type { Parser } from "../../wire/parser.ts";

type TypeInput = WeirConfigInput["types"][number];

function problems(type: Omit<TypeInput, "name">): readonly string[] {
  try {
    parseConfig({ types: [{ name: "t", ...type }] }, "weir.config.ts");
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

/** All formats whose fields are known before there is a line. */
const KNOWN: readonly (readonly [string, TypeInput["parse"]])[] = [
  ...(
    [
      "common",
      "combined",
      "vhost_combined",
      "nginx-main",
      "lighttpd",
      "alb",
      "s3-access",
      "syslog",
      "rfc5424",
      "cri",
      "nginx-error",
      "apache-error",
      "cloudfront",
      "vpc-flow",
      "raw",
    ] as const
  ).map((format) => [format, { format }] as const),
  ["nginx", { format: "nginx", logFormat: '$remote_addr [$time_local] "$request" $status $request_time' }],
  ["apache", { format: "apache", logFormat: '%h %l %u %t "%r" %>s %b %D' }],
  ["csv", { format: "csv", fields: ["started", "status", "request_bytes"] }],
  ["tsv", { format: "tsv", fields: ["started", "status"], more: "extra" }],
  ["regex", { format: "regex", pattern: String.raw`^(?<level>\w+) \(\?<no> (?<message>.*)$` }],
  ["any", { format: "any", of: [{ format: "combined" }, { format: "rfc5424" }] }],
  ["combined in cri", { format: "combined", from: { format: "cri", field: "message" } }],
];

describe("fields that a format never has", () => {
  test.each(KNOWN)("are told, and its own are not: %s", (_, parse) => {
    const fields = [...formatFields(parse as Parser).known.keys()];
    const columns = fields.map((field, i) => ({ name: `c${i}`, field, type: "super" }));
    expect(problems({ parse, columns })).toEqual([]);
    for (const [i, field] of fields.entries()) {
      const misspelt = `${field}x`;
      const isLong = field.length > 1;
      const meant = isLong ? `: did you mean "${field}"?` : "";
      const spoilt = columns.map((column) =>
        column.field === field ? { ...column, field: misspelt } : column,
      );
      expect(problems({ parse, columns: spoilt })).toEqual([
        expect.stringContaining(`columns[${i}].field: no field "${misspelt}" in this format${meant}`),
      ]);
      expect(problems({ parse, columns, time: { field: misspelt, format: "iso8601" } })).toEqual([
        expect.stringContaining(`time.field: no field "${misspelt}" in this format`),
      ]);
    }
  });

  test("are told by the column's own name where it is nearly one, or must have a value, with all that there are", () => {
    const parse: TypeInput["parse"] = { format: "csv", fields: ["host", "status"] };
    const columns = [
      { name: "staus", type: "smallint" },
      { name: "nothing", type: "smallint", nullable: false },
    ];
    expect(problems({ parse, columns })).toEqual([
      'types[0].columns[0].name: no field "staus" in this format: did you mean "status"?',
      'types[0].columns[1].name: no field "nothing" in this format: it has host, status',
    ]);
    const shared = [{ name: "nothing", type: "smallint" }];
    const { types } = parseConfig({ types: [{ name: "t", parse, columns: shared }] }, "weir.config.ts");
    expect([...fieldWarnings(types[0]!)]).toEqual([
      {
        path: ["columns", 0, "name"],
        message: 'NULL in every row: no field "nothing" in this format: it has host, status',
      },
    ]);
  });

  test("are told of what a line is wrapped in, and with the setting that gives them", () => {
    const columns = [{ name: "status", type: "smallint" }];
    expect(
      problems({ parse: { format: "combined", from: { format: "cri", field: "mesage" } }, columns }),
    ).toEqual(['types[0].parse.from.field: no field "mesage" in this format: did you mean "message"?']);
    const more = [{ name: "rest", field: "trailing", type: "super" }];
    expect(problems({ parse: { format: "combined" }, columns: more })).toEqual([
      'types[0].columns[0].field: no field "trailing" in this format: parse.trailing: "keep" gives it',
    ]);
    expect(problems({ parse: { format: "combined", trailing: "keep" }, columns: more })).toEqual([]);
    expect(problems({ parse: { format: "alb" }, columns: more })).toEqual([]);
  });

  test("are not those of the host, computed ones, ones of one value, and what lies below a field", () => {
    const columns: TypeInput["columns"] = [
      { name: "line", field: "_line", type: "varchar(100)" },
      { name: "tag", field: "_tag", type: "varchar(100)" },
      { name: "path", field: "_path", type: "varchar(100)" },
      { name: "zone", field: "_labels.zone", type: "varchar(100)" },
      { name: "is_error", value: "severity < 4", type: "boolean" },
      { name: "urgency", field: "severity", type: "varchar(9)", classes: { high: [0, 4], low: [4, 8] } },
      { name: "site", type: "varchar(9)", default: "paris" },
      { name: "trace", field: "structured_data.origin.ip", type: "varchar(9)" },
    ];
    expect(problems({ parse: { format: "rfc5424" }, columns, copy: [{ to: "u" }] })).toEqual([
      'types[0].copy[0].to: no type "u"',
    ]);
    expect(
      problems({
        parse: { format: "rfc5424" },
        columns: [{ name: "hosts", type: "varchar(9)", default: "a" }],
      }),
    ).toEqual([expect.stringContaining('no field "hosts" in this format: did you mean "host"?')]);
    expect(
      problems({
        parse: { format: "rfc5424" },
        columns: [{ name: "z", field: "_label.zone", type: "super" }],
      }),
    ).toEqual([expect.stringContaining('no field "_label.zone" in this format')]);
  });

  test("are not those of the host for event time, once a column takes them", () => {
    const time = { field: "_path", format: "/logs/%Y-%m-%d.log" };
    const line = { name: "line", type: "varchar(99)" };
    const path = { name: "path", field: "_path", type: "varchar(99)" };
    expect(problems({ parse: { format: "raw" }, time, columns: [line, path] })).toEqual([]);
    expect(problems({ parse: { format: "raw" }, time, columns: [line] })).toEqual([
      'types[0].time.field: no field "_path" in this format: it has line',
    ]);
  });

  test.each<TypeInput["parse"]>([
    { format: "json" },
    { format: "ltsv" },
    { format: "logfmt" },
    { format: "combined", from: "log" },
    { format: "json", from: { format: "cri", field: "message" } },
    { format: "any", of: [{ format: "combined" }, { format: "json" }] },
  ])("cannot be told of a format that has any: $format", (parse) => {
    const columns = [{ name: "anything", type: "super" }];
    expect(problems({ parse, columns, time: { field: "whenever", format: "iso8601" } })).toEqual([]);
  });

  test("are not guessed of a pattern or a template that is none", () => {
    const columns = [{ name: "status", type: "smallint" }];
    for (const parse of [
      { format: "regex", pattern: "(?<status" },
      { format: "nginx", logFormat: "$$$" },
    ] as const)
      expect(problems({ parse, columns })).toEqual([expect.stringContaining("types[0].parse.")]);
  });
});
