import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** An HTTP server of a test. */
export class LocalServer implements AsyncDisposable {
  readonly #server: Server;

  static async start(answer: RequestListener): Promise<LocalServer> {
    const server = createServer(answer);
    await once(server.listen(0, "127.0.0.1"), "listening");
    return new LocalServer(server);
  }

  private constructor(server: Server) {
    this.#server = server;
  }

  get server(): Server {
    return this.#server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }
}

export async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
}
