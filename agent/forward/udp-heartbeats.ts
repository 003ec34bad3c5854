import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import type { Logger } from "pino";
import { systemReason } from "../agent-error.ts";

/** Answers older clients, who ask by UDP whether somebody is there. */
export class UdpHeartbeats implements Disposable {
  readonly #socket: Socket;

  /** Where it cannot, it says so and answers nobody: events come by TCP all the same. */
  static async start(bind: string, port: number, log: Logger): Promise<UdpHeartbeats> {
    const socket = createSocket(isIPv6(bind) ? "udp6" : "udp4");
    socket.on("message", (_message, peer) => socket.send("\0", peer.port, peer.address, () => {}));
    try {
      socket.bind(port, bind);
      await once(socket, "listening");
    } catch (cause) {
      log.warn({ port, reason: systemReason(cause) }, "UDP heartbeats are not answered");
    }
    socket.on("error", (error) => log.warn({ port, reason: error.message }, "a UDP heartbeat failed"));
    return new UdpHeartbeats(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
