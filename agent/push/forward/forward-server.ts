import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createServer as createTlsServer, type TlsOptions, type Server as TlsServer } from "node:tls";
import type { Logger } from "pino";
import { systemReason } from "../../agent-error.ts";
import { type Acceptor, addressName, type ListenAddress, Listener } from "../../machine/listener.ts";
import type { Spool } from "../spool/spool.ts";
import { Admitted, endpointOf } from "./admitted.ts";
import { ConnectionLimit } from "./connection-limit.ts";
import { type ForwardConfig, readNamed, readSharedKey } from "../../config/forward-config.ts";
import { ForwardCounts, refusalOf } from "./forward-counts.ts";
import { LoopTurns } from "./loop-turns.ts";
import { ByteBudget } from "./pending-bytes.ts";
import { RefusedContents } from "./refused-contents.ts";
import { Repeats } from "./repeats.ts";
import { Session, type SessionOptions } from "./session.ts";
import { UdpHeartbeats } from "./udp-heartbeats.ts";

/** On closing, how long sessions get to store and acknowledge what they have read. */
const LAST_ACKS_MS = 2_000;
const KEEP_ALIVE_MS = 60_000;
const TLS_HANDSHAKE_MS = 10_000;

/** What the files hold that the configuration names: they may change where it does not. */
export interface ForwardSecrets {
  readonly sharedKey: string | undefined;
  readonly tls: TlsOptions | undefined;
}

/** @throws AgentError CONFIG_UNREADABLE */
export async function readSecrets(config: ForwardConfig): Promise<ForwardSecrets> {
  const tls = config.tls && (await readTls(config.tls));
  return { sharedKey: await readSharedKey(config), tls };
}

/** Takes events by the forward protocol and puts them into the spool. */
export class ForwardServer implements AsyncDisposable {
  readonly counts: ForwardCounts;
  /** By their names. */
  readonly listeners = new Map<string, Listener>();
  readonly #config: ForwardConfig;
  readonly #sessionOptions: Omit<SessionOptions, "onMalformed">;
  readonly #log: Logger;
  readonly #repeats: Repeats;
  readonly #sessions = new Map<Session, Promise<void>>();
  readonly #limit: ConnectionLimit;
  /** Those that have not come through the handshake of TLS, by the peer's address and port. */
  readonly #handshaking = new Map<string, Admitted>();
  readonly #tls: TlsServer | undefined;
  #heartbeats: UdpHeartbeats | undefined;

  /**
   * Listens, or is ready to take over from one that listens on the same address; `begin` takes connections.
   *
   * @throws AgentError LISTEN, CONFIG_UNREADABLE
   */
  static async prepare(
    config: ForwardConfig,
    secrets: ForwardSecrets,
    host: string,
    spool: Spool,
    held: ReadonlyMap<string, Listener>,
    log: Logger,
    counts = new ForwardCounts(),
  ): Promise<ForwardServer> {
    const server = new ForwardServer(config, secrets, host, spool, log, counts);
    await using opened = new AsyncDisposableStack();
    for (const address of addresses(config)) {
      const name = addressName(address);
      const before = held.get(name);
      await before?.allow(config, "[forward]");
      const listener = before ?? opened.use(await Listener.open(address, "[forward]", log));
      server.listeners.set(name, listener);
    }
    opened.move();
    return server;
  }

