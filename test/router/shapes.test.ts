import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Router } from "../../lambdas/router/router.ts";
import type { WeirConfigInput } from "../../wire/config.ts";
import { aggregate, configOf, linesOf, rejectsOf, rowsOf, streamRecord } from "./batch-fixture.ts";

type TypeInput = WeirConfigInput["types"][number];

const typeOf = (parse: TypeInput["parse"], names: string, rest: Partial<TypeInput> = {}): TypeInput => ({
  name: "t",
  parse,
  columns: names.split(" ").map((name) => ({ name, type: "varchar(999)" })),
  ...rest,
});
const route = (type: TypeInput, ...lines: (object | string | Buffer)[]) =>
  new Router(configOf([type])).route([
    streamRecord(
      aggregate(
        lines.map((line) => ({
          tag: "t",
          data: typeof line === "string" || Buffer.isBuffer(line) ? line : JSON.stringify(line),
        })),
      ),
    ),
  ]);
const own = (type: TypeInput, ...lines: (object | string | Buffer)[]) => {
  const routed = route(type, ...lines);
  expect(rejectsOf(routed)).toEqual([]);
  return rowsOf(routed).map(({ _time, _src, _off, _crc, _host, _arrived_at, ...columns }) => columns);
};
const reasons = (type: TypeInput, ...lines: (object | string)[]) =>
  rejectsOf(route(type, ...lines)).map(({ detail }) => detail);

const ACCESS = '203.0.113.9 - - [21/Nov/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "curl/8"';

describe("a line in a field of another", () => {
  const docker = typeOf({ format: "combined", from: "log" }, "host method path", {
    time: { field: "time", format: "clf" },
  });

  test("is read as its own format says, beside what the wrapper has", () => {
    const line = {
      log: `${ACCESS}\n`,
      stream: "stdout",
      time: "2026-11-21T10:00:01.5Z",
      kubernetes: { pod: "web-1" },
    };
    expect(own(docker, line)).toEqual([
      {
        host: "203.0.113.9",
        method: "GET",
        path: "/a",
        _extra: {
          agent: "curl/8",
          bytes: "5",
          kubernetes: { pod: "web-1" },
          outer: { time: "2026-11-21T10:00:01.5Z" },
          protocol: "HTTP/1.1",
          status: "200",
          stream: "stdout",
        },
      },
    ]);
    expect(rowsOf(route(docker, line))[0]).toMatchObject({ _time: "2026-11-21 10:00:00.000" });
  });

  test("may be JSON in JSON, at a path, or of any format", () => {
    const nested = typeOf({ format: "json", from: "event.original" }, "level id", {
      columns: [
        { name: "level", type: "varchar(9)" },
        { name: "pod", field: "k8s.pod", type: "varchar(9)" },
        { name: "shard", field: "event.shard", type: "integer" },
      ],
    });
    expect(
      own(nested, { event: { original: '{"level":"INFO","a":1}', shard: 3 }, k8s: { pod: "x", node: "y" } }),
    ).toEqual([{ level: "INFO", pod: "x", shard: 3, _extra: { a: 1, k8s: { node: "y" } } }]);
    const raw = typeOf({ format: "raw", from: "log" }, "line stream");
    expect(own(raw, { log: "hello\r\n", stream: "stderr" })).toEqual([{ line: "hello", stream: "stderr" }]);
    const cri = typeOf({ format: "logfmt", from: { field: "message", format: "cri" } }, "stream level msg");
    expect(own(cri, '2026-11-21T10:00:00.123456789Z stdout F level=info msg="a b"')).toEqual([
      {
        stream: "stdout",
        level: "info",
        msg: "a b",
        _extra: { logtag: "F", time: "2026-11-21T10:00:00.123456789Z" },
      },
    ]);
    const sys = typeOf({ format: "json", from: { field: "message", format: "syslog" } }, "ident i");
    expect(own(sys, 'Nov 21 10:00:00 web-1 app: {"i":"1"}')).toMatchObject([{ ident: "app", i: "1" }]);
  });

  test("loses no digit and no field of the wrapper, whatever it is called", () => {
    const nested = typeOf({ format: "json", from: "e.original" }, "level");
    const line =
      '{"e":{"original":"{\\"level\\":\\"INFO\\",\\"t\\":1}","id":12345678901234567890},"t":2,"outer":3}';
    const [data] = linesOf(route(nested, line), "data");
    expect(data).toContain('"e":{"id":12345678901234567890}');
    expect(own(nested, line)).toMatchObject([{ level: "INFO", _extra: { t: 1, outer: { t: 2, outer: 3 } } }]);
  });

  test("that cannot be read is rejected whole, with the field named", () => {
    expect(reasons(docker, { stream: "stdout" }, { log: 5 }, { log: "x" }, "no JSON")).toEqual([
      expect.stringMatching(/no such field/),
      "is no text",
      expect.stringMatching(/^in log: not in combined format/),
      expect.stringMatching(/JSON/),
    ]);
  });
});

