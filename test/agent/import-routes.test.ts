import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { parse } from "smol-toml";
import { afterAll, beforeAll, expect, test } from "vitest";
import { agentConfigSchema } from "../../agent/config/config.ts";
import { importConfig } from "../../agent/command/import/import-config.ts";
import { relate } from "../../agent/command/import/tag-pattern.ts";

let directory: string;
beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), "weir-import-"))));
afterAll(() => rm(directory, { recursive: true }));

const tail = (path: string, tag: string, more = "") =>
  `<source>\n@type tail\npath ${path}\ntag ${tag}\n${more}\n</source>\n`;
const plain = "<parse>\n@type none\n</parse>";
const section = (name: string, type: string, more = "") =>
  `<${name}>\n@type ${type}\n${more}\n</${name.split(" ")[0]}>\n`;
const kinesis = (name = "match **", stream = "logs") =>
  section(name, "kinesis_streams", `stream_name ${stream}\nregion eu-west-1`);

interface Settings {
  readonly files?: { readonly tag: string; readonly path: string }[];
  readonly forward?: object;
}

/** The tags and paths that are sent, those that are commented out, and what is told. */
function sent(text: string, file = join("/nowhere", "fluent.conf")) {
  const { toml, notes } = importConfig(text, file);
  const [active, ...rest] = toml.split(/^# line \d+: /m);
  const settings = parse(active!) as Settings;
  if (settings.files || settings.forward) agentConfigSchema.parse(settings);
  const held = rest.map((text) => {
    // Whoever takes an entry in takes it in as it stands.
    const entry = text.slice(text.indexOf("\n") + 1).replaceAll(/^# ?/gm, "");
    agentConfigSchema.parse(parse(`${active}\n${entry}`));
    const taken: Settings = parse(entry);
    return taken;
  });
  const names = (files: Settings["files"] = []) => files.map(({ tag, path }) => `${tag} ${path}`);
  return {
    sent: names(settings.files),
    held: held.flatMap(({ files }) => names(files)),
    settings,
    heldForward: held.find(({ forward }) => forward)?.forward,
    told: notes.join("\n"),
    toml,
  };
}

test("the first <match> of a tag takes its events, and what it keeps is never sent", () => {
  const local = section("match secret.**", "file", "path /var/log/local");
  const both = tail("/s.log", "secret.audit") + tail("/a.log", "app");
  expect(sent(both + local + kinesis())).toMatchObject({ sent: ["app /a.log"], held: [] });
  expect(sent(both + kinesis() + local).sent).toEqual(["secret.audit /s.log", "app /a.log"]);
  expect(sent(both + kinesis("match {app,web}.**")).sent).toEqual(["app /a.log"]);
  expect(sent(both + local + kinesis()).told).toContain("<match secret.**> of line 13 takes them: file");
});

test("labels keep their events to themselves, and relabel and @ROOT lead from one to the other", () => {
  const sources = tail("/s.log", "secret") + tail("/a.log", "app", "@label @OUT");
  const out = `<label @OUT>\n${kinesis()}</label>\n`;
  expect(sent(out + sources + section("match **", "file")).sent).toEqual(["app /a.log"]);
  expect(sent(out + sources + section("match **", "relabel", "@label @OUT")).sent).toEqual([
    "secret /s.log",
    "app /a.log",
  ]);
  const back = `<label @OUT>\n${section("match **", "relabel", "@label @ROOT")}</label>\n`;
  expect(sent(back + sources + section("match secret", "null") + kinesis()).sent).toEqual(["app /a.log"]);
  const round = `<label @OUT>\n${section("match **", "relabel", "@label @OUT")}</label>\n`;
  expect(sent(round + sources + section("match secret", "null") + kinesis("match none"))).toMatchObject({
    sent: [],
    held: ["app /a.log"],
  });
  expect(sent(sources + section("match secret", "null") + kinesis()).held).toEqual(["app /a.log"]);
});

test("labels of Fluentd's own log and errors take no file away", () => {
  const own = ["@FLUENT_LOG", "@ERROR"].map(
    (name) => `<label ${name}>\n${section("match **", "null")}</label>\n`,
  );
  const { sent: names, told } = sent(own.join("") + tail("/a.log", "app") + kinesis("match app"));
  expect(names).toEqual(["app /a.log"]);
  expect(told).toContain("<label @FLUENT_LOG>: left out");
  expect(told).toContain("<label @ERROR>: left out");
});

test("a copy goes to the stream when one of its stores is, however deep", () => {
  const stores = (...each: string[]) => section("match app", "copy", each.join(""));
  const [file, stream] = [section("store", "file", "path /x"), kinesis("store")];
  const app = tail("/a.log", "app");
  expect(sent(app + stores(file, stream))).toMatchObject({ sent: ["app /a.log"], held: [] });
  expect(sent(app + stores(file, stream)).told).toContain("<store>: left out, file");
  const label = `<label @OUT>\n${kinesis()}</label>\n`;
  expect(sent(label + app + stores(section("store", "relabel", "@label @OUT"), file)).sent).toHaveLength(1);
  expect(() => sent(app + stores(file) + kinesis("match other"))).toThrow("nothing to follow");
  const shares = section("match app", "roundrobin", file + stream);
  expect(sent(app + shares)).toMatchObject({ sent: [], held: ["app /a.log"] });
});

const rule = (pattern: string, tag: string, more = "") =>
  `<rule>\nkey message\npattern ${pattern}\ntag ${tag}\n${more}</rule>\n`;
const rewrite = (...rules: string[]) => section("match app", "rewrite_tag_filter", rules.join(""));

test.each([
  ["all, by a pattern that finds all", rewrite(rule("/.+/", "out.${tag}")), { tag: "out.app" }],
  ["all, by parts of the tag", rewrite(rule("^.*$", "out.${tag_parts[0]}.x")), { tag: "out.app.x" }],
  [
    "those in which it is found",
    rewrite(rule("/ERROR/i", "out.e")),
    { tag: "out.e", include_lines: ["(?i:ERROR)"] },
  ],
  [
    "those in which one is found",
    rewrite(rule("/a/", "out.a"), rule("/b/", "out.b")),
    { tag: "app", include_lines: ["(?:a|b)"] },
  ],
  [
    "all but those that another rule takes first",
    rewrite(rule("/secret/", "local"), rule("/.*/", "out.x")),
    { tag: "out.x", exclude_lines: ["secret"] },
  ],
  ["all, under the label of the rule", rewrite(rule("/.+/", "y", "label @OUT\n")), { tag: "y" }],
  [
    "all, in its older form",
    section("match app", "rewrite_tag_filter", "rewriterule1 message .+ out.z"),
    { tag: "out.z" },
  ],
])("of lines that are given tags by what they hold, %s are sent", (_, match, entry) => {
  const label = `<label @OUT>\n${kinesis()}</label>\n`;
  const { settings, held } = sent(label + tail("/a.log", "app", plain) + match + kinesis("match out.**"));
  expect(held).toEqual([]);
  expect(settings.files).toEqual([{ path: "/a.log", start_at: "end", ...entry }]);
});

test.each([
  ["a field that is not the line", `<rule>\nkey level\npattern ERROR\ntag out.e\n</rule>\n`, plain],
  ["a pattern that is inverted", rule("/x/", "out.a", "invert true\n"), plain],
  ["a tag that lines make", rule("/^(\\w+)/", "$1"), plain],
  [
    "a rule in between that keeps its lines",
    rule("/a/", "out.a") + rule("/b/", "local") + rule("/.+/", "out.c"),
    plain,
  ],
  ["records that are parsed", rule("/ERROR/", "out.e"), "format json"],
])("lines that are chosen by %s are commented out", (_, rules, parsing) => {
  const {
    sent: names,
    held,
    toml,
  } = sent(tail("/a.log", "app", parsing) + rewrite(rules) + kinesis("match out.**"));
  expect(names).toEqual([]);
  expect(held).toHaveLength(1);
  expect(toml).toMatch(/^# line 1: .+\n# \[\[files\]\]$/m);
});

test("a plugin that nobody knows may pass events on, one that is known does not", () => {
  const app = tail("/a.log", "app") + tail("/b.log", "b");
  expect(sent(app + section("match app", "our_own_thing") + kinesis())).toMatchObject({
    sent: ["b /b.log"],
    held: ["app /a.log"],
    told: expect.stringContaining("what our_own_thing in <match app> of line 13 does with them is not known"),
  });
  expect(sent(app + section("match app", "elasticsearch") + kinesis())).toMatchObject({
    sent: ["b /b.log"],
    held: [],
  });
});

test("a star in a tag stands for the path: each path goes its own way, and a glob that is parted is commented out", () => {
  const local = section("match app.var.secret.log", "file");
  const paths = sent(tail("/var/secret.log, /var/a.log", "app.*") + local + kinesis());
  expect(paths).toMatchObject({ sent: ["app /var/a.log"], held: [] });
  expect(sent(tail("/var/a.log, /var/b.log", "app.*") + local + kinesis()).sent).toEqual([
    "app /var/a.log,/var/b.log",
  ]);
  expect(sent(tail("/var/*.log", "app.*") + local + kinesis())).toMatchObject({
    sent: [],
    held: ["app /var/*.log"],
  });
  expect(sent(tail("/srv/*.log", "app.*") + local + kinesis())).toMatchObject({ sent: ["app /srv/*.log"] });
  expect(sent(tail("/a.log", "\"#{ENV['STAGE']}.x\"") + local + kinesis("match prod.**"))).toMatchObject({
    sent: [],
    held: ["x /a.log"],
  });
});

test("an included file takes part where it is included; one that is not here may send events elsewhere", async () => {
  await mkdir(join(directory, "conf.d"));
  await writeFile(join(directory, "conf.d/10-local.conf"), section("match secret", "file"));
  await writeFile(join(directory, "conf.d/20-app.conf"), tail("/b.log", "b"));
  const text = `@include conf.d/*.conf\n${tail("/s.log", "secret")}${tail("/a.log", "app")}${kinesis()}`;
  expect(sent(text, join(directory, "fluent.conf"))).toMatchObject({
    sent: ["b /b.log", "app /a.log"],
    held: [],
  });
  for (const include of ["conf.d/*.conf", "https://me:secret@example.com/x.conf", "one.conf"]) {
    const away = sent(text.replace("conf.d/*.conf", include));
    expect(away).toMatchObject({ sent: [], held: ["secret /s.log", "app /a.log"] });
    expect(away.told).toContain("line 1: @include ");
    expect(away.toml + away.told).not.toContain("me:secret");
  }
  const within = sent(tail("/a.log", "app", "@include no-such/common.conf") + kinesis());
  expect(within).toMatchObject({ sent: [], held: ["app /a.log"] });
  const after = sent(`${tail("/a.log", "app")}${kinesis("match app")}@include https://example.com/\n`);
  expect(after).toMatchObject({ sent: ["app /a.log"], held: [] });
});

test("workers are taken together, and each has its own matches", () => {
  const worker = (n: string, text: string) => `<worker ${n}>\n${text}</worker>\n`;
  const text =
    worker("0", tail("/a.log", "app") + kinesis()) +
    worker("1", tail("/s.log", "secret") + section("match **", "file"));
  expect(sent(text)).toMatchObject({
    sent: ["app /a.log"],
    held: [],
    told: expect.stringContaining("<worker 0>"),
  });
  expect(sent(tail("/a.log", "app") + worker("0-1", kinesis()))).toMatchObject({
    sent: [],
    held: ["app /a.log"],
  });
});

test("a forward input is sent only where all that it takes is; Fluentd's own log is nothing of it", () => {
  const forward = section("source", "forward", "bind 0.0.0.0");
  const { settings, told } = sent(forward + section("match fluent.**", "null") + kinesis());
  expect(settings.forward).toEqual({ bind: "0.0.0.0", port: 24_224, insecure: true });
  expect(told).toContain("whoever reaches it may send, as before");
  const kept = sent(tail("/a.log", "app") + forward + section("match secret.**", "file") + kinesis());
  expect(kept.settings.forward).toBeUndefined();
  expect(kept.heldForward).toMatchObject({ port: 24_224 });
  expect(kept.told).toContain("<source> forward: commented out");
  const tagged = section("source", "forward", "tag web\nbind 127.0.0.1");
  expect(sent(tagged + section("match secret.**", "file") + kinesis()).settings.forward).toEqual({
    bind: "127.0.0.1",
    port: 24_224,
  });
});

test("filters count where events pass them, and not behind the <match> that takes them", () => {
  const grep = (tag: string, word: string) =>
    section(`filter ${tag}`, "grep", `<exclude>\nkey message\npattern ${word}\n</exclude>`);
  const app = tail("/a.log", "app", plain);
  const text = app + grep("app", "one") + grep("web", "two") + kinesis() + grep("**", "three");
  expect(sent(text).settings.files).toEqual([
    { tag: "app", path: "/a.log", start_at: "end", exclude_lines: ["one"] },
  ]);
});

test("values go over several lines, and hold what looks like comments", () => {
  const source = `<source>
  @type tail # the usual one
  path /var/log/c/*.log
  exclude_path ["/var/log/c/a #1*", # the first
                "/var/log/c/b*"
               ]
  tag "app"   # with quotes
</source> # done
<filter app>
  @type record_transformer
  <record>
    host-name "#{Socket.gethostname}"
    $.odd.key 'it''s'
    text "over
two lines"
    map {"a": [1,
      2]}
  </record>
</filter>
`;
  const { settings } = sent(source + kinesis());
  expect(settings.files).toEqual([
    { tag: "app", path: "/var/log/c/*.log", exclude: ["/var/log/c/a #1*", "/var/log/c/b*"], start_at: "end" },
  ]);
  expect(() => sent("<source>\nexclude_path [1,\n")).toThrow("line 2: exclude_path begins an array");
  expect(() => sent('<source>\ntag "x\n')).toThrow("line 2: the quotes of tag are not closed");
});

test("an exclusion that cannot be read, or a path in Ruby, sends nothing", () => {
  for (const more of ["exclude_path [nonsense]", "exclude_path \"#{Dir.glob('/x')}\""]) {
    expect(sent(tail("/var/log/*.log", "app", more) + kinesis())).toMatchObject({
      sent: [],
      held: ["app /var/log/*.log"],
    });
  }
  expect(sent(tail('"/srv/#{rand}/a.log"', "app") + kinesis()).sent).toEqual([]);
  expect(
    sent(tail("/var/log/*.log", "app", "exclude_path /var/log/a.log,/var/log/b.log") + kinesis()).settings
      .files,
  ).toEqual([
    { tag: "app", path: "/var/log/*.log", exclude: ["/var/log/a.log", "/var/log/b.log"], start_at: "end" },
  ]);
});

test("variables of the environment and the host's name stay what they are, other Ruby is told", () => {
  const text =
    tail("\"/srv/#{ENV['APP']}/$${x}/${y}.log\"", "app") +
    section(
      "match app",
      "kinesis_streams",
      'stream_name "#{ENV["STREAM"]}"\nregion "#{ENV.fetch(\'REGION\')}"\ndebug "#{1 + 1}"',
    );
  const { toml, notes } = importConfig(text, "f.conf");
  expect(parse(toml)).toMatchObject({
    stream: "${STREAM}",
    region: "${REGION}",
    files: [{ path: "/srv/${APP}/$$${x}/$${y}.log" }],
  });
  for (const name of ["APP", "STREAM", "REGION"])
    expect(notes.join("\n")).toContain(`\${${name}} is read from the environment`);
  // In single quotes, and in none, Ruby is a text like any other.
  expect(sent(tail("/a/#{ENV['X']}.log", "app") + kinesis()).toml).not.toContain("${X}");
});

test("a <match> or a label that Ruby names may be any", () => {
  for (const ruby of ["#{ENV['X']}", "#{1 + 1}"]) {
    const local = section(`match "${ruby}.**"`, "file");
    const quoted = sent(tail("/a.log", "app.a") + local.replace('</match "', "</match") + kinesis());
    expect(quoted).toMatchObject({ sent: [], held: ["app.a /a.log"] });
    const labelled = tail("/a.log", "app", `@label "${ruby}"`) + kinesis();
    expect(sent(labelled)).toMatchObject({ sent: [], held: ["app /a.log"] });
  }
  const variable = sent(tail("/a.log", "app") + section("match \"#{ENV['X']}\"", "file") + kinesis());
  expect(variable.toml).toContain("# line 1: <match ${X}> of line 7 takes them: file");
});

test("of several streams the first or the named one is taken, the others are told with their name", () => {
  const text =
    tail("/a.log", "a") + tail("/b.log", "b") + kinesis("match a", "one") + kinesis("match b", "two");
  expect(sent(text)).toMatchObject({
    sent: ["a /a.log"],
    told: expect.stringContaining("import it with --stream two"),
  });
  expect(parse(importConfig(text, "f", "two").toml)).toMatchObject({ stream: "two", files: [{ tag: "b" }] });
});

/** What Fluentd makes of a pattern, with the expressions of lib/fluent/match.rb. */
function ofFluentd(pattern: string): RegExp {
  const source = pattern
    .replaceAll(".**.", "<parts>")
    .replaceAll(".**", "<rest>")
    .replaceAll("**.", "<before>")
    .replaceAll("**", "<any>")
    .replaceAll("*", "[^.]*")
    .replaceAll(".", "\\.")
    .replaceAll("{", "(?:")
    .replaceAll("}", ")")
    .replaceAll(",", "|")
    .replaceAll("<parts>", "(?![^.])(?:.*\\.|(?<![^]))")
    .replaceAll("<rest>", "(?![^.]).*")
    .replaceAll("<before>", "(?:.*\\.|(?<![^]))")
    .replaceAll("<any>", ".*");
  return new RegExp(`^(?:${source.replaceAll("[^\\.]", "[^.]")})$`);
}

test("tags relate to patterns as Fluentd's own expressions say, and a star to all that it may stand for", () => {
  const part = fc.constantFrom("a", "b", "ab", "*", "{a,b}", "{a,b.a}");
  const pattern = fc
    .array(fc.oneof({ weight: 3, arbitrary: part }, { weight: 1, arbitrary: fc.constant("**") }), {
      minLength: 1,
      maxLength: 4,
    })
    .map((parts) => parts.join("."))
    .filter((text) => !text.includes("**.**"));
  const text = fc.array(fc.constantFrom("a", "b", "."), { maxLength: 6 }).map((each) => each.join(""));
  fc.assert(
    fc.property(pattern, text, text, text, (pattern, before, inside, after) => {
      // No tag begins with an empty part.
      fc.pre(/^[^.]/.test(before + inside + after));
      const matches = ofFluentd(pattern).test(before + inside + after);
      expect(relate(before + inside + after, pattern)).toBe(matches ? "all" : "none");
      const relation = relate(`${before}*${after}`, pattern);
      expect(relation).not.toBe(matches ? "none" : "all");
    }),
    { numRuns: 2_000 },
  );
});
