import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readAgentConfig } from "../../agent/config/read-config.ts";
import { AgentChild } from "./agent-child.ts";
import { AgentFixture } from "./agent-fixture.ts";

let directory: string;
beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), "weir-messages-"))));
afterAll(() => rm(directory, { recursive: true }));

const HEAD = 'stream = "x"\nregion = "us-east-1"\n';
const FILES = '[[files]]\ntag = "a"\npath = "/x.log"\n';

/** What is wrong with a configuration. */
async function problems(toml: string, environment = {}): Promise<readonly string[]> {
  const file = join(directory, "agent.toml");
  await writeFile(file, toml);
  return readAgentConfig(file, environment).then(
    () => [],
    (error: unknown) => (error as { problems: readonly string[] }).problems,
  );
}

test.each([
  [
    "a relative path",
    `${HEAD}[[files]]\ntag = "a"\npath = "logs/x.log"\n`,
    'line 5: files[0].path: must be an absolute path: write path = "/where/it/is/logs/x.log"',
  ],
  [
    "a relative path of several",
    `${HEAD}[[files]]\ntag = "a"\npath = ["/a", "./x.log"]\n`,
    'line 5: files[0].path[1]: must be an absolute path: write path = "/where/it/is/x.log"',
  ],
  ["a home directory", `${HEAD}[[files]]\ntag = "a"\npath = "~/x.log"\n`, "~ means nothing here"],
  [
    "a misspelt setting",
    `${HEAD}[[files]]\ntag = "a"\npaths = "/x"\n`,
    'line 5: files[0]: Unrecognized key: "paths": did you mean "path"?',
  ],
  ["a setting with other signs", `${HEAD}${FILES}start-at = "end"\n`, 'did you mean "start_at"?'],
  [
    "a setting with letters exchanged",
    `${HEAD}${FILES}[tail]\nplol_ms = 5\n`,
    'line 7: tail: Unrecognized key: "plol_ms": did you mean "poll_ms"?',
  ],
  [
    "a misspelt table",
    `${HEAD}${FILES}[monitr]\nport = 1\n`,
    'line 6: Unrecognized key: "monitr": did you mean [monitor]?',
  ],
  [
    "a misspelt table of several",
    `${HEAD}[[file]]\ntag = "a"\npath = "/x"\n`,
    'line 3: Unrecognized key: "file": did you mean [[files]]?',
  ],
  [
    "a setting of the agent after a table",
    `stream = "x"\n${FILES}region = "us-east-1"\n`,
    'line 5: files[0]: Unrecognized key: "region": it is a setting of the whole agent: write region = "us-east-1" above the first [table]',
  ],
  [
    "a misspelt setting of the agent after a table",
    `stream = "x"\n${FILES}regoin = "us-east-1"\n`,
    "did you mean region, above the first [table]?",
  ],
  [
    "a setting of another table",
    `${HEAD}linger_ms = 5\n${FILES}`,
    'line 3: Unrecognized key: "linger_ms": it is a setting of [producer]',
  ],
  [
    "one bracket for two",
    `${HEAD}[files]\ntag = "a"\npath = "/x"\n`,
    "line 3: files: write [[files]], with two brackets, above each entry",
  ],
  [
    "two brackets for one",
    `${HEAD}${FILES}[[monitor]]\nport = 1\n`,
    "line 6: monitor: write [monitor], with one bracket",
  ],
  [
    "a tag of nothing but a wildcard",
    `${HEAD}[[files]]\ntag = "\${1}"\npath = "/x/*.log"\n`,
    "line 4: files[0].tag: a letter or digit, then",
  ],
  [
    "no stream",
    `region = "us-east-1"\n${FILES}`,
    'stream: is missing: write stream = "logs" above the first [table]',
  ],
  [
    "no path",
    `${HEAD}[[files]]\ntag = "a"\n`,
    'line 3: files[0].path: is missing: write path = "/var/log/nginx/access.log"',
  ],
  [
    "an ARN for a stream",
    `stream = "arn:aws:kinesis:eu-west-1:123456789012:stream/logs"\n${FILES}`,
    'line 1: stream: is an ARN: write stream = "logs" and region = "eu-west-1"',
  ],
  [
    "an availability zone for a region",
    `stream = "x"\nregion = "eu-west-1a"\n${FILES}`,
    'line 2: region: is an availability zone: write region = "eu-west-1"',
  ],
  [
    "a local zone for a region",
    `stream = "x"\nregion = "us-west-2-lax-1a"\n${FILES}`,
    'write region = "us-west-2"',
  ],
  ["a region in capitals", `stream = "x"\nregion = "EU_WEST_1"\n${FILES}`, 'region = "eu-west-1"'],
  [
    "a path to include that is relative",
    `include = "conf.d"\n${HEAD}${FILES}`,
    'line 1: include: must be an absolute path: write include = "/where/it/is/conf.d"',
  ],
  [
    "an endpoint that is no URL",
    `endpoint = "localhost:4567"\n${HEAD}${FILES}`,
    "line 1: endpoint: is no URL: it begins with https://",
  ],
  [
    "a table within a table",
    `${HEAD}[forward]\nport = 1\nshared_key = "k"\nusers = { username = "u", password = "p" }\n`,
    "line 6: forward.users: write [[forward.users]]",
  ],
  [
    "texts for tables",
    `${HEAD}[forward]\nport = 1\nshared_key = "k"\nusers = ["u"]\n`,
    "line 6: forward.users[0]: write it as a table: [[forward.users]]",
  ],
  [
    "the ARN of another service",
    `stream = "arn:aws:firehose:eu-west-1:123456789012:deliverystream/d"\n${FILES}`,
    "line 1: stream: is an ARN, and of no stream",
  ],
  [
    "a size that is none",
    `${HEAD}${FILES}[spool]\nmax_bytes = "5 lots"\n`,
    'line 7: spool.max_bytes: is no size: write a number of bytes, such as 65536, or "64 KiB"',
  ],
  [
    "a time without a unit in quotes",
    `${HEAD}${FILES}[producer]\nlinger_ms = "5000"\n`,
    'line 7: producer.linger_ms: is no duration: write a number of ms, such as 5000, or "5 s"',
  ],
  [
    "a name that is nearly one of several",
    `${HEAD}${FILES}[producer]\ncompression = "zst"\n`,
    'line 7: producer.compression: Invalid option: expected one of "none"|"zstd": did you mean "zstd"?',
  ],
  [
    "a number in quotes",
    `${HEAD}${FILES}[monitor]\nport = "24223"\n`,
    "line 7: monitor.port: write port = 24223, without quotes",
  ],
  [
    "a text for a number",
    `${HEAD}${FILES}[monitor]\nport = "high"\n`,
    "monitor.port: write a whole number, without quotes",
  ],
  ["half a number", `${HEAD}${FILES}[monitor]\nport = 1.5\n`, "monitor.port: write a whole number"],
  [
    "a number for a text",
    `${HEAD}[[files]]\ntag = 5\npath = "/x"\n`,
    'line 4: files[0].tag: write tag = "5", in quotes',
  ],
  [
    "true in quotes",
    `${HEAD}${FILES}[heartbeat]\nenabled = "true"\n`,
    "heartbeat.enabled: write enabled = true, without quotes",
  ],
  [
    "one text for several",
    `${HEAD}${FILES}exclude = "*.gz"\n`,
    'line 6: files[0].exclude: write exclude = ["*.gz"]',
  ],
  ["an empty file", "", 'the file is empty: write stream = "logs"'],
  ["a file of comments", "# to be written\n", "the file is empty"],
])("of %s, the line and what to write are told", async (_, toml, message) => {
  const found = await problems(toml);
  expect(found).toHaveLength(1);
  expect(found[0]).toContain(message);
});

