import { mkdir, rmdir, writeFile } from "node:fs/promises";
import { pino } from "pino";
import { expect, test } from "vitest";
import { checkAgent } from "../../agent/command/check/check.ts";
import { closedDirectories } from "../../agent/command/check/closed-directories.ts";
import { awsReason } from "../../agent/kinesis/aws-reason.ts";
import { AgentChild } from "./agent-child.ts";
import { AgentFixture, lines } from "./agent-fixture.ts";

const silent = pino({ level: "silent" });
const never = new AbortController().signal;

test("SIGTERM delivers what was read, leaves exit code 0, and logs no line's content", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("a.log"), lines(1_000, "secret"));
  await using child = await AgentChild.start(agent, ["run"]);
  await child.until(() => agent.events.length > 0);
  const { code, stderr } = await child.kill("SIGTERM");
  expect(code).toBe(0);
  expect(stderr).not.toContain("secret");
  for (const line of stderr.trim().split("\n")) expect(JSON.parse(line)).toHaveProperty("msg");
});

test.each([
  ["an unknown setting", { producer: { lingerms: 5 } }, 'producer: Unrecognized key: "lingerms"'],
  ["a value out of range", { tail: { poll_ms: 0 } }, "tail.poll_ms: "],
  ["a relative path", { files: [{ tag: "a", path: "logs/*.log" }] }, "files[0].path: "],
  [
    "a missing directory",
    { files: [{ tag: "a", path: "/no/such/dir/*.log" }] },
    "there is no directory /no/such/dir",
  ],
  [
    "a directory for a file",
    { files: [{ tag: "a", path: "/usr/bin" }] },
    '/usr/bin is not a file; to follow those in it, write path = "/usr/bin/*.log"',
  ],
  ["a state directory that cannot be", { state_dir: "/dev/null/state" }, "/dev/null/state: "],
  ["a stream that is not there", { stream: "elsewhere" }, "elsewhere: there is no such stream in us-east-1"],
])("%s is named, and the exit code is not 0", async (_, overrides, message) => {
  await using agent = await AgentFixture.make();
  await using child = await AgentChild.start(agent, ["run", "--until-drained"], overrides);
  const { code, stderr } = await child.ended;
  expect(code).toBe(1);
  expect(stderr).toContain(message);
});

test("a configuration that is not there or not TOML is named", async () => {
  await using agent = await AgentFixture.make();
  await using missing = new AgentChild(["run", "--config", agent.path("none.toml")]);
  expect(await missing.ended).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("none.toml: ENOENT"),
  });
  await writeFile(agent.path("bad.toml"), "stream = ");
  await using bad = new AgentChild(["check", "--config", agent.path("bad.toml")]);
  expect(await bad.ended).toMatchObject({ code: 1, stderr: expect.stringContaining("bad.toml:\n") });
});

test("check finds every problem at once, and none where there is none", async () => {
  await using agent = await AgentFixture.make();
  await mkdir(agent.path("a.log"));
  const files = [
    { tag: "a", path: agent.path("a.log") },
    { tag: "b", path: "/no/such/dir/b.log" },
  ];
  const elsewhere = { files, stream: "elsewhere", state_dir: "/dev/null/x" };
  expect(await problems(agent, elsewhere)).toEqual([
    expect.stringContaining(`files "a": ${agent.path("a.log")} is not a file`),
    expect.stringContaining('files "b": there is no directory /no/such/dir'),
    expect.stringContaining("state_dir: "),
    expect.stringContaining("stream: elsewhere"),
  ]);
  await rmdir(agent.path("a.log"));
  expect(await problems(agent)).toEqual([]);
});

async function problems(agent: AgentFixture, overrides = {}): Promise<string[]> {
  const findings = await checkAgent(agent.config(overrides), silent, never);
  return findings.filter(({ isProblem }) => isProblem).map(({ text }) => text);
}

for (const name of ["AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"]) delete process.env[name];

/** A host on which nobody has set up AWS. */
const bare = (agent: AgentFixture) => ({
  HOME: agent.directory,
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_ACCESS_KEY_ID: "",
  AWS_SECRET_ACCESS_KEY: "",
});

test.each(["run", "check"])("%s without a region ends, and says what to write", async (command) => {
  await using agent = await AgentFixture.make();
  const noRegion = { region: undefined, state_dir: agent.path("state") };
  await using child = await AgentChild.start(agent, [command], noRegion, bare(agent));
  const { code, stderr } = await child.ended;
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /region: is not set\.?\s+Write region = "eu-west-1", say, above the first \[table\], or set AWS_REGION/,
  );
});

