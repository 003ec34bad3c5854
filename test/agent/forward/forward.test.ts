import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { MsgpackReader } from "../../../agent/push/forward/msgpack.ts";
import { encode, eventTime, Ext, map, type Value } from "./encode.ts";
import { Client, ForwardFixture } from "./forward-fixture.ts";

const TIME = 1_700_000_000;
const record = (n: number) => map({ n });
const packedEntries = (...numbers: number[]) =>
  Buffer.concat(numbers.map((n) => encode([eventTime(TIME, 0), record(n)])));
const line = (n: number) => `{"time":"2023-11-14T22:13:20Z","n":${n}}`;
const chunk = (text: string) => map({ chunk: text });
const hex = (digits: string) => Buffer.from(digits, "hex");

/** Sends one message that asks for an acknowledgement, and waits for it. */
async function lines(...message: Value[]): Promise<[tag: string, line: string][]> {
  await using forward = await ForwardFixture.start();
  using client = await forward.client();
  client.send(encode([...message, chunk("c1")]));
  expect(await client.answer()).toEqual(encode(map({ ack: "c1" })));
  return forward.lines();
}

test("a Message is one line", async () => {
  expect(await lines("app.x", TIME, record(1))).toEqual([["app.x", line(1)]]);
});

test("a Forward message is a line for each entry", async () => {
  const entries = [1, 2, 3].map((n): Value => [TIME, record(n)]);
  expect(await lines("app", entries)).toEqual([1, 2, 3].map((n) => ["app", line(n)]));
});

test("a PackedForward message may be a binary or a string, and its tag and keys, too", async () => {
  expect(await lines(Buffer.from("app"), packedEntries(1, 2))).toEqual([1, 2].map((n) => ["app", line(n)]));
  // A string of MessagePack is not UTF-8, so it is put together by hand.
  const entries = packedEntries(3);
  const asString = Buffer.concat([Buffer.of(0x92), encode("app"), Buffer.of(0xd9, entries.length), entries]);
  await using forward = await ForwardFixture.start();
  using client = await forward.client();
  client.send(Buffer.concat([asString, encode(["app", TIME, new Map([[Buffer.from("n"), 4]]), chunk("c")])]));
  await client.answer();
  expect(await forward.lines()).toEqual([3, 4].map((n) => ["app", line(n)]));
});

test.each(["gzip", "zstd"] as const)("a %s chunk of several members is unpacked whole", async (codec) => {
  const pack = codec === "gzip" ? gzipSync : zstdCompressSync;
  const content = Buffer.concat([
    pack(packedEntries(1, 2)),
    pack(packedEntries(3)),
    pack(Buffer.alloc(0)),
    pack(packedEntries(4)),
  ]);
  await using forward = await ForwardFixture.start();
  using client = await forward.client();
  client.send(encode(["app", content, map({ compressed: codec, size: 4, fluent_signal: 0, chunk: "c" })]));
  await client.answer();
  expect(await forward.lines()).toEqual([1, 2, 3, 4].map((n) => ["app", line(n)]));
});

test.each<[string, Value, string]>([
  ["whole seconds", TIME, "2023-11-14T22:13:20Z"],
  ["integer milliseconds", TIME * 1e3 + 123, "2023-11-14T22:13:20.123Z"],
  ["fractions of a second", TIME + 0.25, "2023-11-14T22:13:20.250Z"],
  ["an event time", eventTime(TIME, 1), "2023-11-14T22:13:20.000000001Z"],
  ["integer microseconds", TIME * 1e6 + 123_456, "2023-11-14T22:13:20.123456Z"],
  ["integer nanoseconds", BigInt(TIME) * 10n ** 9n + 123_456_789n, "2023-11-14T22:13:20.123456789Z"],
  ["ISO 8601", "2023-11-14T22:13:20.5Z", "2023-11-14T22:13:20.500Z"],
  ["what Ruby writes", "2023-11-15 07:13:20 +0900", "2023-11-14T22:13:20Z"],
  ["a text without a zone", "2023-11-14 22:13:20.123456789", "2023-11-14T22:13:20.123456789Z"],
  ["digits", `${TIME}`, "2023-11-14T22:13:20Z"],
  ["digits of nanoseconds", `${TIME}000000001`, "2023-11-14T22:13:20.000000001Z"],
  ["a timestamp of 32 bits", new Ext(-1, hex("6553f100")), "2023-11-14T22:13:20Z"],
  ["a timestamp of 64 bits", new Ext(-1, hex("000000046553f100")), "2023-11-14T22:13:20.000000001Z"],
  ["a timestamp of 64 bits in 2106", new Ext(-1, hex("0000000500000000")), "2106-02-07T06:28:16.000000001Z"],
  ["a timestamp of 96 bits", new Ext(-1, hex("00000001000000006553f100")), "2023-11-14T22:13:20.000000001Z"],
  ["a timestamp before 1970", new Ext(-1, hex("00000000ffffffffffffffff")), "1969-12-31T23:59:59Z"],
  [
    "an event time with Fluent Bit's metadata",
    [eventTime(TIME, 1_000), map({})],
    "2023-11-14T22:13:20.000001Z",
  ],
])("%s are its time", async (_name, time, expected) => {
  const line = ["app", `{"time":"${expected}"}`];
  expect(await lines("app", [[time, map({})]])).toEqual([line]);
  expect(await lines("app", encode([time, map({})]))).toEqual([line]);
  if (!Array.isArray(time)) expect(await lines("app", time, map({}))).toEqual([line]);
});

