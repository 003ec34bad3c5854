import {
  appendFile,
  copyFile,
  link,
  mkdir,
  rename,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { expect, test } from "vitest";
import { readPositions } from "../../agent/command/positions.ts";
import { statusText } from "../../agent/command/position-text.ts";
import { AgentChild } from "./agent-child.ts";
import { AgentFixture } from "./agent-fixture.ts";
import { delivered, expectNoRepeats } from "./cases/tail-case.ts";
import { TailHarness } from "./tail-harness.ts";

const TEXT = "disk check failed\n";

/** It was not changed for longer than a copy is waited for, as files are that were there before the agent. */
async function rest(...paths: string[]): Promise<void> {
  const aWhileAgo = new Date(Date.now() - 11_000);
  for (const path of paths) await utimes(path, aWhileAgo, aWhileAgo);
}

async function makeEach(tail: TailHarness, names: readonly string[], text = TEXT): Promise<void> {
  for (const name of names) {
    await mkdir(tail.path(`${name}/..`), { recursive: true });
    await writeFile(tail.path(name), text);
    // Birth times have the grain of the kernel's clock.
    await sleep(5);
  }
}

const families: readonly { readonly glob: string; readonly names: readonly string[] }[] = [
  { glob: "*/error.log", names: ["blue/error.log", "green/error.log"] },
  { glob: "*/stdout", names: ["1/stdout", "2/stdout", "3/stdout"] },
  { glob: "*.log", names: ["worker.log", "worker-1.log", "worker-2.log", "worker10.log"] },
  { glob: "*.log", names: ["app.log", "app-2026-11-26.log", "app.old.log"] },
  { glob: "*.log*", names: ["app.log", "app.log.1", "app.log-20261126", "app.log.bak"] },
  { glob: "**", names: ["app.log", "old/app.log.1", "old/app.log.2"] },
  { glob: "*", names: ["pod", "pod-0", "pod-1"] },
];

for (const { glob, names } of families) {
  const sorts = { "": names, ", the other way round": names.toReversed() };
  for (const [order, sorted] of Object.entries(sorts)) {
    test(`${names.join(", ")} with the same bytes are ${names.length} files, found at once${order}`, async () => {
      await using tail = await TailHarness.make({ glob });
      await makeEach(tail, sorted);
      await rest(...sorted.map((name) => tail.path(name)));
      await tail.drain();
      expect(delivered(tail)).toEqual(names.map(() => TEXT));
    });

    test(`${names.join(", ")} with the same bytes are ${names.length} files, one found after the other${order}`, async () => {
      await using tail = await TailHarness.make({ glob });
      for (const name of sorted) {
        await makeEach(tail, [name]);
        await rest(tail.path(name));
        await tail.poll();
      }
      expect(delivered(tail)).toEqual(names.map(() => TEXT));
    });
  }

  test(`${names.join(", ")} with the same bytes are ${names.length} files, found by an agent that knows the first, which is gone`, async () => {
    await using tail = await TailHarness.make({ glob });
    await makeEach(tail, names.slice(0, 1));
    await tail.poll();
    tail.acknowledge();
    await tail.restart(async () => {
      await rm(tail.path(names[0]!));
      await makeEach(tail, names.slice(1));
    });
    await tail.poll();
    expect(delivered(tail)).toEqual(names.map(() => TEXT));
  });
}

test("a file that is deleted and one of its name elsewhere that follows it are two, though they are alike", async () => {
  await using tail = await TailHarness.make({ glob: "*/stdout" });
  for (const job of ["1", "2", "3"]) {
    await makeEach(tail, [`${job}/stdout`]);
    await tail.poll();
    await rm(tail.path(job), { recursive: true });
  }
  await tail.poll();
  expect(delivered(tail)).toEqual([TEXT, TEXT, TEXT]);
});

test("two that grow alike under names that rotation gives are delivered, though neither rests", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("worker.log"), "tick\n");
  await sleep(5);
  const stop = new AbortController();
  const ticking = (async () => {
    while (!stop.signal.aborted) {
      for (const name of ["worker.log", "worker-1.log"]) await appendFile(agent.path(name), "tick\n");
      await sleep(50);
    }
  })();
  await using child = await AgentChild.start(agent, ["run"]);
  await child.until(() => agent.events.some(({ position }) => position.source.path.endsWith("worker-1.log")));
  stop.abort();
  await ticking;
});