test("sizes and times may have another unit, in quotes", async () => {
  const file = join(directory, "units.toml");
  const units = '[spool]\nmax_bytes = "64 MiB"\nmin_free_bytes = "5 MB"\n[producer]\nlinger_ms = "5s"\n';
  await writeFile(file, `${HEAD}${FILES}max_line_bytes = "64 KiB"\nignore_older_ms = "2 days"\n${units}`);
  expect(await readAgentConfig(file)).toMatchObject({
    files: [{ max_line_bytes: 65_536, ignore_older_ms: 172_800_000 }],
    spool: { max_bytes: 67_108_864, min_free_bytes: 5_000_000 },
    producer: { linger_ms: 5_000 },
  });
});

test.each([
  [
    "a size without quotes",
    "[spool]\nmax_bytes = 5MB\n",
    "line 2, column 14, at max_bytes: not TOML: sizes are numbers of bytes, or stand in quotes with their unit",
  ],
  [
    "a time without quotes",
    "[producer]\nlinger_ms = 5s\n",
    "line 2, column 14, at linger_ms: not TOML: times are numbers of milliseconds, or stand in quotes with their unit",
  ],
  [
    "a text without quotes",
    "stream = logs\n",
    "line 1, column 10, at stream: not TOML: texts stand in quotes",
  ],
  [
    "typographic quotes",
    "stream = “logs”\n",
    "line 1, column 10, at stream: not TOML: texts stand in straight quotes",
  ],
  [
    "a quote that is missing",
    'stream = "logs\nregion = "x"\n',
    "line 1, column 15, at stream: not TOML: a closing quote is missing",
  ],
  [
    "a setting twice",
    'stream = "a"\nstream = "b"\n',
    "line 2, column 1, at stream: not TOML: this is there already, further up",
  ],
  ["a table twice", `${FILES}[tail]\n[tail]\n`, "line 5, column 2: not TOML: this is there already"],
  ["a colon", "stream: logs\n", "line 1, column 7: not TOML: a setting is written with an equals sign"],
  ["no value", "stream =\n", "at stream: not TOML: there is no value"],
  ["one bracket for another entry", `${FILES}[files]\ntag = 1\n`, "or write [[files]] for another one"],
  ["JSON", '{ "stream": "x" }', "this looks like JSON"],
  ["Fluentd's syntax", "<source>\n</source>\n", "this looks like Fluentd's own syntax"],
  ["True", "[heartbeat]\nenabled = True\n", "at enabled: not TOML: write true or false"],
  ["a bracket too few", "[[files]\ntag = 1\n", "line 1, column 9: not TOML: a table is written [forward]"],
])("of TOML with %s, line and column are told and what to write", async (_, toml, message) => {
  const [found, ...others] = await problems(toml);
  expect(others).toEqual([]);
  expect(found).toContain(message);
});

