import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readTime } from "../../lambdas/router/time/event-time.ts";
import { formatTimestamp } from "../../lambdas/router/time/timestamp.ts";
import { Router } from "../../lambdas/router/router.ts";
import { parseConfig, type WeirConfigInput } from "../../wire/config.ts";
import { aggregate, configOf, rejectsOf, rowsOf, streamRecord } from "./batch-fixture.ts";

const ARRIVED = Date.UTC(2026, 10, 21, 10, 0, 0, 250);
type Settings = Parameters<typeof readTime>[1];

function read(
  format: string,
  value: unknown,
  settings?: Settings,
  arrivedAtMs = ARRIVED,
): string | undefined {
  const instant = readTime(format, settings)(value, arrivedAtMs);
  return instant && formatTimestamp(instant.epochMs) + `${instant.micros}`.padStart(3, "0");
}

describe("a pattern", () => {
  test.each([
    [
      "a database's, with the zone's name",
      "%Y-%m-%d %H:%M:%S.%L %Z",
      "2026-11-21 10:00:00.123 UTC",
      "123000",
    ],
    ["an abbreviation", "%Y-%m-%d %H:%M:%S %Z", "2026-11-21 11:00:00 CET", "000000"],
    ["Ruby's", "%Y-%m-%d %H:%M:%S %z", "2026-11-21 10:00:00 +0000", "000000"],
    ["Go's, nginx's errors", "%Y/%m/%d %H:%M:%S.%f", "2026/11/21 10:00:00.123456", "123456"],
    ["two digits of a year", "%y/%m/%d %T", "26/11/21 10:00:00", "000000"],
    ["Apache's errors", "%a %b %d %H:%M:%S.%L %Y", "Sat Nov 21 10:00:00.123456 2026", "123456"],
    ["date(1)", "%a %b %e %T %Z %Y", "Sat Nov 21 10:00:00 UTC 2026", "000000"],
    ["RFC 2822", "%A, %d %b %Y %T %Z", "Sat, 21 Nov 2026 10:00:00 GMT", "000000"],
    ["CLF with milliseconds", "%d/%b/%Y:%T.%L %z", "21/Nov/2026:10:00:00.123 +0000", "123000"],
    ["HAProxy", "%d/%b/%Y:%T.%L", "21/Nov/2026:10:00:00.123", "123000"],
    ["PHP", "%d-%b-%Y %T %Z", "21-Nov-2026 10:00:00 UTC", "000000"],
    ["compact, with a zone", "%Y%m%dT%H%M%S%z", "20261121T100000Z", "000000"],
    ["compact, of HDFS", "%y%m%d %H%M%S", "261121 100000", "000000"],
    ["fourteen digits", "%Y%m%d%H%M%S", "20261121100000", "000000"],
    ["klog, which has no year", "%m%d %H:%M:%S.%f", "1121 10:00:00.123456", "123456"],
    ["Redis", "%d %b %Y %T.%L", "21 Nov 2026 10:00:00.123", "123000"],
    ["Redis without a year", "%d %b %T.%L", "21 Nov 10:00:00.123", "123000"],
    ["MongoDB", "%Y-%m-%dT%H:%M:%S.%L%z", "2026-11-21T10:00:00.123+0000", "123000"],
    ["American", "%m/%d/%Y %I:%M:%S %p", "11/21/2026 10:00:00 AM", "000000"],
    ["German", "%d.%m.%Y %T", "21.11.2026 10:00:00", "000000"],
    ["Cisco with a year", "%b %d %Y %T", "Nov 21 2026 10:00:00", "000000"],
    ["Cisco with a star", "*%b %d %T.%L", "*Nov 21 10:00:00.123", "123000"],
    ["the day of the year", "%Y-%jT%H:%M:%SZ", "2026-325T10:00:00Z", "000000"],
    ["an hour of one digit in the zone", "%FT%T%z", "2026-11-21T11:00:00+1:00", "000000"],
    ["CloudFront's two columns, a tab between", "%Y-%m-%d %H:%M:%S", "2026-11-21\t10:00:00", "000000"],
    ["BlueGene/L", "%Y-%m-%d-%H.%M.%S.%f", "2026-11-21-10.00.00.675872", "675872"],
    ["Android", "%m-%d %H:%M:%S.%L", "11-21 10:00:00.123", "123000"],
    ["Proxifier", "%m.%d %H:%M:%S", "11.21 10:00:00", "000000"],
    ["HealthApp", "%Y%m%d-%H:%M:%S:%L", "20261121-10:00:00:606", "606000"],
    ["seconds since 1970 within a text", "[%s.%L]", "[1795255200.123]", "123000"],
    ["milliseconds since 1970 within a text", "t=%Q", "t=1795255200123", "123000"],
  ])("of %s", (_, pattern, text, micros) => {
    expect(read(pattern, text)).toBe(`2026-11-21 10:00:00.${micros}`);
    expect(read(pattern, `${text} `)).toBeUndefined();
    expect(read(pattern, ` ${text}`)).toBeUndefined();
  });

  test.each([
    ["%Y-%m-%d %I:%M %p", "2026-11-21 12:05 AM", "2026-11-21 00:05:00.000000"],
    ["%Y-%m-%d %I:%M %p", "2026-11-21 12:05 p.m.", "2026-11-21 12:05:00.000000"],
    ["%d %B %Y", "1 january 1999", "1999-01-01 00:00:00.000000"],
    ["%d %b %Y", "1 September 1999", "1999-09-01 00:00:00.000000"],
    ["%d/%m/%y", "01/02/69", "1969-02-01 00:00:00.000000"],
    ["%d/%m/%y", "01/02/68", "2068-02-01 00:00:00.000000"],
    ["%F %T", "2026-11-21 24:00:00", "2026-11-22 00:00:00.000000"],
    ["%F %T", "2016-12-31 23:59:60", "2017-01-01 00:00:00.000000"],
    ["%Y %j", "2024 366", "2024-12-31 00:00:00.000000"],
    ["%b %d %T", "Nov 22 09:59:59", "2026-11-22 09:59:59.000000"],
    ["%b %d %T", "Nov 23 09:59:59", "2025-11-23 09:59:59.000000"],
  ])("%s reads %s", (pattern, text, expected) => expect(read(pattern, text)).toBe(expected));

  test.each([
    ["%F %T", "2026-11-21 24:00:01"],
    ["%F %T", "2026-02-30 10:00:00"],
    ["%F %T", "2026-11-21 10:60:00"],
    ["%F %T", "2026-11-21 10:00:61"],
    ["%Y %j", "2026 366"],
    ["%Y %j", "2026 0"],
    ["%Y-%m-%d %I:%M %p", "2026-11-21 13:05 AM"],
    ["%F %T %Z", "2026-11-21 10:00:00 BST"],
    ["%F %T %Z", "2026-11-21 10:00:00 constructor"],
    ["%F %T%z", "2026-11-21 10:00:00+25:00"],
    ["%b %d %T", "Feb 30 10:00:00"],
    ["%F", 20_261_121],
  ])("%s refuses %s", (pattern, value) => expect(read(pattern, value)).toBeUndefined());

  test.each([
    ["yyyy-MM-dd", /directive of strptime/],
    ["%Y-%m-%d %U", /%U is no directive that is known: %Y year of four digits/],
    ["%Y-%m-%d %", /% is no directive/],
    ["%H:%M:%S", /does not say the day/],
    ["%Y-%m", /does not say the day/],
    ["%j", /does not say the day/],
    ["%Y-%m-%d %I:%M", /%I and %p need each other/],
    ["%F %Y", /%Y twice/],
    ["%d %m %b", /in two ways/],
  ])("%s is refused with the configuration", (pattern, message) => {
    expect(() => configOf([typeOf({ field: "t", format: pattern })])).toThrow(message);
    expect(() => configOf([typeOf({ field: "t", format: pattern })])).toThrow(/types\[0\].*time\.format/s);
  });
});

