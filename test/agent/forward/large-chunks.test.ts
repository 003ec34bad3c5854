import { setImmediate } from "node:timers/promises";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Content, WholeInput } from "../../../agent/push/forward/byte-input.ts";
import { Inflated } from "../../../agent/push/forward/inflated.ts";
import { MessageBudget } from "../../../agent/push/forward/message-budget.ts";
import { ByteBudget } from "../../../agent/push/forward/pending-bytes.ts";
import { ZstdFrames } from "../../../agent/push/forward/zstd-frames.ts";
import { encode, eventTime, map, type Value } from "./encode.ts";
import { ForwardFixture, message } from "./forward-fixture.ts";

const MIB = 2 ** 20;
const TIME = 1_700_000_000;
const time = '"time":"2023-11-14T22:13:20Z"';
const text = "x".repeat(1_000);
const entry = (n: number) => encode([eventTime(TIME, 0), map({ n, text })]);
const lineOf = (n: number) => `{${time},"n":${n},"text":"${text}"}`;

/** A message of so many entries, as it goes over the wire. */
const MODES: Readonly<Record<string, (entries: Buffer[]) => Buffer>> = {
  PackedForward: (entries) => encode(["a", Buffer.concat(entries), map({ chunk: "c" })]),
  "PackedForward in gzip": (entries) =>
    encode(["a", gzipSync(Buffer.concat(entries), { level: 1 }), map({ chunk: "c", compressed: "gzip" })]),
  "PackedForward in zstd": (entries) =>
    encode(["a", zstdCompressSync(Buffer.concat(entries)), map({ chunk: "c", compressed: "zstd" })]),
  Forward: (entries) => {
    const head = Buffer.from("93a161dd00000000", "hex");
    head.writeUInt32BE(entries.length, 4);
    return Buffer.concat([head, ...entries, encode(map({ chunk: "c" }))]);
  },
};

test.each(Object.keys(MODES))(
  "%s of 40 MB is stored as it comes, holding little of it, and acknowledged once all of it is on disk",
  async (mode) => {
    const limits = { max_pending_bytes: 12 * MIB, max_inflation_ratio: 10_000 };
    await using forward = await ForwardFixture.start(limits, { maxBytes: 4 * MIB, maxLineBytes: 4_096 });
    using client = await forward.client();
    using bystander = await forward.client();
    const count = 40_000;
    client.send(MODES[mode]!(Array.from({ length: count }, (_, n) => entry(n))));
    let delivered = 0;
    let answer: Buffer | undefined;
    const answered = client.answer().then((bytes) => (answer = bytes));
    // The spool holds a tenth of it: most is delivered before the last of it can be stored.
    while (delivered < count) {
      for (const [, line] of await forward.lines()) {
        if (!line.startsWith(`{${time},"n":`)) continue;
        if (line !== lineOf(delivered)) expect(line).toBe(lineOf(delivered));
        delivered++;
      }
      if (delivered < count - 10_000) expect(answer).toBeUndefined();
      await forward.run.checkpoint();
      await setImmediate();
    }
    await answered;
    expect(answer).toEqual(encode(map({ ack: "c" })));
    expect(await bystander.deliver("after")).toBe(true);
    expect(forward.server.counts.refused).toBe(0);
  },
);

test.each(Object.keys(MODES))(
  "of %s that is cut off, what came is stored, and nothing acknowledged",
  async (mode) => {
    await using forward = await ForwardFixture.start({}, { maxBytes: 16 * MIB });
    using client = await forward.client();
    const bytes = MODES[mode]!(Array.from({ length: 500 }, (_, n) => entry(n)));
    client.send(bytes.subarray(0, Math.ceil(bytes.length * 0.9)));
    client.socket.end();
    expect(await client.rest()).toEqual(Buffer.alloc(0));
    const lines = (await forward.lines()).map(([, line]) => line);
    expect(lines).toEqual(lines.map((_, n) => lineOf(n)));
    if (!mode.includes(" in ")) expect(lines.length).toBeGreaterThan(300);
    expect(forward.server.counts).toMatchObject({ acks: 0, refusedBy: { broken: 1 } });
    // It comes again, and all of it is stored once more.
    using again = await forward.client();
    again.send(bytes);
    expect(await again.answer()).toEqual(encode(map({ ack: "c" })));
    expect(await forward.lines()).toHaveLength(500);
  },
);

