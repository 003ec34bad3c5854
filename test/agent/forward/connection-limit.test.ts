import { connect } from "node:net";
import { expect, test } from "vitest";
import { type Connection, ConnectionLimit } from "../../../agent/push/forward/connection-limit.ts";
import { Client, ForwardFixture, message } from "./forward-fixture.ts";

/** Connections by name, with a clock that is set by hand. */
class Crowd {
  nowMs = 10_000;
  readonly gone: string[] = [];
  readonly limit: ConnectionLimit;

  constructor(most: number, mostOfPeer = most) {
    this.limit = new ConnectionLimit({ most, mostOfPeer }, () => this.nowMs);
  }

  /** @param idleSinceMs undefined: it is not idle */
  /** @param peer of no address if null */
  admit(name: string, idleSinceMs: number | undefined, peer: string | null = "a"): boolean {
    const connection: Connection = {
      peer: peer ?? undefined,
      idleSinceMs,
      giveWay: () => this.gone.push(name),
    };
    return this.limit.admit(connection);
  }
}

test("the connection that has been idle the longest makes room, and one that is not idle never does", () => {
  const crowd = new Crowd(3);
  crowd.admit("busy", undefined);
  crowd.admit("idle", 5_000);
  crowd.admit("longer", 4_000);
  expect([crowd.admit("new", undefined), crowd.admit("newer", undefined)]).toEqual([true, true]);
  expect(crowd.gone).toEqual(["longer", "idle"]);
  expect(crowd.admit("newest", undefined)).toBe(false);
});

test("who has been idle for a moment makes no room", () => {
  const crowd = new Crowd(1);
  crowd.admit("idle", 9_500);
  expect(crowd.admit("new", undefined)).toBe(false);
  crowd.nowMs = 10_500;
  expect(crowd.admit("newer", undefined)).toBe(true);
});

test("a peer that has as many as it may takes the room of its own, and of no other", () => {
  const crowd = new Crowd(10, 2);
  crowd.admit("other", 1_000, "b");
  crowd.admit("first", 2_000);
  crowd.admit("second", undefined);
  expect(crowd.admit("third", undefined)).toBe(true);
  expect(crowd.admit("fourth", undefined)).toBe(false);
  expect(crowd.gone).toEqual(["first"]);
});

test("connections of a Unix socket have no peer, and so no limit but that of all", () => {
  const crowd = new Crowd(3, 1);
  const admitted = ["one", "two", "three", "four"].map((name) => crowd.admit(name, undefined, null));
  expect(admitted).toEqual([true, true, true, false]);
});

test("who holds every connection and says nothing keeps nobody out", async () => {
  await using forward = await ForwardFixture.start({ max_connections: 3 });
  const silent = Array.from({ length: 3 }, () => new Client(connect(forward.server.port!, "127.0.0.1")));
  await expect.poll(() => forward.server.counts.open).toBe(3);
  const gotIn = async (): Promise<boolean> => {
    using client = await forward.client();
    client.send(message("one"));
    return forward.server.counts.refusedBy.idle > 0;
  };
  await expect.poll(gotIn, { interval: 200 }).toBe(true);
  await expect.poll(() => forward.server.counts.messages).toBeGreaterThan(0);
  for (const client of silent) client.socket.destroy();
});
