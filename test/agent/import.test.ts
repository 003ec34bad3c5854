import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "smol-toml";
import { expect, test } from "vitest";
import { agentConfigSchema } from "../../agent/config/config.ts";
import { importConfig } from "../../agent/command/import/import-config.ts";
import { AgentChild } from "./agent-child.ts";
import { AgentFixture, lines } from "./agent-fixture.ts";

/** What becomes of a fixture; what it gives is always a configuration of ours. */
async function imported(name: string, stream?: string) {
  const file = join(import.meta.dirname, "import", name);
  const text = await readFile(file, "utf8");
  const { toml, notes } = importConfig(text, file, stream);
  const settings = parse(toml);
  agentConfigSchema.parse({ ...settings, stream: "any" });
  return { settings, notes, lines: text.split("\n") };
}

/** A note that begins with the line that holds a text of the fixture. */
function aboutLine(lines: readonly string[], held: string, said: string) {
  const line = lines.findIndex((text) => text.includes(held)) + 1;
  expect([held, line]).not.toEqual([held, 0]);
  const escaped = said.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return expect.stringMatching(new RegExp(`^line ${line}: .*${escaped}`));
}

test("fluent-agent-hydra's files, tags, receiver and monitor are carried over, the rest is told item by item", async () => {
  const { settings, notes, lines } = await imported("hydra.toml");
  expect(settings).toEqual({
    stream: "${WEIR_STREAM}",
    files: [
      { tag: "app.access", path: "/var/log/nginx/access.log", start_at: "end" },
      { tag: "app.error", path: "/var/log/nginx/error.log", start_at: "end" },
    ],
    stdin: { tag: "app.stdin" },
    forward: { bind: "127.0.0.1", port: 24_224 },
    monitor: { port: 24_223, address: "127.0.0.1" },
  });
  for (const [held, said] of [
    ['Format = "LTSV"', "LTSV"],
    ["TimeParse", "TimeParse = true"],
    ["TimeKey", "TimeKey"],
    ["Regexp = ", "Regexp = "],
    ["log/relative.log", '"log/relative.log"'],
    ["FieldName", "FieldName"],
    ["ReadBufferSize", "ReadBufferSize"],
    ["ServerRoundRobin", "ServerRoundRobin"],
    ["SubSecondTime", "SubSecondTime"],
    ["[[Servers]]", "[[Servers]]"],
    ["MaxBufferMessages", "spool.max_bytes"],
  ] as const) {
    expect(notes).toContainEqual(aboutLine(lines, held, said));
  }
  expect(notes[0]).toMatch(/^stream: none is named/);
});

test("flows of amazon-kinesis-agent to one stream are carried over, the rest is told item by item", async () => {
  const { settings, notes, lines } = await imported("agent.json");
  expect(settings).toEqual({
    stream: "logs",
    region: "eu-west-1",
    aws: { role_arn: "arn:aws:iam::123456789012:role/logs", external_id: "weir" },
    producer: { linger_ms: 5_000 },
    cloudwatch: {},
    files: [
      { tag: "access", path: "/var/log/httpd/access.log*", start_at: "head" },
      {
        tag: "log",
        path: ["/var/log/app/*.log", "/srv/app/*.log"],
        start_at: "end",
        multi_line: { start: "^\\[" },
      },
    ],
  });
  for (const [held, said] of [
    ["partitionKeyOption", "partitionKeyOption"],
    ["maxBufferSizeBytes", "producer.aggregate_bytes"],
    ["COMBINEDAPACHELOG", 'format: "combined"'],
    ["checkpointFile", "checkpointFile"],
    ["skipHeaderLines", "skipHeaderLines"],
    ["truncatedRecordTerminator", "truncatedRecordTerminator"],
    ["to-s3", "delivery stream to-s3"],
    ["/var/log/other.log", "--stream other"],
  ] as const) {
    expect(notes).toContainEqual(aboutLine(lines, held, said));
  }
  expect((await imported("agent.json", "other")).settings["files"]).toEqual([
    { tag: "other", path: "/var/log/other.log*", start_at: "end" },
  ]);
});

