import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Misfit } from "../../lambdas/router/misfit.ts";
import { parserOf } from "../../lambdas/router/parse/parser.ts";
import { readTime, type TimeFormat } from "../../lambdas/router/time/event-time.ts";
import { formatTimestamp } from "../../lambdas/router/time/timestamp.ts";
import type { AccessFormatName } from "../../wire/access-log/format.ts";

const accessLog = (format: AccessFormatName, spacesInUser = false) =>
  parserOf({ format, spacesInUser, escapes: "keep", trailing: "reject" });
const combined = accessLog("combined");
const common = accessLog("common");
const ltsv = parserOf({ format: "ltsv" });
const json = parserOf({ format: "json" });

const noSpace = fc.stringMatching(/^[\w.:-]+$/).filter((text) => text !== "-");
/** What a server writes between quotes: quotes and backslashes escaped. */
const quotable = fc
  .string({ unit: "grapheme", maxLength: 30 })
  .map((text) => text.replaceAll(/["\\]/g, String.raw`\$&`))
  .filter((text) => text !== "-");
const time = fc.constant("10/Oct/2000:13:55:36 -0700");
const dash = (text: string | null) => text ?? "-";

describe("access logs", () => {
  const fields = fc.record({
    host: noSpace,
    ident: fc.option(fc.stringMatching(/^[a-z_][\w-]*$/)),
    user: fc.option(noSpace),
    time,
    method: fc.constantFrom("GET", "POST", "PROPFIND"),
    path: quotable.map((text) => `/${text}`),
    protocol: fc.constantFrom("HTTP/1.0", "HTTP/1.1", "HTTP/2.0"),
    status: fc.integer({ min: 100, max: 599 }).map(String),
    bytes: fc.option(fc.nat().map(String)),
    referer: fc.option(quotable),
    agent: fc.option(quotable),
  });

  test("a line gives back the fields it was written from, escapes as they stand", () => {
    fc.assert(
      fc.property(fields, (f) => {
        const start = `${f.host} ${dash(f.ident)} ${dash(f.user)} [${f.time}] `;
        const middle = `"${f.method} ${f.path} ${f.protocol}" ${f.status} ${dash(f.bytes)}`;
        expect(combined(`${start}${middle} "${dash(f.referer)}" "${dash(f.agent)}"`)).toEqual(f);
        const { referer: _referer, agent: _agent, ...rest } = f;
        expect(common(start + middle)).toEqual(rest);
      }),
    );
  });

  test("a request that is none keeps its text in `request`", () => {
    for (const request of [String.raw`\x16\x03\x01`, "GET /", "", "GET  HTTP/1.1x y"]) {
      const fields = common(`::1 - - [10/Oct/2000:13:55:36 -0700] "${request}" 400 0`);
      expect(fields).toMatchObject({ method: null, path: null, protocol: null, request });
    }
    expect(common('::1 - - [10/Oct/2000:13:55:36 -0700] "-" 408 -')).not.toHaveProperty("request");
  });

  test("a line cut anywhere, or with more behind it, does not parse", () => {
    const line = '::1 - bob [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 5 "-" "curl \\" \\\\"';
    expect(combined(line)).toMatchObject({ user: "bob", agent: String.raw`curl \" \\` });
    for (let end = 0; end < line.length; end++) expect(combined(line.slice(0, end))).toBeInstanceOf(Misfit);
    expect(combined(`${line} "more"`)).toBeInstanceOf(Misfit);
  });

  const TIME = "[21/Nov/2026:10:00:00 +0000]";
  const REST = `${TIME} "GET / HTTP/1.1" 200 5 "-" "curl/8"`;

  test.each([
    ["vhost_combined, with its host first", `www.example.com:443 203.0.113.9 - frank ${REST}`],
    ["the same without a port", `www.example.com 203.0.113.9 - frank ${REST}`],
    ["the same without an ident", `www.example.com:443 203.0.113.9 frank ${REST}`],
    ["lighttpd's, with the virtual host second", `203.0.113.9 www.example.com - ${REST}`],
    ["a list of hosts, from X-Forwarded-For", `198.51.100.7, 203.0.113.9 - - ${REST}`],
    ["a list of hosts with a user only", `198.51.100.7, 203.0.113.9 frank ${REST}`],
    ["a list of hosts without spaces", `198.51.100.7,203.0.113.9 - - ${REST}`],
    ["a list of hosts of IPv6", `2001:db8::1, 2001:db8::2 - - ${REST}`],
    ["a host before the host", `198.51.100.7 203.0.113.9 - - ${REST}`],
    ["a host after the host", `203.0.113.9 198.51.100.7 - - ${REST}`],
    ["a session after no user", `203.0.113.9 - - d41d8cd98f ${REST}`],
    ["the time taken, second", `203.0.113.9 0.003 frank ${REST}`],
    ["an ident too few", `203.0.113.9 - ${REST}`],
    ["a space too many", `203.0.113.9  - - ${REST}`],
    ["nginx-main, with X-Forwarded-For last", `203.0.113.9 - - ${REST} "198.51.100.7"`],
    ["a time taken last", `203.0.113.9 - - ${REST} 0.003`],
    ["a time taken after the bytes", `203.0.113.9 - - ${TIME} "GET / HTTP/1.1" 200 5 17 "-" "curl/8"`],
    ["no referer", `203.0.113.9 - - ${TIME} "GET / HTTP/1.1" 200 5 "curl/8"`],
    ["common", `203.0.113.9 - - ${TIME} "GET / HTTP/1.1" 200 5`],
    ["quotes that are not escaped", `203.0.113.9 - - ${TIME} "GET / HTTP/1.1" 200 5 "-" "a "b" c"`],
    ["a header of syslog before it", `Nov 21 10:00:00 web-1 nginx: 203.0.113.9 - - ${REST}`],
    ["a priority of syslog before it", `<190>203.0.113.9 - - ${REST}`],
    ["JSON about it", JSON.stringify({ log: `203.0.113.9 - - ${REST}`, stream: "stdout" })],
    ["the line of another before it", `203.0.113.9 - - [21/Nov/2026\n203.0.113.9 - - ${REST}`],
    ["the line of another after it", `203.0.113.9 - - ${REST}\n203.0.113.9 - - ${REST}`],
  ])("in combined a line of another format has no row: %s", (_what, line) => {
    expect(combined(line)).toBeInstanceOf(Misfit);
    expect(accessLog("combined", true)(line)).toBeInstanceOf(Misfit);
  });

  test("in common a line with more behind it has no row", () => {
    for (const more of [" 17", ' "-" "curl/8"', " -"]) {
      expect(common(`203.0.113.9 - - ${TIME} "GET / HTTP/1.1" 200 5${more}`)).toBeInstanceOf(Misfit);
    }
  });

  test("a line of each format is read by that format, and by no other", () => {
    type Servers = Exclude<AccessFormatName, "alb" | "s3-access">;
    const lines: Record<Servers, readonly [line: string, fields: object]> = {
      common: [
        `203.0.113.9 id frank ${TIME} "GET / HTTP/1.1" 200 5`,
        { ident: "id", user: "frank", bytes: "5" },
      ],
      combined: [`203.0.113.9 id frank ${REST}`, { host: "203.0.113.9", ident: "id", agent: "curl/8" }],
      vhost_combined: [
        `www.example.com:443 203.0.113.9 - frank ${REST}`,
        { vhost: "www.example.com", port: "443", host: "203.0.113.9", ident: null, user: "frank" },
      ],
      "nginx-main": [
        `203.0.113.9 - frank ${REST} "198.51.100.7, 10.0.0.1"`,
        { host: "203.0.113.9", user: "frank", agent: "curl/8", x_forwarded_for: "198.51.100.7, 10.0.0.1" },
      ],
      lighttpd: [`203.0.113.9 www.example.com frank ${REST}`, { vhost: "www.example.com", user: "frank" }],
    };
    const names = Object.keys(lines) as Servers[];
    for (const written of names) {
      const [line, fields] = lines[written];
      expect(accessLog(written)(line)).toMatchObject({ ...fields, method: "GET", status: "200" });
      // An ident and a host without a dot look alike.
      const others = names.filter(
        (name) => name !== written && !(name === "lighttpd" && written === "combined"),
      );
      for (const other of others)
        expect([other, accessLog(other)(line)]).toEqual([other, expect.any(Misfit)]);
    }
    expect(accessLog("nginx-main")(`203.0.113.9 - - ${REST} "-"`)).toMatchObject({ x_forwarded_for: null });
  });

  test("a user of several words is one only where the type says that there are such", () => {
    const line = `203.0.113.9 - John Doe ${REST}`;
    expect(combined(line)).toMatchObject({
      reason: "unparsed",
      detail: expect.stringContaining("spacesInUser"),
    });
    expect(accessLog("combined", true)(line)).toMatchObject({
      host: "203.0.113.9",
      ident: null,
      user: "John Doe",
    });
    expect(combined(`203.0.113.9 - frank 0.003 ${REST}`)).toBeInstanceOf(Misfit);
    expect(accessLog("combined", true)(`203.0.113.9 - - ${REST}`)).toMatchObject({ user: null });
  });

  test("no line at all stops the parser", () => {
    const bits = fc.array(fc.constantFrom(" ", '"', "\\", "[", "]", '] "', ' "', "-", "a", "200"), {
      maxLength: 30,
    });
    fc.assert(fc.property(bits, (bits) => void [combined(bits.join("")), common(bits.join(""))]));
  });
});

describe("LTSV", () => {
  const label = fc.stringMatching(/^[\w.-]+$/);
  const value = fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\t"));

  test("labels and values come back, whatever they are called", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(label, value), { selector: ([name]) => name, minLength: 1 }),
        (fields) => {
          const parsed = ltsv(fields.map(([name, text]) => `${name}:${text}`).join("\t"));
          expect(new Map(Object.entries(parsed))).toEqual(new Map(fields));
        },
      ),
    );
    expect(Object.entries(ltsv("__proto__:1\tconstructor:2"))).toEqual([
      ["__proto__", "1"],
      ["constructor", "2"],
    ]);
  });

  test("text that only begins like a field has no row", () => {
    const known = parserOf({ format: "ltsv" }, new Set(["status"]));
    for (const line of [
      "10:00:01 started",
      "ERROR: no such file",
      "http://example.com/",
      "2026-11-21T10:00:00Z up",
    ]) {
      expect(known(line)).toBeInstanceOf(Misfit);
    }
    expect(known("status:200")).toEqual({ status: "200" });
    expect(known("level:info\ttext:up")).toEqual({ level: "info", text: "up" });
    expect(known("status:200\tpath:/\nstatus:404")).toBeInstanceOf(Misfit);
  });

  test("a field without a colon, a bad label and a label that stands twice do not parse", () => {
    for (const line of ["", "a", "a:1\tb", "a:1\t", ":1", "a b:1", "a:1\ta:2", "__proto__:1\t__proto__:2"]) {
      expect(ltsv(line)).toBeInstanceOf(Misfit);
    }
  });
});

