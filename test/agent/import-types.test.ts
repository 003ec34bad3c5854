import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse as parseToml } from "smol-toml";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { importConfig } from "../../agent/command/import/import-config.ts";
import { writeTypes } from "../../agent/command/import/write-types.ts";
import { importTypes } from "../../agent/command/import/types/import-types.ts";
import { loadConfig } from "../../lib/load-config.ts";
import { Tally } from "../../ops/try/tally.ts";
import type { LogType } from "../../wire/log-type.ts";

let directory: string;
let count = 0;
beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), "weir-types-"))));
afterAll(() => rm(directory, { recursive: true }));

/** The configuration that is written, loaded again as whoever uses it does. */
async function typesOf(text: string) {
  const { imported } = importConfig(text, "/nowhere/fluent.conf", "logs");
  const { typescript, notes } = await importTypes(imported, "/nowhere/fluent.conf", false);
  const file = join(directory, `${count++}.config.ts`);
  await writeFile(file, typescript!);
  return { ...(await loadConfig(file)), typescript: typescript!, told: notes.join("\n") };
}

const FORWARD = "<match **>\n@type forward\n<server>\nhost 10.0.0.1\n</server>\n</match>\n";
const tail = (parse: string, filters = "", tag = "app") =>
  `<source>\n@type tail\npath /a.log\ntag ${tag}\n${parse}\n</source>\n${filters}\n${FORWARD}`;
const parse = (type: string, more = "") => `<parse>\n@type ${type}\n${more}\n</parse>`;
const filter = (type: string, more: string) => `<filter **>\n@type ${type}\n${more}\n</filter>\n`;

/** What becomes of lines: rows without the file's own metadata, or why there is none. */
function tried(type: LogType, ...lines: string[]) {
  const tally = new Tally(type, { rows: 10, rejects: 10 });
  lines.forEach((line, i) =>
    tally.take({ data: Buffer.from(line), offset: 0, file: "/a.log", number: i + 1 }),
  );
  return tally.firstRejects.length > 0 ? tally.firstRejects.map(({ misfit }) => misfit) : tally.firstRows;
}

