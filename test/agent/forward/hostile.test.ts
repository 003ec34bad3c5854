import { once } from "node:events";
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
const limits = {
  max_inflated_bytes: MIB,
  max_message_bytes: 2 * MIB,
  max_message_events: 10_000,
  max_pending_bytes: 4 * MIB,
};

const record = map({ secret: SECRET });
const entry = encode([eventTime(TIME, 0), record]);
const packed = (content: Buffer, option: Record<string, Value> = {}) =>
  encode([SECRET, content, map({ chunk: SECRET, ...option })]);
const nested = (depth: number): Value => (depth === 0 ? SECRET : [nested(depth - 1)]);
const frames = (count: number) => Buffer.concat(Array<Buffer>(count).fill(zstdCompressSync(Buffer.alloc(0))));
const zeros = (mebibytes: number) => Buffer.alloc(mebibytes * MIB);
const twice = (bytes: Buffer) => Buffer.concat([bytes, bytes]);

/** Entries that take nothing to send and much to store, for more than `limits` allow. */
const tiny = Buffer.alloc(3 * 2 ** 20, Buffer.of(0x92, 0x00, 0x80));
const long = encode([TIME, map({ secret: SECRET.repeat(150_000) })]);

const HOSTILE: readonly [what: string, bytes: Buffer, code: string][] = [
  ["a gzip bomb", packed(gzipSync(zeros(64)), { compressed: "gzip" }), "MALFORMED"],
  ["a gzip bomb of entries", packed(gzipSync(tiny), { compressed: "gzip" }), "TOO_MANY"],
  ["a zstd bomb of entries", packed(zstdCompressSync(tiny), { compressed: "zstd" }), "TOO_MANY"],
  ["a gzip bomb in members", packed(twice(gzipSync(long)), { compressed: "gzip" }), "TOO_LARGE"],
  ["a zstd bomb in frames", packed(twice(zstdCompressSync(long)), { compressed: "zstd" }), "TOO_LARGE"],
  ["nothing in very many frames", packed(frames(100_000), { compressed: "zstd" }), "TOO_MANY"],
  ["a frame of zstd that is cut", packed(zstdCompressSync(entry).subarray(0, -2)), "COMPRESSION"],
  ["a member of gzip that is cut", packed(gzipSync(entry).subarray(0, -2)), "COMPRESSION"],
  [
    "zeros between members",
    packed(Buffer.concat([gzipSync(entry), zeros(1e-6), gzipSync(entry)])),
    "COMPRESSION",
  ],
  ["a codec nobody knows", packed(Buffer.from("LZ4 or so"), { compressed: SECRET }), "COMPRESSION"],
  ["gzip that is none", packed(Buffer.from("text"), { compressed: "gzip" }), "COMPRESSION"],
  ["an array of 4 billion values", Buffer.from("ddffffffff00", "hex"), "MALFORMED"],
  ["4 billion entries", Buffer.from("93a161ddffffffff00", "hex"), "TOO_LARGE"],
  ["a map of 4 billion fields", Buffer.from("93a16100dfffffffff00", "hex"), "TOO_LARGE"],
  ["a string of 4 gigabytes", Buffer.from("93a161dbffffffff00", "hex"), "TOO_LARGE"],
  ["a message that says it is too large", Buffer.from("92a161c600300000", "hex"), "TOO_LARGE"],
  ["a tag of 2 MB", encode(["x".repeat(2 * MIB), TIME, record]), "TOO_LARGE"],
  ["the byte that means nothing", Buffer.from("93c1", "hex"), "MALFORMED"],
  ["it among entries", Buffer.from("92a1619292008092c1", "hex"), "MALFORMED"],
  ["a message of one value", encode([SECRET]), "MALFORMED"],
  ["a message of five values", encode([SECRET, TIME, record, null, null]), "MALFORMED"],
  ["a tag that is a number", encode([1, TIME, record]), "MALFORMED"],
  ["a time without a record", encode([SECRET, TIME]), "MALFORMED"],
  ["metrics", packed(encode(record), { fluent_signal: 1 }), "MALFORMED"],
  ["text that is neither", Buffer.from(`{"${SECRET}"]`), "MALFORMED"],
  ["JSON entries without a comma", Buffer.from(`["${SECRET}",[[0,{}][0,{}]]]`), "MALFORMED"],
  ["a JSON tag that is a number", Buffer.from(`[1,${TIME},{}]`), "MALFORMED"],
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
    expect(texts.filter((text) => text)).toEqual(isJson ? ["before", "after"] : ["before", "good", "after"]);
    // What was stored before it was known to be too much is not stored again.
    if (code === "TOO_MANY") {
      using again = await forward.client();
      again.send(bytes);
      expect(await again.rest()).toEqual(Buffer.alloc(0));
      expect(await forward.lines()).toEqual([]);
      expect(forward.server.counts.lastRefusal).toMatchObject({
        reason: expect.stringContaining("as before"),
      });
    }
  },
);