test.each<[string, Value]>([
  ["nil", null],
  ["0", 0],
  ["a fraction of the first second", 0.25],
  ["an event time of 0", eventTime(0, 0)],
  ["a timestamp of 0", new Ext(-1, Buffer.alloc(4))],
  ["0 in text", "0"],
  ["nil with metadata", [null, map({})]],
])("%s is now", async (_name, time) => {
  const before = Date.now();
  const messages = [await lines("app", [[time, map({})]]), await lines("app", encode([time, map({})]))];
  if (!Array.isArray(time)) messages.push(await lines("app", time, map({})));
  for (const [[, line] = ["", ""]] of messages) {
    const at = Date.parse((JSON.parse(line) as { time: string }).time);
    expect(at).toBeGreaterThanOrEqual(before);
    expect(at).toBeLessThanOrEqual(Date.now());
  }
});

test("a timestamp within a record becomes ISO 8601", async () => {
  const record = map({ when: new Ext(-1, hex("6553f100")), odd: new Ext(-1, hex("ffffffff6553f100")) });
  const line = '{"time":"2023-11-14T22:13:20Z","when":"2023-11-14T22:13:20Z","odd":"ext:-1://///2VT8QA="}';
  expect(await lines("app", TIME, record)).toEqual([["app", line]]);
});

/** Kinds that clients name their chunks by, in MessagePack. */
test.each<[string, Uint8Array]>([
  ["a string", encode("c1")],
  ["a string in a longer form", Buffer.from("da00026331", "hex")],
  ["a binary that is not UTF-8", encode(Buffer.from("ff00fe01aabbccdd8899eeff00112233", "hex"))],
  ["a string that is not UTF-8", Buffer.from("a2fffe", "hex")],
  ["a number", encode(42)],
  ["a number of 64 bits", encode(2n ** 64n - 1n)],
  ["a fraction", encode(0.5)],
  ["an extension", encode(new Ext(9, Buffer.of(1, 2)))],
  ["a list", encode([1, "two"])],
  ["false", encode(false)],
])("a chunk that is %s is acknowledged as it came", async (_name, id) => {
  await using forward = await ForwardFixture.start();
  using client = await forward.client();
  const option = Buffer.concat([Buffer.of(0x81), encode("chunk"), id]);
  for (const [second, third] of [[TIME, record(1)], [packedEntries(1)]]) {
    const values = [encode("a"), encode(second!), ...(third ? [encode(third)] : []), option];
    client.send(Buffer.concat([Buffer.of(0x90 | values.length), ...values]));
    expect(await client.answer()).toEqual(Buffer.concat([Buffer.of(0x81), encode("ack"), id]));
  }
});

test.each(['"c"', "42", "18446744073709551615", "1.50", "true", '["c"]'])(
  "a chunk that is %s in JSON is acknowledged as it came",
  async (id) => {
    await using forward = await ForwardFixture.start();
    using client = await forward.client();
    client.send(Buffer.from(`["a",${TIME},{"n":1},{"chunk":${id}}]`));
    expect((await once(client.socket, "data")).toString()).toBe(`{"ack":${id}}`);
  },
);

test("options that are none are passed over", async () => {
  await using forward = await ForwardFixture.start();
  using client = await forward.client();
  for (const option of [[1], "x", 3, map({ compressed: 1, size: "x" }), new Map([[1, 2]])])
    client.send(encode(["a", packedEntries(1), option]));
  client.send(encode(["a", TIME, record(2), chunk("c")]));
  await client.answer();
  expect(await forward.lines()).toEqual([1, 1, 1, 1, 1, 2].map((n) => ["a", line(n)]));
});

test("a record keeps its own time, its big integers, its order, and bytes that are no text", async () => {
  const fields = new Map<Value, Value>([
    ["z", 2n ** 64n - 1n],
    ["time", "mine"],
    ["a", Buffer.from([0xff])],
    ["__proto__", "x\ny"],
  ]);
  expect(await lines("app", TIME, fields)).toEqual([
    ["app", '{"z":18446744073709551615,"time":"mine","a":"base64:/w==","__proto__":"x\\ny"}'],
  ]);
});

