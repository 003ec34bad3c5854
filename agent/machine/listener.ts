import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { Logger } from "pino";
import { AgentError, systemReason } from "../agent-error.ts";
import type { SocketAccess } from "../config/socket-config.ts";
import { applySocketAccess, removeStaleSocket } from "./unix-socket.ts";

/** Where to listen: a port, or a Unix socket and who may use it. */
export type ListenAddress =
  | { readonly host: string; readonly port: number }
  | ({ readonly path: string } & SocketAccess);

/** What becomes of connections. It may change while the address is listened on. */
export interface Acceptor {
  readonly maxConnections: number;
  accept(socket: Socket): void;
  /** There are too many. @param peer its address, undefined at a Unix socket */
  drop(listener: Listener, peer: string | undefined): void;
}

/** Whose an address is. */
export function addressName(address: ListenAddress): string {
  return "path" in address ? address.path : `${address.host}:${address.port}`;
}

/**
 * Listens on one address. It outlives a change of who takes its connections, so that there is no
 * moment in which nobody does.
 */
export class Listener implements AsyncDisposable {
  readonly name: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** That came before anybody was there to take them. */
  readonly #waiting: Socket[] = [];
  #acceptor: Acceptor | undefined;

  /** @param setting that names the address @throws AgentError LISTEN */
  static async open(address: ListenAddress, setting: string, log: Logger): Promise<Listener> {
    const name = addressName(address);
    if ("path" in address) await removeStaleSocket(address.path);
    // Who has ended its side may wait for what is still said to it.
    const server = createServer({ allowHalfOpen: true });
    // Takes connections from the first moment: who connects while access is set is not to wait in vain.
    const listener = new Listener(name, server);
    try {
      server.listen("path" in address ? { path: address.path } : address);
      await once(server, "listening");
      if ("path" in address) await applySocketAccess(address.path, address);
      listener.#tellErrors(log);
      return listener;
    } catch (cause) {
      server.close();
      for (const socket of listener.#sockets) socket.destroy();
      const hint = `Give ${setting} an address that is free and that the agent may listen on.`;
      throw new AgentError("LISTEN", `${setting} ${name}`, systemReason(cause), hint, { cause });
    }
  }

  private constructor(name: string, server: Server) {
    this.name = name;
    this.#server = server;
    server.on("connection", (socket: Socket) => this.#take(socket));
    server.on("drop", (dropped) => this.#acceptor?.drop(this, dropped?.remoteAddress));
  }

  #tellErrors(log: Logger): void {
    this.#server.on("error", (error) =>
      log.error({ listen: this.name, reason: systemReason(error) }, "a connection could not be taken"),
    );
  }

  /** Lets others use a Unix socket that is listened on already. @throws AgentError LISTEN */
  async allow(access: SocketAccess, setting: string): Promise<void> {
    if (this.port !== undefined) return;
    await applySocketAccess(this.name, access).catch((cause: unknown) => {
      const hint = "Name a group that the agent is a member of.";
      throw new AgentError("LISTEN", `${setting} ${this.name}`, systemReason(cause), hint, { cause });
    });
  }

  /** Undefined for a Unix socket. */
  get port(): number | undefined {
    const address = this.#server.address();
    return typeof address === "object" ? address?.port : undefined;
  }

  /** From now on connections are these; those of before stay where they are. */
  give(acceptor: Acceptor): void {
    this.#acceptor = acceptor;
    this.#server.maxConnections = acceptor.maxConnections;
    for (const socket of this.#waiting.splice(0)) if (!socket.destroyed) acceptor.accept(socket);
  }

  #take(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    if (this.#acceptor) this.#acceptor.accept(socket);
    else this.#waiting.push(socket.on("error", () => {}));
  }

  /** Takes no more connections. @returns what settles once those that are there have ended */
  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    await closed;
  }

  /** The same, and ends those that are there. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.#server.listening ? this.close() : Promise.resolve();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
