import { expect, test } from "vitest";
import { parse } from "smol-toml";
import { importConfig } from "../../agent/command/import/import-config.ts";

/** Stands for every secret there is. */
const SECRET = "hUnter2-S3cret";

/** Everything that is printed of a configuration, be it an error. */
function printed(text: string): string {
  try {
    const { toml, notes } = importConfig(text, "theirs");
    return `${toml}\n${notes.join("\n")}`;
  } catch (error) {
    return (error as Error).message;
  }
}

const fluentd = (source: string, match = "", more = "") =>
  `<source>\n@type tail\npath /a.log\ntag a\n${source}\n</source>\n${more}
<match **>\n@type kinesis_streams\nstream_name s\n${match}\n</match>\n`;

const agentJson = (more: string, flow = "") =>
  `{ ${more} "flows": [{ ${flow} "filePattern": "/a.log", "kinesisStream": "s" }] }`;

test.each([
  ["keys of AWS", fluentd("", `aws_key_id ${SECRET}\naws_sec_key "${SECRET}"\naws_ses_token ${SECRET}`)],
  [
    "keys of a role",
    fluentd("", `<assume_role_credentials>\nexternal_id ${SECRET}\n</assume_role_credentials>`),
  ],
  [
    "settings of other plugins",
    fluentd(`api_key ${SECRET}\nwhatever ${SECRET}`, `x ${SECRET}`, `auth ${SECRET}`),
  ],
  [
    "other outputs",
    fluentd("", "", `<match b>\n@type http\nendpoint https://u:${SECRET}@x\npassword ${SECRET}\n</match>`),
  ],
  [
    "stores",
    fluentd("", "", `<match b>\n@type copy\n<store>\n@type http\ntoken ${SECRET}\n</store>\n</match>`),
  ],
  [
    "a forward input",
    fluentd(
      "",
      "",
      `<source>\n@type forward\n<security>\nshared_key ${SECRET}\nuser_auth true\n<user>\nusername u\npassword ${SECRET}\n</user>\n` +
        `<client>\nhost x\nshared_key ${SECRET}\n</client>\n</security>\n<transport tls>\nca_private_key_passphrase ${SECRET}\n` +
        `private_key_passphrase ${SECRET}\ncert_path /c\nprivate_key_path /k\n</transport>\n</source>`,
    ),
  ],
  ["a line that is no setting", `<source>\n<password ${SECRET}\n</source>\n`],
  ["quotes that are not closed", fluentd(`password "${SECRET}`)],
  ["an array that is not closed", fluentd(`keys ["${SECRET}"`)],
  ["a URL to include", `@include https://u:${SECRET}@x/y.conf\n${fluentd("")}`],
  [
    "an agent.json",
    agentJson(
      `"awsAccessKeyId": "${SECRET}", "awsSecretAccessKey": "${SECRET}", "proxyPassword": "${SECRET}",`,
    ),
  ],
  ["other settings of an agent.json", agentJson(`"x": { "y": ["${SECRET}"] },`, `"password": "${SECRET}",`)],
  ["an agent.json that is none", `{\n "awsSecretAccessKey": ${SECRET} }`],
  ["an agent.json that ends too soon", `{\n "awsSecretAccessKey": "${SECRET}`],
  ["an agent.json with a comma too many", `{ "awsSecretAccessKey": "${SECRET}", }`],
  [
    "hydra's settings",
    `Password = "${SECRET}"\nServers = ["x:${SECRET}"]\n[[Logs]]\nFile = "/a"\nTag = "a"\nKey = "${SECRET}"\n`,
  ],
  [
    "hydra's tables",
    `[[Servers]]\nHost = "x"\nSharedKey = "${SECRET}"\n[[Logs]]\nFile = "/a"\nTag = "a"\n[Receiver]\nKey = "${SECRET}"\n`,
  ],
  ["hydra's TOML that is none", `SharedKey = "${SECRET}\n[[Logs]]\n`],
])("secrets are not printed: %s", (_, text) => {
  expect(text).toContain(SECRET);
  const output = printed(text);
  expect(output).not.toContain(SECRET);
  expect(output).toMatch(/line \d+|stream = "s"/);
});

test("what is left out is told with its line all the same", () => {
  const output = printed(fluentd("", `aws_sec_key ${SECRET}`));
  expect(output).toMatch(/line 11: <match \*\*>: aws_sec_key: keys do not belong here/);
});

test("comments of all three kinds are passed over in an agent.json, and lines stay what they are", () => {
  const text = `# the agent's own file\n{\n  /* metrics,\n     of CloudWatch */\n  "cloudwatch.emitMetrics": false, // none
  "kinesis.endpoint": "", "kinesis.region": "eu-west-1", # here
  "flows": [{ "filePattern": "/var/log/a#b//c/*.log", "kinesisStream": "s" }], "x//": "/* y */"\n}\n`;
  const { toml, notes } = importConfig(text, "agent.json");
  expect(parse(toml)).toEqual({
    stream: "s",
    region: "eu-west-1",
    files: [{ tag: "log", path: "/var/log/a#b//c/*.log", start_at: "end" }],
  });
  expect(notes).toContain("line 7: x//: left out");
});

test.each([
  ["", {}],
  ["kinesis.cn-north-1.amazonaws.com.cn", { region: "cn-north-1" }],
  ["https://kinesis.eu-west-1.amazonaws.com/", { region: "eu-west-1" }],
  ["localhost:4567", { endpoint: "https://localhost:4567" }],
  ["no url", {}],
])("the endpoint %j of an agent.json becomes %j", (endpoint, settings) => {
  const { files, stream, ...others } = parse(
    importConfig(agentJson(`"kinesis.endpoint": "${endpoint}",`), "a").toml,
  );
  expect([stream, files]).toHaveLength(2);
  expect(others).toEqual(settings);
});

test("hydra's receiver is as open as it was, and says so", () => {
  const { toml, notes } = importConfig("[Receiver]\nPort = 24225\n", "hydra.toml");
  expect(parse(toml)["forward"]).toEqual({ bind: "0.0.0.0", port: 24_225, insecure: true });
  expect(notes.join("\n")).toContain("line 1: forward: whoever reaches it may send, as before");
});

test.each(['Servers = ["127.0.0.1:24224"]', "Servers = []", 'Servers = "x"', '[[Servers]]\nHost = "x"'])(
  "hydra's servers are left out as %j",
  (servers) => {
    const logs = '[[Logs]]\nTag = "t"\nFile = "/tmp/foo.log"\n';
    const text = servers.startsWith("[[") ? `${logs}${servers}\n` : `${servers}\n${logs}`;
    const { toml, notes } = importConfig(text, "hydra.toml");
    expect(parse(toml)["files"]).toEqual([{ tag: "t", path: "/tmp/foo.log", start_at: "end" }]);
    if (!servers.includes("[]")) expect(notes.join("\n")).toMatch(/line \d: \[\[Servers\]\]: left out/);
  },
);