test.each(["MessagePack", "JSON"])(
  "an event of 20 MB in %s is cut, holding no more of it than a line",
  async (encoding) => {
    const limits = { max_pending_bytes: 2 * MIB };
    await using forward = await ForwardFixture.start(limits, { maxBytes: 16 * MIB, maxLineBytes: 100_000 });
    using client = await forward.client();
    const long = "y".repeat(20 * MIB);
    if (encoding === "JSON")
      client.send(Buffer.from(`["a",[[${TIME},{"n":0}],[${TIME},{"long":"${long}"}],[${TIME},{"n":1}]]]`));
    else
      client.send(
        encode([
          "a",
          [0, 1].flatMap((n): Value[] => [
            [TIME, map({ n })],
            [TIME, map({ long })],
          ]),
        ]),
      );
    const json = encoding === "JSON";
    client.socket.end();
    await client.rest();
    const events = await forward.run.deliver();
    const texts = events.map(({ text }) => text.slice(0, 60));
    const cut = json ? `[${TIME},{"long":"` : `{${time},"long":"`;
    const whole = [0, 1].map((n) => `{${time},"n":${n}}`);
    const starts = json ? [whole[0], cut, whole[1]] : [whole[0], cut, whole[1], cut];
    expect(texts.map((text, i) => text.slice(0, starts[i]!.length))).toEqual(starts);
    const long1 = events[1]!;
    expect(long1.text).toHaveLength(100_000);
    // What is missing is a gap, as long as what was sent of it or longer by a little.
    const next = events[2]!.position;
    expect(next.gap).toMatchObject({ reason: "too-long" });
    const missing = next.offset - long1.position.offset - 100_000;
    expect(missing).toBeGreaterThan(19.8 * MIB);
    expect(missing).toBeLessThan(20.2 * MIB);
  },
);

/** Messages of every kind, and what they come to. */
const STREAM: readonly (readonly [Buffer, string[]])[] = [
  [encode(null), []],
  [encode(["a", TIME, map({ n: 1 })]), [`{${time},"n":1}`]],
  [encode(["a", "2023-11-14T22:13:20Z", map({ n: 2 }), map({ chunk: "c" })]), [`{${time},"n":2}`]],
  [
    encode(["a", [[TIME, map({ n: 3 })], 7, [TIME, map({ n: 4 })]]]),
    [`{${time},"n":3}`, "7", `{${time},"n":4}`],
  ],
  [encode(["a", Buffer.concat([encode(8), entry(5)]), map({ chunk: 1 })]), ["8", lineOf(5)]],
  [encode(["a", gzipSync(Buffer.concat([entry(6), entry(7)]))]), [lineOf(6), lineOf(7)]],
  [encode(["a", Buffer.concat([8, 9].map((n) => zstdCompressSync(entry(n))))]), [lineOf(8), lineOf(9)]],
  [encode(["a", Buffer.alloc(0), null]), []],
  [encode(["a", encode([TIME, map({ long: "l".repeat(4_000) })])]), [`{${time},"long":"${"l".repeat(300)}`]],
];
const JSON_STREAM: readonly (readonly [Buffer, string[]])[] = [
  [Buffer.from(`["a",${TIME},{"n":1}] \n`), [`{${time},"n":1}`]],
  [
    Buffer.from(`["a",[[${TIME},{"s":"]\\"["}] ,\n[1],[${TIME}.0,{}]],{"chunk":"c"}]`),
    [`{${time},"s":"]\\"["}`, "[1]", `{${time}}`],
  ],
  [Buffer.from(`["a",[],{}]`), []],
  [Buffer.from(`["a",null,"${"l".repeat(4_000)}"]`), [`"${"l".repeat(299)}`]],
];

