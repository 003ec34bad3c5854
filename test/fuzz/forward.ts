import { setImmediate as turn } from "node:timers/promises";
import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import type { Random } from "../../local/traffic/random.ts";
import { encode, eventTime, Ext, map, type Value } from "../agent/forward/encode.ts";
import { ForwardFixture } from "../agent/forward/forward-fixture.ts";
import type { Target } from "./fuzz.ts";
import { mutateBytes, mutateJson } from "./mutation.ts";

const TIME = 1_764_000_000;
const MIB = 2 ** 20;
const DEPTH_MAX = 6;

/** Whatever one sender says, it gets to an end, and another one's events are stored and acknowledged. */
export const forward: Target = {
  name: "forward",
  async start() {
    const limits = { max_inflated_bytes: 8 * MIB, max_pending_bytes: 16 * MIB, message_timeout_ms: 1_000 };
    const fixture = await ForwardFixture.start(limits);
    const bystander = await fixture.client();
    let cases = 0;
    return {
      async run(random: Random) {
        using hostile = await fixture.client();
        for (let n = 1 + random.below(3); n > 0; n--) hostile.send(said(random));
        hostile.socket.end();
        const text = `event ${cases++}`;
        const ended = Promise.all([bystander.deliver(text), hostile.rest()]);
        const lines = await readUntil(fixture, ended, `"${text}"`);
        if (!(await ended)[0]) throw new Error("another sender was hung up on");
        if (lines === 0) throw new Error("another one's event is gone");
      },
      async [Symbol.asyncDispose]() {
        bystander[Symbol.dispose]();
        await fixture[Symbol.asyncDispose]();
      },
    };
  },
};

/** Takes lines out of the spool, which would hold back everybody once it is full. @returns how many have the text */
async function readUntil(fixture: ForwardFixture, ended: Promise<unknown>, text: string): Promise<number> {
  let isOver = false;
  let found = 0;
  void ended.finally(() => (isOver = true)).catch(() => {});
  for (let isLast = false; !isLast;) {
    isLast = isOver;
    for (const [, line] of await fixture.lines()) if (line.includes(text)) found++;
    await fixture.run.checkpoint();
    await turn();
  }
  return found;
}

/** A message, whole or spoilt. */
function said(random: Random): Buffer {
  const bytes = random.chance(0.3) ? jsonMessage(random) : messagePack(random);
  return random.chance(0.5) ? mutateBytes(random, bytes) : bytes;
}

function jsonMessage(random: Random): Buffer {
  const record = { n: 1, text: "ü\n", list: [1.5, null], [random.pick(["time", "__proto__", "a"])]: TIME };
  const sound = random.chance(0.5)
    ? ["a", TIME, record, { chunk: "c" }]
    : ["a", Array.from({ length: random.below(20) }, () => [TIME, record]), { chunk: "c" }];
  return Buffer.from(JSON.stringify(random.chance(0.6) ? mutateJson(random, sound) : sound));
}

function messagePack(random: Random): Buffer {
  const option = map({ chunk: odd(random, 1), ...(random.chance(0.3) && { size: odd(random, 1) }) });
  const entries = Array.from({ length: random.below(random.chance(0.1) ? 2_000 : 8) }, () => entry(random));
  switch (random.below(3)) {
    case 0:
      return encode([tag(random), ...entry(random), option], width(random));
    case 1:
      return encode([tag(random), entries, option], width(random));
    default: {
      const content = Buffer.concat(entries.map((one) => encode(one, width(random))));
      return packed(random, random.chance(0.3) ? mutateBytes(random, content) : content);
    }
  }
}

function packed(random: Random, content: Buffer): Buffer {
  const codecs = {
    gzip: gzipSync,
    zstd: zstdCompressSync,
    deflate: deflateSync,
    none: (bytes: Buffer) => bytes,
  };
  const named = random.pick(Object.keys(codecs) as (keyof typeof codecs)[]);
  const used = random.chance(0.9) ? named : random.pick(Object.keys(codecs) as (keyof typeof codecs)[]);
  let bytes: Buffer = codecs[used](content);
  if (random.chance(0.1)) bytes = Buffer.concat(Array<Buffer>(1 + random.below(300)).fill(bytes));
  const option = { chunk: "c", ...(named !== "none" && { compressed: named }) };
  return encode([tag(random), random.chance(0.5) ? bytes : Buffer.from(bytes), map(option)]);
}

const tag = (random: Random): Value => (random.chance(0.9) ? "app" : odd(random, 1));

function entry(random: Random): Value[] {
  const times = [TIME, eventTime(TIME, 5), 0, null, new Ext(-1, Buffer.alloc(8)), TIME * 1e3, "now"];
  const time = random.chance(0.9) ? random.pick<Value>(times) : odd(random, DEPTH_MAX);
  return [time, random.chance(0.7) ? map({ n: 1, more: odd(random, 0) }) : odd(random, 0)];
}

/** Any value at all, of no great depth but for one in a hundred. */
function odd(random: Random, depth: number): Value {
  if (random.chance(0.01)) return nested(random, 200);
  const scalars: Value[] = [
    null,
    true,
    -1,
    2n ** 64n - 1n,
    1.5,
    "a",
    "\0",
    Buffer.of(0xff, 0xfe),
    new Ext(5, Buffer.alloc(3)),
  ];
  if (depth >= DEPTH_MAX || random.chance(0.6)) return random.pick(scalars);
  const size = random.below(4);
  if (random.chance(0.5)) return Array.from({ length: size }, () => odd(random, depth + 1));
  return new Map(Array.from({ length: size }, () => [odd(random, depth + 1), odd(random, depth + 1)]));
}

function nested(random: Random, depth: number): Value {
  let value: Value = "deep";
  for (let n = random.below(depth); n > 0; n--)
    value = random.chance(0.5) ? [value] : new Map([[value, null]]);
  return value;
}

const width = (random: Random) => (): number => (random.chance(0.9) ? 0 : random.below(4));
