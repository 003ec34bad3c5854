import { once } from "node:events";
import { connect, Server, type Socket } from "node:net";
import { type Duplex, duplexPair } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { ForwardCounts } from "../../../agent/push/forward/forward-counts.ts";
import { LoopTurns } from "../../../agent/push/forward/loop-turns.ts";
import { ByteBudget } from "../../../agent/push/forward/pending-bytes.ts";
import { RefusedContents } from "../../../agent/push/forward/refused-contents.ts";
import { Session } from "../../../agent/push/forward/session.ts";
import type { SpoolEvent } from "../../../agent/push/spool/batch.ts";
import { event } from "../spool/spool-fixture.ts";
import { encode, map } from "./encode.ts";
import { ForwardFixture, message } from "./forward-fixture.ts";

const TIME = 1_700_000_000;

/** A spool that takes nothing, and stores nothing, until it is let. */
class HeldSpool {
  readonly maxLineBytes = 1_000;
  readonly taken = Promise.withResolvers<void>();
  readonly stored = Promise.withResolvers<void>();
  readonly lines: string[] = [];
  /** How often somebody waited to be let. */
  asked = 0;

  ready(): Promise<void> {
    this.asked++;
    return this.taken.promise;
  }

  append(events: Iterable<SpoolEvent>): Promise<void> {
    for (const { data } of events) this.lines.push(data.toString());
    return this.stored.promise;
  }

  session(): [session: Session, peer: Duplex, socket: Duplex] {
    const [socket, peer] = duplexPair();
    const session = new Session(socket, {
      spool: this,
      credentials: undefined,
      budget: new ByteBudget(1_000),
      limits: { maxMessageBytes: 1_000, maxInflatedBytes: 1_000, maxInflationRatio: 1, maxMessageEvents: 10 },
      messageTimeoutMs: 1_000,
      counts: new ForwardCounts(),
      turns: new LoopTurns(),
      refused: new RefusedContents(),
      onMalformed: () => {},
    });
    return [session, peer, socket];
  }
}

test("connections beyond the limit are turned away, and so is what is too much for memory", async () => {
  await using forward = await ForwardFixture.start({ max_connections: 2, max_pending_bytes: 2 ** 20 });
  using first = await forward.client();
  using second = await forward.client();
  const half = encode(["a", Buffer.alloc(800_000)]).subarray(0, 700_000);
  // Who has begun a message makes no room.
  for (const client of [first, second]) client.send(half.subarray(0, 10));
  using third = await forward.client();
  expect(await third.rest()).toEqual(Buffer.alloc(0));
  first.send(half.subarray(10));
  second.send(half.subarray(10));
  await Promise.race([first.rest(), second.rest()]);
  expect(forward.server.counts.refused).toBe(2);
});

test("connections that are gone count while what they brought waits for room", async () => {
  const sizes = { maxBytes: 3_000, segmentBytes: 1_000 };
  await using forward = await ForwardFixture.start({ max_connections: 2 }, sizes);
  const { counts } = forward.server;
  const filling = Array.from({ length: 60 }, (_, n) =>
    forward.run.spool.append([event(`event ${n}`.padEnd(60))]),
  );
  await expect.poll(() => forward.run.spool.isFull).toBe(true);
  for (let n = 1; n <= 10; n++) {
    const socket = connect(forward.server.port!, "127.0.0.1").on("error", () => {});
    socket.write(message("again"));
    await expect.poll(() => counts.messages + counts.refusedBy.limit).toBe(n);
    socket.resetAndDestroy();
  }
  expect(counts).toMatchObject({ open: 2, refusedBy: { limit: 8 } });
  const texts: string[] = [];
  while (counts.open > 0) {
    texts.push(...(await forward.lines()).map(([, line]) => line));
    await forward.run.checkpoint();
    await setImmediate();
  }
  await Promise.all(filling);
  texts.push(...(await forward.lines()).map(([, line]) => line));
  expect(texts.filter((line) => line.includes("again"))).toHaveLength(2);
});

test("of a connection that is gone, what its sender will send again is not stored", async () => {
  const spool = new HeldSpool();
  const [session, peer, socket] = spool.session();
  const running = session.run();
  peer.write(Buffer.concat([message("again"), encode(["a", TIME, map({ n: 1 })])]));
  await setImmediate();
  socket.destroy();
  spool.taken.resolve();
  spool.stored.resolve();
  await running.catch(() => {});
  expect(spool.lines).toEqual(['{"time":"2023-11-14T22:13:20Z","n":1}']);
});

test("who waits until something is taken and stored is not idle", async () => {
  const spool = new HeldSpool();
  const [session, peer] = spool.session();
  const begunMs = performance.now();
  const running = session.run();
  await setImmediate();
  expect(session.idleSinceMs).toBeGreaterThanOrEqual(begunMs);
  peer.write(message("one"));
  await expect.poll(() => spool.asked).toBe(1);
  expect(session.idleSinceMs).toBeUndefined();
  spool.taken.resolve();
  await expect.poll(() => spool.lines).toHaveLength(1);
  await setImmediate();
  expect(session.idleSinceMs).toBeUndefined();
  const storedMs = performance.now();
  spool.stored.resolve();
  await once(peer, "data");
  await expect.poll(() => session.idleSinceMs).toBeGreaterThanOrEqual(storedMs);
  peer.end();
  await running;
});

