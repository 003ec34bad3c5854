import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server } from "node:net";

/** Passes connections on, and cuts the first few that carry anything before an answer gets back. */
export class CuttingProxy implements AsyncDisposable {
  readonly #server: Server;
  /** Connections that were cut. */
  cuts = 0;

  static async start(to: number, cuts: number): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(to, cuts);
    await once(proxy.#server.listen(0, "127.0.0.1"), "listening");
    return proxy;
  }

  private constructor(to: number, cuts: number) {
    this.#server = createServer((client) => {
      const server = connect(to, "127.0.0.1");
      for (const [one, other] of [
        [client, server],
        [server, client],
      ] as const)
        one.on("error", () => other.destroy()).on("close", () => other.destroy());
      client.pipe(server);
      server.on("data", (answer) => {
        if (this.cuts === cuts) return client.write(answer);
        this.cuts++;
        return client.destroy();
      });
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    await once(this.#server, "close");
  }
}
