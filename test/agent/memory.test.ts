import { pino } from "pino";
import { expect, test } from "vitest";
import { checkMemory } from "../../agent/command/check/check-memory.ts";
import { filesThatFit, memoryLimit, memoryNeed, warnOfMemory } from "../../agent/process/memory.ts";
import { AgentFixture } from "./agent-fixture.ts";

const MIB = 2 ** 20;
const forward = { unix_path: "/run/weir/forward.sock" };

test("a limit is one only if it is less than the machine's memory", () => {
  expect(memoryLimit(160 * MIB, 1_024 * MIB)).toBe(160 * MIB);
  // What Node answers where no limit is known, and where there is a cgroup without one.
  for (const none of [0, 2 ** 64]) expect(memoryLimit(none, 1_024 * MIB)).toBeUndefined();
});

test("the usual settings fit what the packaged unit allows, with forward and without", async () => {
  await using agent = await AgentFixture.make();
  for (const overrides of [{}, { forward }]) {
    expect(checkMemory(agent.config(overrides), 0, 384 * MIB)).toMatchObject([{ isProblem: false }]);
  }
  expect(checkMemory(agent.config(), 0, 160 * MIB)[0]?.text).toBe(
    "memory: up to 101 MiB by its settings; the limit is 160 MiB",
  );
});

test("settings that allow more to wait than fits are named", async () => {
  await using agent = await AgentFixture.make();
  const config = agent.config({ forward, producer: { max_buffered_bytes: 3 * MIB } });
  const need = memoryNeed(config);
  expect(checkMemory(config, 0, need)).toMatchObject([{ isProblem: false }]);
  expect(checkMemory(config, 0, 160 * MIB)).toEqual([
    {
      isProblem: true,
      text:
        "memory: up to 245 MiB by its settings, and the limit is 160 MiB: lower producer.max_buffered_bytes " +
        "or forward.max_pending_bytes or spool.max_event_bytes, or raise the limit",
    },
  ]);
  const lowered = { ...forward, max_pending_bytes: 32 * MIB };
  expect(checkMemory(agent.config({ forward: lowered }), 0, 160 * MIB)).toMatchObject([{ isProblem: false }]);
});

test("as many files fit as the heap has room for, and the figure counts them", async () => {
  await using agent = await AgentFixture.make();
  const config = agent.config();
  expect(filesThatFit(config, 50 * MIB)).toBeGreaterThanOrEqual(6_000);
  expect(filesThatFit(config, 80 * MIB)).toBeGreaterThan(2 * filesThatFit(config, 50 * MIB));
  expect(filesThatFit(config, 8 * MIB)).toBe(100);
  expect(filesThatFit(agent.config({ tail: { max_files: 7 } }), 50 * MIB)).toBe(7);
  expect(memoryNeed(config, 6_000) - memoryNeed(config)).toBe(6_000 * 3.5 * 1_024);
  expect(checkMemory(config, 6_000, 160 * MIB, 6_400)).toMatchObject([
    { isProblem: false, text: "memory: up to 122 MiB by its settings and 6000 files; the limit is 160 MiB" },
  ]);
  expect(checkMemory(config, 7_000, undefined, 6_400)[1]).toEqual({
    isProblem: true,
    text:
      "files: 7000 match and 6400 fit in its heap, at 3.5 KiB each: raise the memory, or name fewer by path, " +
      "exclude and ignore_older_ms; the others wait",
  });
});

test("an agent that starts within too little says so, and one that fits says nothing", async () => {
  await using agent = await AgentFixture.make();
  const told: string[] = [];
  const log = pino(
    { level: "warn" },
    { write: (line) => told.push((JSON.parse(line) as { msg: string }).msg) },
  );
  warnOfMemory(agent.config({ forward }), log, 384 * MIB);
  expect(told).toEqual([]);
  warnOfMemory(agent.config(), log, 64 * MIB);
  expect(told).toEqual([
    "memory: up to 101 MiB by its settings, and the limit is 64 MiB: lower producer.max_buffered_bytes, or raise the limit",
  ]);
});
