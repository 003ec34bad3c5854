import type { WeirConfigInput } from "../../wire/config.ts";

type TypeInput = WeirConfigInput["types"][number];

/** A line of a format, the type that reads it, and the row that comes of it, Weir's own columns but `_time` left out. */
export interface FormatExample {
  readonly title: string;
  readonly type: Omit<TypeInput, "name">;
  readonly line: string;
  readonly row: Readonly<Record<string, unknown>>;
}

const columns = (names: string): TypeInput["columns"] =>
  names.split(" ").map((name) => ({ name, type: name === "status" ? "smallint" : "varchar(1000)" }));

/** Shown in the reference, and run by a test. */
export const FORMAT_EXAMPLES: readonly FormatExample[] = [
  {
    title: "JSON",
    type: {
      parse: { format: "json" },
      time: { field: "@timestamp", format: "iso8601" },
      columns: [
        { name: "level", field: "log.level", type: "varchar(10)" },
        { name: "user_id", field: "user.id", type: "bigint" },
      ],
    },
    line: '{"@timestamp":"2026-11-21T10:00:00.5Z","log.level":"INFO","user":{"id":7},"took":3}',
    row: { _time: "2026-11-21 10:00:00.500", _extra: { took: 3 }, level: "INFO", user_id: 7 },
  },
  {
    title: "LTSV",
    type: {
      parse: { format: "ltsv" },
      nulls: ["-"],
      time: { field: "time", format: "clf" },
      columns: columns("host status ua"),
    },
    line: "time:21/Nov/2026:10:00:00 +0000\thost:203.0.113.9\tstatus:200\tua:-",
    row: { _time: "2026-11-21 10:00:00.000", host: "203.0.113.9", status: 200 },
  },
  {
    title: "logfmt",
    type: {
      parse: { format: "logfmt" },
      time: { field: "ts", format: "epoch" },
      columns: columns("level msg"),
    },
    line: 'ts=1795255200.5 level=info msg="listening on :8080"',
    row: { _time: "2026-11-21 10:00:00.500", level: "info", msg: "listening on :8080" },
  },
  {
    title: "An access log, by a preset",
    type: {
      parse: { format: "combined", escapes: "decode" },
      time: { field: "time", format: "clf" },
      columns: columns("host method path status"),
    },
    line: String.raw`203.0.113.9 - - [21/Nov/2026:10:00:00 +0000] "GET /caf\xc3\xa9 HTTP/1.1" 200 5 "-" "curl/8"`,
    row: {
      _time: "2026-11-21 10:00:00.000",
      _extra: { agent: "curl/8", bytes: "5", protocol: "HTTP/1.1" },
      host: "203.0.113.9",
      method: "GET",
      path: "/café",
      status: 200,
    },
  },
  {
    title: "An access log, by nginx's log_format",
    type: {
      parse: {
        format: "nginx",
        logFormat:
          '$remote_addr [$time_iso8601] "$request" $status rt=$request_time ut=$upstream_response_time',
      },
      time: { field: "time_iso8601", format: "iso8601" },
      columns: [
        ...columns("remote_addr path status"),
        { name: "request_time", type: "double precision" },
        { name: "upstreams", field: "upstream_response_time", type: "varchar(100)" },
      ],
    },
    line: '203.0.113.9 [2026-11-21T11:00:00+01:00] "GET /a HTTP/1.1" 502 rt=0.012 ut=0.001, 0.010',
    row: {
      _time: "2026-11-21 10:00:00.000",
      _extra: { method: "GET", protocol: "HTTP/1.1" },
      remote_addr: "203.0.113.9",
      path: "/a",
      status: 502,
      request_time: 0.012,
      upstreams: "0.001, 0.010",
    },
  },
  {
    title: "An access log, by Apache's LogFormat",
    type: {
      parse: { format: "apache", logFormat: '%h %l %u %t "%r" %>s %b %{X-Forwarded-For}i %D' },
      time: { field: "time", format: "clf" },
      columns: columns("host path status x_forwarded_for duration_us"),
    },
    line: '10.0.0.7 - - [21/Nov/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 5 203.0.113.9 1234',
    row: {
      _time: "2026-11-21 10:00:00.000",
      _extra: { bytes: "5", method: "GET", protocol: "HTTP/1.1" },
      host: "10.0.0.7",
      path: "/a",
      status: 200,
      x_forwarded_for: "203.0.113.9",
      duration_us: "1234",
    },
  },
  {
    title: "Error logs of nginx and Apache",
    type: {
      parse: { format: "any", of: [{ format: "nginx-error" }, { format: "apache-error" }] },
      time: { field: "time", format: "%Y/%m/%d %H:%M:%S", zone: "Europe/Berlin" },
      columns: columns("level client message"),
    },
    line: "2026/11/21 11:00:00 [error] 7#7: *9 access forbidden by rule, client: 203.0.113.9, server: _",
    row: {
      _time: "2026-11-21 10:00:00.000",
      _extra: { connection: "9", pid: "7", server: "_", tid: "7" },
      level: "error",
      client: "203.0.113.9",
      message: "access forbidden by rule",
    },
  },
  {
    title: "Syslog",
    type: {
      parse: { format: "syslog" },
      time: { field: "time", format: "syslog", zone: "America/New_York" },
      columns: [...columns("host ident message"), { name: "severity", type: "smallint" }],
    },
    line: "<38>Nov 21 05:00:00 web-1 sshd[7]: Accepted publickey for deploy",
    row: {
      _time: "2026-11-21 10:00:00.000",
      _extra: { facility: 4, pid: "7", priority: "38" },
      host: "web-1",
      ident: "sshd",
      message: "Accepted publickey for deploy",
      severity: 6,
    },
  },
  {
    title: "Syslog, RFC 5424",
    type: {
      parse: { format: "rfc5424" },
      time: { field: "time", format: "iso8601" },
      columns: [
        ...columns("ident message"),
        { name: "request", field: "structured_data.app@1.request", type: "varchar(100)" },
      ],
    },
    line: '<14>1 2026-11-21T10:00:00.003Z web-1 app - - [app@1 request="r-1"] done',
    row: {
      _time: "2026-11-21 10:00:00.003",
      _extra: { facility: 1, host: "web-1", priority: "14", severity: 6 },
      ident: "app",
      message: "done",
      request: "r-1",
    },
  },
  {
    title: "Docker's JSON, with an access log in it",
    type: {
      parse: { format: "combined", from: "log" },
      time: { field: "time", format: "clf" },
      columns: columns("host path status stream"),
    },
    line: String.raw`{"log":"203.0.113.9 - - [21/Nov/2026:10:00:00 +0000] \"GET /a HTTP/1.1\" 200 5 \"-\" \"curl/8\"\n","stream":"stdout"}`,
    row: {
      _time: "2026-11-21 10:00:00.000",
      _extra: { agent: "curl/8", bytes: "5", method: "GET", protocol: "HTTP/1.1" },
      host: "203.0.113.9",
      path: "/a",
      status: 200,
      stream: "stdout",
    },
  },
  {
    title: "Kubernetes' containers, with JSON in them",
    type: {
      parse: { format: "json", from: { format: "cri", field: "message" } },
      time: { field: "time", format: "iso8601" },
      columns: columns("level stream"),
    },
    line: '2026-11-21T10:00:00.123456789Z stdout F {"level":"info","took":3}',
    row: {
      _time: "2026-11-21 10:00:00.123",
      _extra: { logtag: "F", took: 3 },
      level: "info",
      stream: "stdout",
    },
  },
  {
    title: "CSV",
    type: {
      parse: { format: "csv", fields: ["time", "name", "price"], header: "skip", fewer: "null" },
      time: { field: "time", format: "%d.%m.%Y %H:%M" },
      columns: [
        { name: "name", type: "varchar(20)", onMisfit: "truncate" },
        { name: "price", type: "decimal(8,2)", nulls: ["N/A"], onMisfit: "extra" },
      ],
    },
    line: '21.11.2026 10:00,"Camera, black",on request',
    row: { _time: "2026-11-21 10:00:00.000", _extra: { price: "on request" }, name: "Camera, black" },
  },
  {
    title: "TSV",
    type: {
      parse: { format: "tsv", fields: ["time", "id", "name"] },
      time: { field: "time", format: "epoch-millis" },
      columns: columns("id name"),
    },
    line: "1795255200123\t7\tcamera",
    row: { _time: "2026-11-21 10:00:00.123", id: "7", name: "camera" },
  },
  {
    title: "An Application Load Balancer",
    type: {
      parse: { format: "alb" },
      time: { field: "time", format: "iso8601" },
      columns: columns("elb client status method path"),
    },
    line: 'https 2026-11-21T10:00:00.186641Z app/lb/50dc 192.0.2.1:2817 10.0.0.1:80 0.08 0.04 0.03 200 200 0 57 "GET https://example.com:443/ HTTP/1.1" "curl/8" TLS13 TLSv1.3 arn:aws:tg "Root=1-5" "example.com" "arn:aws:acm" 1 2026-11-21T10:00:00.180000Z "forward" "-" "-" "10.0.0.1:80" "200"',
    row: {
      _time: "2026-11-21 10:00:00.186",
      elb: "app/lb/50dc",
      client: "192.0.2.1:2817",
      status: 200,
      method: "GET",
      path: "https://example.com:443/",
    },
  },
  {
    title: "VPC flow logs",
    type: {
      parse: { format: "vpc-flow" },
      time: { field: "start", format: "epoch-seconds" },
      columns: [...columns("srcaddr dstaddr action"), { name: "bytes", type: "bigint" }],
    },
    line: "2 123456789010 eni-1235b8ca 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1795255200 1795255260 ACCEPT OK",
    row: {
      _time: "2026-11-21 10:00:00.000",
      srcaddr: "172.31.16.139",
      dstaddr: "172.31.16.21",
      action: "ACCEPT",
      bytes: 4249,
    },
  },
  {
    title: "A regular expression",
    type: {
      parse: { format: "regex", pattern: String.raw`^(?<time>\S+ \S+) (?<level>[A-Z]+) (?<message>.*)$` },
      time: { field: "time", format: "%Y-%m-%d %H:%M:%S,%L" },
      columns: columns("level message"),
    },
    line: "2026-11-21 10:00:00,123 WARN disk is nearly full",
    row: { _time: "2026-11-21 10:00:00.123", level: "WARN", message: "disk is nearly full" },
  },
  {
    title: "Anything, with the line and where it was read",
    type: {
      parse: { format: "raw" },
      columns: [
        { name: "line", type: "varchar(65535)", onMisfit: "truncate" },
        { name: "path", field: "_path", type: "varchar(1000)" },
      ],
    },
    line: "hello",
    row: { line: "hello", path: "/var/log/app.log" },
  },
];
