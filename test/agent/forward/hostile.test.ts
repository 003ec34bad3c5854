import { connect } from "node:net";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { encode, eventTime, Ext, map, type Value } from "./encode.ts";
import { Client, ForwardFixture, message } from "./forward-fixture.ts";

const TIME = 1_700_000_000;
/** In every hostile message, and in no log. */
const SECRET = "hunter2";
const MIB = 2 ** 20;
const limits = { max_inflated_bytes: MIB, max_message_bytes: 2 * MIB, max_pending_bytes: 4 * MIB };

const record = map({ secret: SECRET });
const entry = encode([eventTime(TIME, 0), record]);
const packed = (content: Buffer, option: Record<string, Value> = {}) =>
  encode([SECRET, content, map({ chunk: SECRET, ...option })]);
const after = (bytes: string) => packed(Buffer.concat([entry, Buffer.from(bytes, "hex")]));
const nested = (depth: number): Value => (depth === 0 ? SECRET : [nested(depth - 1)]);
const zeros = (mebibytes: number) => Buffer.alloc(mebibytes * MIB);
const twice = (bytes: Buffer) => Buffer.concat([bytes, bytes]);
const json = (text: string) => Buffer.from(`["${SECRET}",[[${TIME},${text}]]]`);

const HOSTILE: readonly [what: string, bytes: Buffer, code: string][] = [
  ["a gzip bomb", packed(gzipSync(zeros(64)), { compressed: "gzip" }), "TOO_LARGE"],
  ["a zstd bomb", packed(zstdCompressSync(zeros(64)), { compressed: "zstd" }), "TOO_LARGE"],
  ["a gzip bomb in members", packed(twice(gzipSync(zeros(0.7))), { compressed: "gzip" }), "TOO_LARGE"],
  ["a zstd bomb in frames", packed(twice(zstdCompressSync(zeros(0.7))), { compressed: "zstd" }), "TOO_LARGE"],
  ["gzip that is none", packed(entry, { compressed: "gzip" }), "COMPRESSION"],
  ["zstd that is none", packed(entry, { compressed: "zstd" }), "COMPRESSION"],
  ["a codec nobody knows", packed(entry, { compressed: SECRET }), "COMPRESSION"],
  ["a codec that is a number", packed(entry, { compressed: 1 }), "MALFORMED"],
  ["a record nested too deep", encode(["a", TIME, map({ a: nested(101) })]), "MALFORMED"],
  ["an array of 4 billion values", Buffer.from("ddffffffff00", "hex"), "TOO_LARGE"],
  ["a map of 4 billion fields", Buffer.from("93a16100dfffffffff00", "hex"), "TOO_LARGE"],
  ["a string of 4 gigabytes", Buffer.from("93a161dbffffffff00", "hex"), "TOO_LARGE"],
  ["entries that count 4 billion", after("ddffffffff"), "TRUNCATED"],
  ["a record that counts 4 billion", after("9200dfffffffff"), "TRUNCATED"],
  ["a field of 4 gigabytes", after("920081a161dbffffffff"), "TRUNCATED"],
  ["an entry that is no pair", after("9100"), "MALFORMED"],
  ["an entry whose time is a map", after("928080"), "MALFORMED"],
  ["an entry whose time is another extension", packed(encode([new Ext(5, entry), record])), "MALFORMED"],
  ["a time beyond all calendars", encode(["a", 2n ** 63n, record]), "MALFORMED"],
  ["the byte that means nothing", Buffer.from("93c1", "hex"), "MALFORMED"],
  ["a message of one value", encode([SECRET]), "MALFORMED"],
  ["a message of five values", encode([SECRET, TIME, record, null, null]), "MALFORMED"],
  ["a tag that is a number", encode([1, TIME, record]), "MALFORMED"],
  ["a chunk that is a number", packed(entry, { chunk: 1 }), "MALFORMED"],
  ["options that are a list", encode([SECRET, TIME, record, [SECRET]]), "MALFORMED"],
  ["text that is neither", Buffer.from(`{"${SECRET}"]`), "MALFORMED"],
  ["JSON nested too deep", json(`${"[".repeat(200_000)}${"]".repeat(200_000)}`), "MALFORMED"],
  ["a JSON entry that is no pair", json(`1],[2`), "MALFORMED"],
];

test.each(HOSTILE)(
  "%s ends its connection after what came before, with a word about who it was, and harms nobody else",
  async (_what, bytes, code) => {
    await using forward = await ForwardFixture.start(limits);
    using bystander = await forward.client();
    using hostile = await forward.client();
    const isJson = bytes[0] === 0x7b || bytes[0] === 0x5b;
    expect(await bystander.deliver("before")).toBe(true);
    if (!isJson) expect(await hostile.deliver("good")).toBe(true);
    hostile.send(bytes);
    expect(await hostile.rest()).toEqual(Buffer.alloc(0));
    expect(await bystander.deliver("after")).toBe(true);
    expect(forward.server.counts).toMatchObject({ refused: 1, open: 1 });
    const [warning = "", ...others] = forward.warnings;
    expect(others).toEqual([]);
    expect(JSON.parse(warning)).toMatchObject({ peer: "127.0.0.1", code, msg: "a connection ended" });
    expect(warning).not.toContain(SECRET);
    expect(warning.length).toBeLessThan(400);
    const texts = (await forward.lines()).map(([, line]) => (JSON.parse(line) as { text?: string }).text);
    expect(texts).toEqual(isJson ? ["before", "after"] : ["before", "good", "after"]);
  },
);