describe("several formats", () => {
  const type = typeOf(
    { format: "any", of: [{ format: "combined" }, { format: "json" }, { format: "syslog" }] },
    "host level",
  );

  test("are tried in order", () => {
    expect(own(type, ACCESS, { level: "WARN" }, "<13>Nov 21 10:00:00 web-1 app[7]: hello")).toMatchObject([
      { host: "203.0.113.9" },
      { level: "WARN" },
      { host: "web-1", _extra: { facility: 1, severity: 5, pid: "7", message: "hello" } },
    ]);
  });

  test("of which none takes a line say why each does not", () => {
    expect(reasons(type, "hello")).toEqual([
      expect.stringMatching(/none of 3 formats\. combined: .*; json: .*; syslog: /),
    ]);
  });
});

describe("logfmt", () => {
  const type = typeOf({ format: "logfmt" }, "level msg");

  test("is read with its quotes, escapes, and keys alone", () => {
    expect(
      own(type, String.raw`level=info msg="a \"b\"\n\u00e9" dry n= took=1.5ms url=http://x/?a=b`),
    ).toEqual([
      { level: "info", msg: 'a "b"\né', _extra: { dry: true, took: "1.5ms", url: "http://x/?a=b" } },
    ]);
  });

  test.each(["hello world", "level=info level=warn", 'a="x', 'a="x"y', '"a"=1', "=1 a=2"])(
    "%s is none",
    (line) => {
      expect(reasons(type, line)).toHaveLength(1);
    },
  );
});

describe("syslog", () => {
  test("is read with a priority or without, with times of either kind, with an ident or without", () => {
    const type = typeOf({ format: "syslog" }, "time host ident pid message");
    expect(
      own(
        type,
        "Jun 14 15:16:01 combo sshd(pam_unix)[19939]: authentication failure; uid=0",
        "2026-11-21T10:00:00.123456+00:00 web-1 kernel: [ 1.0] up",
        "Jun  9 15:16:01 combo syslogd 1.4.1: restart.",
      ),
    ).toEqual([
      {
        time: "Jun 14 15:16:01",
        host: "combo",
        ident: "sshd(pam_unix)",
        pid: "19939",
        message: "authentication failure; uid=0",
      },
      { time: "2026-11-21T10:00:00.123456+00:00", host: "web-1", ident: "kernel", message: "[ 1.0] up" },
      { time: "Jun  9 15:16:01", host: "combo", message: "syslogd 1.4.1: restart." },
    ]);
  });

  test("has event times of either kind in one type, as a log has from an upgrade of its host on", () => {
    const type = typeOf({ format: "syslog" }, "message", {
      time: { field: "time", format: "syslog", zone: "Europe/Berlin" },
    });
    const lines = ["Nov 21 10:00:01 web-1 app: a", "2026-11-21T09:00:02.5Z web-1 app: b"];
    const times = [...lines, "2026-11-21 10:00:03 web-1 app: c"].map(
      (line) => rowsOf(route(type, line))[0]!["_time"],
    );
    expect(times).toEqual(["2026-11-21 09:00:01.000", "2026-11-21 09:00:02.500", "2026-11-21 09:00:03.000"]);
  });

  test("of RFC 5424 has structured data as objects", () => {
    const type = typeOf({ format: "rfc5424" }, "host ident pid message_id message", {
      columns: [
        { name: "message", type: "varchar(99)" },
        { name: "severity", type: "smallint" },
        { name: "class", field: "structured_data.exampleSDID@32473.class", type: "varchar(9)" },
        { name: "structured_data", type: "super" },
      ],
    });
    const line = String.raw`<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="3" class="a\"\]b"][x@1 y="z"] An event`;
    const [row] = rowsOf(route({ ...type, columns: type.columns.slice(0, 3) }, line));
    expect(row).toMatchObject({ message: "An event", severity: 5, class: 'a"]b' });
    expect(row!["_extra"]).toMatchObject({
      facility: 20,
      structured_data: { "exampleSDID@32473": { iut: "3" }, "x@1": { y: "z" } },
    });
    expect(own(typeOf({ format: "rfc5424" }, "message"), "<13>1 - - - - - -")).toEqual([
      { _extra: { facility: 1, severity: 5, priority: "13" } },
    ]);
  });
});

