import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lineText } from "../../lambdas/router/line-text.ts";
import { Misfit } from "../../lambdas/router/misfit.ts";
import { SKIPPED } from "../../lambdas/router/parse/skipped.ts";
import { RowWriter } from "../../lambdas/router/row-writer.ts";
import { accessLines, photoLines, take } from "../../bench/sample-lines.ts";
import type { WeirConfigInput } from "../../wire/config.ts";
import { ARRIVED_AT, configOf } from "./batch-fixture.ts";

const arrivedAtMs = ARRIVED_AT.getTime();

function writerOf(type: WeirConfigInput["types"][number]): RowWriter {
  return new RowWriter(configOf([type]).types[0]!);
}

/** A line by the short way: event time and columns, undefined where it leaves the line to the general path. */
function short(writer: RowWriter, data: Buffer): [number, string] | undefined {
  const plain = writer.plain!;
  const epochMs = plain.scan(data, arrivedAtMs);
  if (Number.isNaN(epochMs)) return undefined;
  const out = Buffer.alloc(plain.maxBytes + 8, 0xee);
  const end = plain.write(out, 8);
  return end < 0 ? undefined : [epochMs, out.toString("utf8", 8, end)];
}

function general(writer: RowWriter, data: Buffer): [number, string] | Misfit {
  const line = lineText(data);
  const fields = typeof line === "string" ? writer.parse(line) : line;
  if (fields instanceof Misfit) return fields;
  if (fields === SKIPPED) throw new Error("skipped");
  const epochMs = writer.eventTime(fields, arrivedAtMs);
  if (typeof epochMs !== "number") return epochMs;
  const columns = writer.columns(fields, arrivedAtMs);
  return typeof columns === "string" ? [epochMs, columns] : columns;
}

/** Lines that the short way took, of those it was shown. It may never differ from the general path. */
function compare(writer: RowWriter, lines: readonly (string | Buffer)[]): number {
  let taken = 0;
  for (const line of lines) {
    const data = Buffer.from(line);
    const plain = short(writer, data);
    if (plain === undefined) continue;
    expect([data.toString(), plain]).toEqual([data.toString(), general(writer, data)]);
    taken++;
  }
  return taken;
}

const JSON_TYPE: WeirConfigInput["types"][number] = {
  name: "photo",
  parse: { format: "json" },
  time: { field: "time", format: "iso8601" },
  columns: [
    { name: "photo_id", type: "bigint", nullable: false },
    { name: "small", type: "smallint" },
    { name: "middle", type: "integer" },
    { name: "name", type: "varchar(12)" },
    { name: "code", type: "char(4)" },
    { name: "score", type: "double precision" },
    { name: "ratio", type: "real" },
    { name: "price", type: "decimal(8,2)" },
    { name: "ok", type: "boolean" },
    { name: "day", type: "date" },
    { name: "at", type: "timestamp" },
    { name: "camera", field: "exif.camera", type: "varchar(12)" },
    { name: "iso", field: "exif.iso", type: "integer" },
    { name: "tags", type: "super" },
  ],
};
const ACCESS_TYPE: WeirConfigInput["types"][number] = {
  name: "access",
  parse: { format: "combined" },
  time: { field: "time", format: "clf" },
  columns: [
    { name: "host", type: "varchar(20)", nullable: false },
    { name: "path", type: "varchar(30)" },
    { name: "status", type: "smallint", nullable: false },
    { name: "bytes", type: "bigint" },
    { name: "agent", type: "varchar(120)" },
  ],
};

/** An ordinary line of each format: values at odd places, the text between them at even ones. */
const MIDDLE = [" [", "21/Nov/2026:10:00:00 +0000", '] "', "GET /x HTTP/1.1", '" ', "200", " ", "5"];
const LAST = [' "', "-", '" "', "curl/8", '"'];
const ORDINARY = {
  common: ["", "203.0.113.9", " ", "-", " ", "bob", ...MIDDLE],
  combined: ["", "203.0.113.9", " ", "-", " ", "bob", ...MIDDLE, ...LAST],
  vhost_combined: [
    "",
    "www.example.com",
    ":",
    "443",
    " ",
    "203.0.113.9",
    " ",
    "-",
    " ",
    "bob",
    ...MIDDLE,
    ...LAST,
  ],
  "nginx-main": ["", "203.0.113.9", " - ", "bob", ...MIDDLE, ...LAST, ' "', "10.0.0.1", '"'],
  lighttpd: ["", "203.0.113.9", " ", "www.example.com", " ", "bob", ...MIDDLE, ...LAST],
} as const satisfies Record<string, readonly string[]>;