test("the region that an agent.json names counts, whatever its endpoint is", () => {
  const flows = [{ filePattern: "/a.log", kinesisStream: "s" }];
  const settings = (more: object) => parse(importConfig(JSON.stringify({ flows, ...more }), "a").toml);
  const endpoint = "https://vpce-1.kinesis.eu-west-1.vpce.amazonaws.com";
  expect(settings({ "kinesis.region": "eu-west-1", "kinesis.endpoint": endpoint })).toMatchObject({
    region: "eu-west-1",
    endpoint,
  });
});

test("Java's patterns begin where a line does, and what JavaScript does not know is told", () => {
  const flow = { filePattern: "/a.log", kinesisStream: "s" };
  const start = (multiLineStartPattern: string) => {
    const { toml, notes } = importConfig(
      JSON.stringify({ flows: [{ ...flow, multiLineStartPattern }] }),
      "a",
    );
    return { ...(parse(toml)["files"] as object[])[0], told: notes.join("\n") };
  };
  expect(start("INFO|WARN")).toMatchObject({ multi_line: { start: "^(?:INFO|WARN)" } });
  expect(start("\\A[0-9]+")).toMatchObject({ multi_line: { start: "^(?:(?-m:^)[0-9]+)" } });
  expect(start("a++")).not.toHaveProperty("multi_line");
  expect(start("a++").told).toContain("multiLineStartPattern a++: left out");
});

test("Fluentd's forward input, multiline and grep are carried over, the rest is told with its line", async () => {
  const { settings, notes, lines } = await imported("forward.conf");
  const java = { all: ["(?i:error|WARN)", "web"] };
  expect(settings).toEqual({
    stream: "logs",
    forward: {
      bind: "10.0.0.5",
      port: 24_225,
      max_message_bytes: 8 * 2 ** 20,
      shared_key_file: "/etc/weir/forward.key",
      users: [{ username: "web", password: "${WEIR_FORWARD_PASSWORD_1}" }],
      tls: {
        cert_file: "/etc/fluent/cert.pem",
        key_file: "/etc/fluent/key.pem",
        client_ca_file: "/etc/fluent/ca.pem",
      },
    },
    files: [
      {
        tag: "java",
        path: "/var/log/app/java.log",
        start_at: "end",
        multi_line: { start: "^\\d{4}-\\d{2}-\\d{2}", idle_ms: 5_000 },
        include_lines: [java],
      },
      {
        tag: "plain",
        path: "/var/log/app/plain.log",
        start_at: "end",
        include_lines: [java],
        exclude_lines: ["health[^ ]*check$", "^debug", { all: ["GET", "favicon"] }],
      },
      { tag: "rails", path: "/var/log/app/rails.log", start_at: "end" },
    ],
  });
  for (const [held, said] of [
    ["resolve_hostname", "resolve_hostname true: left out"],
    ["self_hostname", "self_hostname in.example.com"],
    ["<client>", "firewall"],
    ["version TLSv1_2", "version TLSv1_2: left out"],
    ["format_firstline /\\AStarted", "JavaScript does not know it"],
    ["<filter **>", "record_transformer: left out"],
    ["shared_key", "shared_key: is not shown; put it into /etc/weir/forward.key"],
    ["password", "is not shown; set WEIR_FORWARD_PASSWORD_1 in /etc/weir/environment"],
  ] as const) {
    expect(notes).toContainEqual(aboutLine(lines, held, said));
  }
  const grep = notes.filter((note) => note.includes("grep: exclude message /health"));
  expect(grep).toEqual([
    expect.stringContaining('if it cannot, set exclude_lines = ["(?m:health[^ ]*check$)"]'),
  ]);
  expect(notes.join("\n")).toContain("is asked of the whole line now");
});

/** The one entry that becomes of a source, and what is told. */
function ofTail(settings: string): object {
  const source = `<source>\n@type tail\npath /var/log/a.log\ntag a\n${settings}\n</source>\n`;
  const { toml, notes } = importConfig(
    `${source}<match **>\n@type kinesis_streams\nstream_name s\n</match>\n`,
    "a.conf",
    "s",
  );
  agentConfigSchema.parse(parse(toml));
  const { tag, path, start_at, ...entry } = (parse(toml)["files"] as Record<string, unknown>[])[0]!;
  expect([tag, path, start_at]).toEqual(["a", "/var/log/a.log", "end"]);
  return { ...entry, told: notes.join("\n") };
}