test("a stream of messages comes to the same in whatever pieces it is cut", async () => {
  await using forward = await ForwardFixture.start({}, { maxBytes: 16 * MIB, maxLineBytes: 2_000 });
  const kinds = fc.boolean().chain((isJson) => {
    const picked = fc.array(fc.nat((isJson ? JSON_STREAM : STREAM).length - 1), {
      minLength: 1,
      maxLength: 8,
    });
    return picked.map((picked) => picked.map((i) => (isJson ? JSON_STREAM : STREAM)[i]!));
  });
  await fc.assert(
    fc.asyncProperty(
      kinds,
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }),
      async (messages, cuts) => {
        using client = await forward.client();
        const bytes = Buffer.concat(messages.map(([bytes]) => bytes));
        const ends = [...cuts.map((cut) => Math.floor(cut * bytes.length)), bytes.length].sort(
          (a, b) => a - b,
        );
        let at = 0;
        for (const end of ends) {
          client.send(bytes.subarray(at, end));
          at = end;
          await setImmediate();
        }
        client.socket.end();
        await client.rest();
        const lines = (await forward.lines()).map(([, line]) => line);
        await forward.run.checkpoint();
        const expected = messages.flatMap(([, lines]) => lines);
        expect(
          lines.map((line, i) => (line.length < 1_500 ? line : line.slice(0, expected[i]?.length))),
        ).toEqual(expected);
      },
    ),
    { numRuns: 150 },
  );
  expect(forward.server.counts.refused).toBe(0);
});

const limits = {
  maxMessageBytes: 2 ** 40,
  maxInflatedBytes: 2 ** 40,
  maxInflationRatio: 1,
  maxMessageEvents: 1,
};

test("frames of zstd are found wherever they are cut, whatever is in them", async () => {
  const content = fc.oneof(
    fc.uint8Array({ maxLength: 2_000 }).map((bytes) => Buffer.from(bytes)),
    fc.integer({ min: 0, max: 300_000 }).map((length) => Buffer.alloc(length, "run ")),
  );
  const frame = fc.tuple(content, fc.boolean()).map(([content, hasChecksum]) => {
    const params = { [201]: Number(hasChecksum) };
    return { content, bytes: zstdCompressSync(content, { params }) };
  });
  const skippable = fc.nat(40).map((length) => {
    const head = Buffer.from("502a4d1800000000", "hex");
    head.writeUInt32LE(length, 4);
    return { content: Buffer.alloc(0), bytes: Buffer.concat([head, Buffer.alloc(length, 1)]) };
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(frame, skippable), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 500 }),
      async (frames, step) => {
        const bytes = Buffer.concat(frames.map(({ bytes }) => bytes));
        const found = new ZstdFrames(() => {});
        const ends: number[] = [];
        for (let at = 0, end = 0; at < bytes.length; at += step) {
          for (const piece of found.pieces(bytes.subarray(at, at + step))) {
            end += piece.length;
            if (found.isWhole || piece.length < Math.min(step, bytes.length - at)) ends.push(end);
          }
        }
        expect(found.isWhole).toBe(true);
        const due = frames.map((_, i) =>
          frames.slice(0, i + 1).reduce((sum, { bytes }) => sum + bytes.length, 0),
        );
        expect(ends).toEqual(expect.arrayContaining(due));
        using inflated = new Inflated(
          new Content(new WholeInput(bytes), bytes.length),
          "zstd",
          new ByteBudget(16 * MIB),
          new MessageBudget(limits),
        );
        while (await inflated.more());
        expect(inflated.window.equals(Buffer.concat(frames.map(({ content }) => content)))).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
});

test("who has ended its side hears that all is stored, and so does who asked for nothing", async () => {
  await using forward = await ForwardFixture.start();
  using client = await forward.client();
  client.send(message("one"));
  client.send(message("two"));
  client.socket.end();
  const acks = ["one", "two"].map((chunk) => encode(map({ ack: chunk })));
  expect(await client.rest()).toEqual(Buffer.concat(acks));
});
