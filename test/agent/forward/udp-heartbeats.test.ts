import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { pino } from "pino";
import { expect, test } from "vitest";
import { UdpHeartbeats } from "../../../agent/push/forward/udp-heartbeats.ts";
import { freePort } from "../../../local/part.ts";
import { ForwardFixture } from "./forward-fixture.ts";

const log = pino({ level: "silent" });

class Peer implements Disposable {
  readonly socket: Socket;
  answers = 0;

  static async open(address = "127.0.0.1", port = 0): Promise<Peer> {
    const socket = createSocket("udp4");
    socket.bind(port, address);
    await once(socket, "listening");
    return new Peer(socket);
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("message", () => this.answers++);
  }

  ask(port: number, text = "\0"): void {
    this.socket.send(text, port, "127.0.0.1");
  }

  [Symbol.dispose](): void {
    this.socket.close();
  }
}

test("who asks once in a while is answered, and not more often", async () => {
  const port = await freePort();
  using _heartbeats = await UdpHeartbeats.start("127.0.0.1", port, log);
  using peer = await Peer.open();
  for (let n = 0; n < 50; n++) peer.ask(port);
  await once(peer.socket, "message");
  using other = await Peer.open();
  other.ask(port);
  await once(other.socket, "message");
  expect(peer.answers).toBe(1);
  await expect.poll(() => (peer.ask(port), peer.answers), { interval: 100 }).toBeGreaterThan(1);
});

test("nobody is answered from the same port at another address, nor with anything but a heartbeat", async () => {
  const port = await freePort();
  using _heartbeats = await UdpHeartbeats.start("127.0.0.1", port, log);
  using twin = await Peer.open("127.0.0.2", port);
  using peer = await Peer.open();
  for (let n = 0; n < 5; n++) twin.ask(port);
  for (const text of ["", "\0\0", "x"]) peer.ask(port, text);
  using last = await Peer.open();
  last.ask(port);
  await once(last.socket, "message");
  expect(twin.answers + peer.answers).toBe(0);
});

test("two agents that are made to talk to one another stop after a word each", async () => {
  const port = await freePort();
  using _one = await UdpHeartbeats.start("127.0.0.1", port, log);
  // The other one is another agent, which answers whatever it is sent.
  using other = await Peer.open();
  other.socket.on("message", () => other.ask(port));
  other.ask(port);
  await once(other.socket, "message");
  using last = await Peer.open();
  last.ask(port);
  await once(last.socket, "message");
  expect(other.answers).toBe(1);
});

test("without udp_heartbeats nobody listens for them", async () => {
  await using forward = await ForwardFixture.start();
  using socket = await Peer.open("127.0.0.1", forward.server.port);
  expect(socket.answers).toBe(0);
});
