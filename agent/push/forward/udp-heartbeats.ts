import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import type { Logger } from "pino";
import { systemReason } from "../../agent-error.ts";
import { TokenBucket } from "../../token-bucket.ts";

/** Limit for all peers together: old clients ask once a second each. */
const ANSWERS_PER_SECOND = 1_000;
/** Who asks again sooner may be another agent that was answered, and answers. */
const ANSWER_EVERY_MS = 500;
/** Services below it answer datagrams themselves: echo, time, name servers. */
const FIRST_CLIENT_PORT = 1_024;

/**
 * Answers older clients, who ask by UDP whether somebody is there. Addresses are easily forged, so whoever might
 * answer the answer gets none: an agent like this one, or a service.
 */
export class UdpHeartbeats implements Disposable {
  readonly #socket: Socket;
  readonly #bucket = new TokenBucket(ANSWERS_PER_SECOND, 1, performance.now());
  /** When peers were last answered, by peer; only those that were answered lately. */
  readonly #answered = new Map<string, number>();

  /** Where it cannot, it says so and answers nobody: events come by TCP all the same. */
  static async start(bind: string, port: number, log: Logger): Promise<UdpHeartbeats> {
    const socket = createSocket(isIPv6(bind) ? "udp6" : "udp4");
    const heartbeats = new UdpHeartbeats(socket);
    try {
      socket.bind(port, bind);
      await once(socket, "listening");
    } catch (cause) {
      log.warn({ port, reason: systemReason(cause) }, "UDP heartbeats are not answered");
    }
    socket.on("error", (error) => log.warn({ port, reason: error.message }, "a UDP heartbeat failed"));
    return heartbeats;
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("message", (message, peer) => this.#answer(message, peer));
  }

  #answer(message: Buffer, { address, port }: RemoteInfo): void {
    const isHeartbeat = message.length === 1 && message[0] === 0;
    if (!isHeartbeat || port < FIRST_CLIENT_PORT || port === this.#socket.address().port) return;
    const nowMs = performance.now();
    const name = `${address} ${port}`;
    this.#forget(nowMs - ANSWER_EVERY_MS);
    if (this.#answered.has(name) || this.#bucket.tokens(nowMs) < 1) return;
    this.#bucket.take(1, nowMs);
    this.#answered.set(name, nowMs);
    this.#socket.send("\0", port, address, () => {});
  }

  /** The bucket bounds how many there are. */
  #forget(untilMs: number): void {
    for (const [name, atMs] of this.#answered) {
      if (atMs > untilMs) return;
      this.#answered.delete(name);
    }
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
