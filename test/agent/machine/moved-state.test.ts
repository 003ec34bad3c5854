import { appendFile, cp, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pino } from "pino";
import { expect, test } from "vitest";
import { checkMachine } from "../../../agent/command/check/check-machine.ts";
import { statusText } from "../../../agent/command/position-text.ts";
import { readPositions } from "../../../agent/command/positions.ts";
import { heartbeatSchema } from "../../../wire/heartbeat.ts";
import { AgentChild } from "../agent-child.ts";
import { AgentFixture, lines } from "../agent-fixture.ts";
import { bySource, byJoinedSource, type Event, reassemble } from "../event.ts";
import { connected } from "../forward/forward-fixture.ts";
import { LocalServer } from "../local-server.ts";
import { RunningAgent } from "../running-agent.ts";

const idsOf = (events: readonly Event[]) => [...bySource(events).keys()];

/** What every file and the spool held, whatever ids they went by. */
const wholeOf = (events: readonly Event[]) => Array.from(byJoinedSource(events).values(), reassemble).sort();

/** No two lines claim one place, which is how one of them would be taken for the other. @throws where they do */
const assertNoneShared = (events: readonly Event[]) => void bySource(events);

/** Puts the agent's directory back to what it was when `action` began, but for what Kinesis has. */
async function andBack(agent: AgentFixture, action: () => Promise<void>): Promise<void> {
  const log = agent.path("a.log");
  const before = await readFile(log);
  await rename(agent.path("state"), agent.path("image"));
  await cp(agent.path("image"), agent.path("state"), {
    recursive: true,
    filter: (path) => !path.endsWith(".sock"),
  });
  await action();
  await rm(agent.path("state"), { recursive: true });
  await rename(agent.path("image"), agent.path("state"));
  await writeFile(log, before);
}

/** Pushes one line, and stops once it is delivered. */
async function push(agent: AgentFixture, text: string, overrides: object): Promise<void> {
  const path = agent.path("l.sock");
  await using running = new RunningAgent(agent, { line_sockets: [{ tag: "pushed", path }], ...overrides });
  using client = await running.connect(path);
  client.socket.end(`${text}\n`);
  await running.until(() => agent.events.some((event) => event.text === text));
  await running.stop();
}

test.each([
  ["that a setting names", { machine: "node-1" }],
  ["that nothing names", {}],
])(
  "a container on a machine %s keeps its ids when it is begun anew with its state mounted",
  async (_what, machine) => {
    await using agent = await AgentFixture.make();
    for (let restart = 0; restart < 3; restart++) {
      await appendFile(agent.path("a.log"), lines(10));
      await agent.drain(machine);
      await push(agent, `event ${restart}`, machine);
    }
    expect(idsOf(agent.events)).toHaveLength(2);
    expect(agent.events.some(({ position }) => position.gap)).toBe(false);
    expect(agent.events).toHaveLength(33);
  },
);

test("a pod that came to another machine with its volume goes on under new ids, joined to the old ones", async () => {
  await using agent = await AgentFixture.make();
  const told: string[] = [];
  const log = pino({}, { write: (line) => void told.push(line) });
  await writeFile(agent.path("a.log"), lines(10));
  await writeFile(agent.path("b.log"), lines(10, "other"));
  await agent.drain({ machine: "node-1" });
  await push(agent, "one", { machine: "node-1" });
  const before = idsOf(agent.events);
  expect((await readPositions(agent.config())).renewal).toBeUndefined();

  await appendFile(agent.path("a.log"), lines(5, "later"));
  await agent.drain({ machine: "node-2", host: "node-2" }, log);
  await push(agent, "two", { machine: "node-2", host: "node-2" });
  const after = idsOf(agent.events).filter((id) => !before.includes(id));
  expect(after).toHaveLength(2);
  expect(agent.events).toHaveLength(27);
  const joints = after.map((id) => bySource(agent.events).get(id)![0]!.position);
  expect(joints).toEqual([
    expect.objectContaining({
      source: expect.objectContaining({ host: "node-2" }),
      offset: lines(10).length,
      gap: { from: 0, reason: "earlier-identity", lines: 0, source: before[0] },
    }),
    expect.objectContaining({
      offset: 4,
      gap: { from: 0, reason: "earlier-identity", lines: 0, source: before[2] },
    }),
  ]);
  expect(wholeOf(agent.events)).toEqual([lines(10) + lines(5, "later"), "one\ntwo\n", lines(10, "other")]);
  expect(told.filter((line) => line.includes("another machine"))).toEqual([
    expect.stringMatching(/"level":40.*"kind":"machine","from":"node-1","to":"node-2","sources":3/),
  ]);
  expect(await statusText(agent.config())).toMatch(
    /: the state came from another machine \(machine: node-1, now node-2\); 3 sources go on under new ids/,
  );
  // It is told, and done once.
  await appendFile(agent.path("b.log"), lines(1, "last"));
  await agent.drain({ machine: "node-2" });
  expect(wholeOf(agent.events)[2]).toBe(lines(10, "other") + lines(1, "last"));
  expect(idsOf(agent.events)).toHaveLength(6);
});