const base64 = (bytes: Buffer) => bytes.toString("base64");
const FIRST = '{"time":"2023-11-14T22:13:20Z","n":1}';
const LAST = '{"time":"2023-11-14T22:13:20Z","n":2}';
const first = encode([TIME, map({ n: 1 })]);
const last = encode([TIME, map({ n: 2 })]);
const deep = encode([TIME, map({ a: nested(200) })]);
/** Rest of `deep` below the 100 lists that are written as such: deeper values are packed. */
const deepRest = deep.subarray(deep.length - 1 - SECRET.length - 100);

/** Between two good ones; the line, or two, that it becomes. */
const ODD: readonly [what: string, entry: Buffer, lines: string[]][] = [
  ["nil", encode(null), ["null"]],
  ["a number", encode(7), ["7"]],
  ["a map", encode(map({ a: 1 })), ['{"a":1}']],
  ["an empty list", encode([]), ["[]"]],
  ["a list of one", encode([TIME]), [`[${TIME}]`]],
  ["a list of three", encode([TIME, map({ a: 1 }), "x"]), [`[${TIME},{"a":1},"x"]`]],
  ["a time that is a map", encode([map({}), map({ a: 1 })]), ['[{},{"a":1}]']],
  ["a time that is true", encode([true, map({ a: 1 })]), ['[true,{"a":1}]']],
  [
    "a time that is another extension",
    encode([new Ext(5, Buffer.of(1)), record]),
    [`["ext:5:AQ==",{"secret":"${SECRET}"}]`],
  ],
  ["a time in three parts", encode([[TIME, map({}), 1], map({})]), [`[[${TIME},{},1],{}]`]],
  ["a time beyond all calendars", encode([Infinity, map({})]), ["[null,{}]"]],
  ["a time that is no time", encode(["yesterday", map({})]), ['["yesterday",{}]']],
  ["a record that is text", encode([TIME, "text"]), ['"text"']],
  ["a record that is nil", encode([TIME, null]), ["null"]],
  [
    "a record nested too deep",
    deep,
    [`{"time":"2023-11-14T22:13:20Z","a":${"[".repeat(100)}"msgpack:${base64(deepRest)}"${"]".repeat(100)}}`],
  ],
  [
    "a key that is a map",
    encode([TIME, new Map([[map({ a: 1 }), 2]])]),
    [`{"time":"2023-11-14T22:13:20Z","msgpack:${base64(encode(map({ a: 1 })))}":2}`],
  ],
  ["a key that is nil", encode([TIME, new Map([[null, 2]])]), ['{"time":"2023-11-14T22:13:20Z","null":2}']],
  [
    "a key that is not UTF-8",
    encode([TIME, new Map([[Buffer.of(0xff), 2]])]),
    ['{"time":"2023-11-14T22:13:20Z","base64:/w==":2}'],
  ],
];