test("error logs of nginx and Apache are read, with the request where there is one", () => {
  const nginx = typeOf({ format: "nginx-error" }, "level message client request host", {
    time: { field: "time", format: "%Y/%m/%d %H:%M:%S" },
  });
  expect(
    own(
      nginx,
      '2026/11/21 10:00:00 [error] 7#8: *9 open() "/a, b" failed (2: No such file), client: 203.0.113.9, server: _, request: "GET /a HTTP/1.1", host: "x"',
      "2026/11/21 10:00:00 [notice] 1#1: signal process started",
    ),
  ).toMatchObject([
    {
      level: "error",
      message: 'open() "/a, b" failed (2: No such file)',
      client: "203.0.113.9",
      request: "GET /a HTTP/1.1",
      host: "x",
    },
    { level: "notice", message: "signal process started" },
  ]);
  const apache = typeOf({ format: "apache-error" }, "module level client code message", {
    time: { field: "time", format: "%a %b %d %H:%M:%S.%L %Y" },
  });
  expect(
    own(
      apache,
      "[Sat Nov 21 10:00:00.123456 2026] [core:error] [pid 7:tid 8] [client 203.0.113.9:4711] AH00037: Symbolic link",
    ),
  ).toMatchObject([
    { module: "core", level: "error", client: "203.0.113.9:4711", code: "AH00037", message: "Symbolic link" },
  ]);
});

test.each([
  ["syslog", "Nov 21 10:00:00 web-1 app[7]: first\n\tat second", { pid: "7", message: "first\n\tat second" }],
  ["rfc5424", "<13>1 - web-1 app - - - first\nsecond", { ident: "app", message: "first\nsecond" }],
  [
    "nginx-error",
    '2026/11/21 10:00:00 [error] 7#7: *9 FastCGI sent in stderr: "PHP Fatal error: x\nStack trace:\n#0 {main}" while reading, client: 203.0.113.9, server: _',
    {
      message: 'FastCGI sent in stderr: "PHP Fatal error: x\nStack trace:\n#0 {main}" while reading',
      client: "203.0.113.9",
    },
  ],
  [
    "apache-error",
    "[Sat Nov 21 10:00:00 2026] [error] [client 203.0.113.9] first\nsecond",
    { client: "203.0.113.9", message: "first\nsecond" },
  ],
] as const)("an event of %s may have several lines, which an agent has joined", (format, event, expected) => {
  const type = typeOf({ format }, "pid ident client message");
  expect(own(type, event)).toMatchObject([expected]);
});

describe("logs of AWS", () => {
  test("of a load balancer and of S3 are read, with the fields that have been added since", () => {
    const alb = typeOf({ format: "alb" }, "client status method path trace_id", {
      time: { field: "time", format: "iso8601" },
    });
    const line =
      'https 2018-07-02T22:23:00.186641Z app/my-lb/50dc 192.168.131.39:2817 10.0.0.1:80 0.086 0.048 0.037 200 200 0 57 "GET https://www.example.com:443/ HTTP/1.1" "curl/7.46.0" ECDHE-RSA TLSv1.2 arn:aws:tg "Root=1-58337281" "www.example.com" "arn:aws:acm" 1 2018-07-02T22:22:48.364000Z "authenticate,forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_1234';
    expect(own(alb, line)).toMatchObject([
      {
        client: "192.168.131.39:2817",
        status: "200",
        method: "GET",
        path: "https://www.example.com:443/",
        trace_id: "Root=1-58337281",
        _extra: { trailing: '"10.0.0.1:80" "200" "-" "-" TID_1234' },
      },
    ]);
    const s3 = typeOf({ format: "s3-access" }, "bucket operation status agent", {
      time: { field: "time", format: "clf" },
    });
    expect(
      own(
        s3,
        '79a5 DOC-EXAMPLE [06/Feb/2019:00:00:38 +0000] 192.0.2.3 79a5 3E57 REST.GET.VERSIONING - "GET /DOC-EXAMPLE?versioning HTTP/1.1" 200 - 113 - 7 - "-" "S3Console/0.4" - s9lz SigV4 ECDHE AuthHeader DOC.s3.amazonaws.com TLSV1.2 - -',
      ),
    ).toMatchObject([
      { bucket: "DOC-EXAMPLE", operation: "REST.GET.VERSIONING", status: "200", agent: "S3Console/0.4" },
    ]);
  });

  test("of CloudFront and of a VPC are read, without their headers", () => {
    const cloudfront = typeOf({ format: "cloudfront" }, "c_ip sc_status cs_referer");
    const values =
      "2019-12-04\t21:02:31\tLAX1\t392\t192.0.2.100\tGET\td1\t/index.html\t200\t-\tMozilla".split("\t");
    const line = [...values, ...Array.from({ length: 22 }, () => "-")].join("\t");
    const routed = route(cloudfront, "#Version: 1.0", "#Fields: date time x-edge-location", line);
    expect(routed.commit.types["t"]).toMatchObject({ lines: 3, rows: 1, filtered: 2, rejected: 0 });
    expect(rowsOf(routed)[0]).toMatchObject({ c_ip: "192.0.2.100", sc_status: "200" });
    const vpc = typeOf({ format: "vpc-flow" }, "srcaddr action", {
      time: { field: "start", format: "epoch-seconds" },
    });
    const flow = route(
      vpc,
      "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status",
      "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK",
    );
    expect(flow.commit.types["t"]).toMatchObject({ lines: 2, rows: 1, filtered: 1 });
    expect(rowsOf(flow)[0]).toMatchObject({
      srcaddr: "172.31.16.139",
      action: "ACCEPT",
      _time: "2014-12-14 04:06:50.000",
    });
  });
});

