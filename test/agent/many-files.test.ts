import { mkdir, rm, utimes, writeFile } from "node:fs/promises";
import { Writable } from "node:stream";
import { pino } from "pino";
import { expect, test } from "vitest";
import { checkAgent } from "../../agent/command/check/check.ts";
import { AgentChild } from "./agent-child.ts";
import { AgentFixture } from "./agent-fixture.ts";
import { RunningAgent } from "./running-agent.ts";
import { EVENT_MS } from "../time-limits.ts";

/** What the executable's heap has of a cgroup of 101 MiB. */
const SMALL_HEAP = { NODE_OPTIONS: "--max-old-space-size=50 --max-semi-space-size=1" };

test("6,000 files of a line each are followed in the heap that 101 MiB give, and again after a restart", async () => {
  await using agent = await AgentFixture.make(4);
  await mkdir(agent.path("logs"));
  for (let i = 0; i < 6_000; i++) await writeFile(agent.path(`logs/${i}.log`), `file ${i}\n`);
  const files = [{ tag: "test", path: agent.path("logs/*.log") }];
  const settings = { files, tail: {}, producer: {} };
  for (let start = 0; start < 2; start++) {
    await using child = await AgentChild.start(agent, ["run", "--until-drained"], settings, SMALL_HEAP);
    expect(await child.ended).toMatchObject({ code: 0 });
    expect(new Set(agent.events.map(({ text }) => text)).size).toBe(6_000);
  }
  expect(agent.events).toHaveLength(6_000);
});

test("of more files than are followed at once, those that were changed last come first, and the others are told of", async () => {
  await using agent = await AgentFixture.make();
  for (let i = 0; i < 5; i++) {
    await writeFile(agent.path(`${i}.log`), `file ${i}\n`);
    await utimes(agent.path(`${i}.log`), 1e9, 1e9 + ((i * 7) % 5));
  }
  const told: { msg: string; matching?: number; followed?: number; waiting?: number }[] = [];
  const lines = new Writable({ write: (line, _, done) => (told.push(JSON.parse(`${line}`)), done()) });
  const log = pino({ level: "error" }, lines);
  const tail = { max_files: 3, poll_ms: 10, scan_ms: 10, rotated_idle_ms: 0 };
  await expect(agent.drain({ tail }, log)).rejects.toMatchObject({
    code: "UNREAD",
    message: expect.stringContaining("2 files that match were not read"),
  });
  expect(agent.events.map(({ text }) => text).sort()).toEqual(["file 1", "file 2", "file 4"]);
  expect(told).toEqual([expect.objectContaining({ matching: 5, followed: 3, waiting: 2 })]);
  expect(told[0]!.msg).toMatch(/2 files that match are not read yet.*raise tail.max_files/);
  // None was passed over: they are read as soon as there is room for them.
  await agent.drain({ tail: { ...tail, max_files: 5 } }, log);
  expect(agent.events).toHaveLength(5);
  expect(told).toHaveLength(1);
});

test("a file that has ended makes room for one that waits", async () => {
  await using agent = await AgentFixture.make();
  for (const name of ["a", "b"]) await writeFile(agent.path(`${name}.log`), `${name}\n`);
  await utimes(agent.path("a.log"), 1e9, 1e9);
  const tail = { max_files: 1, poll_ms: 10, scan_ms: 10, rotated_idle_ms: 0 };
  await using running = new RunningAgent(agent, { tail, heartbeat: { interval_ms: 100 } });
  await running.until(() => agent.events.length === 1);
  await rm(agent.path("b.log"));
  await running.until(() => agent.events.length === 2);
  expect(agent.events.map(({ text }) => text)).toEqual(["b", "a"]);
});

test("a check counts the files, and says when more match than are followed at once", async () => {
  await using agent = await AgentFixture.make();
  for (let i = 0; i < 9; i++) await writeFile(agent.path(`${i}.log`), "line\n");
  const said = async (tail: object): Promise<string> => {
    const findings = await checkAgent(
      agent.config({ tail }),
      pino({ level: "silent" }),
      AbortSignal.timeout(EVENT_MS),
    );
    return findings.map(({ isProblem, text }) => `${isProblem ? "problem: " : ""}${text}`).join("\n");
  };
  expect(await said({ max_files: 9 })).toMatch(/^memory: up to 10[12] MiB by its settings and 9 files/m);
  expect(await said({ max_files: 9 })).not.toContain("problem");
  expect(await said({ max_files: 4 })).toMatch(/^problem: files: 9 match and tail.max_files is 4: raise it/m);
});

test.each([
  ["a file", "*.log", ["caf\xe9.log"]],
  ["a directory", "*/a.log", ["caf\xe9", "a.log"]],
])(
  "%s whose name is not UTF-8 is told, in the log, by a check and at the end of a drain",
  async (_, glob, names) => {
    await using agent = await AgentFixture.make();
    const bytes = names.map((name) => Buffer.from(name, "latin1"));
    const parts = [Buffer.from(agent.directory), ...bytes]
      .flatMap((part) => [part, Buffer.from("/")])
      .slice(0, -1);
    if (bytes.length > 1) await mkdir(Buffer.concat(parts.slice(0, 3)));
    else await mkdir(agent.path("good"));
    await writeFile(Buffer.concat(parts), "unread\n");
    await mkdir(agent.path("good"), { recursive: true });
    for (const path of ["good.log", "good/a.log", "\ufffd.log"]) await writeFile(agent.path(path), "read\n");
    const told: string[] = [];
    const log = pino({ level: "error" }, { write: (line) => void told.push(line) });
    const files = [{ tag: "test", path: agent.path(glob) }];
    await expect(agent.drain({ files }, log)).rejects.toMatchObject({
      code: "UNREAD",
      message: expect.stringMatching(/caf\ufffd.*: its name is not UTF-8/),
    });
    expect(new Set(agent.events.map(({ text }) => text))).toEqual(new Set(["read"]));
    expect(told.join("")).toContain("its name is not UTF-8");
    const findings = await checkAgent(
      agent.config({ files }),
      pino({ level: "silent" }),
      AbortSignal.timeout(EVENT_MS),
    );
    expect(findings.filter(({ isProblem }) => isProblem).map(({ text }) => text)).toEqual([
      expect.stringContaining("its name is not UTF-8"),
    ]);
  },
);