const number = fc.oneof(
  fc.integer({ min: -40_000, max: 40_000 }).map(String),
  fc.bigInt({ min: -(10n ** 17n), max: 10n ** 17n }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.tuple(fc.integer({ min: -99, max: 99 }), fc.nat(99_999)).map(([a, b]) => `${a}.${b}`),
  fc.constantFrom("-0", "0", "0.0000001", "0.000001", "00", "1.0", "1.", "-", "1e3", "9007199254740993"),
);
const text = fc.oneof(
  fc.string({ maxLength: 14 }).map((text) => JSON.stringify(text)),
  fc.stringMatching(/^[ -~]{0,14}$/).map((text) => JSON.stringify(text)),
  number.map((text) => `"${text}"`),
  fc.constantFrom(
    '""',
    '"true"',
    '"2026-11-21"',
    '"2026-02-30"',
    '"2026-11-21T10:00:00.5+09:00"',
    '"ü"',
    '"a\tb"',
  ),
);
const scalar = fc.oneof(number, text, fc.constantFrom("true", "false", "null", "nul", "True"));
const value = fc.oneof(
  { weight: 6, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 3 }).map((values) => `[${values.join(",")}]`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "[ ]",
      "[1, 2]",
      "[[1]]",
      "{}",
      '{"a":1}',
      '{"camera":"Y"}',
      '{"iso":5}',
      '{"camera":"X","iso":3}',
      "[1",
    ),
  },
);
const NAMES = [
  "photo_id",
  "small",
  "middle",
  "name",
  "code",
  "score",
  "ratio",
  "price",
  "ok",
  "day",
  "at",
  "exif",
  "tags",
  "other",
  "more",
  "__proto__",
  "constructor",
  "1",
  "Name",
];
const name = fc.constantFrom(...NAMES);
const time = fc
  .date({ min: new Date("2026-11-21T09:58:00Z"), max: new Date("2026-11-21T10:01:00Z"), noInvalidDate: true })
  .map((date) => date.toISOString());
const jsonTime = fc.oneof(
  { weight: 6, arbitrary: time },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "2026-11-21T09:59:60.000Z",
      "2026-11-21T09:59:75.000Z",
      "2026-11-21T09:59:5x.000Z",
      "2026-11-21T09:59:59.00xZ",
      "2026-11-21T09:59:59.000X",
      "2026-11-21T09:59:59.000123Z",
      "2026-11-21T09:59:59+01:00",
      "2026-11-21T09:59:59-01:00",
      "2026-11-21",
      "never",
    ),
  },
);
const jsonLine = fc
  .tuple(
    jsonTime,
    fc.array(fc.tuple(name, value), { maxLength: 6 }),
    fc.constantFrom("", " "),
    fc.constantFrom("", "\r"),
  )
  .map(([time, fields, space, end]) => {
    const members = [["time", `"${time}"`], ["photo_id", "7"], ...fields] as const;
    return `{${members.map(([name, value]) => `"${name}":${space}${value}`).join(`,${space}`)}}${end}`;
  });

const word = fc.oneof(
  { weight: 9, arbitrary: fc.stringMatching(/^[a-z [\]/-]{0,9}$/) },
  { weight: 1, arbitrary: fc.stringMatching(/^[ -~]{0,9}$/) },
);
const clfTime = fc.oneof(
  { weight: 4, arbitrary: time.map((text) => `21/Nov/2026:${text.slice(11, 19)} +0000`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "21/Nov/2026:10:00:60 +0000",
      "21/Nov/2026:10:00:75 +0000",
      "21/Nov/2026:10:00:00 -0100",
      "31/Nov/2026:10:00:00 +0000",
      "",
    ),
  },
);
const commonLine = fc
  .tuple(
    fc.oneof({ weight: 4, arbitrary: fc.stringMatching(/^[a-z.:]{1,9}$/) }, { weight: 1, arbitrary: word }),
    fc.oneof(fc.constant("- -"), fc.constant("- bob"), word),
    clfTime,
    fc.oneof(
      { weight: 4, arbitrary: word.map((text) => `GET /${text} HTTP/1.1`) },
      { weight: 1, arbitrary: word },
    ),
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom("200 -", "404 17") },
      { weight: 1, arbitrary: fc.constantFrom("- -", "70000 1", "007 1", "200 ", "x y z") },
      { weight: 1, arbitrary: word },
    ),
  )
  .map(([host, user, time, request, numbers]) => `${host} ${user} [${time}] "${request}" ${numbers}`);
/** Lines of the other formats have a field before these or behind them. */
const orNothing = (...texts: string[]) =>
  fc.oneof({ weight: 2, arbitrary: fc.constant("") }, { weight: 1, arbitrary: fc.constantFrom(...texts) });