const PING = ["PING", "host", "salt", "digest", "user", "digest"];

test.each<[string, Value[]]>([
  ["a PONG", ["PONG", true, "", "host", "digest"]],
  ["a PING that is too short", PING.slice(0, 5)],
  ["a PING of numbers", ["PING", 1, 2, 3, 4, 5]],
  ["an event", [SECRET, TIME, record]],
])("%s where the handshake is due gets nobody in", async (_what, first) => {
  await using forward = await ForwardFixture.start({ shared_key: "k" });
  using client = await forward.client();
  await client.answer();
  client.send(Buffer.concat([encode(first), message("event")]));
  expect(await client.rest()).toEqual(Buffer.alloc(0));
  expect(await forward.lines()).toEqual([]);
  expect(forward.warnings.join()).toContain('"peer":"127.0.0.1"');
  expect(forward.warnings.join()).not.toContain(SECRET);
});

test("fifty connections too many are each turned away, counted and told of, and those inside go on", async () => {
  await using forward = await ForwardFixture.start({ max_connections: 1 });
  using inside = await forward.client();
  expect(await inside.deliver("one")).toBe(true);
  const outside = Array.from({ length: 50 }, () => new Client(connect(forward.server.port!, "127.0.0.1")));
  for (const client of outside) expect(await client.rest()).toEqual(Buffer.alloc(0));
  expect(await inside.deliver("two")).toBe(true);
  expect(forward.server.counts.refusedBy.limit).toBe(50);
  expect(forward.warnings).toHaveLength(50);
  for (const warning of forward.warnings) expect(warning).toContain('"peer":"127.0.0.1"');
  inside.socket.end();
  await inside.rest();
  using next = await forward.client();
  expect(await next.deliver("three")).toBe(true);
});

test("tags of any kind and any number come in as tags of ours", async () => {
  await using forward = await ForwardFixture.start();
  using client = await forward.client();
  const hostile = ["\0\x1b[2J\r\n", "", "..", "_weir", "x".repeat(100_000), "\u{1f4a9}", "\ud800"];
  const tags = [...hostile, ...Array.from({ length: 3_000 }, (_, n) => `tag-${n}`)];
  client.send(Buffer.concat(tags.map((tag, n) => encode([tag, TIME, map({ n })]))));
  expect(await client.deliver("last")).toBe(true);
  const lines = await forward.lines();
  expect(lines).toHaveLength(tags.length + 1);
  for (const [tag] of lines) expect(tag).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/);
  expect(new Set(lines.map(([tag]) => tag)).size).toBeGreaterThan(3_000);
});

/** Messages of every mode, as clients send them. */
const VALID: readonly Buffer[] = [
  encode(["a", TIME, map({ n: 1, text: "ü\n", list: [1.5, null, true] }), map({ chunk: "c" })]),
  encode(["a", [[eventTime(TIME, 5), record]], map({ chunk: "c", size: 1 })]),
  packed(Buffer.concat([entry, entry])),
  packed(gzipSync(entry), { compressed: "gzip" }),
  packed(zstdCompressSync(entry), { compressed: "zstd" }),
  Buffer.from(`["a",${TIME},{"n":18446744073709551615},{"chunk":"c"}]`),
];

test("however a message is changed, nothing falls over and nothing is stored that cannot be read", async () => {
  await using forward = await ForwardFixture.start({ ...limits, message_timeout_ms: 200 });
  using bystander = await forward.client();
  const acknowledged: string[] = [];
  const stored: string[] = [];
  const change = fc.record({
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    remove: fc.nat(4),
    insert: fc.uint8Array({ maxLength: 4 }),
  });
  const changes = fc.array(change, { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...VALID), changes, async (valid, changes) => {
      using client = await forward.client();
      let bytes = valid;
      for (const { at, remove, insert } of changes) {
        const start = Math.floor(at * bytes.length);
        bytes = Buffer.concat([bytes.subarray(0, start), insert, bytes.subarray(start + remove)]);
      }
      client.send(bytes);
      client.socket.end();
      const text = `event ${acknowledged.length}`;
      expect(await bystander.deliver(text)).toBe(true);
      acknowledged.push(text);
      await client.rest();
      for (const [, line] of await forward.lines()) {
        const value = JSON.parse(line) as { text?: string } | null;
        if (typeof value?.text === "string") stored.push(value.text);
      }
      await forward.run.checkpoint();
    }),
    { numRuns: 300 },
  );
  expect(stored.filter((text) => text.startsWith("event "))).toEqual(acknowledged);
  expect(forward.server.counts.open).toBe(1);
});