test("a record that is no map is a line by itself, to be refused where lines are parsed", async () => {
  expect(await lines("app", TIME, "text")).toEqual([["app", '"text"']]);
});

test("tags become tags of ours, and none can be one of Weir's own", async () => {
  await using forward = await ForwardFixture.start();
  using client = await forward.client();
  for (const tag of ["docker/a b", "_weir.agent", "", "ü".repeat(200)])
    client.send(encode([tag, TIME, record(1)]));
  client.send(encode(["last", TIME, record(1), chunk("c")]));
  await client.answer();
  const tags = (await forward.lines()).map(([tag]) => tag);
  expect(tags).toEqual(["docker_a_b", "x_weir.agent", "x", `x${"_".repeat(127)}`, "last"]);
});

test("heartbeats and messages in any pieces make no difference", async () => {
  await using forward = await ForwardFixture.start();
  using client = await forward.client();
  const bytes = Buffer.concat([
    encode(null),
    encode(["a", TIME, record(1)]),
    encode(["a", packedEntries(2), chunk("c")]),
  ]);
  for (const byte of bytes) {
    client.send(Buffer.of(byte));
    await setImmediate();
  }
  await client.answer();
  expect(await forward.lines()).toEqual([1, 2].map((n) => ["a", line(n)]));
});

test("a stream of JSON is answered in JSON, its numbers as they are written", async () => {
  await using forward = await ForwardFixture.start();
  using client = await forward.client();
  client.send(Buffer.from(`["a",${TIME},{"n":18446744073709551615,"s":"[\\"]"},{"chunk":"c1"}]\n`));
  client.send(Buffer.from(`["b",[[${TIME},{"n":1.50}],[${TIME},{}]],{"chunk":"c2"}]`));
  client.socket.end();
  expect((await client.rest()).toString()).toBe('{"ack":"c1"}{"ack":"c2"}');
  expect(await forward.lines()).toEqual([
    ["a", '{"time":"2023-11-14T22:13:20Z","n":18446744073709551615,"s":"[\\"]"}'],
    ["b", '{"time":"2023-11-14T22:13:20Z","n":1.50}'],
    ["b", '{"time":"2023-11-14T22:13:20Z"}'],
  ]);
});

test("nothing is acknowledged before it is synced", async () => {
  await using forward = await ForwardFixture.start();
  const sync = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  forward.fs.before = async (operation) => {
    if (operation !== "datasync" || !forward.fs.bytes) return;
    held.resolve();
    await sync.promise;
  };
  using client = await forward.client();
  client.send(encode(["a", TIME, record(1), chunk("c")]));
  let isAnswered = false;
  const answer = client.answer().then((bytes) => ((isAnswered = true), bytes));
  await held.promise;
  for (let i = 0; i < 20; i++) await setImmediate();
  expect(isAnswered).toBe(false);
  sync.resolve();
  expect(await answer).toEqual(encode(map({ ack: "c" })));
});

test("a full spool holds its sender back, and lets it go on", async () => {
  await using forward = await ForwardFixture.start({}, { maxBytes: 64 * 1_024, segmentBytes: 32 * 1_024 });
  using client = await forward.client();
  const text = "x".repeat(1_000);
  const count = 2_000;
  for (let n = 0; n < count; n++) client.send(encode(["a", TIME, map({ n, text })]));
  client.send(encode(["a", TIME, map({ n: count }), chunk("c")]));
  const delivered: string[] = [];
  while (delivered.length <= count) {
    expect(forward.run.spool.bytes).toBeLessThanOrEqual(64 * 1_024);
    delivered.push(...(await forward.lines()).map(([, line]) => line));
    await forward.run.checkpoint();
    await setImmediate();
  }
  await client.answer();
  expect(delivered.map((line) => (JSON.parse(line) as { n: number }).n)).toEqual(
    Array.from({ length: count + 1 }, (_, n) => n),
  );
});

