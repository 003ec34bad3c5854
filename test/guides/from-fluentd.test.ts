import { appendFile, mkdir, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { FluentClient, FluentServer } from "@fluent-org/logger";
import { expect, test } from "vitest";
import { freePort } from "../../local/part.ts";
import { readGuide } from "./guide.ts";
import { Host } from "./host.ts";
import { StandInFluentd } from "./stand-in-fluentd.ts";
import { EVENT_MS } from "../time-limits.ts";

const PAGE = "from-fluentd.md";

test("each section that has commands is followed here", () => {
  expect([...readGuide(PAGE).commands.keys()]).toEqual([
    "A configuration",
    "Changing a host over",
    "Going back",
    "Changing an aggregator over",
  ]);
});

test("a host is changed over, back, and over again: each line once in Weir's stream and in Fluentd's, up to the rotation", async () => {
  const written: string[] = [];
  const write = async (path: string, count: number) => {
    const lines = Array.from({ length: count }, (_, i) => `line ${written.length + i}`);
    written.push(...lines);
    await appendFile(path, lines.map((line) => `${line}\n`).join(""));
  };
  const calls: string[] = [];
  await using host = await Host.make(PAGE, {
    service: async (command) => {
      const verb = command.split(" ")[1]!;
      calls.push(verb);
      if (verb === "kill") await write(web, 10);
      // It reads on until it is stopped, and the service goes on writing: a line is begun at that moment.
      if (verb === "stop") {
        await appendFile(web, "a line");
        await fluentd.read();
        await sleep(25);
        await appendFile(web, " of which this is the end\n");
        written.push("a line of which this is the end");
        await write(web, 5);
        await rename(web, `${web}.1`);
        await write(web, 5);
        await write(worker, 5);
      }
      if (verb === "enable") await fluentd.read();
    },
  });
  const [web, worker] = [host.path("/var/log/app/web.log"), host.path("/var/log/app/worker.log")];
  for (const path of [web, host.path("/var/log/fluent/app.pos")])
    await mkdir(dirname(path), { recursive: true });
  const fluentd = new StandInFluentd(dirname(web), host.path("/var/log/fluent/app.pos"));
  await write(web, 10);
  await write(worker, 10);
  await fluentd.read();
  await write(web, 10);

  await host.follow("A configuration");
  await writeFile(host.path("/var/log/app/fresh.log"), "");
  const printed = await host.follow("Changing a host over");
  expect(calls).toEqual(["kill", "stop", "disable"]);
  expect(printed).toContain(`${web}.1 (app): from byte `);
  const byFluentd = fluentd.sent.length;
  await write(worker, 5);
  await host.until(() => host.events.length >= written.length - byFluentd);
  const texts = () => host.events.map(({ text }) => text);
  expect([...fluentd.sent, ...texts()].sort()).toEqual(written.toSorted());

  await host.follow("Going back");
  expect(calls.slice(3)).toEqual(["enable"]);
  // What it had not read of the file that was rotated meanwhile is Weir's alone.
  const missed = written.filter((line) => !fluentd.sent.includes(line));
  expect(missed).toHaveLength(6);
  expect(new Set(fluentd.sent).size).toBe(fluentd.sent.length);
  expect(texts()).toEqual(expect.arrayContaining(missed));

  await write(web, 5);
  await host.control("start");
  await host.until(() => host.events.length >= written.length - byFluentd);
  expect([...fluentd.sent.slice(0, byFluentd), ...texts()].sort()).toEqual(written.toSorted());
});

/** The aggregator that was there before. */
class Aggregator extends FluentServer {
  readonly taken: string[] = [];

  override onEntry(_tag: string, _time: unknown, record: Record<string, unknown>): void {
    this.taken.push(String(record["n"]));
  }
}

test("an aggregator is changed over under its clients, and each event is taken by one or the other", async () => {
  const port = await freePort();
  const aggregator = new Aggregator({ listenOptions: { port, host: "127.0.0.1" } });
  await aggregator.listen();
  await using host = await Host.make(PAGE, {
    service: async (command) => {
      if (command === "systemctl stop fluentd") await aggregator.close();
    },
    replaced: { "port 24224": `port ${port}` },
  });
  const client = new FluentClient("app", {
    socket: { host: "127.0.0.1", port, timeout: EVENT_MS, disableReconnect: false },
    ack: { ackTimeout: 60_000 },
  });
  let emitted = 0;
  /** Sends as a forwarder does: what is not acknowledged is sent again. */
  const emit = async (): Promise<void> => {
    for (const n = `${emitted++}`; ;) {
      try {
        return await client.emit("web", { n });
      } catch {
        await sleep(20);
      }
    }
  };
  for (let i = 0; i < 20; i++) await emit();
  const sending = { isOver: false };
  const clientDone = (async () => {
    while (!sending.isOver) {
      await emit();
      await sleep(10);
    }
  })();
  await host.follow("Changing an aggregator over");
  const before = emitted;
  await host.until(() => emitted > before + 20);
  sending.isOver = true;
  await clientDone;
  const byWeir = () => host.events.map(({ text }) => (JSON.parse(text) as { n: string }).n);
  await host.until(() => byWeir().includes(`${emitted - 1}`));
  const all = new Set([...aggregator.taken, ...byWeir()]);
  expect(all.size).toBe(emitted);
  expect(aggregator.taken.length).toBeGreaterThanOrEqual(20);
  await client.disconnect();
});