describe("numbers", () => {
  test.each([
    ["epoch-seconds", 1_795_255_200.5, "2026-11-21 10:00:00.500000"],
    ["epoch-seconds", "1.7952552001234e+09", "2026-11-21 10:00:00.123400"],
    ["epoch-seconds", -1, "1969-12-31 23:59:59.000000"],
    ["epoch-seconds", "-0.000001", "1969-12-31 23:59:59.999999"],
    ["epoch-seconds", "0.0000001", "1970-01-01 00:00:00.000000"],
    ["epoch-millis", "001795255200123.4567", "2026-11-21 10:00:00.123456"],
    ["epoch-micros", 1_795_255_200_123_456, "2026-11-21 10:00:00.123456"],
    ["epoch-nanos", "1795255200123456789", "2026-11-21 10:00:00.123456"],
    ["epoch", "1795255200.123", "2026-11-21 10:00:00.123000"],
    ["epoch", "1795255200123", "2026-11-21 10:00:00.123000"],
    ["epoch", "1795255200123456", "2026-11-21 10:00:00.123456"],
    ["epoch", "1795255200123456789", "2026-11-21 10:00:00.123456"],
    ["epoch", 0, "1970-01-01 00:00:00.000000"],
  ])("%s reads %s", (format, value, expected) => expect(read(format, value)).toBe(expected));

  test.each([
    ["epoch", "9999999999999999999999"],
    ["epoch-seconds", "1e99"],
    ["epoch-seconds", "1e"],
    ["epoch-seconds", "0x10"],
    ["epoch-millis", "--1"],
    ["epoch-nanos", "NaN"],
  ])("%s refuses %s", (format, value) => expect(read(format, value)).toBeUndefined());
});

