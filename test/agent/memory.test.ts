import { pino } from "pino";
import { expect, test } from "vitest";
import { checkMemory } from "../../agent/check/check-memory.ts";
import { memoryLimit, memoryNeed, warnOfMemory } from "../../agent/memory.ts";
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
    expect(checkMemory(agent.config(overrides), 384 * MIB)).toMatchObject({ isProblem: false });
  }
  expect(checkMemory(agent.config(), 160 * MIB).text).toBe(
    "memory: up to 101 MiB by its settings; the limit is 160 MiB",
  );
});

test("settings that allow more to wait than fits are named", async () => {
  await using agent = await AgentFixture.make();
  const config = agent.config({ forward, producer: { max_buffered_bytes: 3 * MIB } });
  const need = memoryNeed(config);
  expect(checkMemory(config, need)).toMatchObject({ isProblem: false });
  expect(checkMemory(config, 160 * MIB)).toEqual({
    isProblem: true,
    text:
      "memory: up to 367 MiB by its settings, and the limit is 160 MiB: lower producer.max_buffered_bytes " +
      "or forward.max_pending_bytes or forward.max_inflated_bytes, or raise the limit",
  });
  const lowered = { ...forward, max_pending_bytes: 16 * MIB, max_inflated_bytes: 16 * MIB };
  expect(checkMemory(agent.config({ forward: lowered }), 160 * MIB)).toMatchObject({ isProblem: false });
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
