import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "smol-toml";
import { expect, test } from "vitest";
import { agentConfigSchema } from "../../agent/config.ts";
import { importConfig } from "../../agent/import/import-config.ts";
import { AgentChild } from "./agent-child.ts";
import { AgentFixture, lines } from "./agent-fixture.ts";

/** What becomes of a fixture; what it gives is always a configuration of ours. */
async function imported(name: string, stream?: string) {
  const file = join(import.meta.dirname, "import", name);
  const { toml, notes } = importConfig(await readFile(file, "utf8"), file, stream);
  const settings = parse(toml);
  agentConfigSchema.parse({ ...settings, stream: "any" });
  return { settings, notes };
}

test("fluent-agent-hydra's files, tags and monitor are carried over, the rest is told item by item", async () => {
  const { settings, notes } = await imported("hydra.toml");
  expect(settings).toEqual({
    stream: "${WEIR_STREAM}",
    files: [
      { tag: "app.access", path: "/var/log/nginx/access.log", start_at: "end" },
      { tag: "app.error", path: "/var/log/nginx/error.log", start_at: "end" },
    ],
    monitor: { port: 24_223 },
  });
  const items = ["stream", '"LTSV"', "TimeKey", "TimeParse", "Regexp = ", 'file "-"', '"log/relative.log"'];
  const others = ["FieldName", "ReadBufferSize", "ServerRoundRobin", "SubSecondTime", "[[Servers]]"];
  for (const item of [...items, ...others, "[Receiver]", "Monitor.Host"]) {
    expect(notes.join("\n")).toContain(item);
  }
});

test("flows of amazon-kinesis-agent to one stream are carried over, the rest is told item by item", async () => {
  const { settings, notes } = await imported("agent.json");
  expect(settings).toEqual({
    stream: "logs",
    region: "eu-west-1",
    aws: { role_arn: "arn:aws:iam::123456789012:role/logs", external_id: "weir" },
    producer: { linger_ms: 5_000 },
    files: [
      { tag: "access", path: "/var/log/httpd/access.log*", start_at: "head" },
      { tag: "log", path: ["/var/log/app/*.log", "/srv/app/*.log"], start_at: "end" },
    ],
  });
  const flow = ["partitionKeyOption", "maxBufferSizeBytes", "dataProcessingOptions", "multiLineStartPattern"];
  const top = ["checkpointFile", "cloudwatch.emitMetrics", "cloudwatch.endpoint"];
  const flows = ["skipHeaderLines", "truncatedRecordTerminator", "delivery stream to-s3", "--stream other"];
  for (const item of [...flow, ...top, ...flows]) expect(notes.join("\n")).toContain(item);
  expect((await imported("agent.json", "other")).settings["files"]).toEqual([
    { tag: "other", path: "/var/log/other.log*", start_at: "end" },
  ]);
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
    "@include conf.d",
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