describe("a zone", () => {
  const ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Pacific/Apia",
    "+05:45",
  ];
  const wall = (zone: string, epochMs: number): string =>
    new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" }).format(
      epochMs,
    );

  test("is that of times that name none, in every form, whenever they arrive within the hour", () => {
    const seconds = fc.integer({ min: Date.UTC(2000, 0) / 1_000, max: Date.UTC(2037, 0) / 1_000 });
    const late = fc.integer({ min: 0, max: 1_500 });
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), seconds, late, (zone, second, late) => {
        const text = wall(zone, second * 1_000);
        const arrived = (second + late) * 1_000;
        const expected = `${new Date(second * 1_000).toISOString().slice(0, 19).replace("T", " ")}.000000`;
        expect(read("iso8601", text, { zone }, arrived)).toBe(expected);
        expect(read("%Y-%m-%d %H:%M:%S", text, { zone }, arrived)).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });

  const BERLIN = { zone: "Europe/Berlin" };
  const at = (text: string): number => Date.parse(text);

  test("that puts its clock back shows an hour twice: it is the latest that arrival allows", () => {
    const twice = "2026-10-25 02:30:00";
    expect(read("iso8601", twice, BERLIN, at("2026-10-25T00:30:02Z"))).toMatch(/^2026-10-25 00:30/);
    expect(read("iso8601", twice, BERLIN, at("2026-10-25T01:30:02Z"))).toMatch(/^2026-10-25 01:30/);
    expect(read("iso8601", twice, BERLIN, at("2026-10-29T00:00:00Z"))).toMatch(/^2026-10-25 01:30/);
  });

  test("that puts its clock forward has an hour that never was: it counts on from the one before", () => {
    expect(read("iso8601", "2026-03-29 02:30:00", BERLIN)).toMatch(/^2026-03-29 01:30/);
    expect(read("iso8601", "2026-03-29 03:00:00", BERLIN)).toMatch(/^2026-03-29 01:00/);
  });

  test("does not change times that name their own", () => {
    expect(read("iso8601", "2026-11-21T10:00:00Z", BERLIN)).toMatch(/^2026-11-21 10:00/);
    expect(read("%F %T %Z", "2026-11-21 10:00:00 America/New_York", BERLIN)).toMatch(/^2026-11-21 15:00/);
    expect(read("syslog", "Nov 21 10:00:00", BERLIN)).toMatch(/^2026-11-21 09:00/);
  });

  test("of an abbreviation is the configured one", () => {
    const abbreviations = { CST: "Asia/Shanghai", BST: "Europe/London" };
    expect(read("%F %T %Z", "2026-11-21 10:00:00 CST", { abbreviations })).toMatch(/^2026-11-21 02:00/);
    expect(read("%F %T %Z", "2026-07-21 10:00:00 BST", { abbreviations })).toMatch(/^2026-07-21 09:00/);
    expect(read("%F %T %Z", "2026-11-21 10:00:00 CST")).toMatch(/^2026-11-21 16:00/);
  });

  test("that is none is refused with the configuration", () => {
    for (const zone of ["Europe/Berlyn", "+16:00", "", "CEST"]) {
      expect(() => configOf([typeOf({ field: "t", format: "iso8601", zone })])).toThrow(
        /time\.zone.*not a zone/s,
      );
    }
  });
});