test("two machines from one image never claim one place, under one host name and whatever becomes of their files", async () => {
  await using agent = await AgentFixture.make();
  const log = agent.path("a.log");
  await writeFile(log, lines(3, "image"));
  await agent.drain({ machine: "image" });
  await push(agent, "image", { machine: "image" });
  const live = async (machine: string) => {
    await appendFile(log, `one of ${machine}\n`);
    await agent.drain({ machine });
    await push(agent, `event of ${machine}`, { machine });
    // The next generation begins with the same line on each of them.
    await truncate(log);
    await agent.drain({ machine });
    await appendFile(log, `# a header that every file begins with\ntwo of ${machine}\n`);
    await agent.drain({ machine });
  };
  await andBack(agent, () => live("host-a"));
  await andBack(agent, () => live("host-b"));
  assertNoneShared(agent.events);
  for (const machine of ["host-a", "host-b"]) {
    const own = agent.events.filter(({ text }) => text.endsWith(machine));
    expect(own.map(({ text }) => text)).toEqual([
      `one of ${machine}`,
      `event of ${machine}`,
      `two of ${machine}`,
    ]);
  }
});

test("files that had no line yet get ids of their own on each machine", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("a.log"), "");
  await agent.drain({ machine: "image" });
  for (const machine of ["host-a", "host-b"]) {
    await andBack(agent, async () => {
      await appendFile(agent.path("a.log"), `# header\nof ${machine}\n`);
      await agent.drain({ machine });
    });
  }
  assertNoneShared(agent.events);
  expect(idsOf(agent.events)).toHaveLength(2);
  expect(agent.events.some(({ position }) => position.gap)).toBe(false);
});

test("what was sent after the last checkpoint comes twice rather than not at all", async () => {
  await using agent = await AgentFixture.make();
  const log = agent.path("a.log");
  await writeFile(log, lines(10));
  await agent.drain({ machine: "node-1" });
  await andBack(agent, async () => {
    await appendFile(log, lines(10, "late"));
    await agent.drain({ machine: "node-1" });
  });
  await appendFile(log, lines(10, "late"));
  await agent.drain({ machine: "node-2" });
  const [before, after] = [...bySource(agent.events).values()];
  expect([before, after].map((events) => events?.length)).toEqual([20, 10]);
  expect(wholeOf(agent.events)).toEqual([lines(10) + lines(10, "late")]);
});

test("lines that are left out after the move are a gap of their own, and a cut line stays cut", async () => {
  await using agent = await AgentFixture.make();
  const log = agent.path("a.log");
  const on = (machine: string) => {
    const rule = { tag: "test", path: log, exclude_lines: ["^DEBUG"], max_line_bytes: 64 };
    return { machine, files: [rule] };
  };
  await writeFile(log, "one\nDEBUG\n");
  await agent.drain(on("node-1"));
  await appendFile(log, "DEBUG\ntwo\n");
  await agent.drain(on("node-2"));
  await appendFile(log, "x".repeat(100));
  await agent.drain(on("node-2"));
  await appendFile(log, `${"y".repeat(100)}\nDEBUG\nthree\n`);
  await agent.drain(on("node-3"));
  const [first, second, third] = [...bySource(agent.events).keys()];
  expect(agent.events.map(({ text, position: { gap } }) => [text, gap])).toEqual([
    ["one", undefined],
    [
      "two",
      {
        from: 4,
        reason: "filtered",
        lines: 2,
        before: { from: 0, reason: "earlier-identity", lines: 0, source: first },
      },
    ],
    ["x".repeat(64), undefined],
    [
      "three",
      {
        from: 84,
        reason: "filtered",
        lines: 1,
        before: { from: 0, reason: "earlier-identity", lines: 0, source: second },
      },
    ],
  ]);
  expect(third).toBeDefined();
});