/** Lines of the tests of Fluentd's own parsers, with what these make of them. */
describe("lines are read as Fluentd's parser reads them, of", () => {
  const apache = {
    _time: "2013-02-28 03:00:00.000",
    host: "192.168.0.1",
    method: "GET",
    path: "/",
    code: 200,
    size: 777,
  };
  const syslog = {
    host: "192.168.0.1",
    ident: "fluentd",
    pid: "11111",
    message: "[error] Syslog test",
  };
  test.each([
    [
      "apache2",
      parse("apache2"),
      '192.168.0.1 - - [28/Feb/2013:12:00:00 +0900] "GET / HTTP/1.1" 200 777 "-" "Opera/12.0"',
      { ...apache, agent: "Opera/12.0" },
    ],
    [
      "apache2, without the protocol",
      "format apache2",
      '192.168.0.1 - - [28/Feb/2013:12:00:00 +0900] "GET /" 200 777 "-" "Opera/12.0"',
      { host: "192.168.0.1", code: 200, agent: "Opera/12.0", _extra: { request: "GET /" } },
    ],
    [
      "apache, without referer and agent",
      "format apache",
      '192.168.0.1 - - [28/Feb/2013:12:00:00 +0900] "GET / HTTP/1.1" 200 777',
      apache,
    ],
    [
      "nginx",
      parse("nginx"),
      '127.0.0.1 192.168.0.1 - [28/Feb/2013:12:00:00 +0900] "GET / HTTP/1.1" 200 777 "-" "Opera/12.0"',
      { ...apache, remote: "127.0.0.1", agent: "Opera/12.0" },
    ],
    [
      "nginx, as it is packaged",
      parse("nginx"),
      '127.0.0.1 - - [28/Feb/2013:12:00:00 +0900] "GET / HTTP/1.1" 200 777 "-" "Opera/12.0" "10.0.0.9"',
      { remote: "127.0.0.1", code: 200, http_x_forwarded_for: "10.0.0.9" },
    ],
    [
      "apache_error",
      parse("apache_error"),
      "[Wed Oct 11 14:32:52 2000] [error] [pid 1000] [client 127.0.0.1] client denied by server configuration",
      {
        time: "Wed Oct 11 14:32:52 2000",
        level: "error",
        pid: "1000",
        client: "127.0.0.1",
        message: "client denied by server configuration",
      },
    ],
    ["syslog", parse("syslog"), "Feb 28 12:00:00 192.168.0.1 fluentd[11111]: [error] Syslog test", syslog],
    [
      "syslog with its priority",
      parse("syslog", "with_priority true"),
      "<6>Feb 28 12:00:00 192.168.0.1 fluentd[11111]: [error] Syslog test",
      { ...syslog, pri: 6 },
    ],
    [
      "syslog with a time format",
      parse("syslog", "time_format %b %d %H:%M:%S.%N"),
      "Feb 28 12:00:00.456 192.168.0.1 fluentd[11111]: [error] Syslog test",
      { ...syslog, _time: expect.stringMatching(/-02-28 12:00:00.456$/) as unknown },
    ],
    [
      "syslog of RFC 5424",
      parse("syslog", "message_format rfc5424\nwith_priority true"),
      '<16>1 2017-02-06T13:14:15.003Z 192.168.0.1 fluentd 11111 ID24224 [a@1 b="3"] [Hi] from Fluentd!',
      { _time: "2017-02-06 13:14:15.003", pid: "11111", msgid: "ID24224", message: "[Hi] from Fluentd!" },
    ],
    [
      "syslog of RFC 5424 without priority",
      parse("syslog", "message_format rfc5424"),
      "2017-02-06T13:14:15.003Z 192.168.0.1 fluentd - - - Hi, from Fluentd!",
      { _time: "2017-02-06 13:14:15.003", ident: "fluentd", message: "Hi, from Fluentd!" },
    ],
    [
      "syslog of either kind",
      parse("syslog", "message_format auto\nwith_priority true"),
      "<16>1 2017-02-06T13:14:15.003Z 192.168.0.1 fluentd - - - Hi, from Fluentd!",
      { _time: "2017-02-06 13:14:15.003", message: "Hi, from Fluentd!" },
    ],
    [
      "regexp, with types",
      parse(
        "regexp",
        String.raw`expression /^(?<host>[^ ]*) [^ ]* (?<user>[^ ]*) \[(?<time>[^\]]*)\] \[(?<date>[^\]]*)\] "(?<flag>\S+)(?: +(?<path>[^ ]*) +\S*)?" (?<code>[^ ]*) (?<size>[^ ]*)$/
time_format %d/%b/%Y:%H:%M:%S %z
types user:string,date:time:%d/%b/%Y:%H:%M:%S %z,flag:bool,path:array,code:float,size:integer`,
      ),
      '192.168.0.1 - - [28/Feb/2013:12:00:00 +0900] [14/Feb/2013:12:00:00 +0900] "true /,/user HTTP/1.1" 200 777',
      {
        _time: "2013-02-28 03:00:00.000",
        user: "-",
        flag: true,
        code: 200,
        size: 777,
        date: "2013-02-14 03:00:00.000",
        path: "/,/user",
      },
    ],
    [
      "regexp, with another time key",
      String.raw`format /(?<logtime>[^\]]*)/` + "\ntime_key logtime\ntime_format %Y-%m-%d %H:%M:%S %z",
      "2013-02-28 12:00:00 +0900",
      { _time: "2013-02-28 03:00:00.000" },
    ],
    [
      "regexp, with the time kept",
      parse("regexp", "expression /(?<time>.*)/\ntime_format %d/%b/%Y:%H:%M:%S %z\nkeep_time_key true"),
      "28/Feb/2013:12:00:00 +0900",
      { _time: "2013-02-28 03:00:00.000", time: "2013-02-28 03:00:00.000" },
    ],
    [
      "json, with its time",
      parse("json", "time_format %Y-%m-%dT%H:%M:%S.%NZ"),
      '{"time":"2013-02-28T12:00:00.123456789Z","host":"192.168.0.1","size":777}',
      { _time: "2013-02-28 12:00:00.123", _extra: { host: "192.168.0.1", size: 777 } },
    ],
    [
      "json, with the seconds since 1970",
      parse("json", "time_key at\ntypes size:integer"),
      '{"at":1362020400,"size":"777"}',
      { _time: "2013-02-28 03:00:00.000", size: 777 },
    ],
    [
      "ltsv",
      parse("ltsv", "time_format %d/%b/%Y:%H:%M:%S %z\ntypes req_id:integer"),
      "time:28/Feb/2013:12:00:00 +0900\thost:192.168.0.1\treq_id:111",
      { _time: "2013-02-28 03:00:00.000", req_id: 111, _extra: { host: "192.168.0.1" } },
    ],
    [
      "csv, with no value in some places",
      parse(
        "csv",
        "keys time,c,d,e\ntime_format %Y/%m/%d %H:%M:%S\ntimezone +0900\nnull_value_pattern ^(-|NULL)$",
      ),
      '2013/02/28 12:00:00,"192.168,0.1",-',
      { _time: "2013-02-28 03:00:00.000", c: "192.168,0.1" },
    ],
    [
      "tsv, with other names",
      parse("tsv", 'keys ["time-stamp","a"]\ntime_key time-stamp\ntime_type unixtime'),
      "1362020400\tx\ty",
      { _time: "2013-02-28 03:00:00.000", a: "x", _extra: { more: ["y"] } },
    ],
    ["none", "format none", "anything: it is kept", { message: "anything: it is kept" }],
    [
      "multiline",
      "format multiline\nformat_firstline /\\d{4}-\\d{1,2}-\\d{1,2}/\n" +
        String.raw`format1 /^(?<time>\d{4}-\d{1,2}-\d{1,2} \d{1,2}:\d{1,2}:\d{1,2}) \[(?<thread>.*)\] (?<level>[^\s]+)(?<message>.*)/`,
      "2013-3-03 14:27:33 [main] ERROR Main - Exception\njavax.management.RuntimeErrorException: null\n\tat Main.main(Main.java:16) ~[bin/:na]",
      {
        _time: "2013-03-03 14:27:33.000",
        thread: "main",
        level: "ERROR",
        message:
          " Main - Exception\njavax.management.RuntimeErrorException: null\n\tat Main.main(Main.java:16) ~[bin/:na]",
      },
    ],
    [
      "multiline, of several formats",
      parse(
        "multiline",
        String.raw`format_firstline /^Started/
format1 /Started (?<method>[^ ]+) "(?<path>[^"]+)" for (?<host>[^ ]+) at (?<time>[^ ]+ [^ ]+ [^ ]+)\n/
format2 /Processing by (?<controller>[^\u0023]+)\u0023(?<controller_method>[^ ]+) as (?<format>[^ ]+?)\n/
format3 /(  Parameters: (?<parameters>[^ ]+)\n)?/
format4 /Completed (?<code>[^ ]+) [^ ]+ in (?<runtime>[\d\.]+)ms/`,
      ),
      'Started GET "/users/123/" for 127.0.0.1 at 2013-06-14 12:00:11 +0900\nProcessing by UsersController#show as HTML\n' +
        '  Parameters: {"user_id"=>"123"}\nCompleted 200 OK in 4ms (Views: 3.2ms)',
      {
        method: "GET",
        controller: "UsersController",
        parameters: '{"user_id"=>"123"}',
        code: "200",
        runtime: "4",
      },
    ],
    [
      "cri",
      parse("cri"),
      "2020-10-10T00:10:00.333333333Z stdout F Hello Fluentd",
      { _time: "2020-10-10 00:10:00.333", stream: "stdout", logtag: "F", message: "Hello Fluentd" },
    ],
    [
      "cri, with JSON in it",
      parse("cri", "<parse>\n@type json\n</parse>"),
      '2020-10-10T00:10:00.333333333Z stdout F {"foo":"bar","num":100}',
      { _time: "2020-10-10 00:10:00.333", stream: "stdout", _extra: { foo: "bar", num: 100 } },
    ],
    [
      "cri, with a line in it that has another time",
      parse(
        "cri",
        String.raw`<parse>
@type regexp
expression /^(?<time>\S+) (?<level>\w+) (?<msg>.*)$/
</parse>`,
      ),
      "2020-10-10T00:10:00.333333333Z stdout F 00:10 WARN late",
      { _time: "2020-10-10 00:10:00.333", time: "00:10", level: "WARN", msg: "late" },
    ],
    ["none, with the path", "format none\npath_key file", "x", { message: "x", file: "/a.log" }],
    [
      "multi_format, JSON or text",
      parse(
        "multi_format",
        String.raw`<pattern>
format json
time_key time
time_format "%Y-%m-%dT%H:%M:%S.%NZ"
</pattern>
<pattern>
format /^(?<time>.+) (?<stream>stdout|stderr) [^ ]* (?<log>.*)$/
time_format "%Y-%m-%dT%H:%M:%S.%N%:z"
</pattern>`,
      ),
      "2020-10-10T00:10:00.333333333+00:00 stderr F it failed",
      { _time: "2020-10-10 00:10:00.333", stream: "stderr", log: "it failed" },
    ],
  ])("%s", async (_, section, line, row) => {
    const { types } = await typesOf(tail(section));
    expect(tried(types[0]!, line)).toMatchObject([row]);
  });
});