test.each([
  ["encoding UTF-8\nfrom_encoding Windows-31J", { encoding: "shift_jis", told: "" }],
  ["encoding utf-8\nfrom_encoding CP949", { encoding: "euc-kr", told: "" }],
  ["encoding utf-8\nfrom_encoding ASCII-8BIT", { told: "" }],
  ["encoding UTF-8", { told: "" }],
  [
    "encoding EUC-JP",
    { encoding: "euc-jp", told: "line 5: <source> /var/log/a.log: encoding euc-jp: lines are sent in UTF-8" },
  ],
  [
    "from_encoding UTF-16LE\nencoding Shift_JIS",
    {
      encoding: "utf-16le",
      told: "line 5: <source> /var/log/a.log: from_encoding utf-16le: lines are sent in UTF-8",
    },
  ],
  [
    "from_encoding Emacs-Mule",
    {
      told: "line 5: <source> /var/log/a.log: from_encoding emacs-mule: left out, its bytes are sent as they stand",
    },
  ],
  ["read_bytes_limit_per_second 8192", { bytes_per_second: 8_192, told: "" }],
  ["read_bytes_limit_per_second 2m", { bytes_per_second: 2 * 2 ** 20, told: "" }],
  ["read_bytes_limit_per_second -1", { told: "" }],
  ["limit_recently_modified 1d", { ignore_older_ms: 86_400_000, told: "" }],
])("of Fluentd's tail, %j becomes %j", (settings, entry) => {
  expect(ofTail(settings)).toEqual(entry);
});

test("a forward input whose TLS cannot be carried over is left out, not opened", () => {
  const source = "<source>\n@type forward\n<transport tls>\ncert_path cert.pem\n</transport>\n</source>\n";
  const rest = "<match **>\n@type kinesis_streams\nstream_name s\n</match>\n";
  expect(() => importConfig(source + rest, "a.conf")).toThrow(/line 1: .*without its TLS it would be open/);
});

test("Fluentd's tails into the Kinesis plugin are carried over, the rest is told item by item", async () => {
  const { settings, notes } = await imported("fluent.conf");
  expect(settings).toEqual({
    stream: "logs",
    region: "ap-northeast-1",
    producer: { linger_ms: 3_000 },
    files: [
      {
        tag: "nginx.access",
        path: ["/var/log/nginx/access.log", "/var/log/nginx/*/other.log"],
        exclude: ["/var/log/nginx/*.gz"],
        start_at: "head",
      },
      { tag: "app", path: "/var/log/app/*.log", start_at: "end" },
    ],
  });
  const items = [
    "<source> forward: commented out",
    "<system>",
    "pos_file",
    "<parse>",
    "format json",
    "forward",
    "system.syslog",
  ];
  const others = ["<filter nginx.**>", "compression", "<assume_role_credentials>", "chunk_limit_size"];
  for (const item of [...items, ...others, "<match system.**>", "app.*"])
    expect(notes.join("\n")).toContain(item);
});

test.each([
  ["{", "JSON"],
  ['{"flows":[{}]}', "flows[0].filePattern"],
  ["<source>\n@type tail\n", "<source> is not closed"],
  ["<source>\n</match>\n", "line 2"],
  ['[[Logs]]\nFile = "/a"\n', "Logs[0].Tag"],
  ["hello = 1\n", "there is nothing to follow"],
  ["no config", "TOML"],
])("%j is refused with %s", (text, message) => {
  expect(() => importConfig(text, "theirs")).toThrow(message);
});

test("what is imported runs", async () => {
  await using agent = await AgentFixture.make();
  const theirs = agent.path("hydra.toml");
  await writeFile(theirs, `[[Logs]]\nFile = "${agent.path("a.log")}"\nTag = "a"\n`);
  await writeFile(agent.path("a.log"), "");
  await using importing = new AgentChild(["import", theirs, "--stream", "test"]);
  const { code, stdout } = await importing.ended;
  expect(code).toBe(0);
  await writeFile(agent.path("a.log"), lines(10));
  const { region, endpoint, state_dir } = agent.config();
  const ours = { ...parse(stdout), region, endpoint, state_dir };
  await using child = await AgentChild.start(agent, ["run"], { ...ours, tail: { poll_ms: 10, scan_ms: 10 } });
  await child.until(() => child.stderr.includes('"following"'));
  await writeFile(agent.path("a.log"), lines(5), { flag: "a" });
  await child.until(() => agent.events.length === 5);
});