const first = orNothing("www.example.com:443 ", "a:0 ", "a:b ", "10.0.0.1, ");
const last = orNothing(' "-"', ' "10.0.0.1, 10.0.0.2"', ' "x', " 0.1");
const combinedLine = fc
  .tuple(
    commonLine,
    word,
    fc.constantFrom(" ", " ", " ", "x", ""),
    fc.constantFrom("", "", "\r", '"', ' "-"'),
  )
  .map(([start, text, between, end]) => `${start} "${text}"${between}"${text}"${end}`);

describe("the short way", () => {
  test("writes what the general path writes, of whatever JSON lines it takes", () => {
    const writer = writerOf(JSON_TYPE);
    let taken = 0;
    fc.assert(
      fc.property(fc.array(jsonLine, { maxLength: 10 }), (lines) => {
        taken += compare(writer, lines);
      }),
      { numRuns: 2_000 },
    );
    expect(taken).toBeGreaterThan(500);
  });

  const anyLine = fc.tuple(first, combinedLine, last).map((parts) => parts.join(""));

  test.each([
    ["common", commonLine],
    ["combined", combinedLine],
    ["combined", anyLine],
    ["vhost_combined", combinedLine.map((line) => `www.example.com:443 ${line}`)],
    ["nginx-main", fc.tuple(combinedLine, last).map((parts) => parts.join(""))],
    ["nginx-main", combinedLine.map((line) => `${line} "10.0.0.1"`)],
    ["lighttpd", combinedLine],
  ] as const)("writes what the general path writes, of whatever %s lines it takes", (format, line) => {
    const columns = ACCESS_TYPE.columns.slice(0, format === "common" ? -1 : undefined);
    const writer = writerOf({ ...ACCESS_TYPE, parse: { format }, columns });
    let taken = 0;
    fc.assert(
      fc.property(fc.array(line, { maxLength: 10 }), (lines) => {
        taken += compare(writer, lines);
      }),
      { numRuns: 2_000 },
    );
    expect(taken).toBeGreaterThan(100);
  });

  test.each([
    ["combined", ""],
    ["vhost_combined", "www.example.com:443 "],
    ["nginx-main", ""],
    ["lighttpd", ""],
  ] as const)("takes an ordinary line of %s, all of its fields", (format, before) => {
    const behind = format === "nginx-main" ? ' "10.0.0.1"' : "";
    const rest = '[21/Nov/2026:10:00:00 +0000] "GET /x HTTP/1.1" 200 5 "-" "curl/8"';
    const writer = writerOf({ ...ACCESS_TYPE, parse: { format } });
    expect(compare(writer, [`${before}203.0.113.9 - bob ${rest}${behind}`])).toBe(1);
  });

  test.each(["common", "combined", "vhost_combined", "nginx-main", "lighttpd"] as const)(
    "differs in no field of %s, whatever character stands in it first, last or alone",
    (format) => {
      const columns = ACCESS_TYPE.columns.slice(0, format === "common" ? -1 : undefined);
      const writer = writerOf({ ...ACCESS_TYPE, parse: { format }, columns });
      const line = ORDINARY[format];
      const characters = Array.from({ length: 0x7f - 0x20 }, (_, i) => String.fromCharCode(0x20 + i));
      const lines = line.flatMap((_: string, i: number) =>
        characters.flatMap((c) => [c, `${c}a`, `a${c}`].map((value) => line.with(i, value).join(""))),
      );
      expect(compare(writer, [line.join("")])).toBe(1);
      expect(compare(writer, lines)).toBeGreaterThan(100);
    },
  );

  test("takes ordinary lines, all of them", () => {
    const photos = take(photoLines(), 100_000);
    const accesses = take(accessLines(), 100_000);
    const photo = writerOf({
      ...JSON_TYPE,
      columns: [
        { name: "photo_id", type: "bigint" },
        { name: "camera", field: "exif.camera", type: "varchar(128)" },
        { name: "tags", type: "super" },
      ],
    });
    expect(compare(photo, photos)).toBe(photos.length);
    const access = writerOf({ ...ACCESS_TYPE, columns: [{ name: "path", type: "varchar(200)" }] });
    expect(compare(access, accesses)).toBe(accesses.length);
  });

  test("leaves a line cut anywhere to the general path", () => {
    const [photo, access] = [take(photoLines(), 1_000)[0]!, take(accessLines(), 1_000)[0]!];
    const [json, combined] = [writerOf(JSON_TYPE), writerOf(ACCESS_TYPE)];
    for (let end = 0; end < photo.length; end++) expect(short(json, photo.subarray(0, end))).toBeUndefined();
    for (let end = 0; end < access.length; end++)
      expect(short(combined, access.subarray(0, end))).toBeUndefined();
  });

  test("leaves a name that stands twice to the general path, at the top and below", () => {
    const start = '{"time":"2026-11-21T09:59:59.000Z","photo_id":1,';
    const twice = [
      '"exif":{"camera":"X"},"exif":{"iso":3}}',
      '"exif":{"iso":1,"iso":2}}',
      '"photo_id":2}',
      '"o":1,"o":2}',
    ];
    expect(
      compare(
        writerOf(JSON_TYPE),
        twice.map((rest) => start + rest),
      ),
    ).toBe(0);
  });

  test("is not there where paths overlap, nor for other formats", () => {
    const overlap = [
      { name: "exif", type: "super" },
      { name: "camera", field: "exif.camera", type: "varchar(12)" },
    ];
    expect(writerOf({ ...JSON_TYPE, columns: overlap }).plain).toBeUndefined();
    expect(writerOf({ ...JSON_TYPE, columns: overlap.toReversed() }).plain).toBeUndefined();
    expect(writerOf({ ...JSON_TYPE, parse: { format: "ltsv" } }).plain).toBeUndefined();
    const constant = [{ name: "no_such_field", type: "bigint", default: 1 }];
    expect(writerOf({ ...ACCESS_TYPE, columns: constant }).plain).toBeUndefined();
  });
});

