import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { hasOpenssl, makeCertificate } from "../agent/certificate.ts";
import { ForwardFixture } from "../agent/forward/forward-fixture.ts";
import { CuttingProxy } from "./cutting-proxy.ts";
import { fluentBit, fluentd, type Sender, type SenderSettings } from "./fluent-senders.ts";
import { has } from "./program.ts";

const LINES = Array.from(
  { length: 5_000 },
  (_, n) => `${n} ünïcode \u{1f30a} "quoted" \\ ${"x".repeat(n % 50)}`,
);

const TIME = /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3,9})?Z$/;

/** How a sender and a receiver are set up, and what lies between them. */
interface Way {
  /** Settings of the receiver. */
  readonly forward?: object;
  readonly sender?: SenderSettings;
  readonly hasTls?: boolean;
  /** Acknowledgements that do not get back, their connections being cut: the sender has to send again. */
  readonly cuts?: number;
}

const SHARED_KEY = "key between the two";
const WAYS: readonly [name: string, way: Way][] = [
  ["with acknowledgements", {}],
  ["compressed with gzip", { sender: { compress: "gzip" } }],
  [
    "with a shared key and a user",
    {
      forward: { shared_key: SHARED_KEY, users: [{ username: "web", password: "pass word" }] },
      sender: { sharedKey: SHARED_KEY, user: { name: "web", password: "pass word" } },
    },
  ],
  ["by TLS", { hasTls: true }],
  ["over connections that are cut", { cuts: 4 }],
];

/** Runs a sender over a file until the receiver has all of it. @returns tag and record of all that arrived */
async function send(sender: Sender, way: Way, folder: string): Promise<[tag: string, record: SentRecord][]> {
  const log = join(folder, "app.log");
  await writeFile(log, LINES.map((line) => `${line}\n`).join(""));
  const tls = way.hasTls ? makeCertificate(folder) : undefined;
  await using forward = await ForwardFixture.start({ ...way.forward, tls });
  await using proxy = await CuttingProxy.start(forward.server.port!, way.cuts ?? 0);
  const target = { ...way.sender, log, port: proxy.port, caFile: tls?.cert_file };
  const args = await sender.configure(folder, target);
  const child = spawn(sender.command, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  const said = Promise.all([text(child.stdout), text(child.stderr)]);
  const ended = once(child, "close");

  const arrived: [tag: string, record: SentRecord][] = [];
  const messages = new Set<string>();
  const take = async (): Promise<void> => {
    for (const [tag, line] of await forward.lines()) {
      const record = JSON.parse(line) as SentRecord;
      arrived.push([tag, record]);
      messages.add(record.message);
    }
  };
  const isDone = (): boolean => messages.size === LINES.length && proxy.cuts === (way.cuts ?? 0);
  while (!isDone() && child.exitCode === null) {
    await Promise.race([sleep(50), ended]);
    await take();
  }
  // It stops in peace once everything is acknowledged.
  child.kill("SIGTERM");
  expect(await ended, (await said).join("")).toEqual([0, null]);
  await take();
  return arrived;
}

interface SentRecord {
  readonly time: string;
  readonly message: string;
}

for (const [name, sender] of [
  ["Fluent Bit", fluentBit],
  ["Fluentd", fluentd],
] as const) {
  const hasSender = has(sender.command);
  if (!hasSender) console.warn(`skipped: no ${sender.command}; ${sender.variable} names another`);
  test.skipIf(!hasSender).each(WAYS)(`every line that ${name} forwards %s is there`, async (_, way) => {
    if (way.hasTls && !hasOpenssl) return console.warn("skipped: no openssl");
    const folder = await mkdtemp(join(tmpdir(), "weir-forward-"));
    try {
      const arrived = await send(sender, way, folder);
      expect(new Set(arrived.map(([tag]) => tag))).toEqual(new Set(["app.web"]));
      for (const [, record] of arrived)
        expect(record).toEqual({ time: expect.stringMatching(TIME) as string, message: record.message });
      expect(new Set(arrived.map(([, { message }]) => message))).toEqual(new Set(LINES));
      // Events whose acknowledgement was lost come again.
      if (way.cuts === undefined) expect(arrived.length).toBe(LINES.length);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}