test.each<[string, Uint8Array, object]>([
  ["a value that is no message", encode("text"), {}],
  ["a byte that MessagePack does not have", Buffer.of(0xc1), {}],
  ["what are no logs", encode(["a", encode(map({})), map({ fluent_signal: 1 })]), {}],
  ["an unknown compression", encode(["a", Buffer.alloc(8), map({ compressed: "lz4" })]), {}],
  ["a chunk that does not unpack", encode(["a", Buffer.alloc(8), map({ compressed: "gzip" })]), {}],
  [
    "a gzip bomb",
    encode(["a", gzipSync(Buffer.alloc(2 ** 20)), map({ compressed: "gzip" })]),
    { max_inflated_bytes: 65_536 },
  ],
  [
    "a zstd bomb",
    encode(["a", zstdCompressSync(Buffer.alloc(2 ** 20)), map({ compressed: "zstd" })]),
    { max_inflated_bytes: 65_536 },
  ],
  [
    "a message over the limit",
    encode(["a", "x".repeat(2_000)]).subarray(0, 100),
    { max_message_bytes: 1_024 },
  ],
  ["an array that claims to be endless", Buffer.from("ddffffffff", "hex"), {}],
  ["JSON that is none", Buffer.from("[nope]"), {}],
])("%s ends its connection, after what came before it is acknowledged", async (_name, bytes, config) => {
  await using forward = await ForwardFixture.start(config);
  using client = await forward.client();
  const isJson = bytes[0] === 0x5b;
  const good = isJson
    ? Buffer.from(`["a",${TIME},{"n":1},{"chunk":"c"}]`)
    : encode(["a", TIME, record(1), chunk("c")]);
  client.send(Buffer.concat([good, bytes]));
  const ack = isJson ? Buffer.from('{"ack":"c"}') : encode(map({ ack: "c" }));
  expect(await client.rest()).toEqual(ack);
  expect(await forward.lines()).toEqual([["a", line(1)]]);
  expect(forward.server.counts.refused).toBe(1);
});

const sha512 = (...parts: (string | Buffer)[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash("sha512")).digest("hex");

/** Says PING as a client with these secrets does. @returns the PONG's first two values */
async function shakeHands(client: Client, key: string, user: string, password: string): Promise<string[]> {
  const hello = new MsgpackReader(await client.answer());
  hello.enter("array");
  expect(hello.bytes().toString()).toBe("HELO");
  const options = new Map(
    Array.from({ length: hello.enter("map") }, () => [hello.bytes().toString(), hello.skip()]),
  );
  const [nonce, auth] = ["nonce", "auth"].map((name) => new MsgpackReader(options.get(name)!).bytes());
  const digest = sha512("salt", "client", nonce!, key);
  client.send(encode(["PING", "client", "salt", digest, user, sha512(auth!, user, password)]));
  const pong = new MsgpackReader(await client.answer());
  expect(pong.enter("array")).toBe(5);
  expect(pong.bytes().toString()).toBe("PONG");
  const isAccepted = pong.skip()[0] === 0xc3;
  const reason = pong.bytes().toString();
  const server = pong.bytes().toString();
  if (isAccepted) expect(pong.bytes().toString()).toBe(sha512("salt", server, nonce!, key));
  return [isAccepted ? "accepted" : "refused", reason];
}

test("with a shared key and users, only who knows both gets in", async () => {
  const users = [{ username: "u", password: "p" }];
  await using forward = await ForwardFixture.start({ shared_key: "k", users });
  const attempt = async (key: string, user: string, password: string) => {
    using client = await forward.client();
    const outcome = await shakeHands(client, key, user, password);
    client.send(encode(["a", TIME, map({ key, user, password }), chunk("c")]));
    const ack = await client.answer().catch(() => undefined);
    return [...outcome, ack !== undefined];
  };
  expect(await attempt("k", "u", "p")).toEqual(["accepted", "", true]);
  expect(await attempt("wrong", "u", "p")).toEqual(["refused", "shared key mismatch", false]);
  expect(await attempt("k", "u", "wrong")).toEqual(["refused", "username/password mismatch", false]);
  expect(await attempt("k", "nobody", "p")).toEqual(["refused", "username/password mismatch", false]);
  expect(await forward.lines()).toHaveLength(1);
});

test("who skips the handshake is hung up on, and so is who says too much in it", async () => {
  await using forward = await ForwardFixture.start({ shared_key: "k" });
  for (const bytes of [encode(["a", TIME, record(1)]), encode(["x".repeat(5_000)]).subarray(0, 50)]) {
    using client = await forward.client();
    await client.answer();
    client.send(bytes);
    expect(await client.rest()).toEqual(Buffer.alloc(0));
  }
  expect(await forward.lines()).toEqual([]);
});

test("UDP heartbeats are answered, and a Unix socket is as good as a port", async () => {
  const directory = await mkdtemp(join(tmpdir(), "weir-forward-"));
  try {
    const path = join(directory, "f.sock");
    await using forward = await ForwardFixture.start({ unix_path: path, udp_heartbeats: true });
    const udp = createSocket("udp4");
    udp.send("\0", forward.server.port, "127.0.0.1");
    const [answer] = (await once(udp, "message")) as [Buffer];
    udp.close();
    expect(answer).toEqual(Buffer.of(0));
    using client = new Client(connect(path));
    client.send(encode(["a", TIME, record(1), chunk("c")]));
    await client.answer();
    expect(await forward.lines()).toEqual([["a", line(1)]]);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("an address in use is told with a hint", async () => {
  await using forward = await ForwardFixture.start();
  await expect(ForwardFixture.start({ port: forward.server.port })).rejects.toMatchObject({ code: "LISTEN" });
});