describe("CSV", () => {
  const parse = { format: "csv" as const, fields: ["a", "b", "c"] };

  test("may have headers, and fewer or more values, where the type says so", () => {
    const type = typeOf({ ...parse, fewer: "null", more: "extra", header: "skip" }, "a b c");
    const routed = route(type, "a,b,c", "1,2", "1,2,3,4,5", '1,"2,3",4');
    expect(routed.commit.types["t"]).toMatchObject({ lines: 4, rows: 3, filtered: 1, rejected: 0 });
    expect(rowsOf(routed)).toMatchObject([
      { a: "1", b: "2" },
      { a: "1", b: "2", c: "3", _extra: { more: ["4", "5"] } },
      { a: "1", b: "2,3", c: "4" },
    ]);
    expect(reasons(typeOf(parse, "a"), "a,b,c", "1,2", "1,2,3,4")).toHaveLength(3);
  });
});

describe("a type", () => {
  test("skips blank lines and comments, and counts them", () => {
    const type = typeOf({ format: "json" }, "a", { skip: { comments: ["#", "//"] } });
    const { types } = route(type, "", "  ", "# x", "// y", '{"a":"1"}').commit;
    expect(types["t"]).toMatchObject({ lines: 5, rows: 1, filtered: 4, rejected: 0 });
    const strict = typeOf({ format: "json" }, "a", { skip: { blank: false } });
    expect(route(strict, "", '{"a":"1"}').commit.types["t"]).toMatchObject({ rows: 1, rejected: 1 });
    const raw = typeOf({ format: "raw" }, "line");
    expect(route(raw, "", "x").commit.types["t"]).toMatchObject({ rows: 2, filtered: 0 });
    const docker = typeOf({ format: "combined", from: "log" }, "host");
    expect(route(docker, { log: "\n" }, "").commit.types["t"]).toMatchObject({ filtered: 2, rejected: 0 });
  });

  test("replaces bytes that are not UTF-8 where it says so", () => {
    const line = Buffer.from('{"a":"caf\xe9"}', "latin1");
    expect(own(typeOf({ format: "json" }, "a", { invalidUtf8: "replace" }), line)).toEqual([
      { a: "caf\ufffd" },
    ]);
    expect(route(typeOf({ format: "json" }, "a"), line).commit.types["t"]).toMatchObject({ rejected: 1 });
  });

  test("has columns of the line, its tag, and where it was read, and keeps fields that are called so", () => {
    const type = typeOf({ format: "json" }, "a", {
      columns: [
        { name: "a", type: "varchar(9)" },
        { name: "line", field: "_line", type: "varchar(999)" },
        { name: "tag", field: "_tag", type: "varchar(99)" },
        { name: "path", field: "_path", type: "varchar(99)" },
        { name: "host", field: "_host", type: "varchar(99)" },
      ],
    });
    expect(own(type, '{"a": "1"}', { a: "2", _tag: "mine" })).toEqual([
      { a: "1", line: '{"a": "1"}', tag: "t", path: "/var/log/access.log", host: "web-1" },
      {
        a: "2",
        line: '{"a":"2","_tag":"mine"}',
        tag: "t",
        path: "/var/log/access.log",
        host: "web-1",
        _extra: { outer: { _tag: "mine" } },
      },
    ]);
  });
});

/** Real log files, kept beside the repository, not in it. */
const LOGS = new URL("../../../shared/logs/", import.meta.url);

test.skipIf(!existsSync(LOGS)).each([
  ["apache.log", { format: "apache-error" }, "%a %b %d %H:%M:%S %Y"],
  ["linux.log", { format: "syslog" }, "syslog"],
  ["openssh.log", { format: "syslog" }, "syslog"],
] as const)("all lines of %s become rows", (name, parse, format) => {
  const type = typeOf(parse, "level host ident message", { time: { field: "time", format } });
  const lines = readFileSync(new URL(name, LOGS), "utf8")
    .split("\r\n")
    .filter((line) => line !== "");
  const routed = route(type, ...lines);
  expect(rejectsOf(routed).map(({ data }) => data)).toEqual([]);
  expect(routed.commit.types["t"]!.rows).toBe(2_000);
});
