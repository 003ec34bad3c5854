import { appendFileSync, closeSync, openSync, writeSync } from "node:fs";
import { appendFile, chmod, readFile, rename, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { expect, test, vi } from "vitest";
import { runAgent } from "../../../agent/process/run-agent.ts";
import { CheckpointFile } from "../../../agent/progress/checkpoint.ts";
import { reportFile } from "../../../agent/progress/heartbeats.ts";
import { isLocal } from "../../../agent/tail/disk/file-system.ts";
import { bySource, reassemble } from "../event.ts";
import { AgentChild } from "../agent-child.ts";
import { AgentFixture, lines } from "../agent-fixture.ts";
import { ROTATED_IDLE_MS } from "../tail-harness.ts";
import { tailCase } from "./tail-case.ts";

test("case 36: more files than the process may open", async () => {
  await using agent = await AgentFixture.make();
  const names = Array.from({ length: 120 }, (_, i) => agent.path(`${i}.log`));
  for (const name of names) await writeFile(name, lines(3, name));
  await using child = await AgentChild.start(agent, ["run", "--until-drained"], {}, {}, undefined, 64);
  expect(await child.ended).toMatchObject({ code: 0 });
  const contents = Array.from(bySource(agent.events).values(), reassemble);
  expect(contents.sort()).toEqual(names.map((name) => lines(3, name)).sort());
});

/** What inotify keeps of events that nobody has asked for; those that come after are lost. */
const QUEUED_EVENTS = Number(await readFile("/proc/sys/fs/inotify/max_queued_events", "utf8").catch(() => 0));

const isWatched = isLocal(tmpdir()) && QUEUED_EVENTS > 0 && QUEUED_EVENTS < 100_000;
if (!isWatched)
  test.skip("case 37: notifications that overflow (needs a watched directory and a bounded queue)");
else
  tailCase(
    37,
    "notifications that overflow: what they would have told of is found without them",
    async (tail) => {
      await writeFile(tail.path("a.log"), "one\n");
      const noise = ["x", "y"].map((name) => openSync(tail.path(name), "w"));
      // Names have not changed for long: only a look at the file itself finds its line.
      await utimes(tail.directory, 0, 0);
      await tail.poll();
      tail.pass(60_000);
      await tail.poll();
      // Nothing is taken from the queue meanwhile, and equal events in a row would be one.
      for (let n = 0; n <= QUEUED_EVENTS; n++) writeSync(noise[n % 2]!, "x");
      for (const file of noise) closeSync(file);
      appendFileSync(tail.path("a.log"), "two\n");
      await sleep(100);
      await tail.poll();
      expect(tail.events).toHaveLength(1);
      tail.pass(10_000);
      await tail.poll();
      return ["one\ntwo\n"];
    },
    { watchedPollMs: 10_000 },
  );

tailCase(38, "no right to read, and the right given later", async (tail) => {
  await chmod(tail.directory, 0o755);
  await writeFile(tail.path("a.log"), "one\n", { mode: 0o000 });
  await withoutPrivileges(() => tail.poll());
  const error = expect.stringContaining("EACCES");
  expect(tail.files.map(reportFile)).toMatchObject([{ state: "error", read: 0, error }]);
  await chmod(tail.path("a.log"), 0o644);
  await withoutPrivileges(() => tail.poll());
  expect(tail.files.map(reportFile)).toMatchObject([{ state: "active", read: 4 }]);
  return ["one\n"];
});

tailCase(
  38,
  "the right to read taken while down and given back after a rotation and a minute",
  async (tail) => {
    await chmod(tail.directory, 0o755);
    await writeFile(tail.path("a.log"), "one\n");
    await tail.poll();
    tail.acknowledge();
    await tail.restart(async () => {
      await appendFile(tail.path("a.log"), "two\n");
      await chmod(tail.path("a.log"), 0o000);
    });
    await withoutPrivileges(() => tail.poll());
    await rename(tail.path("a.log"), tail.path("a.log.1"));
    await writeFile(tail.path("a.log"), "new\n");
    await withoutPrivileges(() => tail.poll());
    tail.pass(2 * ROTATED_IDLE_MS);
    await withoutPrivileges(() => tail.poll());
    const error = expect.stringContaining("EACCES");
    expect(tail.files.map(reportFile)).toMatchObject([{ state: "error", delivered: 4, error }, { read: 4 }]);
    await chmod(tail.path("a.log.1"), 0o644);
    await withoutPrivileges(() => tail.poll());
    return ["one\ntwo\n", "new\n"];
  },
);

/** Does something without the rights of the superuser, who may read everything. */
async function withoutPrivileges(run: () => Promise<void>): Promise<void> {
  const NOBODY = 65_534;
  const isRoot = process.geteuid!() === 0;
  if (isRoot) process.seteuid!(NOBODY);
  try {
    await run();
  } finally {
    if (isRoot) process.seteuid!(0);
  }
}

test("case 41: the clock set forward a day, and back", async () => {
  await using agent = await AgentFixture.make();
  const stop = new AbortController();
  const log = pino({ level: "silent" });
  const config = agent.config({ heartbeat: { interval_ms: 100 } });
  let beats = 0;
  const go = async (lines: number): Promise<void> => {
    beats = agent.heartbeats.length;
    while (agent.events.length < lines || agent.heartbeats.length <= beats) await sleep(5);
  };
  const now = Date.now();
  try {
    await writeFile(agent.path("a.log"), "one\n");
    const running = runAgent(config, { signal: stop.signal, log });
    await go(1);
    for (const [i, step] of [86_400_000, -86_400_000].entries()) {
      vi.spyOn(Date, "now").mockReturnValue(now + step);
      await appendFile(agent.path("a.log"), "more\n");
      await writeFile(agent.path(`${i}.log`), `${step}\n`);
      await go(3 + 2 * i);
    }
    stop.abort();
    await running;
  } finally {
    stop.abort();
    vi.restoreAllMocks();
  }
  const contents = Array.from(bySource(agent.events).values(), reassemble).sort();
  expect(contents).toEqual(["-86400000\n", "86400000\n", "one\nmore\nmore\n"]);
});

tailCase(
  41,
  "the clock set back a day: what is written after that is not taken for old",
  async (tail) => {
    tail.pass(Date.now() + 86_400_000);
    await writeFile(tail.path("old.log"), "old\n");
    await utimes(tail.path("old.log"), 0, 0);
    await writeFile(tail.path("a.log"), "one\n");
    await tail.poll();
    await appendFile(tail.path("a.log"), "two\n");
    await tail.poll();
    return ["one\ntwo\n"];
  },
  { settings: { ignore_older_ms: 60_000 } },
);

test("case 43: of agents that find a dead one's state directory at once, one runs, and nothing is sent by others", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("a.log"), lines(10));
  {
    await using dead = await AgentChild.start(agent, ["run"]);
    const checkpoint = new CheckpointFile(agent.path("state"));
    await dead.until(async () => (await checkpoint.load()).files[0]?.resume.offset === lines(10).length);
  }
  await appendFile(agent.path("a.log"), lines(10));
  const ended = await Promise.all(
    Array.from({ length: 4 }, async () => {
      await using child = new AgentChild(["run", "--until-drained", "--config", agent.path("agent.toml")]);
      return await child.ended;
    }),
  );
  const refused = ended.filter(({ code }) => code !== 0);
  expect(refused.length).toBeLessThan(4);
  for (const { stderr } of refused) expect(stderr).toContain("another agent runs with this state directory");
  expect(Array.from(bySource(agent.events).values(), reassemble)).toEqual([lines(10) + lines(10)]);
  expect(agent.events).toHaveLength(20);
});