test("what record_transformer adds becomes columns, and what only Ruby can say is told with its line", async () => {
  const record = `enable_ruby true
<record>
host \${hostname}
tag \${tag}
service web
api_key hUnter2
where \${tag_parts[0]}/\${record["user"]["id"]}
id \${record.dig("user", "id")}
level \${record["level"].downcase}
stage "#{ENV['STAGE']}"
ruby \${Time.now.strftime('%s')}
</record>
remove_keys secret,$.user.mail`;
  const config = await typesOf(tail(parse("json"), filter("record_transformer", record), "web.a"));
  const { types, told } = config;
  const line = '{"level":"WARN","user":{"id":7,"mail":"a@example.com"},"secret":"x","host":"theirs"}';
  expect(tried(types[0]!, line)).toMatchObject([
    {
      tag: "web.a",
      service: "web",
      where: "web/7",
      id: "7",
      level: "warn",
      _extra: { level: "WARN", host: "theirs" },
    },
  ]);
  expect(JSON.stringify(tried(types[0]!, line))).not.toMatch(/a@example.com|secret/);
  expect(types[0]!.columns).toContainEqual(expect.objectContaining({ name: "host", field: "_host" }));
  expect(told).toContain(
    'line 21: <record> stage: left out, set labels = { stage = "${STAGE}" } for the agent',
  );
  expect(told).toContain("line 22: <record> ruby: left out");
  expect(told).not.toContain("records are shaped in weir.config.ts");
  expect(told).toContain("<record> api_key: left out, it may be a secret");
  expect(config.typescript + told).not.toContain("hUnter2");
});