type TypeInput = WeirConfigInput["types"][number];
const typeOf = (
  time: TypeInput["time"],
  columns: TypeInput["columns"] = [{ name: "n", type: "integer" }],
): TypeInput => ({
  name: "t",
  parse: { format: "json" },
  time,
  columns,
});

describe("columns", () => {
  const route = (type: TypeInput, ...lines: object[]) =>
    new Router(parseConfig({ types: [type] }, "test")).route([
      streamRecord(aggregate(lines.map((line) => ({ tag: "t", data: JSON.stringify(line) })))),
    ]);

  test("each have their own form and zone, to the microsecond", () => {
    const type = typeOf({ field: "t", format: "iso8601", zone: "+02:00" }, [
      { name: "t", type: "timestamp" },
      { name: "sent", type: "timestamptz", time: { format: "%d/%m/%Y %T.%f", zone: "America/New_York" } },
      { name: "seen", type: "timestamp", time: { format: "epoch" } },
      { name: "plain", type: "timestamp" },
    ]);
    const [row] = rowsOf(
      route(type, {
        t: "2026-11-21 12:00:00.123456",
        sent: "21/11/2026 05:00:00.654321",
        seen: 1_795_255_200_000_001,
        plain: "2026-11-21 12:00:00",
      }),
    );
    expect(row).toMatchObject({
      _time: "2026-11-21 10:00:00.123",
      t: "2026-11-21 10:00:00.123456",
      sent: "2026-11-21 10:00:00.654321+00",
      seen: "2026-11-21 10:00:00.000001",
      plain: "2026-11-21 10:00:00.000",
    });
  });

  test("of dates take the day of a time, in UTC", () => {
    const type = typeOf(undefined, [
      { name: "a", type: "date" },
      { name: "b", type: "date" },
      { name: "c", type: "date", time: { format: "%d.%m.%Y" } },
    ]);
    const [row] = rowsOf(
      route(type, { a: "2026-11-21T23:30:00-05:00", b: "2026-11-21", c: "21.11.2026" }, { a: "21.11.2026" }),
    );
    expect(row).toMatchObject({ a: "2026-11-22", b: "2026-11-21", c: "2026-11-21" });
    expect(rejectsOf(route(type, { a: "21.11.2026" }))).toMatchObject([{ reason: "type", field: "a" }]);
  });

  test("that hold no time cannot have the form of one", () => {
    const type = typeOf(undefined, [{ name: "a", type: "integer", time: { format: "epoch" } }]);
    expect(() => configOf([type])).toThrow(/columns\[0\]\.time.*integer is no time/s);
  });
});
