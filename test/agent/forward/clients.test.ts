import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../../../local/part.ts";
import { AgentChild } from "../agent-child.ts";
import { AgentFixture } from "../agent-fixture.ts";
import { hasOpenssl, makeCertificate } from "../certificate.ts";
import { bySource } from "../event.ts";
import { type ClientOptions, type LogClient, newClient, oldClient } from "./clients.ts";

const SECONDS = 1_700_000_000;
const TEXT = "grüß\n";
const SECURITY = { clientHostname: "app", sharedKey: "key", username: "web", password: "pass" };

let agent: AgentFixture;
let child: AgentChild;
let port: number;
beforeAll(async () => {
  agent = await AgentFixture.make();
  port = await freePort();
  const forward = { port, unix_path: agent.path("f.sock") };
  child = await AgentChild.start(agent, ["run"], { files: [], forward });
  await listening(child, port);
});
afterAll(async () => {
  await child[Symbol.asyncDispose]();
  await agent[Symbol.asyncDispose]();
});

async function listening(child: AgentChild, port: number): Promise<void> {
  await child.until(async () => {
    const socket = connect(port, "127.0.0.1");
    const isOpen = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    return isOpen;
  });
}

/** Lines that were delivered under a tag, each once, in the order of their offsets. */
function linesOf(agent: AgentFixture, tag: string): string[] {
  return Array.from(bySource(agent.events).values())
    .flat()
    .filter((event) => event.tag === tag)
    .map(({ text }) => Buffer.from(text, "latin1").toString());
}

/** Never a multiple of ten, of which the last digits would be left out. */
const nanoseconds = (n: number) => n * 10 + 1;

function lineOf(n: number): string {
  return JSON.stringify({
    time: `2023-11-14T22:13:20.${`${nanoseconds(n)}`.padStart(9, "0")}Z`,
    n,
    text: TEXT,
  });
}

async function emitAll(client: LogClient, count: number): Promise<void> {
  const emitted = Array.from({ length: count }, (_, n) =>
    client.emit("log", { n, text: TEXT }, SECONDS, nanoseconds(n)),
  );
  await Promise.all(emitted);
}

const MODES: readonly [name: string, mode: string, asksForAck: boolean, make: typeof oldClient][] = [
  ["fluent-logger", "Message", false, oldClient],
  ["fluent-logger", "Message", true, oldClient],
  ["fluent-logger", "PackedForward", true, oldClient],
  ["fluent-logger", "CompressedPackedForward", true, oldClient],
  ["@fluent-org/logger", "Message", true, newClient],
  ["@fluent-org/logger", "Forward", true, newClient],
  ["@fluent-org/logger", "PackedForward", false, newClient],
  ["@fluent-org/logger", "PackedForward", true, newClient],
  ["@fluent-org/logger", "CompressedPackedForward", true, newClient],
];

test.each(MODES)(
  "%s, %s, acknowledged %s: what is emitted is delivered, to the nanosecond",
  async (name, mode, asksForAck, make) => {
    for (const [kind, to] of Object.entries({ tcp: { port }, unix: { path: agent.path("f.sock") } })) {
      const tag = `${name.replaceAll(/[@/]/g, "x")}.${mode}.${asksForAck}.${kind}`;
      using client = make(tag, { mode, asksForAck, to });
      await emitAll(client, 50);
      const expected = Array.from({ length: 50 }, (_, n) => lineOf(n));
      await child.until(() => linesOf(agent, `${tag}.log`).length >= 50);
      expect(linesOf(agent, `${tag}.log`)).toEqual(expected);
    }
  },
);

test.skipIf(!hasOpenssl)(
  "both libraries get in by TLS, shared key, user and password, and not by another password (needs openssl)",
  async () => {
    await using agent = await AgentFixture.make();
    const files = makeCertificate(agent.directory);
    const port = await freePort();
    const users = [{ username: SECURITY.username, password: SECURITY.password }];
    const forward = { port, tls: files, shared_key: SECURITY.sharedKey, users };
    await using child = await AgentChild.start(agent, ["run"], { files: [], forward });
    await listening(child, port);
    const tls = { ca: await readFile(files.cert_file), servername: "localhost" };
    const options: ClientOptions = { mode: "PackedForward", asksForAck: true, to: { port }, tls };
    for (const [tag, make] of Object.entries({ old: oldClient, new: newClient })) {
      using wrong = make(tag, { ...options, security: { ...SECURITY, password: "wrong" } });
      let isIn = false;
      wrong.emit("wrong", {}, SECONDS, 0).then(
        () => (isIn = true),
        () => {},
      );
      await child.until(() => child.stderr.split("\n").some((line) => line.includes("user")));
      using client = make(tag, { ...options, security: SECURITY });
      await emitAll(client, 50);
      expect(isIn).toBe(false);
    }
    for (const tag of ["old", "new"]) {
      await child.until(() => linesOf(agent, `${tag}.log`).length >= 50);
      expect(linesOf(agent, `${tag}.wrong`)).toEqual([]);
    }
  },
);

// fluent-logger throws when its connection ends while it writes.
test.each<[string, typeof oldClient, inFlight: number]>([
  ["fluent-logger", oldClient, 0],
  ["@fluent-org/logger", newClient, 30],
])(
  "%s: no event that was acknowledged is lost when the agent is killed and started again",
  async (_, make, inFlight) => {
    await using agent = await AgentFixture.make();
    const port = await freePort();
    const settings = { files: [], forward: { port } };
    using client = make("app", { mode: "Message", asksForAck: true, to: { port }, ackTimeoutMs: 300 });
    const acknowledged: number[] = [];
    for (let life = 0; life < 2; life++) {
      await using child = await AgentChild.start(agent, ["run"], settings);
      await listening(child, port);
      const until = acknowledged.length + 20;
      for (let n = life * 1_000; acknowledged.length < until; n++) {
        const emitted = client.emit("log", { n, text: TEXT }, SECONDS, nanoseconds(n));
        // Those that fail are tried again by the application, or by its library.
        await emitted.then(
          () => acknowledged.push(n),
          () => sleep(5),
        );
      }
      // Not awaited: on their way while the agent is killed.
      for (let i = 0; i < inFlight; i++) {
        const n = life * 1_000 + 900 + i;
        client.emit("log", { n, text: TEXT }, SECONDS, nanoseconds(n)).then(
          () => acknowledged.push(n),
          () => {},
        );
      }
      await child.kill("SIGKILL");
    }
    await using last = await AgentChild.start(agent, ["run"], settings);
    await last.until(() => {
      const lines = new Set(linesOf(agent, "app.log"));
      return acknowledged.every((n) => lines.has(lineOf(n)));
    });
  },
);