test("grep leaves the same lines out, by their fields", async () => {
  const grep = filter(
    "grep",
    `<regexp>\nkey level\npattern /^(?:WARN|ERROR)$/\n</regexp>
<exclude>\nkey $.user.name\npattern /test/i\n</exclude>
<and>\n<exclude>\nkey a\npattern 1\n</exclude>\n<exclude>\nkey b\npattern 2\n</exclude>\n</and>`,
  );
  const { types } = await typesOf(tail(parse("json"), grep));
  const lines = [
    '{"level":"WARN","n":1}',
    '{"level":"INFO","n":2}',
    '{"n":3}',
    '{"level":"ERROR","user":{"name":"a Test"},"n":4}',
    '{"level":"ERROR","a":1,"b":2,"n":5}',
    '{"level":"ERROR","a":1,"b":3,"n":6}',
  ];
  expect(tried(types[0]!, ...lines)).toMatchObject([{ _extra: { n: 1 } }, { _extra: { n: 6 } }]);
});

test("a parser filter reads the line that is in a field, and with reserve_data what does not parse stays as it is", async () => {
  const docker = parse("json", "time_key time\ntime_format %Y-%m-%dT%H:%M:%S.%NZ");
  const inner = (more = "") => filter("parser", `key_name log\n${more}\n${parse("json")}`);
  const line = String.raw`{"log":"{\"a\":1}\n","stream":"stdout","time":"2020-10-10T00:10:00.5Z"}`;
  const text = String.raw`{"log":"plain\n","stream":"stdout","time":"2020-10-10T00:10:00.5Z"}`;
  const strict = (await typesOf(tail(docker, inner()))).types[0]!;
  expect(tried(strict, line)).toMatchObject([{ _time: "2020-10-10 00:10:00.500", _extra: { a: 1 } }]);
  expect(tried(strict, text)).toMatchObject([{ reason: "unparsed" }]);
  const lenient = (await typesOf(tail(docker, inner("reserve_data true")))).types[0]!;
  expect(tried(lenient, line, text)).toMatchObject([{ _extra: { a: 1 } }, { _extra: { log: "plain\n" } }]);
});