test("who is told to stop while something is being stored waits for no more", async () => {
  const spool = new HeldSpool();
  spool.taken.resolve();
  const [session, peer] = spool.session();
  const running = session.run();
  peer.write(message("one"));
  await expect.poll(() => spool.lines).toHaveLength(1);
  await setImmediate();
  session.stop();
  spool.stored.resolve();
  expect((await once(peer, "data"))[0]).toEqual(encode(map({ ack: "one" })));
  await running;
});

test("who does not come to the end of a message is hung up on, and who is silent between messages is not", async () => {
  await using forward = await ForwardFixture.start({ message_timeout_ms: 150 });
  using idle = await forward.client();
  using half = await forward.client();
  using drip = await forward.client();
  const bytes = message("one");
  half.send(bytes.subarray(0, 10));
  const dripping = setInterval(() => drip.send(Buffer.from("x")), 20);
  drip.send(Buffer.concat([bytes.subarray(0, 1), Buffer.of(0xc6, 0, 1, 0, 0)]));
  expect(await half.rest()).toEqual(Buffer.alloc(0));
  expect(await drip.rest()).toEqual(Buffer.alloc(0));
  clearInterval(dripping);
  expect(await idle.deliver("two")).toBe(true);
  expect(forward.server.counts.refused).toBe(2);
});

test("white space after a message of JSON is not the beginning of the next", async () => {
  await using forward = await ForwardFixture.start({ message_timeout_ms: 150 });
  using client = await forward.client();
  using half = await forward.client();
  const json = Buffer.from(`["a",${TIME},{"n":1},{"chunk":"c"}]`);
  const answer = async () => (await once(client.socket, "data")).toString();
  client.send(Buffer.concat([json, Buffer.from("\r\n")]));
  expect(await answer()).toBe('{"ack":"c"}');
  client.send(Buffer.from(" \n"));
  half.send(Buffer.concat([json, Buffer.from('\n["a"')]));
  expect((await half.rest()).toString()).toBe('{"ack":"c"}');
  client.send(json);
  expect(await answer()).toBe('{"ack":"c"}');
  expect(forward.server.counts).toMatchObject({ messages: 3, refusedBy: { slow: 1 } });
});

test("what keeps a connection from being taken is told of, and the next one gets in", async () => {
  using listen = vi.spyOn(Server.prototype, "listen");
  await using forward = await ForwardFixture.start();
  const [server] = listen.mock.contexts as Server[];
  server!.emit("error", new Error("accept EMFILE"));
  expect(forward.warnings.join()).toContain("accept EMFILE");
  using client = await forward.client();
  expect(await client.deliver("one")).toBe(true);
});

test("load balancers that look whether somebody is there are counted, and no news", async () => {
  await using forward = await ForwardFixture.start({ shared_key: "k" });
  await using open = await ForwardFixture.start();
  for (const { server } of [forward, open]) {
    const { counts } = server;
    for (let n = 1; n <= 3; n++) {
      const silent = connect(server.port!, "127.0.0.1");
      await once(silent, "connect");
      silent.resetAndDestroy();
      await expect.poll(() => [counts.open, counts.refusedBy.probe]).toEqual([0, n]);
      const closing = connect(server.port!, "127.0.0.1").resume();
      closing.end();
      await once(closing, "close");
    }
    expect(counts.refused).toBe(0);
  }
  using http = await open.client();
  http.send(Buffer.from("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"));
  await http.rest();
  using idle = await open.client();
  expect(await idle.deliver("one")).toBe(true);
  (idle.socket as Socket).resetAndDestroy();
  await expect.poll(() => open.server.counts.open).toBe(0);
  expect(open.server.counts).toMatchObject({ refused: 0, refusedBy: { probe: 4 } });
  expect([...forward.warnings, ...open.warnings]).toEqual([]);
  // This one is not meant for us, and its events would never come.
  using proxy = await open.client();
  proxy.send(Buffer.from("PROXY TCP4 192.0.2.1 192.0.2.2 5000 24224\r\n"));
  await proxy.rest();
  expect(open.warnings).toHaveLength(1);
});

test("what a peer does again and again is told of once, and counted", async () => {
  await using forward = await ForwardFixture.start();
  for (let n = 0; n < 20; n++) {
    using client = await forward.client();
    client.send(Buffer.of(0xc1));
    await client.rest();
  }
  expect(forward.warnings).toHaveLength(1);
  await forward.server.end();
  expect(forward.warnings).toHaveLength(2);
  expect(forward.warnings[1]).toContain('"times":19');
  expect(forward.server.counts.refused).toBe(20);
});