test.each(ODD)("an entry that is %s keeps none of the others back", async (_what, odd, lines) => {
  const contents = [Buffer.concat([first, odd, last]), Buffer.concat([odd, first, last])];
  const compressed = contents.flatMap((content) => [content, gzipSync(content), zstdCompressSync(content)]);
  await using forward = await ForwardFixture.start(limits);
  using client = await forward.client();
  for (const content of compressed) client.send(encode(["a", content, map({ chunk: "c" })]));
  client.send(
    Buffer.concat([
      encode(["a"]).fill(0x93, 0, 1),
      Buffer.of(0x93),
      first,
      odd,
      last,
      encode(map({ chunk: "c" })),
    ]),
  );
  for (let n = 0; n < 7; n++) expect(await client.answer()).toEqual(encode(map({ ack: "c" })));
  const inside = [FIRST, ...lines, LAST];
  const before = [...lines, FIRST, LAST];
  const expected = [inside, inside, inside, before, before, before, inside].flat();
  expect((await forward.lines()).map(([, line]) => line)).toEqual(expected);
  expect(forward.server.counts.refused).toBe(0);
});

test.each<[what: string, rest: Buffer]>([
  ["is cut", first.subarray(0, -3)],
  ["has a byte that means nothing", Buffer.from("9200c10000", "hex")],
  ["claims 4 billion values", Buffer.from("9200ddffffffff0102", "hex")],
  ["claims 4 gigabytes", Buffer.from("920081a161dbffffffff", "hex")],
])("entries whose last one %s are stored, and so is the rest as it came", async (_what, rest) => {
  await using forward = await ForwardFixture.start(limits);
  using client = await forward.client();
  const content = Buffer.concat([first, last, rest]);
  for (const bytes of [content, gzipSync(content)]) {
    client.send(encode(["a", bytes, map({ chunk: "c" })]));
    expect(await client.answer()).toEqual(encode(map({ ack: "c" })));
    expect((await forward.lines()).map(([, line]) => line)).toEqual([
      FIRST,
      LAST,
      `"msgpack:${base64(rest)}"`,
    ]);
  }
  expect(forward.server.counts).toMatchObject({ refused: 0, malformed: 2 });
  expect(forward.warnings).toHaveLength(1);
  expect(forward.warnings[0]).toContain('"tag":"a"');
});

test.each<[what: string, entry: string, line: string]>([
  ["a number", "1", "1"],
  ["a list of one", "[1]", "[1]"],
  ["a list of three", '[1,{},"x"]', '[1,{},"x"]'],
  ["no JSON", "[nope]", "[nope]"],
  [
    "nested very deep",
    `[${TIME},${"[".repeat(1_000)}${"]".repeat(1_000)}]`,
    `${"[".repeat(1_000)}${"]".repeat(1_000)}`,
  ],
  ["of a time that is none", '["yesterday",{}]', '["yesterday",{}]'],
  ["written over lines", `[${TIME},{\n\t"a" : 1}]`, '{"time":"2023-11-14T22:13:20Z",  "a" : 1}'],
])("an entry of JSON that is %s keeps none of the others back", async (_what, odd, line) => {
  await using forward = await ForwardFixture.start(limits);
  using client = await forward.client();
  client.send(Buffer.from(`["a",[[${TIME},{"n":1}],${odd},[${TIME},{"n":2}]],{"chunk":"c"}]`));
  expect((await once(client.socket, "data")).toString()).toBe('{"ack":"c"}');
  expect((await forward.lines()).map(([, line]) => line)).toEqual([FIRST, line, LAST]);
});

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

test("fifty connections too many are each turned away and counted, told of once, and those inside go on", async () => {
  await using forward = await ForwardFixture.start({ max_connections: 1 });
  using inside = await forward.client();
  expect(await inside.deliver("one")).toBe(true);
  const last = message("two");
  inside.send(last.subarray(0, 10));
  const outside = Array.from({ length: 50 }, () => new Client(connect(forward.server.port!, "127.0.0.1")));
  for (const client of outside) expect(await client.rest()).toEqual(Buffer.alloc(0));
  inside.send(last.subarray(10));
  await inside.answer();
  expect(await inside.deliver("three")).toBe(true);
  expect(forward.server.counts.refusedBy.limit).toBe(50);
  expect(forward.warnings).toHaveLength(1);
  expect(forward.warnings[0]).toContain('"peer":"127.0.0.1"');
  inside.socket.end();
  await inside.rest();
  using next = await forward.client();
  expect(await next.deliver("four")).toBe(true);
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
        // What came as JSON is stored as it was written.
        if (valid[0] === 0x5b && !line.includes("event ")) continue;
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
