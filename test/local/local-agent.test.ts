import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { LocalAgent } from "../../local/agent/local-agent.ts";
import { AgentFixture, lines } from "../agent/agent-fixture.ts";

/** An agent that is killed once it runs, with what is to be done before the next process starts. */
async function killedAgent(
  fixture: AgentFixture,
  between: (agent: LocalAgent) => void,
): Promise<{ readonly agent: LocalAgent; readonly starts: readonly string[] }> {
  await writeFile(fixture.path("a.log"), lines(10));
  const starts: string[] = [];
  const agent = await LocalAgent.create({
    dir: fixture.directory,
    stream: "test",
    endpoint: fixture.kinesis.endpoint,
    environment: { AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" },
    files: { test: [fixture.path("*.log")] },
    monitorPort: 0,
    log: () => {},
    onEvent: (event) => {
      if (event.includes("starts again")) return between(agent);
      starts.push(event);
      if (starts.length === 1) process.kill(agent.pid!, "SIGKILL");
    },
  });
  agent.start();
  return { agent, starts };
}

test("a stop that comes between two processes keeps the next one from starting", async () => {
  await using fixture = await AgentFixture.make();
  const stopped = Promise.withResolvers<void>();
  const killed = await killedAgent(fixture, (agent) => stopped.resolve(agent.stop()));
  await using agent = killed.agent;
  await stopped.promise;
  await agent.running;
  expect(killed.starts).toHaveLength(1);
});

test("a drain that comes between two processes delivers every line", async () => {
  await using fixture = await AgentFixture.make();
  const drained = Promise.withResolvers<void>();
  const killed = await killedAgent(fixture, (agent) => drained.resolve(agent.drain()));
  await using _agent = killed.agent;
  await drained.promise;
  expect(fixture.events).toHaveLength(10);
  expect(killed.starts).toHaveLength(2);
});

test("an agent that is disposed of between two processes never runs again, and has not drained", async () => {
  await using fixture = await AgentFixture.make();
  const disposed = Promise.withResolvers<void>();
  const killed = await killedAgent(fixture, (agent) => disposed.resolve(agent[Symbol.asyncDispose]()));
  await disposed.promise;
  await expect(killed.agent.drain()).rejects.toThrow("aborted");
  expect(killed.starts).toHaveLength(1);
});

test("a drain that is disposed of before its end fails", async () => {
  await using fixture = await AgentFixture.make();
  fixture.kinesis.fault = () => "server-error";
  const drained = Promise.withResolvers<void>();
  const { agent } = await killedAgent(fixture, (agent) => drained.resolve(agent.drain()));
  await expect.poll(() => fixture.kinesis.requests.length).toBeGreaterThan(0);
  await agent[Symbol.asyncDispose]();
  await expect(drained.promise).rejects.toThrow("aborted");
});
