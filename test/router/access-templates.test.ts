import { describe, expect, test } from "vitest";
import { apacheFormat } from "../../wire/access-log/apache.ts";
import { accessFieldNames } from "../../wire/access-log/format.ts";
import { nginxFormat } from "../../wire/access-log/nginx.ts";
import { parserSchema } from "../../wire/parser.ts";
import { Misfit } from "../../lambdas/router/misfit.ts";
import { parserOf } from "../../lambdas/router/parse/parser.ts";
import { configOf } from "./batch-fixture.ts";

const nginx = (logFormat: string, settings = {}) =>
  parserOf(parserSchema.parse({ format: "nginx", logFormat, ...settings }));
const apache = (logFormat: string, settings = {}) =>
  parserOf(parserSchema.parse({ format: "apache", logFormat, ...settings }));

const TIMED = String.raw`log_format timed '$remote_addr - $remote_user [$time_local] "$request" $status '
                      '$body_bytes_sent "$http_referer" "$http_user_agent" '
                      'rt=$request_time ua="$upstream_addr" ut=$upstream_response_time';`;
const START = '203.0.113.9 - frank [21/Nov/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "curl/8"';

describe("nginx's log_format", () => {
  test("is the format, the whole directive or its string", () => {
    const expected = {
      remote_addr: "203.0.113.9",
      remote_user: "frank",
      time_local: "21/Nov/2026:10:00:00 +0000",
      method: "GET",
      path: "/a",
      protocol: "HTTP/1.1",
      status: "200",
      body_bytes_sent: "5",
      http_referer: null,
      http_user_agent: "curl/8",
      request_time: "0.012",
      upstream_addr: "10.0.0.1:80, 10.0.0.2:80",
      upstream_response_time: "0.001, 0.010 : 0.001",
    };
    const line = `${START} rt=0.012 ua="10.0.0.1:80, 10.0.0.2:80" ut=0.001, 0.010 : 0.001`;
    expect(nginx(TIMED)(line)).toEqual(expected);
    const string = TIMED.replace("log_format timed ", "").replaceAll(/'\s*'|^'|';$/g, "");
    expect(nginx(string)(line)).toEqual(expected);
    expect(nginx(string.replace("$status", "${status}"))(line)).toEqual(expected);
    expect(accessFieldNames(nginxFormat(TIMED))).toEqual(Object.keys(expected));
  });

  test.each([
    [
      "$remote_addr:$remote_port [$time_iso8601]",
      "2001:db8::1:4711 [2026-11-21T10:00:00+00:00]",
      "2001:db8::1",
    ],
    [
      "$remote_addr:$remote_port [$time_iso8601]",
      "203.0.113.9:4711 [2026-11-21T10:00:00+00:00]",
      "203.0.113.9",
    ],
    ["$remote_addr $status", "unix: 200", "unix:"],
    ["$http_x_forwarded_for|$remote_addr", "1.1.1.1, 2.2.2.2|3.3.3.3", "3.3.3.3"],
    ["$http_x_forwarded_for $remote_addr", "1.1.1.1, 2.2.2.2 3.3.3.3", "3.3.3.3"],
    ['"$request_method $uri" $remote_addr', '"GET /a" 3.3.3.3', "3.3.3.3"],
  ])("%s reads %s", (logFormat, line, address) => {
    expect(nginx(logFormat)(line)).toMatchObject({ remote_addr: address });
  });

  test("reads empty and binary requests, and a line cut anywhere not at all", () => {
    const read = nginx('$remote_addr "$request" $status');
    expect(read('::1 "" 400')).toMatchObject({ request: "", method: null });
    expect(read(String.raw`::1 "\x16\x03\x01" 400`)).toMatchObject({ request: String.raw`\x16\x03\x01` });
    const line = `${START} rt=0.012 ua="10.0.0.1:80" ut=0.001`;
    for (let end = 0; end < line.indexOf("ut=") + 3; end++) {
      expect(nginx(TIMED)(line.slice(0, end))).toBeInstanceOf(Misfit);
    }
  });

  test.each([
    ["$remote_addr$remote_port", /no text between remote_addr and remote_port/],
    ["$remote_addr $request", /quotes about the request/],
    ["$status $status", /status twice/],
    ['"$request" $request_method "$method"', /method twice/],
    ["plain text", /names no value/],
    ['log_format j escape=json \'{"a":"$status"}\';', /use the format "json"/],
  ])("%s is refused with the configuration", (logFormat, message) => {
    const type = { name: "t", parse: { format: "nginx" as const, logFormat }, columns: [] };
    expect(() => configOf([{ ...type, columns: [{ name: "status", type: "integer" }] }])).toThrow(message);
  });
});

