import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { Logger } from "pino";
import { AgentError, systemReason } from "../agent-error.ts";
import { removeStaleSocket } from "../stale-socket.ts";
import type { LineSocketConfig } from "./lines-config.ts";
import { type LineStreamOptions, storeLines } from "./stream-lines.ts";

/** Takes lines from a Unix socket. There is no acknowledgement: what a writer has written may be on its way. */
export class LineServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  /** @throws AgentError LISTEN */
  static async start(
    config: LineSocketConfig,
    options: Omit<LineStreamOptions, "tag">,
    log: Logger,
  ): Promise<LineServer> {
    await removeStaleSocket(config.path);
    const server = new LineServer(config, options, log);
    try {
      server.#server.listen(config.path);
      await once(server.#server, "listening");
    } catch (cause) {
      const hint = "Give [[line_sockets]] a path in a directory that the agent may write.";
      throw new AgentError("LISTEN", config.path, systemReason(cause), hint, { cause });
    }
    log.info({ listen: config.path, tag: config.tag }, "taking lines");
    return server;
  }

  private constructor(
    { path, tag, max_connections }: LineSocketConfig,
    options: Omit<LineStreamOptions, "tag">,
    log: Logger,
  ) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      options.counts.connections++;
      options.counts.open++;
      socket.on("error", () => {});
      void storeLines(socket, { ...options, tag })
        .catch((error: unknown) =>
          log.warn({ listen: path, reason: systemReason(error) }, "a connection ended"),
        )
        .finally(() => {
          options.counts.open--;
          this.#sockets.delete(socket.destroy());
        });
    });
    this.#server.maxConnections = max_connections;
    this.#server.on("drop", () => {
      options.counts.refused++;
      log.warn({ listen: path }, "a connection was turned away: there are too many");
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, "close");
  }
}
