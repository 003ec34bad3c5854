import { setImmediate } from "node:timers/promises";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { LoopTurns } from "../../../agent/push/forward/loop-turns.ts";
import { threadCpuMs } from "../../cpu-time.ts";
import { encode, map } from "./encode.ts";
import { type Client, ForwardFixture } from "./forward-fixture.ts";

const MIB = 2 ** 20;

/** Does nothing else meanwhile. */
function work(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

test("who works on asks for turns, and all together have one in each round of the loop", async () => {
  const turns = new LoopTurns();
  let rounds = 0;
  const done = new AbortController();
  const count = async () => {
    for (; !done.signal.aborted; rounds++) await setImmediate();
  };
  const counting = count();
  const worked: number[] = [];
  const worker = async (name: number) => {
    for (let piece = 0; piece < 5; piece++) {
      await turns.next();
      while (!turns.isOver) work(1);
      worked.push(name);
    }
  };
  await Promise.all([worker(1), worker(2), worker(3)]);
  done.abort();
  await counting;
  expect(rounds).toBeGreaterThanOrEqual(13);
  // Nobody is passed over.
  for (const name of [1, 2, 3]) expect(worked.indexOf(name)).toBeLessThan(6);
});

test("who has little to do does not wait", async () => {
  const turns = new LoopTurns();
  await setImmediate();
  let isImmediate = false;
  const seen = setImmediate().then(() => (isImmediate = true));
  for (let n = 0; n < 10; n++) await turns.next();
  expect(isImmediate).toBe(false);
  await seen;
});

const list = (text: string, count: number) => Buffer.from(`["a",[${`${text},`.repeat(count)}${text}]]`);
const controls = Buffer.alloc(8 * MIB, 1);
const deepKey = () => {
  let key = encode('"');
  for (let depth = 0; depth < 60; depth++) key = Buffer.concat([Buffer.of(0x81), key, Buffer.of(1)]);
  return Buffer.concat([Buffer.of(0x93), encode("a"), Buffer.of(0, 0x81), key, Buffer.of(1)]);
};
const tiny = Buffer.alloc(30 * MIB, Buffer.of(0x92, 0x00, 0x80));
const packed = (bytes: Buffer) => encode(["a", bytes]);
/** A list of so many values of one byte. */
const flat = (value: number) =>
  Buffer.concat([Buffer.from("dd00200000", "hex"), Buffer.alloc(2 * MIB, value)]);

const EMPTY_FRAME = zstdCompressSync(Buffer.alloc(0));

/** Each within its limits, or refused, and none of them in the way of others. */
const BOMBS: Readonly<Record<string, () => Buffer>> = {
  "tiny entries in gzip": () => packed(gzipSync(tiny)),
  "tiny entries in zstd": () => packed(zstdCompressSync(tiny)),
  "tiny entries": () => packed(tiny.subarray(0, MIB)),
  "tiny entries of JSON": () => list("[0,{}]", 100_000),
  "broken entries of JSON": () => list("[x]", 100_000),
  "entries that are none": () => packed(Buffer.concat([encode([1, map({})]), Buffer.alloc(MIB / 4)])),
  "control characters": () => encode(["a", 1, map({ m: controls })]),
  "bytes that are not UTF-8": () => encode(["a", 1, map({ m: Buffer.alloc(8 * MIB, 0xff) })]),
  "keys in keys": deepKey,
  "a record of very many values": () => Buffer.concat([Buffer.of(0x93), encode("a"), Buffer.of(1), flat(0)]),
  "a record of very many lists": () =>
    Buffer.concat([Buffer.of(0x93), encode("a"), Buffer.of(1), flat(0x90)]),
  "very much metadata": () => packed(Buffer.concat([Buffer.of(0x92, 0x92, 0x01), flat(0), Buffer.of(0x80)])),
  "a record of JSON in lists": () => list(`[1,${"[".repeat(200_000)}${"]".repeat(200_000)}]`, 10),
  "lists in a record of JSON": () => list(`[1,[${"[],".repeat(60_000)}0]]`, 20),
  "a record of JSON in maps": () => list(`[1,{"a":[${"{},".repeat(60_000)}0]}]`, 20),
  "frames of zstd": () => packed(Buffer.concat(Array<Buffer>(30_000).fill(EMPTY_FRAME))),
};

/** Work between two looks at the loop, in milliseconds of processor: the machine may be busy with something else. */
async function longestWork(during: Promise<unknown>): Promise<number> {
  let longest = 0;
  const over = new AbortController();
  const done = during.finally(() => over.abort());
  let before = threadCpuMs();
  while (!over.signal.aborted) {
    await setImmediate();
    const now = threadCpuMs();
    longest = Math.max(longest, now - before);
    before = now;
  }
  await done;
  return longest;
}

async function sendAndEnd(client: Client, bytes: Buffer): Promise<void> {
  client.send(bytes);
  client.socket.end();
  await client.rest();
}

test.each(Object.keys(BOMBS))("%s do not stop the loop, nor take memory", async (name) => {
  const limits = { max_pending_bytes: 16 * MIB, max_message_events: 100_000 };
  const sizes = { maxBytes: 64 * MIB, maxLineBytes: 512 * 1_024, overflow: "drop-newest" } as const;
  await using forward = await ForwardFixture.start(limits, sizes);
  using bystander = await forward.client();
  using client = await forward.client();
  expect(await bystander.deliver("before")).toBe(true);
  const bytes = BOMBS[name]!();
  const { rss } = process.memoryUsage();
  const longest = await longestWork(sendAndEnd(client, bytes));
  expect(longest).toBeLessThan(150);
  // What the spool in memory holds of it is not the forward input's.
  expect(process.memoryUsage().rss - rss).toBeLessThan(400 * MIB);
  expect(await bystander.deliver("after")).toBe(true);
});
