import type { Socket } from "node:net";
import type { Logger } from "pino";
import { systemReason } from "../../agent-error.ts";
import type { Listener } from "../../machine/listener.ts";
import type { LineSocketConfig } from "../../config/lines-config.ts";
import { type LineStreamOptions, storeLines } from "./stream-lines.ts";

/** Takes lines from a Unix socket. There is no acknowledgement: what a writer has written may be on its way. */
export class LineServer implements AsyncDisposable {
  readonly listener: Listener;
  readonly #options: Omit<LineStreamOptions, "tag">;
  readonly #log: Logger;
  #tag = "";

  constructor(listener: Listener, options: Omit<LineStreamOptions, "tag">, log: Logger) {
    this.listener = listener;
    this.#options = options;
    this.#log = log;
  }

  /** Takes connections; lines of those that are there have the tag from now on, too. */
  begin({ tag, max_connections }: LineSocketConfig): void {
    this.#tag = tag;
    const { name } = this.listener;
    this.listener.give({
      maxConnections: max_connections,
      accept: (socket) => this.#accept(socket),
      drop: () => {
        this.#options.counts.refused++;
        this.#log.warn({ listen: name }, "a connection was turned away: there are too many");
      },
    });
    this.#log.info({ listen: name, tag }, "taking lines");
  }

  #accept(socket: Socket): void {
    const { counts } = this.#options;
    counts.connections++;
    counts.open++;
    socket.on("error", () => {});
    void storeLines(socket, { ...this.#options, tag: () => this.#tag })
      .catch((error: unknown) =>
        this.#log.warn({ listen: this.listener.name, reason: systemReason(error) }, "a connection ended"),
      )
      .finally(() => {
        counts.open--;
        socket.destroy();
      });
  }

  /** Takes no more connections. Those that are there end when their writers end them. */
  async retire(): Promise<void> {
    await this.listener.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.listener[Symbol.asyncDispose]();
  }
}
