import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer, isIPv6, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createServer as createTlsServer, Server as TlsServer } from "node:tls";
import type { Logger } from "pino";
import { AgentError, systemReason } from "../agent-error.ts";
import type { Spool } from "../spool/spool.ts";
import { removeStaleSocket } from "../stale-socket.ts";
import { type ForwardConfig, readNamed, readSharedKey } from "./forward-config.ts";
import { ForwardCounts } from "./forward-counts.ts";
import { ByteBudget } from "./pending-bytes.ts";
import { Session, type SessionOptions } from "./session.ts";

/** On closing, how long sessions get to store and acknowledge what they have read. */
const LAST_ACKS_MS = 2_000;
const KEEP_ALIVE_MS = 60_000;

/** Takes events by the forward protocol and puts them into the spool. */
export class ForwardServer implements AsyncDisposable {
  readonly counts: ForwardCounts;
  readonly #config: ForwardConfig;
  readonly #sessionOptions: SessionOptions;
  readonly #log: Logger;
  readonly #servers: Server[] = [];
  readonly #sessions = new Map<Session, Promise<void>>();
  #udp: UdpSocket | undefined;

  /** @throws AgentError LISTEN, CONFIG_UNREADABLE */
  static async start(
    config: ForwardConfig,
    host: string,
    spool: Spool,
    log: Logger,
    counts = new ForwardCounts(),
  ): Promise<ForwardServer> {
    const sharedKey = await readSharedKey(config);
    const passwords = new Map(config.users.map(({ username, password }) => [username, password]));
    const server = new ForwardServer(config, log, {
      spool,
      credentials: sharedKey === undefined ? undefined : { sharedKey, passwords, hostname: host },
      budget: new ByteBudget(config.max_pending_bytes),
      maxMessageBytes: config.max_message_bytes,
      maxInflatedBytes: config.max_inflated_bytes,
      counts,
    });
    try {
      await server.#listen();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(config: ForwardConfig, log: Logger, sessionOptions: SessionOptions) {
    this.#config = config;
    this.#log = log;
    this.#sessionOptions = sessionOptions;
    this.counts = sessionOptions.counts;
  }

  /** Of TCP; undefined where there is only a Unix socket. */
  get port(): number | undefined {
    const addresses = this.#servers.map((server) => server.address() as AddressInfo | string);
    return addresses.find((address) => typeof address === "object")?.port;
  }

  async #listen(): Promise<void> {
    const { bind, port, unix_path, tls } = this.#config;
    if (unix_path !== undefined) {
      await removeStaleSocket(unix_path);
      await this.#open(createServer(), unix_path, { path: unix_path });
    }
    if (port === undefined) return;
    const server = tls === undefined ? createServer() : await tlsServer(tls);
    await this.#open(server, `${bind}:${port}`, { host: bind, port });
    await this.#answerHeartbeats(bind, this.port!);
  }

  async #open(server: Server, name: string, address: object): Promise<void> {
    server.maxConnections = this.#config.max_connections;
    const event = server instanceof TlsServer ? "secureConnection" : "connection";
    server.on(event, (socket: Socket) => this.#accept(socket));
    server.on("drop", () => {
      this.counts.refusedBy.limit++;
      this.#log.warn({ listen: name }, "a connection was turned away: there are too many");
    });
    server.on("tlsClientError", (error: Error) => {
      this.counts.refusedBy.tls++;
      this.#log.warn({ listen: name, reason: error.message }, "a TLS handshake failed");
    });
    try {
      server.listen(address);
      await once(server, "listening");
    } catch (cause) {
      const hint = "Give [forward] an address that is free and that the agent may listen on.";
      throw new AgentError("LISTEN", name, systemReason(cause), hint, { cause });
    }
    this.#servers.push(server);
    this.#log.info({ listen: name }, "taking events by the forward protocol");
  }

  /** Older clients ask by UDP whether somebody is there. */
  async #answerHeartbeats(bind: string, port: number): Promise<void> {
    const udp = createSocket(isIPv6(bind) ? "udp6" : "udp4");
    this.#udp = udp;
    udp.on("message", (_message, peer) => udp.send("\0", peer.port, peer.address, () => {}));
    try {
      udp.bind(port, bind);
      await once(udp, "listening");
    } catch (cause) {
      this.#udp = undefined;
      this.#log.warn({ port, reason: systemReason(cause) }, "UDP heartbeats are not answered");
    }
    udp.on("error", (error) => this.#log.warn({ port, reason: error.message }, "a UDP heartbeat failed"));
  }

  #accept(socket: Socket): void {
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    const peer = socket.remoteAddress ?? "unix";
    const session = new Session(socket, this.#sessionOptions);
    this.counts.connections++;
    this.counts.open++;
    const running = session.run().catch((error: unknown) => {
      this.counts.ended(error);
      this.#log.warn(
        { peer, code: (error as { code?: string }).code, reason: systemReason(error) },
        "a connection ended",
      );
    });
    this.#sessions.set(session, running);
    void running.finally(() => {
      this.counts.open--;
      this.#sessions.delete(session);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.#servers.map((server) => {
      server.close();
      return once(server, "close");
    });
    for (const session of this.#sessions.keys()) session.stop();
    this.#udp?.close();
    const over = new AbortController();
    const deadline = sleep(LAST_ACKS_MS, undefined, { signal: over.signal }).catch(() => {});
    await Promise.race([Promise.all(this.#sessions.values()), deadline]);
    over.abort();
    for (const session of this.#sessions.keys()) session.destroy();
    await Promise.all(closed);
  }
}

async function tlsServer({
  cert_file,
  key_file,
  client_ca_file,
}: NonNullable<ForwardConfig["tls"]>): Promise<Server> {
  const isClientChecked = client_ca_file !== undefined;
  return createTlsServer({
    cert: await readNamed(cert_file, "cert_file"),
    key: await readNamed(key_file, "key_file"),
    ...(isClientChecked ? { ca: await readNamed(client_ca_file, "client_ca_file") } : {}),
    requestCert: isClientChecked,
    rejectUnauthorized: isClientChecked,
  });
}