test("an aggregator has a type for each of its outputs and filters, the most exact first, and tables where it had them", async () => {
  const source = "<source>\n@type forward\n</source>\n";
  const redshift = (table: string) =>
    `<store>\n@type redshift\nredshift_host c.eu-west-1.redshift.amazonaws.com\nredshift_password hUnter2\n` +
    `redshift_schemaname web\nredshift_tablename ${table}\n</store>\n`;
  const s3 = (name: string) => `<${name}>\n@type s3\ns3_bucket b\npath p/\n</${name.split(" ")[0]}>\n`;
  const match = `<match apache.** nginx.access>\n@type copy\n${s3("store")}${redshift("access")}</match>\n`;
  const config = await typesOf(
    source +
      "<filter app.audit>\n@type record_transformer\n<record>\naudit yes\n</record>\n</filter>\n" +
      `<match secret.**>\n@type file\npath /s\n</match>\n${match}${s3("match **")}`,
  );
  expect(config.types.map(({ name, match }) => [name, match!.tags])).toEqual([
    ["apache", ["apache", "apache.*", "nginx.access"]],
    ["app_audit", ["app.audit"]],
    ["events", ["*"]],
  ]);
  expect(config.warehouse.kind).toBe("new-serverless");
  const [web, audit, events] = config.types;
  expect(web!.destinations).toMatchObject([{ to: "s3" }, { to: "redshift", schema: "web", table: "access" }]);
  const line = '{"time":"2026-11-27T01:02:03.5Z","a":1}';
  expect(tried(audit!, line)).toMatchObject([{ _time: "2026-11-27 01:02:03.500", audit: "yes" }]);
  expect(tried(events!, line)).toMatchObject([{ _extra: { a: 1 } }]);
  expect(config.typescript + config.told).not.toContain("hUnter2");
});

test("pushed events have a type where a pattern takes a part of the tags alone, and where it is not known", async () => {
  const source = "<source>\n@type forward\n</source>\n";
  const transform = "@type record_transformer\n<record>\na b\n</record>\n";
  const match = `<match *.*>\n@type s3\n</match>\n`;
  const { types } = await typesOf(`${source}<filter *.*>\n${transform}</filter>\n${match}`);
  expect(types.map(({ name, match }) => [name, match!.tags])).toEqual([["events", ["*"]]]);
  expect(tried(types[0]!, '{"time":"2026-11-27T01:02:03Z"}')).toMatchObject([{ a: "b" }]);
  const prefixed =
    "<source>\n@type forward\nadd_tag_prefix in\n</source>\n<match in.app.**>\n@type s3\n</match>\n";
  expect((await typesOf(prefixed)).types[0]!.match!.tags).toEqual(["app", "app.*"]);
  const hidden = await typesOf(`@include /nowhere/else/*.conf\n${source}${match}`);
  expect(hidden.types.map(({ match }) => match!.tags)).toEqual([["*"]]);
});