test("a heartbeat tells what a source was before, while no line of it does", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("a.log"), lines(10));
  await agent.drain({ machine: "node-1" });
  await agent.drain({ machine: "node-2" });
  await agent.drain({ machine: "node-3" });
  const [before] = idsOf(agent.events);
  const reports = agent.heartbeats.map(({ text }) => heartbeatSchema.parse(JSON.parse(text)).sources[0]!);
  expect(new Set(reports.map(({ id }) => id)).size).toBe(3);
  expect(reports.at(-1)).toMatchObject({
    delivered: lines(10).length,
    // The one in between has sent nothing.
    gap: { from: 0, reason: "earlier-identity", lines: 0, source: before },
  });
});

test("a checkpoint of before machines were told apart is taken over with its ids", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("a.log"), lines(10));
  await agent.drain({ machine: "node-1" });
  await push(agent, "one", { machine: "node-1" });
  const path = agent.path("state/checkpoint.json");
  const text = await readFile(path, "utf8");
  const old = text.replace(/"bornAtNs":"\d+",/, "").replace(/"machine":\{"known":\{[^}]*\}\},/, "");
  expect(old).not.toMatch(/node-1|bornAtNs/);
  await writeFile(path, old);
  await appendFile(agent.path("a.log"), lines(10));
  await agent.drain({ machine: "node-2" });
  await push(agent, "two", { machine: "node-2" });
  expect(idsOf(agent.events)).toHaveLength(2);
  // It belongs to that one from then on.
  await appendFile(agent.path("a.log"), lines(10));
  await agent.drain({ machine: "node-3" });
  expect(idsOf(agent.events)).toHaveLength(3);
});

test("the agent as a process: metadata that is away keeps the ids, and another instance's gives new ones", async () => {
  await using agent = await AgentFixture.make();
  let instance: string | undefined = "i-0af01c0123456789a";
  await using metadata = await LocalServer.start((request, response) => {
    if (instance === undefined) request.socket.destroy();
    else response.end(request.method === "PUT" ? "token" : instance);
  });
  // Else the machine id of whoever runs this decides.
  const environment = { AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url, container: "test" };
  const run = async (): Promise<string> => {
    await appendFile(agent.path("a.log"), lines(10));
    await using child = await AgentChild.start(agent, ["run", "--until-drained"], {}, environment);
    const { code, stderr } = await child.ended;
    expect(code, stderr).toBe(0);
    return stderr;
  };
  await run();
  instance = undefined;
  expect(await run()).toContain("nothing tells which machine this is: ids are kept");
  instance = "i-0af01c0123456789a";
  await run();
  expect(idsOf(agent.events)).toHaveLength(1);
  instance = "i-00000000000000000";
  await run();
  expect(idsOf(agent.events)).toHaveLength(1);
  instance = "i-0bf01c0123456789b";
  expect(await run()).toContain("the state comes from another machine");
  expect(idsOf(agent.events)).toHaveLength(2);
  expect(wholeOf(agent.events)).toEqual([lines(10).repeat(5)]);
});

test("the agent as a process: a clone of disk and state, killed or not, sends what it takes under ids of its own", async () => {
  await using agent = await AgentFixture.make();
  const path = agent.path("l.sock");
  const live = async (machine: string) => {
    await appendFile(agent.path("a.log"), lines(20, machine));
    const overrides = { machine, line_sockets: [{ tag: "pushed", path }] };
    await using child = await AgentChild.start(agent, ["run"], overrides);
    using client = await connected(child, path);
    client.socket.write(lines(20, `event of ${machine}`));
    const own = () => agent.events.filter(({ text }) => text.includes(machine)).length;
    await child.until(() => own() >= 40);
    await child.kill("SIGKILL");
  };
  await writeFile(agent.path("a.log"), "");
  await live("image");
  await andBack(agent, () => live("host-a"));
  await live("host-b");
  assertNoneShared(agent.events);
  const texts = new Set(agent.events.map(({ text }) => text));
  for (const machine of ["image", "host-a", "host-b"]) {
    for (const text of [...lines(20, machine).split("\n"), ...lines(20, `event of ${machine}`).split("\n")]) {
      if (text !== "") expect(texts).toContain(text);
    }
  }
});

