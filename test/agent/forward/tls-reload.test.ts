import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { connect } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { expect, test } from "vitest";
import { freePort } from "../../../local/part.ts";
import { AgentFixture } from "../agent-fixture.ts";
import { hasOpenssl, makeCertificate } from "../certificate.ts";
import { RunningAgent } from "../running-agent.ts";
import { encode, map } from "./encode.ts";
import { Client, message } from "./forward-fixture.ts";

const textOf = ({ text }: { readonly text: string }) => (JSON.parse(text) as { text: string }).text;

class Reloading {
  readonly #running: RunningAgent;
  readonly #agent: AgentFixture;
  readonly port: number;
  #reloads = 0;

  constructor(agent: AgentFixture, running: RunningAgent, port: number) {
    this.#agent = agent;
    this.#running = running;
    this.port = port;
  }

  /** To what the files hold by then. */
  async reload(tls: object | undefined): Promise<void> {
    this.#running.reload(async () => this.#agent.config({ forward: { port: this.port, tls } }));
    this.#reloads++;
    const isReady = () => this.#running.phases.filter((phase) => phase === "ready").length > this.#reloads;
    await this.#running.until(isReady);
  }

  async secure(): Promise<{ readonly client: Client; readonly fingerprint: string }> {
    const socket: TLSSocket = connectTls({ port: this.port, host: "127.0.0.1", rejectUnauthorized: false });
    const client = new Client(socket);
    await once(socket, "secureConnect");
    return { client, fingerprint: socket.getPeerCertificate().fingerprint256 };
  }

  plain(): Client {
    return new Client(connect(this.port, "127.0.0.1"));
  }
}

/** What an old connection gets before it ends: the acknowledgement of what was read from it, or nothing. */
async function lastWords(client: Client, text: string): Promise<string[]> {
  const rest = await client.rest();
  const isAcknowledged = rest.equals(encode(map({ ack: text })));
  expect(isAcknowledged || rest.length === 0).toBe(true);
  return isAcknowledged ? [text] : [];
}

test.skipIf(!hasOpenssl)(
  "a reload changes the certificate, and TLS to plain and back, after the acknowledgements of before (needs openssl)",
  async () => {
    await using agent = await AgentFixture.make();
    await mkdir(agent.path("tls"));
    const tls = makeCertificate(agent.path("tls"));
    const port = await freePort();
    await using running = new RunningAgent(agent, { forward: { port, tls } });
    await running.until(() => running.phases.includes("ready"));
    const input = new Reloading(agent, running, port);
    const due = ["one"];

    const first = await input.secure();
    expect(await first.client.deliver("one")).toBe(true);
    makeCertificate(agent.path("tls"));
    first.client.send(message("two"));
    await input.reload(tls);
    due.push(...(await lastWords(first.client, "two")));
    const second = await input.secure();
    expect(second.fingerprint).not.toBe(first.fingerprint);
    expect(await second.client.deliver("three")).toBe(true);

    second.client.send(message("four"));
    await input.reload(undefined);
    due.push("three", ...(await lastWords(second.client, "four")));
    using plain = input.plain();
    expect(await plain.deliver("five")).toBe(true);

    plain.send(message("six"));
    await input.reload(tls);
    due.push("five", ...(await lastWords(plain, "six")));
    using unwelcome = input.plain();
    expect(await unwelcome.deliver("never").catch(() => false)).toBe(false);
    const third = await input.secure();
    expect(third.fingerprint).toBe(second.fingerprint);
    expect(await third.client.deliver("seven")).toBe(true);
    third.client[Symbol.dispose]();

    due.push("seven");
    await running.until(() => due.every((text) => agent.events.some((event) => textOf(event) === text)));
    await running.stop();
    expect(agent.events.map(textOf)).not.toContain("never");
  },
);