  private constructor(
    config: ForwardConfig,
    { sharedKey, tls }: ForwardSecrets,
    host: string,
    spool: Spool,
    log: Logger,
    counts: ForwardCounts,
  ) {
    const passwords = new Map(config.users.map(({ username, password }) => [username, password]));
    this.#config = config;
    this.#log = log;
    this.#repeats = new Repeats(log);
    this.counts = counts;
    this.#tls = tls && this.#tlsServer(tls);
    this.#limit = new ConnectionLimit({
      most: config.max_connections,
      mostOfPeer: config.max_connections_per_peer,
    });
    this.#sessionOptions = {
      spool,
      credentials: sharedKey === undefined ? undefined : { sharedKey, passwords, hostname: host },
      budget: new ByteBudget(config.max_pending_bytes),
      limits: {
        maxMessageBytes: config.max_message_bytes,
        maxInflatedBytes: config.max_inflated_bytes,
        maxInflationRatio: config.max_inflation_ratio,
        maxMessageEvents: config.max_message_events,
      },
      messageTimeoutMs: config.message_timeout_ms,
      counts,
      turns: new LoopTurns(),
      refused: new RefusedContents(),
    };
  }

  /** Of TCP; undefined where there is only a Unix socket. */
  get port(): number | undefined {
    return Array.from(this.listeners.values(), ({ port }) => port).find((port) => port !== undefined);
  }

  /** Takes connections, from now on and in the place of whoever did. */
  async begin(before?: ForwardServer): Promise<void> {
    for (const listener of this.listeners.values()) {
      const isUnix = listener.port === undefined;
      const isPlain = this.#tls === undefined || isUnix;
      listener.give(this.#acceptor(isUnix, isPlain ? (admitted) => this.#accept(admitted) : this.#secure));
      this.#log.info({ listen: listener.name }, "taking events by the forward protocol");
    }
    const { bind, port, udp_heartbeats } = this.#config;
    if (port === undefined || !udp_heartbeats) return;
    if (before && before.#config.bind === bind && before.#config.port === port)
      [this.#heartbeats, before.#heartbeats] = [before.#heartbeats, undefined];
    this.#heartbeats ??= await UdpHeartbeats.start(bind, this.port!, this.#log);
  }

  #acceptor(isUnix: boolean, take: (admitted: Admitted) => void): Acceptor {
    // A peer that is gone already has no address any more.
    const nobody = isUnix ? "unix" : "unknown";
    return {
      // More than are admitted: whoever comes is looked at, and another may make room.
      maxConnections: 2 * this.#config.max_connections,
      accept: (socket) => {
        const admitted = new Admitted(socket, nobody, () =>
          this.counts.refuse("idle", admitted.name, "another needed its room"),
        );
        if (this.#limit.admit(admitted)) {
          socket.setKeepAlive(true, KEEP_ALIVE_MS);
          return take(admitted);
        }
        this.#turnAway(admitted.name);
        socket.on("error", () => {}).destroy();
      },
      drop: ({ name }, peer = nobody) => this.#turnAway(peer, name),
    };
  }

  #turnAway(peer: string, listen?: string): void {
    const reason = "there are too many";
    this.counts.refuse("limit", peer, reason);
    this.#repeats.warn(`limit ${peer}`, { listen, peer }, `a connection was turned away: ${reason}`);
  }

  /** It listens nowhere: connections are handed to it. */
  #tlsServer(options: TlsOptions): TlsServer {
    const handshakeTimeout = Math.min(TLS_HANDSHAKE_MS, this.#config.message_timeout_ms);
    const server = createTlsServer({ ...options, handshakeTimeout });
    server.on("secureConnection", (socket: Socket) => {
      const admitted = this.#handshaking.get(endpointOf(socket));
      // It has given way meanwhile.
      if (admitted === undefined) {
        socket.destroy();
        return;
      }
      socket.allowHalfOpen = true;
      this.#handshaking.delete(endpointOf(socket));
      this.#accept(admitted, socket);
    });
    server.on("tlsClientError", (error: NodeJS.ErrnoException, socket: Socket) => {
      const peer = socket.remoteAddress ?? "";
      const isGone = error.code === "ECONNRESET" && socket.bytesRead === 0;
      const isProbe = isGone || error.code === "ERR_SSL_HTTP_REQUEST";
      this.counts.refuse(isProbe ? "probe" : "tls", peer, error.message);
      if (!isProbe)
        this.#repeats.warn(
          `tls ${peer} ${error.code}`,
          { peer, reason: error.message },
          "a TLS handshake failed",
        );
      // Node leaves a connection open that never began one.
      socket.destroy();
    });
    return server;
  }

  readonly #secure = (admitted: Admitted): void => {
    const { socket } = admitted;
    const endpoint = endpointOf(socket);
    this.#handshaking.set(endpoint, admitted);
    socket.once("close", () => {
      if (this.#handshaking.delete(endpoint)) this.#limit.remove(admitted);
    });
    // Who goes before the handshake does not wait for anything.
    socket.allowHalfOpen = false;
    this.#tls!.emit("connection", socket);
  };

  /** @param socket by which it is spoken: that of TLS where there is one */
  #accept(admitted: Admitted, socket: Socket = admitted.socket): void {
    const peer = admitted.name;
    const session = new Session(socket, {
      ...this.#sessionOptions,
      onMalformed: (tag, count) => this.#tellMalformed(peer, tag, count),
    });
    admitted.session = session;
    this.counts.connections++;
    this.counts.open++;
    const running = session.run().catch((error: unknown) => this.#tellEnd(session, peer, error));
    this.#sessions.set(session, running);
    // A session outlasts its connection while what came by it waits to be stored.
    void running.finally(() => {
      this.counts.open--;
      this.#sessions.delete(session);
      this.#limit.remove(admitted);
    });
  }

  /** Load balancers that look whether somebody is there, and clients that end with all acknowledged, are no news. */
  #tellEnd(session: Session, peer: string, error: unknown): void {
    const refusal = refusalOf(error);
    const isNetwork = refusal === "broken";
    const { code } = error as NodeJS.ErrnoException;
    const fields = { peer, code, reason: systemReason(error) };
    if (isNetwork && session.isSilent) this.counts.refuse("probe", peer, fields.reason);
    else if (!isNetwork || !session.isIdle) this.counts.refuse(refusal, peer, fields.reason);
    const isNews = !session.isStopped && refusal !== "probe" && !(isNetwork && session.isIdle);
    if (isNews) this.#repeats.warn(`${peer} ${code}`, fields, "a connection ended");
    else this.#log.debug(fields, "a connection ended");
  }

  #tellMalformed(peer: string, tag: string, count: number): void {
    this.counts.malformed += count;
    const reason = "entries that are no [time, record]";
    this.#repeats.warn(
      `malformed ${peer} ${tag}`,
      { peer, tag, count, reason },
      "entries were stored as they came",
    );
  }

  /** Ends its connections, after the acknowledgement of what was read from them. The addresses stay. */
  async end(): Promise<void> {
    this.#heartbeats?.[Symbol.dispose]();
    for (const session of this.#sessions.keys()) session.stop();
    const over = new AbortController();
    const deadline = sleep(LAST_ACKS_MS, undefined, { signal: over.signal }).catch(() => {});
    await Promise.race([Promise.all(this.#sessions.values()), deadline]);
    over.abort();
    for (const session of this.#sessions.keys()) session.destroy();
    this.#repeats.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const listeners = [...this.listeners.values()];
    const closed = listeners.map((listener) => listener.close());
    await this.end();
    for (const listener of listeners) await listener[Symbol.asyncDispose]();
    await Promise.all(closed);
  }
}

function addresses({ bind, port, unix_path, unix_mode, unix_group }: ForwardConfig): ListenAddress[] {
  return [
    ...(unix_path === undefined ? [] : [{ path: unix_path, unix_mode, unix_group }]),
    ...(port === undefined ? [] : [{ host: bind, port }]),
  ];
}

async function readTls({
  cert_file,
  key_file,
  client_ca_file,
}: NonNullable<ForwardConfig["tls"]>): Promise<TlsOptions> {
  const isClientChecked = client_ca_file !== undefined;
  return {
    cert: await readNamed(cert_file, "cert_file"),
    key: await readNamed(key_file, "key_file"),
    ...(isClientChecked ? { ca: await readNamed(client_ca_file, "client_ca_file") } : {}),
    requestCert: isClientChecked,
    rejectUnauthorized: isClientChecked,
  };
}