test("a drain waits until it is clear that a young look-alike is no copy, and delivers it", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("worker.log"), TEXT);
  await sleep(5);
  await writeFile(agent.path("worker-1.log"), TEXT);
  await agent.drain();
  expect(agent.events.map(({ text }) => `${text}\n`)).toEqual([TEXT, TEXT]);
});

test("paths that are configured are files of their own, also when one is truncated", async () => {
  await using agent = await AgentFixture.make();
  const path = ["app.log", "app.log.1"].map((name) => agent.path(name));
  const overrides = { files: [{ tag: "test", path }] };
  await writeFile(agent.path("app.log"), TEXT);
  await agent.drain(overrides);
  await copyFile(agent.path("app.log"), agent.path("app.log.1"));
  await truncate(agent.path("app.log"));
  await agent.drain(overrides);
  expect(agent.events.map(({ text, position }) => [`${text}\n`, position.source.path])).toEqual([
    [TEXT, agent.path("app.log")],
    [TEXT, agent.path("app.log.1")],
  ]);
});

test("a look-alike of a time that is still to come is not waited for", async () => {
  await using tail = await TailHarness.make({ glob: "*.log*" });
  await makeEach(tail, ["a.log", "a.log.1"]);
  const tomorrow = new Date(Date.now() + 86_400_000);
  await utimes(tail.path("a.log.1"), tomorrow, tomorrow);
  await tail.poll();
  expect(delivered(tail)).toEqual([TEXT, TEXT]);
});

test("hard links and symbolic links to one file are one file", async () => {
  await using tail = await TailHarness.make({ glob: "**/*.log*" });
  await makeEach(tail, ["a.log"]);
  await link(tail.path("a.log"), tail.path("a.log.1"));
  await symlink(tail.path("a.log"), tail.path("b.log"));
  await tail.drain();
  expectNoRepeats(tail);
  expect(delivered(tail)).toEqual([TEXT]);
});

test("daily logs that are alike are each delivered, though the agent was down over two rotations", async () => {
  await using tail = await TailHarness.make();
  await makeEach(tail, ["a.log"]);
  await tail.poll();
  tail.acknowledge();
  await tail.restart(async () => {
    await rm(tail.path("a.log"));
    await makeEach(tail, ["a.log"]);
    await rename(tail.path("a.log"), tail.path("a.log.1"));
    await makeEach(tail, ["a.log"]);
  });
  await tail.poll();
  expect(delivered(tail)).toEqual([TEXT, TEXT, TEXT]);
});

test("of two copies that are alike, one is that of the generation that was cut off", async () => {
  await using tail = await TailHarness.make();
  await makeEach(tail, ["a.log"]);
  await tail.poll();
  tail.acknowledge();
  await tail.restart(async () => {
    await copyFile(tail.path("a.log"), tail.path("a.log.2"));
    await writeFile(tail.path("a.log"), TEXT);
    await sleep(10);
    await copyFile(tail.path("a.log"), tail.path("a.log.1"));
    await writeFile(tail.path("a.log"), "next\n");
  });
  await tail.poll();
  await tail.poll();
  expect(delivered(tail)).toEqual([TEXT, TEXT, "next\n"].sort());
});

test("a copy that is written anew is no copy any more", async () => {
  await using tail = await TailHarness.make({ glob: "*.log*" });
  await makeEach(tail, ["a.log"], `${TEXT}${TEXT}`);
  await tail.poll();
  await copyFile(tail.path("a.log"), tail.path("a.log.1"));
  await truncate(tail.path("a.log"));
  await tail.poll();
  await writeFile(tail.path("a.log.1"), TEXT);
  await rest(tail.path("a.log.1"));
  await tail.poll();
  expect(delivered(tail)).toEqual([TEXT, `${TEXT}${TEXT}`]);
});