test("a spool whose state was put back goes on under a new id; files keep theirs, and what comes again is the same", async () => {
  await using agent = await AgentFixture.make();
  const log = agent.path("a.log");
  const [machine, told] = [{ machine: "node-1" }, [] as string[]];
  await writeFile(log, lines(10));
  await agent.drain(machine);
  await push(agent, "in the backup", machine);
  await cp(agent.path("state"), agent.path("backup"), { recursive: true });
  await appendFile(log, lines(10, "since"));
  await agent.drain(machine);
  await push(agent, "lost with the state", machine);
  await rm(agent.path("state"), { recursive: true });
  await cp(agent.path("backup"), agent.path("state"), { recursive: true, preserveTimestamps: true });
  await agent.drain(machine, pino({}, { write: (line) => void told.push(line) }));
  await push(agent, "put in its place !!", machine);
  assertNoneShared(agent.events);
  expect(wholeOf(agent.events)).toEqual([
    "in the backup\nput in its place !!\n",
    lines(10) + lines(10, "since"),
  ]);
  expect(agent.events.some(({ text }) => text === "lost with the state")).toBe(true);
  expect(told.join("")).toContain("the state is a copy that was put back");
  expect(await statusText(agent.config())).toContain("the state is a copy that was put back");
});

test("a checkpoint alone that was put back in its place is noticed, too, and one that only moved is none", async () => {
  await using agent = await AgentFixture.make();
  await writeFile(agent.path("a.log"), lines(10));
  await push(agent, "one", { machine: "m" });
  const checkpoint = join(agent.path("state"), "checkpoint.json");
  await cp(checkpoint, agent.path("backup.json"));
  await rename(agent.path("state"), agent.path("elsewhere"));
  await rename(agent.path("elsewhere"), agent.path("state"));
  await push(agent, "two", { machine: "m" });
  expect((await readPositions(agent.config())).renewal).toBeUndefined();
  await cp(agent.path("backup.json"), checkpoint);
  await push(agent, "three", { machine: "m" });
  expect((await readPositions(agent.config())).renewal).toMatchObject({ why: "restored", sources: 1 });
  assertNoneShared(agent.events);
});

test("what the machine is told by is asked at the start: a reload that would change it is refused", async () => {
  await using agent = await AgentFixture.make();
  const told: string[] = [];
  const log = pino({}, { write: (line) => void told.push(line) });
  await writeFile(agent.path("a.log"), lines(10));
  await using running = new RunningAgent(agent, { machine: "node-1" }, log);
  await running.until(() => agent.events.length === 10);
  running.reload(async () => agent.config({ machine: "node-2" }));
  await running.until(() => running.phases.includes("refused"));
  expect(told.join("")).toContain("machine: cannot change while the agent runs");
  await appendFile(agent.path("a.log"), lines(10));
  await running.until(() => agent.events.length === 20);
  expect(idsOf(agent.events)).toHaveLength(1);
});

test("check says by what a copy of the state would be noticed", async () => {
  await using agent = await AgentFixture.make();
  const check = async (machine?: string) => {
    const { text } = await checkMachine(agent.config(machine === undefined ? {} : { machine }));
    return text;
  };
  expect(await check("node-1")).toBe("machine: told by machine, node-1");
  expect(await check()).toMatch(
    /^machine: (told by machine-id, [0-9a-f]{32}|nothing tells which this is: .*)$/,
  );
  await expect(async () => agent.config({ machine: "" })).rejects.toThrow("machine");
});

test("of two agents on machines that share a state directory, the one that another has replaced ends and says so", async () => {
  await using agent = await AgentFixture.make();
  const checkpoint = agent.path("state/checkpoint.json");
  await writeFile(agent.path("a.log"), lines(10));
  await using running = new RunningAgent(agent, { machine: "node-1" });
  await running.until(() => agent.events.length === 10);
  // No socket of this machine tells of the other.
  await rm(agent.path("state/agent.sock"));
  await agent.drain({ machine: "node-2" });
  const theirs = await readFile(checkpoint, "utf8");
  const ended = running.until(async () => {
    await appendFile(agent.path("a.log"), lines(1));
    return false;
  });
  await expect(ended).rejects.toMatchObject({
    code: "STATE_LOCKED",
    message: expect.stringContaining("another agent has saved its checkpoint here"),
  });
  expect(await readFile(checkpoint, "utf8")).toBe(theirs);
  expect(theirs).toContain("node-2");
  assertNoneShared(agent.events);
});
