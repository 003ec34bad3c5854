import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import fc from "fast-check";
import { stringify } from "smol-toml";
import { expect, onTestFinished, test } from "vitest";
import { LineCounts } from "../../../agent/push/lines/line-counts.ts";
import { storeLines } from "../../../agent/push/lines/stream-lines.ts";
import { AgentChild } from "../agent-child.ts";
import { AgentFixture, lines } from "../agent-fixture.ts";
import { bySource, reassemble } from "../event.ts";
import { PowerLossFs } from "../power-loss-fs.ts";
import { SpoolRun } from "../spool/spool-fixture.ts";

const { signal } = new AbortController();

test("however a stream comes in pieces, its lines are those that it has", async () => {
  const chunks = fc.array(fc.string({ unit: fc.constantFrom("a", "\n", "\r"), maxLength: 12 }));
  await fc.assert(
    fc.asyncProperty(chunks, async (chunks) => {
      const run = await SpoolRun.open(new PowerLossFs());
      const stream = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
      const counts = new LineCounts();
      const options = { tag: () => "t", spool: run.spool, maxLineBytes: () => 100, signal, counts };
      await storeLines(stream, options);
      const text = chunks.join("");
      const whole = text === "" || text.endsWith("\n") ? text : `${text}\n`;
      expect(reassemble(await run.deliver())).toBe(whole);
      expect(counts.lines + counts.bytes).toBe(whole.length);
    }),
  );
});

test("a line without end becomes several events, and none of it is lost", async () => {
  const run = await SpoolRun.open(new PowerLossFs());
  const stream = Readable.from(Array.from({ length: 25 }, () => Buffer.from("0123456789")));
  const counts = new LineCounts();
  const options = { tag: () => "t", spool: run.spool, maxLineBytes: () => 100, signal, counts };
  await storeLines(stream, options);
  const events = await run.deliver();
  expect(events.map(({ text }) => text.length)).toEqual([100, 100, 50]);
  expect(events.map(({ text }) => text).join("")).toBe("0123456789".repeat(25));
});

test("a drain takes standard input to its end, also when that is more than the spool holds", async () => {
  await using agent = await AgentFixture.make();
  const config = agent.path("agent.toml");
  const overrides = {
    files: [],
    stdin: { tag: "in" },
    spool: { segment_bytes: 2 ** 21, max_bytes: 2 ** 22 },
    producer: { aggregate_bytes: 2 ** 18, linger_ms: 10 },
  };
  const text = lines(20_000, "x".repeat(400));
  await writeFile(config, stringify(agent.settings(overrides)));
  const weir = join(import.meta.dirname, "../../../bin/weir.ts");
  const child = spawn(process.execPath, [weir, "agent", "run", "--until-drained", "--config", config], {
    stdio: ["pipe", "ignore", "ignore"],
  });
  child.stdin.end(text);
  expect(await once(child, "close")).toEqual([0, null]);
  expect(Array.from(bySource(agent.events).values(), reassemble)).toEqual([text]);
  expect(new Set(agent.events.map(({ tag }) => tag))).toEqual(new Set(["in"]));
});

test("lines that are written to a socket come out of the stream", async () => {
  await using agent = await AgentFixture.make();
  const path = agent.path("lines.sock");
  await using child = await AgentChild.start(agent, ["run"], {
    files: [],
    line_sockets: [{ tag: "app", path }],
  });
  await child.until(async () => {
    const socket = connect(path);
    const isOpen = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    if (isOpen) socket.end(lines(1_000));
    return isOpen;
  });
  await child.until(() => agent.events.length >= 1_000);
  expect(await child.kill("SIGTERM")).toMatchObject({ code: 0 });
  expect(Array.from(bySource(agent.events).values(), reassemble)).toEqual([lines(1_000)]);
});

test("standard input whose reader was stopped before it began is not waited for", async () => {
  await using agent = await AgentFixture.make();
  const module = (name: string) => JSON.stringify(new URL(`../../../agent/${name}`, import.meta.url).href);
  const settings = JSON.stringify(agent.settings({ stdin: { tag: "in" } }));
  const script = `
    const { agentConfigSchema } = await import(${module("config/config.ts")});
    const { PushedInput } = await import(${module("push/pushed-input.ts")});
    const log = { info() {}, warn() {}, error() {} };
    const input = await PushedInput.open(agentConfigSchema.parse(${settings}), undefined, log);
    await input.readStdin(AbortSignal.abort());
    process.exit(7);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["pipe", "ignore", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  // Its other end stays open.
  const [code] = await once(child, "exit");
  expect(code).toBe(7);
});