test("a byte order mark, line ends of Windows and tabs are passed over", async () => {
  const toml = `\uFEFF${HEAD}${FILES}`.replaceAll("\n", "\r\n").replaceAll(" = ", "\t=\t");
  expect(await problems(toml)).toEqual([]);
});

const SECRET = "hUnter2-S3cret";
const FORWARD = `${HEAD}[forward]\nport = 24224\n`;

test.each([
  ["a quote that is missing", `${FORWARD}shared_key = "${SECRET}\nusers = []\n`],
  ["a quote that is missing in the line before", `${FORWARD}bind = "127.0.0.1\nshared_key = "${SECRET}"\n`],
  ["a quote that is missing in the line after", `${FORWARD}shared_key = "${SECRET}"\nbind = "127.0.0.1\n`],
  ["a secret without quotes", `${FORWARD}shared_key = ${SECRET}\n`],
  ["a secret as a name", `${FORWARD}${SECRET} nonsense\n`],
  ["a secret twice", `${FORWARD}shared_key = "${SECRET}"\nshared_key = "${SECRET}"\n`],
  ["users on one line", `${FORWARD}users = [{ username = "u", password = "${SECRET}" }\n[tail]\n`],
  ["a secret over several lines", `${FORWARD}shared_key = """${SECRET}\n${SECRET} = 5`],
  ["a secret that is a table", `${FORWARD}[forward.shared_key]\nx = "${SECRET}"\n`],
  ["a secret that is a list", `${FORWARD}shared_key = ["${SECRET}"]\n`],
  ["a secret that is too long", `${FORWARD}shared_key = "${SECRET.repeat(100)}"\n`],
  ["users without names", `${FORWARD}shared_key = "k"\nusers = [{ password = "${SECRET}" }]\n`],
  ["what looks like a variable", `${FORWARD}shared_key = "\${${SECRET}}"\n`],
  [
    "what looks like a part of one",
    `${FORWARD}shared_key = "k"\nusers = [{ username = "u", password = "a\${hUnter2}-S3cret" }]\n`,
  ],
  ["a pattern of what is masked", `${HEAD}${FILES}mask = [{ pattern = "(${SECRET}" }]\n`],
  ["a proxy", `${HEAD}${FILES}[aws]\nproxy = "ftp://u:${SECRET}@x"\n`],
  ["a date that is none", `${FORWARD}shared_key = 2026-99-99T${SECRET}\n`],
])("a value is never told: %s", async (_, toml) => {
  const found = await problems(toml);
  expect(found.join("\n")).not.toMatch(/hUnter2|S3cret/);
  expect(found.length).toBeGreaterThan(0);
});

test("a number for a secret is not told either", async () => {
  expect(await problems(`${FORWARD}shared_key = 271828\n`)).toEqual([
    "line 5: forward.shared_key: write it in quotes",
  ]);
});

test("a variable that a secret is read from is told where it has no value", async () => {
  expect(await problems(`${FORWARD}shared_key = "\${FORWARD_KEY}"\n`)).toEqual([
    "forward.shared_key: ${FORWARD_KEY} has no value",
  ]);
  expect(await problems(`${FORWARD}shared_key = "\${FORWARD_KEY}"\n`, { FORWARD_KEY: "k" })).toEqual([]);
  expect(await problems(`${FORWARD}shared_key = "\${FORWARD_KEY}"\n`, { FORWARD_KEY: "" })).toHaveLength(1);
});

test("a reload with a quote missing tells no secret", async () => {
  await using agent = await AgentFixture.make();
  await using child = await AgentChild.start(agent, ["run"], {
    forward: { unix_path: agent.path("f.sock") },
  });
  await child.until(() => child.stderr.includes("taking events"));
  await child.rewrite(
    `${FORWARD}shared_key = "${SECRET}\nusers = [{ username = "u", password = "${SECRET}" }]\n`,
  );
  child.signal("SIGHUP");
  await child.until(() => child.stderr.includes("reload refused"));
  const { stderr } = await child.kill("SIGTERM");
  expect(stderr).toContain("line 5, column 29, at shared_key: not TOML: a closing quote is missing");
  expect(stderr).not.toContain(SECRET);
});