test.each([
  ["iso8601", undefined],
  ["iso8601", "+05:45"],
  ["iso8601", "Europe/Berlin"],
  ["%Y-%m-%d %H:%M:%S", "Europe/Berlin"],
  ["epoch", undefined],
])("the short way reads times of %s in the zone %s as the general one does", (format, zone) => {
  const time = { field: "time", format, zone };
  const columns = [
    { name: "time", type: "timestamp" },
    { name: "day", field: "time", type: "date", time: { format, zone: "Asia/Tokyo" } },
  ];
  const writer = writerOf({ name: "t", parse: { format: "json" }, time, columns });
  const text = fc
    .tuple(
      fc.constantFrom("2026-10-25 02:30", "2026-10-25 24:00", "2026-03-29 02:59", "2026-10-24 23:59"),
      fc.constantFrom(":00", ":30", ":60", ":30.123", ":00.000"),
    )
    .map((parts) => parts.join(""));
  const number = fc.integer({ min: 0, max: 2 ** 42 });
  const value: fc.Arbitrary<string | number> = format === "epoch" ? number : text;
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 8 }), (times) => {
      compare(
        writer,
        times.map((time) => JSON.stringify({ time })),
      );
    }),
  );
});

test.each([
  [
    '$remote_addr - $remote_user [$time_local] "$request" $status rt=$request_time, ut=$upstream_response_time $pipe',
  ],
  [
    '$remote_addr $remote_port|$http_x_forwarded_for|[$time_local] "$request_method $uri" $upstream_addr $status',
  ],
])("the short way reads %s as the general one does", (logFormat) => {
  const columns = [{ name: "status", type: "smallint" }];
  const time = { field: "time_local", format: "clf" };
  const writer = writerOf({ name: "t", parse: { format: "nginx", logFormat }, time, columns });
  const odd = fc.constantFrom(
    "1",
    "-",
    "0.1",
    "1, 2",
    "1,2",
    ",1",
    "1 : 2",
    "a b",
    "",
    "a:80",
    "::1",
    '\\"',
    "|",
    "=",
    ":",
  );
  const value = fc.oneof({ weight: 5, arbitrary: fc.constant("1") }, { weight: 1, arbitrary: odd });
  const line = fc.array(value, { minLength: 10, maxLength: 10 }).map((values) => {
    let n = 0;
    return logFormat.replaceAll(/\$(\w+)/g, (_, name: string) =>
      name === "time_local"
        ? "21/Nov/2026:10:00:00 +0000"
        : name === "request" && n % 2 === 0
          ? "GET / HTTP/1.1"
          : values[n++]!,
    );
  });
  expect(compare(writer, fc.sample(line, { numRuns: 5_000, seed: 7 }))).toBeGreaterThan(20);
});

test.each([
  ["iso8601", "1970-01-01T00:00:00Z"],
  ["epoch-millis", "0"],
])("types of %s with %s for none have no short way, which would take it for a time", (format, none) => {
  const type = {
    name: "t",
    parse: { format: "json" as const },
    time: { field: "time", format },
    columns: [{ name: "id", type: "bigint" }],
  };
  const { plain, program } = writerOf({ ...type, nulls: [none] });
  expect([plain, program]).toEqual([undefined, undefined]);
  expect(writerOf({ ...type, nulls: ["-"] }).plain).toBeDefined();
});
