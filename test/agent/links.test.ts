import { appendFile, link, mkdir, rename, symlink, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { AgentChild } from "./agent-child.ts";
import { AgentFixture, lines } from "./agent-fixture.ts";
import { agentConfigSchema } from "../../agent/config/config.ts";
import { FileRule } from "../../agent/tail/files/file-rule.ts";
import { LeftFiles } from "../../agent/tail/discovery/left-files.ts";
import { statFile } from "../../agent/tail/disk/file-stat.ts";
import { TailHarness } from "./tail-harness.ts";

const texts = (tail: TailHarness): string[] => tail.events.map(({ text }) => text).sort();

test("what links in a directory of log files lead to is not sent, and all else there is", async () => {
  await using tail = await TailHarness.make({ glob: "log/**/*.log" });
  await mkdir(tail.path("log/deep"), { recursive: true });
  await mkdir(tail.path("private"));
  await writeFile(tail.path("private/key.log"), "secret\n");
  await symlink(tail.path("private/key.log"), tail.path("log/symbolic.log"));
  await symlink(tail.path("private"), tail.path("log/directory"));
  await writeFile(tail.path("private/other.log"), "another secret\n");
  await link(tail.path("private/other.log"), tail.path("log/hard.log"));
  await writeFile(tail.path("log/deep/a.log"), "mine\n");
  await symlink("deep/a.log", tail.path("log/b.log"));
  await tail.poll();
  await tail.drain();
  expect(texts(tail)).toEqual(["mine"]);
});

test("a log file that becomes a link to another is followed where it went, and the link is left", async () => {
  await using tail = await TailHarness.make({ glob: "log/*.log*" });
  await mkdir(tail.path("log"));
  await writeFile(tail.path("secret"), "secret\n");
  await writeFile(tail.path("log/a.log"), "one\n");
  await tail.poll();
  await rename(tail.path("log/a.log"), tail.path("log/a.log.1"));
  await symlink(tail.path("secret"), tail.path("log/a.log"));
  await appendFile(tail.path("log/a.log.1"), "two\n");
  await tail.poll();
  tail.acknowledge();
  await tail.restart();
  await tail.drain();
  expect(texts(tail)).toEqual(["one", "two"]);
});

test("a rotated name beside a followed file is no way around that", async () => {
  await using tail = await TailHarness.make({ glob: "log/a.log" });
  await mkdir(tail.path("log"));
  await writeFile(tail.path("log/a.log"), "one\n");
  await tail.poll();
  tail.acknowledge();
  await writeFile(tail.path("secret"), "secret\n");
  await symlink(tail.path("secret"), tail.path("log/a.log.1"));
  await rename(tail.path("log/a.log"), tail.path("log/a.log.2"));
  await writeFile(tail.path("log/a.log"), "two\n");
  await tail.poll();
  tail.acknowledge();
  await tail.restart();
  await tail.drain();
  expect(texts(tail)).toEqual(["one", "two"]);
});

test("a drain names what it left and how to read it, delivers all else, and fails", async () => {
  await using agent = await AgentFixture.make();
  await mkdir(agent.path("elsewhere"));
  await writeFile(agent.path("elsewhere/b.txt"), lines(3));
  await symlink("elsewhere/b.txt", agent.path("within.log"));
  await writeFile(agent.path("a.log"), lines(5));
  await mkdir(agent.path("named"));
  await symlink(agent.path("elsewhere/b.txt"), agent.path("named/b.log"));
  const files = [
    { tag: "test", path: agent.path("*.log") },
    { tag: "named", path: agent.path("named/*.log") },
  ];
  await using child = await AgentChild.start(agent, ["run", "--until-drained"], { files });
  // One file by two entries: the first may read it.
  expect(await child.ended).toMatchObject({ code: 0 });
  expect(agent.events).toHaveLength(8);
  await using second = await AgentFixture.make();
  await mkdir(second.path("log"));
  await writeFile(second.path("log/a.log"), lines(5));
  await symlink(agent.path("a.log"), second.path("log/b.log"));
  const left = { files: [{ tag: "test", path: second.path("log/*.log") }] };
  await using failing = await AgentChild.start(second, ["run", "--until-drained"], left);
  const { code, stderr } = await failing.ended;
  expect(code).toBe(1);
  expect(stderr).toContain(`follow_links = ["${agent.directory}"] would read it`);
  expect(second.events).toHaveLength(5);
  await using following = await AgentFixture.make();
  const allowed = { files: [{ ...left.files[0]!, follow_links: [agent.directory] }] };
  await using child3 = await AgentChild.start(following, ["run", "--until-drained"], allowed);
  expect(await child3.ended).toMatchObject({ code: 0 });
  expect(following.events).toHaveLength(10);
});

function ruleOf(path: string): FileRule {
  return new FileRule(agentConfigSchema.parse({ stream: "s", files: [{ tag: "test", path }] }).files[0]!);
}

test("a file that is rotated in the moment in which it is asked about may be read where it went", async () => {
  await using agent = await AgentFixture.make();
  const path = agent.path("a.log");
  const rule = ruleOf(path);
  const left = new LeftFiles([rule]);
  await writeFile(path, lines(1));
  const found = (await statFile(path))!;
  await rename(path, agent.path("a.log.1"));
  await writeFile(path, lines(2));
  await left.begin();
  expect(await left.ruleFor([found])).toBe(rule);
  expect(left.hasChanged).toBe(false);
});

test("one that is gone, with another in its place, is neither read nor told, but looked for again", async () => {
  await using agent = await AgentFixture.make();
  const path = agent.path("a.log");
  const left = new LeftFiles([ruleOf(path)]);
  await writeFile(agent.path("secret"), "secret\n");
  await symlink(agent.path("secret"), path);
  const found = (await statFile(path))!;
  await writeFile(agent.path("next"), lines(1));
  await rename(agent.path("next"), path);
  await left.begin();
  expect(await left.ruleFor([found])).toBeUndefined();
  left.end();
  expect([left.hasChanged, left.refusals.size]).toEqual([true, 0]);
});