test("what is parsed twice, where a type cannot, keeps the fields that it had", async () => {
  const { types, typescript } = await typesOf(
    tail(
      parse("ltsv", "types n:integer"),
      filter("parser", `key_name path\n${parse("json")}`) + filter("parser", `key_name z\n${parse("json")}`),
    ),
  );
  expect(types[0]!.columns.map(({ name }) => name)).toEqual(["n"]);
  expect(typescript).toContain("z is parsed once more in Fluentd");
});

test("tables and types have names of their own, and those of one tag are one type", async () => {
  const store = "<store>\n@type redshift\nredshift_tablename t\n</store>";
  const copy = (tag: string) => `<match ${tag}>\n@type copy\n${store}\n</match>\n`;
  const one = (path: string, tag: string, section: string) =>
    `<source>\n@type tail\npath ${path}\ntag ${tag}\n${section}\n</source>\n`;
  const { types, told } = await typesOf(
    one("/a", "x.y", parse("json")) +
      one("/b", "x-y", parse("ltsv")) +
      one("/c", "x-y", parse("json")) +
      copy("x.y") +
      copy("x-y"),
  );
  expect(types.map(({ name, parse }) => [name, parse.format])).toEqual([
    ["x_y", "json"],
    ["x_y_2", "any"],
  ]);
  expect(types.map(({ destinations }) => destinations[1])).toMatchObject([
    { table: "t" },
    { table: "x_y_2" },
  ]);
  expect(told).toContain("is loaded by two types");
  expect(told).toContain("tag x-y: lines of several formats have it");
});

test.each([
  ["an expression that is none", parse("regexp", "expression /(?<a>[/")],
  ["a parser that there is not here", parse("msgpack")],
  ["columns that would be twice there", parse("csv", "keys a,a")],
])("lines of %s are kept as they are, and it is said", async (_, section) => {
  const { types, typescript } = await typesOf(tail(section));
  expect(tried(types[0]!, "a line")).toMatchObject([{ message: "a line" }]);
  expect(typescript).toContain("lines are kept as they are");
});

test("flows of amazon-kinesis-agent have the fields that it made of their lines", async () => {
  const option = (logFormat: string, more: object = {}) => [{ optionName: "LOGTOJSON", logFormat, ...more }];
  const flow = (filePattern: string, dataProcessingOptions: object[]) => ({
    filePattern,
    deliveryStream: "d",
    dataProcessingOptions,
  });
  const metadata = { optionName: "ADDMETADATA", metadata: { stage: "prod" } };
  const json = {
    "firehose.endpoint": "firehose.eu-west-1.amazonaws.com",
    flows: [
      flow("/var/log/access_log*", option("COMBINEDAPACHELOG")),
      flow(
        "/var/log/common",
        option("COMMONAPACHELOG", { customFieldNames: ["a", "b", "c", "d", "e", "f", "g"] }),
      ),
      flow("/var/log/error_log", option("APACHEERRORLOG")),
      flow("/var/log/messages", option("RFC3339SYSLOG")),
      flow("/var/log/c.csv", [
        { optionName: "CSVTOJSON", customFieldNames: ["x", "y-z", "q"], delimiter: "\\t" },
        metadata,
      ]),
      flow(
        "/var/log/own",
        option("COMMONAPACHELOG", {
          matchPattern: String.raw`^([\d.]+) - \[([\w:/]+\s[+\-]\d{4})\] "(.+?)"`,
          customFieldNames: ["ip", "at", "req-line"],
        }),
      ),
    ],
  };
  const text = JSON.stringify(json);
  expect(() => importConfig(text, "/nowhere/agent.json")).toThrow("--stream NAME takes that");
  expect(parseToml(importConfig(text, "/nowhere/agent.json", "logs").toml)).toMatchObject({
    stream: "logs",
    region: "eu-west-1",
  });
  const { types } = await typesOf(text);
  const [access, common, error, messages, csv, own] = types;
  const line = '192.168.0.1 - frank [28/Feb/2013:12:00:00 +0900] "GET / HTTP/1.1" 200 777';
  const request = { _time: "2013-02-28 03:00:00.000", method: "GET", path: "/" };
  expect(tried(access!, `${line} "-" "Opera/12.0"`)).toMatchObject([
    {
      ...request,
      authuser: "frank",
      datetime: "2013-02-28 03:00:00.000",
      request: "GET / HTTP/1.1",
      response: 200,
      agent: "Opera/12.0",
    },
  ]);
  expect(tried(common!, line)).toMatchObject([
    { a: "192.168.0.1", c: "frank", e: "GET / HTTP/1.1", f: 200, g: 777 },
  ]);
  expect(
    tried(error!, "[Wed Oct 11 14:32:52.123456 2000] [core:error] [pid 35:tid 37] [client 1.2.3.4] x"),
  ).toMatchObject([{ module: "core", severity: "error", processid: "35", threadid: "37", message: "x" }]);
  expect(tried(messages!, "Feb 28 12:00:00 web-1 sshd[11]: hi")).toMatchObject([
    { hostname: "web-1", program: "sshd", processid: "11", message: "hi" },
  ]);
  expect(tried(csv!, "1\t2")).toMatchObject([{ x: "1", y_z: "2", stage: "prod" }]);
  expect(tried(own!, '10.0.0.1 - [28/Feb/2013:12:00:00 +0900] "GET /"')).toMatchObject([
    { ip: "10.0.0.1", at: "28/Feb/2013:12:00:00 +0900", req_line: "GET /" },
  ]);
});

