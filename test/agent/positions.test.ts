import { appendFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { readPositions } from "../../agent/command/positions.ts";
import { statusText, whereText } from "../../agent/command/position-text.ts";
import { freePort } from "../../local/part.ts";
import { AgentChild } from "./agent-child.ts";
import { AgentFixture, lines } from "./agent-fixture.ts";
import { RunningAgent } from "./running-agent.ts";

/** Why each file waits, by name. */
async function waiting(
  agent: AgentFixture,
  overrides: object = {},
): Promise<Record<string, string | undefined>> {
  const { positions } = await readPositions(agent.config(overrides));
  return Object.fromEntries(positions.map(({ location, waiting }) => [location.split("/").at(-1), waiting]));
}

test("without an agent, positions are those of the checkpoint, and what is newer waits for it", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("a.log"), lines(10));
  await writeFile(agent.path("b.log"), lines(10));
  await writeFile(agent.path("c.log"), lines(10));
  expect(await waiting(agent)).toMatchObject({ "a.log": "the agent does not run" });
  await agent.drain();
  expect(await waiting(agent)).toEqual({ "a.log": undefined, "b.log": undefined, "c.log": undefined });
  await appendFile(agent.path("a.log"), lines(1));
  await appendFile(agent.path("b.log"), "begun");
  await rm(agent.path("c.log"));
  await writeFile(agent.path("d.log"), lines(1));
  expect(await waiting(agent)).toEqual({
    "a.log": "the agent does not run",
    "b.log": "its last line has no line feed yet",
    "c.log": "the agent does not run, and the file is not there",
    "d.log": "the agent does not run",
  });
  const files = [{ tag: "other", path: agent.path("*.txt") }];
  expect(await waiting(agent, { files })).toMatchObject({
    "a.log": "no [[files]] entry has the tag test any more",
  });
});

test("a running agent's monitor tells what is read and what it waits for", async () => {
  await using agent = await AgentFixture.make();
  const monitor = { port: await freePort() };
  const bytes = lines(10).length;
  await writeFile(agent.path("a.log"), lines(10));
  await using running = new RunningAgent(agent, { monitor, shutdown: { deadline_ms: 0 } });
  await running.until(() => agent.events.length === 10);
  await running.until(async () => (await waiting(agent, { monitor }))["a.log"] === undefined);
  agent.kinesis.fault = () => "server-error";
  await appendFile(agent.path("a.log"), lines(10));
  let text = "";
  await running.until(async () => {
    text = await whereText(agent.config({ monitor }), agent.path("a.log"));
    return text.includes("waiting: ") && text.includes(`read to ${2 * bytes}`);
  });
  expect(text).toContain(`delivered to byte ${bytes} of ${2 * bytes}, read to ${2 * bytes}`);
  await running.until(async () => (await statusText(agent.config({ monitor }))).includes("\nstream: "));
  expect(await statusText(agent.config({ monitor }))).toContain(
    `1 files, ${bytes} bytes not delivered, the agent runs`,
  );
});

test("where finds a file through a symbolic link and after a rotation, and refuses others", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("a.log"), lines(10));
  await agent.drain();
  await rename(agent.path("a.log"), agent.path("a.log.1"));
  await writeFile(agent.path("a.log"), lines(20));
  await agent.drain();
  await symlink(agent.path("a.log"), agent.path("link"));
  const where = (name: string) => whereText(agent.config(), agent.path(name));
  expect(await where("link")).toContain(`delivered to byte ${lines(20).length} of`);
  expect(await where("a.log.1")).toContain(`delivered to byte ${lines(10).length} of`);
  await expect(where("b.txt")).rejects.toMatchObject({ code: "FILES", subject: agent.path("b.txt") });
});

test("each file that was at a path last is told of by what is known of itself", async () => {
  await using agent = await AgentFixture.make();
  const monitor = { port: await freePort() };
  const [path, rotated] = [agent.path("a.log"), agent.path("a.log.1")];
  const isRead = (count: number) => () => agent.events.length === count;
  await writeFile(path, lines(10));
  await using running = new RunningAgent(agent, { monitor });
  await running.until(isRead(10));
  await rename(path, rotated);
  await writeFile(path, lines(2));
  await running.until(isRead(12));
  await rm(path);
  await rename(rotated, path);
  await appendFile(path, lines(5));
  await running.until(isRead(17));
  const whole = lines(10).length + lines(5).length;
  const known = async () => {
    const { positions } = await readPositions(agent.config({ monitor }));
    return positions.map(({ location, delivered, read }) => ({ location, delivered, read }));
  };
  await expect.poll(known).toEqual([
    { location: path, delivered: whole, read: whole },
    // The monitor tells of one file at a path.
    { location: path, delivered: lines(2).length, read: undefined },
  ]);
});

test("the commands print it, and end with 1 for a file that is not followed", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("a.log"), lines(10));
  await agent.drain();
  await using json = await AgentChild.start(agent, ["status", "--json"]);
  expect(JSON.parse((await json.ended).stdout)).toMatchObject({
    isRunning: false,
    positions: [{ location: agent.path("a.log"), delivered: lines(10).length }],
  });
  await using where = await AgentChild.start(agent, ["where", agent.path("a.log")]);
  expect(await where.ended).toMatchObject({ code: 0, stdout: expect.stringContaining("delivered to byte") });
  await using none = await AgentChild.start(agent, ["where", "/no/such/file"]);
  expect(await none.ended).toMatchObject({ code: 1, stderr: expect.stringContaining("/no/such/file: ") });
});
