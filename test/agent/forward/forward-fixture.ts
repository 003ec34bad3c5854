import { once } from "node:events";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { pino } from "pino";
import { expect } from "vitest";
import { forwardConfigSchema } from "../../../agent/config/forward-config.ts";
import { ForwardServer, readSecrets } from "../../../agent/push/forward/forward-server.ts";
import { MsgpackFramer } from "../../../agent/push/forward/msgpack-framer.ts";
import { encode, map } from "./encode.ts";
import { PowerLossFs } from "../power-loss-fs.ts";
import { SpoolRun } from "../spool/spool-fixture.ts";
import type { SpoolOptions } from "../../../agent/push/spool/spool.ts";
import type { AgentChild } from "../agent-child.ts";

/** A forward server with a spool in memory. */
export class ForwardFixture implements AsyncDisposable {
  readonly fs: PowerLossFs;
  readonly run: SpoolRun;
  readonly server: ForwardServer;
  /** Warnings and errors, a line of JSON each. */
  readonly warnings: readonly string[];

  static async start(config: object = {}, spool: Partial<SpoolOptions> = {}): Promise<ForwardFixture> {
    const fs = new PowerLossFs();
    const run = await SpoolRun.open(fs, undefined, {
      segmentBytes: 2 ** 20,
      maxBytes: 2 ** 24,
      maxLineBytes: 2 ** 18,
      ...spool,
    });
    const forward = forwardConfigSchema.parse({ port: 0, ...config });
    const secrets = await readSecrets(forward);
    const warnings: string[] = [];
    const log = pino({ level: "warn" }, { write: (line: string) => void warnings.push(line) });
    const server = await ForwardServer.prepare(forward, secrets, "test-host", run.spool, new Map(), log);
    await server.begin();
    return new ForwardFixture(fs, run, server, warnings);
  }

  private constructor(fs: PowerLossFs, run: SpoolRun, server: ForwardServer, warnings: readonly string[]) {
    this.fs = fs;
    this.run = run;
    this.server = server;
    this.warnings = warnings;
  }

  /** Tag and line of everything that is in the spool by now. */
  async lines(): Promise<[tag: string, line: string][]> {
    return (await this.run.deliver()).map(({ tag, text }) => [tag, Buffer.from(text, "latin1").toString()]);
  }

  async client(): Promise<Client> {
    const socket = connect(this.server.port!, "127.0.0.1");
    await once(socket, "connect");
    return new Client(socket);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run.spool[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
  }
}

/** Sends bytes, and reads MessagePack values. */
export class Client implements Disposable {
  readonly socket: Duplex;
  #bytes = Buffer.alloc(0);

  constructor(socket: Duplex) {
    this.socket = socket;
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => (this.#bytes = Buffer.concat([this.#bytes, chunk])));
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** @returns whether an event of this text was acknowledged; it is not when the connection ends before */
  async deliver(text: string): Promise<boolean> {
    this.send(message(text));
    try {
      expect(await this.answer()).toEqual(encode(map({ ack: chunkOf(text) })));
      return true;
    } catch (error) {
      if (!this.socket.destroyed && !this.socket.readableEnded) throw error;
      return false;
    }
  }

  /** The next value that the server says, as it stands. @throws when it hangs up instead */
  async answer(): Promise<Buffer> {
    for (;;) {
      const end = this.#bytes.length > 0 ? new MsgpackFramer().end(this.#bytes, 0) : undefined;
      if (end !== undefined) {
        const answer = this.#bytes.subarray(0, end);
        this.#bytes = this.#bytes.subarray(end);
        return answer;
      }
      await this.#more();
    }
  }

  /** What the server has said once it has hung up. */
  async rest(): Promise<Buffer> {
    while (!this.socket.readableEnded && !this.socket.destroyed) await this.#more().catch(() => {});
    return this.#bytes;
  }

  async #more(): Promise<void> {
    if (this.socket.readableEnded || this.socket.destroyed) throw new Error("hung up");
    const over = new AbortController();
    const { signal } = over;
    await Promise.race([once(this.socket, "data", { signal }), once(this.socket, "close", { signal })]);
    over.abort();
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

/** Connects to a Unix socket as soon as the agent listens there. */
export async function connected(agent: Pick<AgentChild, "until">, path: string): Promise<Client> {
  await agent.until(async () => !(await isRefused(path)));
  return new Client(connect(path));
}

/** One event, the beginning of its text being the chunk to be acknowledged. */
export function message(text: string): Buffer {
  return encode(["pushed", 1_700_000_000, map({ time: "t", text }), map({ chunk: chunkOf(text) })]);
}

const chunkOf = (text: string) => text.slice(0, 30);

/** Whether nobody listens on a Unix socket. */
export async function isRefused(path: string): Promise<boolean> {
  const socket = connect(path);
  const isOpen = await once(socket, "connect").then(
    () => true,
    () => false,
  );
  socket.destroy();
  return !isOpen;
}
