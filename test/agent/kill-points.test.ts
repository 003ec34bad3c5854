import { appendFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { AgentChild } from "./agent-child.ts";
import { AgentFixture, lines } from "./agent-fixture.ts";
import { agentProgram } from "./agent-program.ts";
import { bySource, reassemble } from "./event.ts";
import { encode, map } from "./forward/encode.ts";
import { type Client, connected } from "./forward/forward-fixture.ts";
import type { KillAt } from "./kill-at.ts";

const [node, ...agentItself] = agentProgram();
const PROGRAM = [node!, "--import", join(import.meta.dirname, "kill-at.ts"), ...agentItself];

/** Messages, and so many bytes in each that segments of 2 MiB, the smallest, are filled and given up. */
const MESSAGES = 12;
const EVENTS_PER_MESSAGE = 2;
const EVENT_BYTES = 200_000;

/** A moment, by the path and the operation at which the process is killed. */
const at = (operation: KillAt["operation"], path: string, when: KillAt["when"], call: number): KillAt => ({
  operation,
  path,
  when,
  call,
});
const SEGMENT = "/pushed/\\d+\\.spool$";
const CHECKPOINT = "/checkpoint\\.json\\.new$";

const POINTS: readonly (readonly [string, KillAt])[] = [
  ["after a read of the file", at("read", "/a\\.log$", "after", 9)],
  ["before events are written to the spool", at("write", SEGMENT, "before", 6)],
  ["half way through writing them", at("write", SEGMENT, "half", 6)],
  ["after writing them, before the sync", at("datasync", SEGMENT, "before", 6)],
  ["after the sync, before the acknowledgement", at("datasync", SEGMENT, "after", 6)],
  ["before a segment is made", at("open", "/pushed/0*2\\.spool$", "before", 1)],
  ["after it is made", at("open", "/pushed/0*2\\.spool$", "after", 1)],
  ["half way through its head", at("write", "/pushed/0*2\\.spool$", "half", 1)],
  ["before its head is synced", at("datasync", "/pushed/0*2\\.spool$", "before", 1)],
  ["before its name is synced", at("sync", "/pushed$", "before", 3)],
  ["after its name is synced", at("sync", "/pushed$", "after", 3)],
  ["before a segment is deleted", at("rm", SEGMENT, "before", 1)],
  ["after a segment is deleted", at("rm", SEGMENT, "after", 1)],
  ["after PutRecords succeeded, before a checkpoint says so", at("open", "/checkpoint\\.json$", "before", 3)],
  ["before the new checkpoint is made", at("open", CHECKPOINT, "before", 3)],
  ["after it is made", at("open", CHECKPOINT, "after", 3)],
  ["half way through writing it", at("write", CHECKPOINT, "half", 3)],
  ["before it is synced", at("datasync", CHECKPOINT, "before", 3)],
  ["before it is renamed", at("rename", CHECKPOINT, "before", 3)],
  ["after it is renamed, before the directory is synced", at("rename", CHECKPOINT, "after", 3)],
];

/** Writes to a file and sends to the forward input as long as there is an agent; the file is rotated half way. */
class Traffic {
  readonly files: string[] = [];
  readonly acknowledged: string[] = [];
  /** Sent, and its acknowledgement not heard. */
  unacknowledged: readonly string[] = [];

  async run(agent: AgentFixture, client: Client): Promise<void> {
    for (let n = 0; n < MESSAGES; n++) {
      await this.#writeFile(agent.path("a.log"), n);
      const texts = Array.from({ length: EVENTS_PER_MESSAGE }, (_, i) =>
        `${n}-${i} `.padEnd(EVENT_BYTES, "x"),
      );
      const entries = texts.map((text) => [1_700_000_000, map({ time: "t", text })]);
      client.send(encode(["pushed", entries, map({ chunk: `${n}` })]));
      try {
        expect(await client.answer()).toEqual(encode(map({ ack: `${n}` })));
      } catch (error) {
        if (!client.socket.destroyed) throw error;
        this.unacknowledged = texts;
        return;
      }
      this.acknowledged.push(...texts);
    }
  }

  async #writeFile(path: string, n: number): Promise<void> {
    if (n === MESSAGES / 2) await rename(path, `${path}.1`);
    const text = lines(20, `message ${n}, ${"y".repeat(40)}`);
    await appendFile(path, text);
    if (n % (MESSAGES / 2) === 0) this.files.push("");
    this.files[this.files.length - 1] += text;
  }
}

/** The agent dies, another one takes its place; nothing is lost, nothing is there twice. */
async function survive(
  environment: Readonly<Record<string, string>>,
  kill: (agent: AgentFixture, child: AgentChild) => Promise<void> = async () => {},
): Promise<void> {
  await using agent = await AgentFixture.make();
  const overrides = {
    forward: { unix_path: agent.path("f.sock") },
    spool: { segment_bytes: 2 ** 21, max_bytes: 2 ** 24 },
    producer: { aggregate_bytes: 1_024, linger_ms: 10, rate_limit_percent: 10_000 },
    // A checkpoint every tenth of a second.
    heartbeat: { interval_ms: 100 },
  };
  const traffic = new Traffic();
  {
    await using child = await AgentChild.start(agent, ["run"], overrides, environment, PROGRAM);
    using client = await connected(child, agent.path("f.sock"));
    const [ended] = await Promise.all([child.ended, traffic.run(agent, client), kill(agent, child)]);
    expect(ended.signal).toBe("SIGKILL");
  }
  agent.kinesis.fault = () => "none";
  await using next = await AgentChild.start(agent, ["run", "--until-drained"], overrides);
  expect(await next.ended).toMatchObject({ code: 0 });

  // By source and offset, as the loader tells duplicates; both throw where bytes are missing or differ.
  const sources = Array.from(bySource(agent.events).values(), (events) => ({
    isPushed: events[0]!.position.source.path === "spool:pushed",
    text: reassemble(events),
  }));
  const files = sources.filter(({ isPushed }) => !isPushed).map(({ text }) => text);
  expect(files.sort()).toEqual(traffic.files.sort());
  const pushed = sources.filter(({ isPushed }) => isPushed).map(({ text }) => text);
  const lineOf = (text: string) => `{"time":"t","text":"${text}"}\n`;
  const acknowledged = traffic.acknowledged.map(lineOf).join("");
  // Of what was sent last there may be all, some or nothing: its sender sends it again.
  const possible = [0, 1, 2].map(
    (n) => acknowledged + traffic.unacknowledged.slice(0, n).map(lineOf).join(""),
  );
  expect(possible.some((text) => text === pushed.join(""))).toBe(true);
}

test.each(POINTS)(
  "killed %s, the agent loses nothing",
  async (_, point) => {
    await survive({ WEIR_TEST_KILL_AT: JSON.stringify(point) });
  },
  60_000,
);

test("killed after Kinesis took a request and before the agent learned of it, the agent loses nothing", async () => {
  await survive({}, async (agent, child) => {
    await child.until(() => agent.events.length > 30);
    agent.kinesis.fault = () => "reset-after";
    const before = agent.kinesis.records.length;
    await child.until(() => agent.kinesis.records.length > before);
    await child.kill("SIGKILL");
  });
});