describe("Apache's LogFormat", () => {
  test("is the format, the whole directive or its string", () => {
    const directive = String.raw`LogFormat "%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\" %{X-Forwarded-For}i %D %{ms}T %{cache}n" timed`;
    const line =
      'www.example.com:443 203.0.113.9 - frank [21/Nov/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "curl/8" 198.51.100.7 1234 1 hit';
    const expected = {
      vhost: "www.example.com",
      port: "443",
      host: "203.0.113.9",
      ident: null,
      user: "frank",
      time: "21/Nov/2026:10:00:00 +0000",
      method: "GET",
      path: "/a",
      protocol: "HTTP/1.1",
      status: "200",
      bytes_sent: "5",
      referer: null,
      agent: "curl/8",
      x_forwarded_for: "198.51.100.7",
      duration_us: "1234",
      duration_ms: "1",
      note_cache: "hit",
    };
    expect(apache(directive)(line)).toEqual(expected);
    expect(
      apache(String.raw`%h %l %u %t \"%r\" %!200,304s %b%%`)(`${START.slice(0, START.indexOf(' "-"'))}%`),
    ).toMatchObject({ status: "200", bytes: "5" });
  });

  test("of the presets is the presets", () => {
    const common = '%h %l %u %t "%r" %>s %b';
    const combined = `${common} "%{Referer}i" "%{User-agent}i"`;
    for (const [name, text, line] of [
      ["common", common, START.slice(0, START.indexOf(' "-"'))],
      ["combined", combined, START],
      ["vhost_combined", `%v:%p ${combined}`, `a.example:80 ${START}`],
    ] as const) {
      const preset = parserOf(parserSchema.parse({ format: name }));
      expect(apache(text)(line)).toEqual(preset(line));
      expect(apache(text)(line)).not.toBeInstanceOf(Misfit);
    }
  });

  test("has times of its own form", () => {
    expect(apache("%{%Y-%m-%d %T}t | %U")("2026-11-21 10:00:00 | /a")).toEqual({
      time: "2026-11-21 10:00:00",
      path: "/a",
    });
    expect(apache("%{sec}t %U")("1795255200 /a")).toEqual({ time: "1795255200", path: "/a" });
  });

  test.each([
    ["%h%u", /no text between host and user/],
    ["%h %Y", /%Y is no value/],
    ["%h %", /% that begins no value/],
    ["%b %B", /bytes twice/],
  ])("%s is refused", (text, message) => expect(() => apacheFormat(text)).toThrow(message));
});

describe("on request", () => {
  const line = String.raw`::1 - - [21/Nov/2026:10:00:00 +0000] "GET /\xc3\xa9\x22 HTTP/1.1" 200 5 "-" "a \"b\" \\x41 \xff \x00 \n"`;

  test("what the server has escaped is decoded, unless no column could hold it", () => {
    const read = parserOf(parserSchema.parse({ format: "combined", escapes: "decode" }));
    expect(read(line)).toMatchObject({ path: '/é"', agent: 'a "b" \\x41 \\xff \\x00 \n' });
    expect(parserOf(parserSchema.parse({ format: "combined" }))(line)).toMatchObject({
      path: String.raw`/\xc3\xa9\x22`,
    });
  });

  test("more behind the last field is kept", () => {
    const read = parserOf(parserSchema.parse({ format: "combined", trailing: "keep" }));
    expect(
      read(`${START.replace("203.0.113.9 -", "203.0.113.9 - -").replace(" frank", "")} 0.003 .`),
    ).toMatchObject({
      agent: "curl/8",
      trailing: "0.003 .",
    });
    expect(read(`${START}x`)).toBeInstanceOf(Misfit);
    expect(read(START.slice(0, -1))).toBeInstanceOf(Misfit);
  });
});
