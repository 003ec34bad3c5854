import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdir, stat } from "node:fs/promises";
import { expect, test } from "vitest";
import { freePort } from "../../../local/part.ts";
import { heartbeatSchema } from "../../../wire/heartbeat.ts";
import { AgentChild } from "../agent-child.ts";
import { AgentFixture } from "../agent-fixture.ts";
import { bySource, reassemble } from "../event.ts";
import { encode, map } from "./encode.ts";
import { connected } from "./forward-fixture.ts";

/** Debian's, not whatever else is called python3. */
const PYTHON = "/usr/bin/python3";
const hasClient = spawnSync(PYTHON, ["-c", "import fluent.sender, msgpack"]).status === 0;

const PYTHON_CLIENT = `
import sys
from fluent import sender
port, count, nanoseconds = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "ns"
logger = sender.FluentSender("py", host="127.0.0.1", port=port, nanosecond_precision=nanoseconds, timeout=30.0)
for n in range(count):
    time = 1700000000.5 if nanoseconds else 1700000000
    ok = logger.emit_with_time("log", time, {"n": n, "text": "gr\\u00fc\\u00df\\n" * (n % 5), "big": 2 ** 63, "none": None})
    assert ok, logger.last_error
logger.close()
`;

/** What the Python client's records are due to become. */
function pythonLines(count: number, time: string): string[] {
  return Array.from({ length: count }, (_, n) => {
    const text = JSON.stringify("grüß\n".repeat(n % 5));
    return `{"time":"${time}","n":${n},"text":${text},"big":9223372036854775808,"none":null}`;
  });
}

const utf8 = (latin1: string) => Buffer.from(latin1, "latin1").toString();
const linesOf = (agent: AgentFixture) =>
  Array.from(bySource(agent.events).values())
    .flat()
    .map(({ text }) => utf8(text));

test.skipIf(!hasClient)(
  "what Python's fluent-logger sends is what comes out of the stream (needs python3-fluent-logger)",
  async () => {
    await using agent = await AgentFixture.make();
    agent.kinesis.fault = (n) => (n % 3 === 1 ? "throttle-some" : n % 5 === 2 ? "reset-after" : "none");
    const port = await freePort();
    await using child = await AgentChild.start(agent, ["run"], {
      files: [],
      forward: { port, unix_path: agent.path("f.sock") },
    });
    (await connected(child, agent.path("f.sock")))[Symbol.dispose]();
    for (const [i, precision] of ["s", "ns"].entries()) {
      const python = spawn(PYTHON, ["-c", PYTHON_CLIENT, `${port}`, "500", precision], {
        stdio: ["ignore", "ignore", "inherit"],
      });
      expect(await once(python, "close")).toEqual([0, null]);
      // The client asks for no acknowledgement, and two connections have no order.
      await child.until(() => linesOf(agent).length >= 500 * (i + 1));
    }
    expect(await child.kill("SIGTERM")).toMatchObject({ code: 0 });
    expect(linesOf(agent)).toEqual([
      ...pythonLines(500, "2023-11-14T22:13:20Z"),
      ...pythonLines(500, "2023-11-14T22:13:20.500Z"),
    ]);
    const [events = [], ...others] = bySource(agent.events).values();
    expect(others).toEqual([]);
    reassemble(events);
    expect(new Set(events.map(({ tag }) => tag))).toEqual(new Set(["py.log"]));
    expect(events[0]!.position.source.path).toBe("spool:pushed");
    const beat = heartbeatSchema.parse(JSON.parse(agent.heartbeats.at(-1)!.text));
    const { offset, extent } = events.at(-1)!.position;
    expect(beat.sources).toMatchObject([
      { path: "spool:pushed", size: offset + extent, delivered: offset + extent, state: "active" },
    ]);
  },
);

test("an agent killed between acknowledgement and delivery loses nothing, and deletes what it delivered", async () => {
  await using agent = await AgentFixture.make();
  const forward = {
    files: [],
    forward: { unix_path: agent.path("f.sock") },
    spool: { segment_bytes: 2 ** 21, max_bytes: 2 ** 23 },
  };
  const acknowledged: string[] = [];
  for (let kills = 0; kills < 4; kills++) {
    // Every other time nothing gets out at all before the end.
    const isCut = kills % 2 === 0;
    const uncut = Promise.withResolvers<void>();
    agent.kinesis.hold = isCut ? uncut.promise : undefined;
    await using child = await AgentChild.start(agent, ["run"], forward);
    using client = await connected(child, agent.path("f.sock"));
    for (let n = 0; n < 50; n++) {
      const text = `${kills}-${n} ${"x".repeat(1_000)}`;
      client.send(encode([`tag${n % 3}`, 1_700_000_000, map({ time: "t", text }), map({ chunk: text })]));
      expect(await client.answer()).toEqual(encode(map({ ack: text })));
      acknowledged.push(`{"time":"t","text":"${text}"}`);
    }
    await child.kill("SIGKILL");
    uncut.resolve();
  }
  agent.kinesis.hold = undefined;
  await using last = await AgentChild.start(agent, ["run", "--until-drained"], forward);
  expect(await last.ended).toMatchObject({ code: 0 });
  expect(linesOf(agent)).toEqual(acknowledged);
  for (const events of bySource(agent.events).values()) reassemble(events);
  // Only the segment that remembers the source is left, once another agent has looked.
  await using idle = await AgentChild.start(agent, ["run"], forward);
  await idle.until(async () => (await readdir(agent.path("state/spool/pushed"))).length === 1);
  expect((await stat(agent.path("state/spool/pushed"))).isDirectory()).toBe(true);
});