describe("CSV and TSV", () => {
  const names = ["a", "b", "c"];
  const csv = parserOf({ format: "csv", fields: names, delimiter: "," });
  const tsv = parserOf({ format: "tsv", fields: names });
  const value = fc.string({ unit: "grapheme", maxLength: 12 });

  test("values come back, quoted or not; empty is null, quoted empty is empty", () => {
    const cell = fc.tuple(value, fc.boolean()).map(([text, quote]) => ({
      written: quote || /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text,
      read: quote || text !== "" ? text : null,
    }));
    fc.assert(
      fc.property(fc.tuple(cell, cell, cell), ([a, b, c]) => {
        const line = [a, b, c].map(({ written }) => written).join(",");
        expect(csv(line)).toEqual({ a: a.read, b: b.read, c: c.read });
      }),
    );
    expect(tsv('1\t\t"x"')).toEqual({ a: "1", b: null, c: '"x"' });
  });

  test("a row of more or fewer values, an open quote, text about a quote do not parse", () => {
    for (const line of ["1,2", "1,2,3,4", '1,2,"3', '1,"2"x,3', '1,x"2",3', '"1,2,3', "", '"']) {
      expect(csv(line)).toBeInstanceOf(Misfit);
    }
    expect(tsv("1\t2")).toBeInstanceOf(Misfit);
  });

  test("what only looks like a row does not parse: headers, directives, joined rows, quoted tabs", () => {
    const spaced = parserOf({ format: "csv", fields: names, delimiter: " " });
    for (const line of ["a,b,c", '"a","b","c"', "1,2\n3,4", '1,"2",3\n', "1\n2,3,4"]) {
      expect([line, csv(line)]).toEqual([line, expect.any(Misfit)]);
    }
    for (const line of ["#Date: 2026-11-21 10:00:00", "#Fields: date time"]) {
      expect([line, spaced(line)]).toEqual([line, expect.any(Misfit)]);
    }
    for (const line of ["a\tb\tc", '"1\t2"\t3', '1\t"\t"', "1\t2\t3\n4"]) {
      expect([line, tsv(line)]).toEqual([line, expect.any(Misfit)]);
    }
    expect(csv("a,b,C")).toEqual({ a: "a", b: "b", c: "C" });
    expect(csv('1,"2\n3",4')).toEqual({ a: "1", b: "2\n3", c: "4" });
    expect(spaced("#1 2 3")).toEqual({ a: "#1", b: "2", c: "3" });
    expect(tsv('5" disk\t2\t3')).toEqual({ a: '5" disk', b: "2", c: "3" });
    expect(parserOf({ format: "csv", fields: ["line"], delimiter: "," })("line")).toEqual({ line: "line" });
  });
});