test("a region of the environment or of a profile is one, an availability zone there is none", async () => {
  await using agent = await AgentFixture.make();
  const check = async (environment: Record<string, string>) => {
    await using child = await AgentChild.start(
      agent,
      ["check"],
      { region: undefined },
      { ...bare(agent), ...environment },
    );
    return (await child.ended).stderr;
  };
  await writeFile(agent.path("aws"), "[default]\nregion = eu-central-1\n");
  expect(await check({ AWS_CONFIG_FILE: agent.path("aws") })).not.toContain("region");
  expect(await check({ AWS_REGION: "eu-west-1b" })).toContain(
    'region: is an availability zone: write region = "eu-west-1". It comes from AWS_REGION or from the profile.',
  );
});

test("check says what to do where there are no credentials, and run says so while it waits for them", async () => {
  await using agent = await AgentFixture.make();
  const advice =
    "give the host a role with the policy of the stack, or write profile under [aws], or set AWS_ACCESS_KEY_ID";
  await using check = await AgentChild.start(agent, ["check"], {}, bare(agent));
  expect(await check.ended).toMatchObject({ code: 1, stderr: expect.stringContaining(advice) });
  await using run = await AgentChild.start(agent, ["run"], {}, bare(agent));
  await run.until(() => run.stderr.includes(advice));
  expect((await run.kill("SIGTERM")).code).toBe(0);
});

test.each([
  ["ExpiredTokenException", "the credentials have expired"],
  ["UnrecognizedClientException", "AWS does not know these credentials"],
  ["AccessDeniedException", "the policy must allow kinesis:PutRecords"],
  ["CredentialsProviderError", "give the host a role"],
])("%s comes with what to do", (name, advice) => {
  const error = Object.assign(new Error("AWS's own words"), { name });
  expect(awsReason(error, "PutRecords")).toMatch(/^AWS's own words: /);
  expect(awsReason(error, "PutRecords")).toContain(advice);
});

test("directories that a glob leads through and that may not be read are named", async () => {
  const tree: Readonly<Record<string, readonly string[] | undefined>> = {
    "/srv": ["a", "b", "other"],
    "/srv/a": ["logs"],
    "/srv/b": undefined,
    "/srv/a/logs": [],
  };
  const asked: string[] = [];
  const list = async (path: string) => {
    asked.push(path);
    if (path in tree && tree[path] === undefined)
      throw Object.assign(new Error("EACCES"), { code: "EACCES" });
    return [...(tree[path] ?? [])];
  };
  expect(await closedDirectories("/srv/[ab]/logs/*.log", list)).toEqual(["/srv/b"]);
  expect(asked).toEqual(["/srv", "/srv/a", "/srv/b", "/srv/a/logs"]);
  expect(await closedDirectories("/srv/**/*.log", list)).toEqual(["/srv/b"]);
  expect(await closedDirectories("/srv/*.log", list)).toEqual([]);
  expect(await closedDirectories("/srv/b/x.log", list)).toEqual([]);
});

test("check tells what globs match now, and leaves no record in the stream", async () => {
  await using agent = await AgentFixture.make();
  for (const name of ["a", "b", "c", "d"]) await writeFile(agent.path(`${name}.log`), lines(2));
  await using child = await AgentChild.start(agent, ["check"]);
  const { code, stdout } = await child.ended;
  const bytes = 4 * lines(2).length;
  const named = ["a", "b", "c"].map((name) => agent.path(`${name}.log`)).join(", ");
  expect(stdout).toContain(`files "test": matches 4 files of ${bytes} bytes: ${named}, and 1 more\n`);
  expect(stdout).toContain("stream: PutRecords is not denied\n");
  expect(stdout).toMatch(/clock: \d+ s /);
  expect(code).toBe(0);
  expect(agent.kinesis.records).toEqual([]);
  expect(agent.kinesis.requests).toEqual([]);
});

test("check names a permission that is missing, an AUTO stream, and a clock that is off", async () => {
  await using agent = await AgentFixture.make();
  agent.kinesis.denied.add("PutRecords").add("ListShards");
  agent.kinesis.clockAheadMs = 600_000;
  expect(await problems(agent)).toEqual([
    expect.stringContaining("ListShards: not allowed"),
    expect.stringContaining("PutRecords: not allowed"),
    expect.stringMatching(/clock: \d+ s behind/),
  ]);
  agent.kinesis.clockAheadMs = 0;
  agent.kinesis.distribution = "AUTO";
  expect(await problems(agent)).toEqual([expect.stringContaining("(AUTO)")]);
});
