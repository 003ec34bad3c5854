import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { statusText, whereText } from "../../agent/command/position-text.ts";
import { readPositions } from "../../agent/command/positions.ts";
import { freePort } from "../../local/part.ts";
import { AgentFixture } from "./agent-fixture.ts";
import { RunningAgent } from "./running-agent.ts";

/** Lines to a socket, and its connection closed once they are taken. */
async function push(path: string, text: string): Promise<void> {
  const socket = connect(path);
  socket.end(text);
  await once(socket.resume(), "close");
}

test("where and status tell how far pushed events came, while the agent runs and after", async () => {
  await using agent = await AgentFixture.make();
  const path = agent.path("l.sock");
  const config = {
    files: [],
    forward: { port: await freePort() },
    line_sockets: [{ tag: "l", path }],
    monitor: { port: await freePort() },
    shutdown: { deadline_ms: 0 },
  };
  const where = () => whereText(agent.config(config), "forward");
  const before = `spool:pushed (forward, ${path})\n  nothing has come yet`;
  expect(await where()).toBe(`${before}; the agent does not run, and nobody listens\n`);
  expect((await readPositions(agent.config({ files: [{ tag: "a", path: "/a" }] }))).spool).toBeUndefined();
  {
    await using running = new RunningAgent(agent, config);
    await running.until(() => running.phases.includes("ready"));
    expect(await where()).toBe(`${before}, 0 connections are open\n`);
    await push(path, "one\ntwo\n");
    await running.until(async () => {
      const { spool } = await readPositions(agent.config(config));
      return spool?.received === 8 && spool.waiting === undefined;
    });
    agent.kinesis.fault = () => "server-error";
    await push(path, "three\n");
    let text = "";
    await running.until(async () => {
      text = await whereText(agent.config(config), "forward");
      return text.includes("read to 14") && text.includes("waiting: ");
    });
    expect(text).toContain(
      `spool:pushed (forward, ${path})\n  received to byte 14, delivered to 8, read to 14\n`,
    );
    expect(text).toMatch(/on disk \d+ of 1073741824 bytes, 1 %, 0 connections are open\n/);
    const sender = connect(config.forward.port, "127.0.0.1");
    sender.end(Buffer.of(0xc1));
    await running.until(async () =>
      (await statusText(agent.config(config))).includes("127.0.0.1: decode: byte c1 is not MessagePack\n"),
    );
  }
  const { spool } = await readPositions(agent.config(config));
  expect(spool).toMatchObject({
    received: 14,
    delivered: 8,
    read: undefined,
    waiting: "the agent does not run",
  });
  const text = await statusText(agent.config(config));
  expect(text).toContain("received to byte 14, delivered to 8\n");
  expect(text).toContain("0 files, 6 bytes not delivered, the agent does not run");
  for (const name of ["spool", "spool:pushed", path]) {
    expect(await whereText(agent.config(config), name)).toContain("delivered to 8");
  }
  await expect(whereText(agent.config(config), "stdin")).rejects.toMatchObject({ code: "FILES" });
});