describe("other formats", () => {
  test("JSON is one object", () => {
    expect(json('{"a":{"b":1}}')).toEqual({ a: { b: 1 } });
    for (const line of ["", "1", "[]", "null", '{"a":1', '{"a":1}x', "12345678901234567890"]) {
      expect(json(line)).toBeInstanceOf(Misfit);
    }
  });

  test("a regular expression gives its named groups", () => {
    const regex = parserOf({
      format: "regex",
      backtracking: false,
      pattern: String.raw`^(?<level>[A-Z]+)(?: (?<code>\d+))?: (?<text>.*)$`,
    });
    expect({ ...(regex("WARN 12: x") as object) }).toEqual({ level: "WARN", code: "12", text: "x" });
    expect({ ...(regex("WARN: x") as object) }).toEqual({ level: "WARN", code: undefined, text: "x" });
    expect(regex("warn: x")).toBeInstanceOf(Misfit);
  });
});

describe("event time", () => {
  const arrivedAtMs = Date.UTC(2026, 0, 1, 0, 30);
  const read = (format: TimeFormat, value: unknown) => {
    const instant = readTime(format)(value, arrivedAtMs);
    return instant && formatTimestamp(instant.epochMs);
  };
  const instant = fc.date({
    min: new Date("1970-01-01T00:00:00Z"),
    max: new Date("9999-12-30T00:00:00Z"),
    noInvalidDate: true,
  });

  test("of every format is the instant that was written", () => {
    fc.assert(
      fc.property(instant, fc.integer({ min: -14 * 60, max: 14 * 60 }), (date, zoneMinutes) => {
        const local = new Date(date.getTime() + zoneMinutes * 60_000);
        fc.pre(local.getUTCFullYear() >= 1970 && local.getUTCFullYear() <= 9999);
        const expected = date.toISOString().replace("T", " ").replace("Z", "");
        const [hh, mm] = [Math.floor(Math.abs(zoneMinutes) / 60), Math.abs(zoneMinutes) % 60].map((n) =>
          `${n}`.padStart(2, "0"),
        );
        const zone = `${zoneMinutes < 0 ? "-" : "+"}${hh}${mm}`;
        expect(read("iso8601", local.toISOString().replace("Z", zone))).toBe(expected);
        expect(read("epoch-millis", date.getTime())).toBe(expected);
        expect(read("epoch-seconds", `${date.getTime() / 1_000}`)).toBe(expected);
        const [, day, month, year, clock] = local.toUTCString().split(" ");
        expect(read("clf", `${day}/${month}/${year}:${clock} ${zone}`)).toBe(`${expected.slice(0, 20)}000`);
      }),
    );
  });

  test("reads the forms that logs have", () => {
    expect(read("iso8601", "2026-11-21 10:00:01,5")).toBe("2026-11-21 10:00:01.500");
    expect(read("iso8601", "2026-11-21T10:00:01.123456789Z")).toBe("2026-11-21 10:00:01.123");
    expect(read("iso8601", "2026-11-21T10:00+09")).toBe("2026-11-21 01:00:00.000");
    expect(read("iso8601", "2016-12-31T23:59:60Z")).toBe("2017-01-01 00:00:00.000");
    expect(read("epoch-seconds", 1_545_084_650.987)).toBe("2018-12-17 22:10:50.987");
    expect(read("epoch-millis", "1545084650987.5")).toBe("2018-12-17 22:10:50.987");
    expect(read("clf", "10/Oct/2000:13:55:36 -0700")).toBe("2000-10-10 20:55:36.000");
  });

  test("of syslog takes the year that arrival says, also about New Year and on 29 February", () => {
    expect(read("syslog", "Dec 31 23:59:59")).toBe("2025-12-31 23:59:59.000");
    expect(read("syslog", "Jan  1 00:10:00")).toBe("2026-01-01 00:10:00.000");
    expect(read("syslog", "Jan  1 14:00:00")).toBe("2026-01-01 14:00:00.000");
    expect(read("syslog", "Jun 14 15:16:01")).toBe("2025-06-14 15:16:01.000");
    expect(read("syslog", "Feb 29 10:00:00")).toBe("2024-02-29 10:00:00.000");
  });

  test("that does not exist is refused", () => {
    const wrong: [TimeFormat, unknown][] = [
      ["iso8601", "2026-02-30T00:00:00Z"],
      ["iso8601", "2026-11-21T24:00:01Z"],
      ["iso8601", "2026-11-21T10:00:61Z"],
      ["iso8601", "2026-11-21T10:00:00+25:00"],
      ["iso8601", "yesterday"],
      ["iso8601", 5],
      ["clf", "31/Feb/2000:13:55:36 -0700"],
      ["clf", "10/Oct/2000:13:55:3x -0700"],
      ["clf", "10/Okt/2000:13:55:36 -0700"],
      ["clf", "10/Oct/2000:13:55:36"],
      ["syslog", "Feb 30 10:00:00"],
      ["syslog", "Feb 3 10:00"],
      ["epoch-seconds", 999_999_999_999],
      ["epoch-millis", ""],
    ];
    // Twice: what was remembered of the line before must not let one through.
    for (const [format, value] of [...wrong, ...wrong])
      expect([value, read(format, value)]).toEqual([value, undefined]);
  });

  test("depends on nothing read before", () => {
    const texts = fc.array(
      fc.constantFrom(
        "10/Oct/2000:13:55:36 -0700",
        "10/Oct/2000:13:55:59 +0000",
        "10/Oct/2000:13:56:00 -0700",
        "10/Oct/2000:13:55:60 -0700",
        "10/Oct/2000:13:55x36 -0700",
        "10/Oct/2000:13:55:3x -0700",
        "99/Oct/2000:13:55:36 -0700",
        "",
      ),
      { minLength: 1, maxLength: 8 },
    );
    const alone = (text: string) => {
      read("clf", "01/Jan/1990:00:00:00 +0000");
      return read("clf", text);
    };
    fc.assert(
      fc.property(texts, (texts) => {
        const together = texts.map((text) => read("clf", text));
        expect(together).toEqual(texts.map(alone));
      }),
    );
  });
});
