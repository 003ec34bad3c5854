import { parse } from "smol-toml";
import { expect, test } from "vitest";
import { agentConfigSchema } from "../../agent/config/config.ts";
import { importConfig } from "../../agent/command/import/import-config.ts";

const SECRET = "hUnter2-S3cret";

const tail = (path: string, tag: string, more = "") =>
  `<source>\n@type tail\npath ${path}\ntag ${tag}\n${more}\n</source>\n`;
const section = (name: string, type: string, more = "") =>
  `<${name}>\n@type ${type}\n${more}\n</${name.split(" ")[0]}>\n`;
const forward = (name: string, host = "10.0.0.1") =>
  section(name, "forward", `<server>\nhost ${host}\nport 24224\nshared_key ${SECRET}\n</server>`);

interface Settings {
  readonly stream: string;
  readonly region?: string;
  readonly files?: { readonly path: string }[];
  readonly forward?: object;
}

function imported(text: string, stream?: string) {
  const { toml, notes } = importConfig(text, "/nowhere/fluent.conf", stream);
  const settings = parse(toml) as unknown as Settings;
  if (settings.files || settings.forward) agentConfigSchema.parse(settings);
  expect(toml + notes.join()).not.toContain(SECRET);
  const held = toml.includes("# [[files]]") || toml.includes("# [forward]");
  return { settings, sent: settings.files?.map(({ path }) => path) ?? [], held, told: notes.join("\n") };
}

test("with --stream, a forwarder's servers are what the stream takes the place of, and it is told which", () => {
  const text = tail("/a.log", "app") + forward("match **");
  expect(() => imported(text)).toThrow("--stream NAME takes that for the stream");
  const { settings, sent, told } = imported(text, "logs");
  expect([settings.stream, sent]).toEqual(["logs", ["/a.log"]]);
  expect(told).toContain("line 7: <match **>: is taken for the stream logs: forward to 10.0.0.1:24224");
});

test.each(["s3", "redshift", "redshift-out", "kinesis_firehose"])(
  "with --stream, so is %s, also within copies and behind labels",
  (type) => {
    const stores = section("store", "stdout") + section("store", type);
    expect(imported(tail("/a.log", "app") + section("match app", "copy", stores), "logs").sent).toEqual([
      "/a.log",
    ]);
    const label = `<label @OUT>\n${section("match **", type)}</label>\n`;
    const relabel = section("match **", "relabel", "@label @OUT");
    const { sent, told } = imported(tail("/a.log", "app") + relabel + label, "logs");
    expect(sent).toEqual(["/a.log"]);
    expect(told).toContain(`is taken for the stream logs: ${type}`);
  },
);

test.each(["file", "stdout", "null", "elasticsearch", "http"])(
  "what goes to %s is sent with no --stream either",
  (type) => {
    const text = tail("/s.log", "secret") + tail("/a.log", "app") + section("match secret", type);
    const { sent, held, told } = imported(text + forward("match **"), "logs");
    expect([sent, held]).toEqual([["/a.log"], false]);
    expect(told).toContain(`takes them: ${type}`);
  },
);

test("where a Kinesis output names the stream, only that counts", () => {
  const kinesis = section("match app", "kinesis_streams", "stream_name logs");
  const text = tail("/a.log", "app") + tail("/b.log", "other") + kinesis + section("match **", "s3");
  expect(imported(text, "logs").sent).toEqual(["/a.log"]);
  expect(imported(text).sent).toEqual(["/a.log"]);
  expect(imported(text, "new").sent).toEqual(["/b.log"]);
});

test.each(["localhost", "127.0.0.1", "::1"])("what is forwarded to %s is commented out", (host) => {
  const { sent, held, told } = imported(tail("/a.log", "app") + forward("match **", host), "logs");
  expect([sent, held]).toEqual([[], true]);
  expect(told).toContain("which may keep them here");
});

test("an aggregator's forward input is sent on, but not where an output of its own keeps events of some tags", () => {
  const source = section("source", "forward");
  const s3 = section("match app.**", "s3", "s3_bucket b\ns3_region eu-west-1\naws_sec_key " + SECRET);
  const { settings, held, told } = imported(source + s3, "logs");
  expect([settings.region, held]).toEqual(["eu-west-1", false]);
  expect(settings.forward).toMatchObject({ port: 24_224 });
  expect(told).toContain("events of tags that no <match> takes, which Fluentd dropped, are sent, too");
  expect(imported(source + section("match debug.**", "stdout") + s3, "logs").held).toBe(true);
});

test("of several stores that count, the one that asks least of lines decides which are sent", () => {
  const grep = section("filter **", "grep", "<regexp>\nkey message\npattern /ERROR/\n</regexp>");
  const label = `<label @ERRORS>\n${grep}${section("match **", "s3")}</label>\n`;
  const stores = section("store", "relabel", "@label @ERRORS") + forward("store");
  const { settings, told } = imported(
    tail("/a.log", "app") + label + section("match **", "copy", stores),
    "logs",
  );
  expect(settings.files).toEqual([{ tag: "app", path: "/a.log", start_at: "end" }]);
  expect(told.match(/is taken for the stream/g)).toHaveLength(2);
});