test("logs of fluent-agent-hydra have the types of their formats, and so has what it receives", async () => {
  const { types } = await typesOf(String.raw`
[[Logs]]
File = "/a.log"
Tag = "ltsv"
Format = "LTSV"
Types = "reqtime:float"
TimeParse = true
TimeFormat = "02/Jan/2006:15:04:05 -0700"
[[Logs]]
File = "/b.log"
Tag = "own"
Format = "Regexp"
Regexp = "^(?P<level>\\w+) (?P<msg>.*)$"
[[Logs]]
File = "/c.log"
Tag = "nginx"
Format = "Regexp"
Regexp = "nginx"
[[Logs]]
File = "/d.log"
Tag = "plain"
[Receiver]
`);
  const [ltsv, own, nginx, plain, received] = types;
  expect(tried(ltsv!, "time:28/Feb/2013:12:00:00 +0900\treqtime:0.5")).toMatchObject([
    { _time: "2013-02-28 03:00:00.000", reqtime: 0.5 },
  ]);
  expect(tried(own!, "WARN it is late")).toMatchObject([{ level: "WARN", msg: "it is late" }]);
  expect(nginx!.time).toEqual({ field: "time", format: "clf" });
  expect(tried(plain!, "x")).toMatchObject([{ message: "x" }]);
  expect([received!.match, received!.parse]).toEqual([{ tags: ["*"] }, { format: "json" }]);
});

test("what another configuration says stays text: no comment ends with it, and no variable is read", async () => {
  const grok = "format grok\ngrok_pattern %{A}\u2028throw new Error('a')\u2028//";
  const grep = filter("grep", `<exclude>\nkey message\npattern "#{Socket.gethostname}\\\\d"\n</exclude>`);
  const record = filter("record_transformer", "<record>\na \\`${b}\u2029\n</record>");
  const { types, typescript, told } = await typesOf(tail(grok, grep + record));
  expect(types[0]!.columns.map(({ name }) => name)).toContain("message");
  expect(typescript).not.toMatch(/[\u2028\u2029]throw/);
  expect(told).toContain("its pattern cannot be one of ours");
});

test("a configuration that is there is not overwritten", async () => {
  const { imported } = importConfig(tail(parse("json")), "/nowhere/fluent.conf", "logs");
  const file = join(directory, "mine.config.ts");
  await writeTypes(imported, "/nowhere/fluent.conf", file);
  await expect(writeTypes(imported, "/nowhere/fluent.conf", file)).rejects.toThrow("is not overwritten");
});