test("a copy is waited with, so that lines written between copy and truncation do not make it another file", async () => {
  await using tail = await TailHarness.make({ glob: "*.log*" });
  await makeEach(tail, ["a.log"]);
  await tail.poll();
  await copyFile(tail.path("a.log"), tail.path("a.log.1"));
  await tail.poll();
  await appendFile(tail.path("a.log"), "in between\n");
  await tail.poll();
  await truncate(tail.path("a.log"));
  await tail.poll();
  await tail.poll();
  expect(delivered(tail)).toEqual([`${TEXT}in between\n`]);
});

test("a copy that an operator makes beside a file, and that no entry takes, is left alone", async () => {
  await using tail = await TailHarness.make();
  await makeEach(tail, ["a.log"]);
  await tail.poll();
  tail.acknowledge();
  await tail.restart(async () => {
    await copyFile(tail.path("a.log"), tail.path("a.log.bak"));
    await rest(tail.path("a.log"), tail.path("a.log.bak"));
  });
  await tail.drain();
  expect(delivered(tail)).toEqual([TEXT]);
});

test("what is taken for a copy is in the log, in the counts and in the status", async () => {
  await using agent = await AgentFixture.make();
  const told: { msg: string; path?: string; original?: string }[] = [];
  const write = (line: string): void => void told.push(JSON.parse(line) as (typeof told)[number]);
  const log = pino({}, { write });
  const overrides = { files: [{ tag: "test", path: agent.path("*.log*") }] };
  await writeFile(agent.path("a.log"), TEXT);
  await agent.drain(overrides);
  await copyFile(agent.path("a.log"), agent.path("a.log.1"));
  await truncate(agent.path("a.log"));
  await agent.drain(overrides, log);
  expect(agent.events.map(({ text }) => `${text}\n`)).toEqual([TEXT]);
  expect(told).toContainEqual(
    expect.objectContaining({
      msg: "taken for a copy of what was read: it is not read",
      path: agent.path("a.log.1"),
      original: agent.path("a.log"),
    }),
  );
  const { positions } = await readPositions(agent.config(overrides));
  const { source } = agent.events[0]!.position;
  expect(positions.find(({ location }) => location === agent.path("a.log.1"))).toMatchObject({
    copyOf: source.id,
    waiting: undefined,
  });
  expect(await statusText(agent.config(overrides))).toContain(
    `${agent.path("a.log.1")} (test)\n  not read: a copy of what was read as source ${source.id}`,
  );
});

test("a drain that cannot read a file says so, and is no success", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("a.log"), "one\n");
  await writeFile(agent.path("b.log"), Buffer.from("\ufefftwo\n", "utf16le"));
  const refused = agent.drain();
  await expect(refused).rejects.toMatchObject({ code: "UNREAD" });
  await expect(refused).rejects.toThrow(`${agent.path("b.log")} was not read to its end: begins like UTF-16`);
  expect(agent.events.map(({ text }) => text)).toEqual(["one"]);
});

test("what an editor's save puts in a file's place is sent from its beginning, and the log says so", async () => {
  const told: { msg: string; bytes?: number }[] = [];
  const log = pino({}, { write: (line: string) => void told.push(JSON.parse(line) as { msg: string }) });
  await using tail = await TailHarness.make({ log });
  await makeEach(tail, ["a.log"]);
  await tail.poll();
  await writeFile(tail.path("a.log~"), `${TEXT}more\n`);
  await rename(tail.path("a.log~"), tail.path("a.log"));
  await tail.poll();
  expect(delivered(tail)).toEqual([TEXT, `${TEXT}more\n`]);
  expect(told).toContainEqual(
    expect.objectContaining({
      msg: "begins with all that was read of the file it replaces: that is sent again",
      bytes: TEXT.length,
    }),
  );
});
