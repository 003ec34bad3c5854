import type { Random } from "../../local/traffic/random.ts";

/** Numbers at which sizes, offsets and counts go wrong. */
const EDGES = [
  0,
  -0,
  1,
  -1,
  127,
  128,
  255,
  256,
  65_535,
  2 ** 31 - 1,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  1e308,
  0.5,
];
const TEXTS = [
  "",
  "a",
  "\0",
  "../../etc/passwd",
  "${HOME}",
  "__proto__",
  "\ud800",
  "é".repeat(300),
  "9".repeat(400),
];
const EDITS_MAX = 8;

/** Spoils bytes: some are changed, removed, put in, repeated, moved, or the end is missing. */
export function mutateBytes(random: Random, bytes: Buffer): Buffer {
  let out = Buffer.from(bytes);
  for (let edits = 1 + random.below(EDITS_MAX); edits > 0; edits--) out = editBytes(random, out);
  return out;
}

function editBytes(random: Random, bytes: Buffer): Buffer<ArrayBuffer> {
  const at = random.below(bytes.length + 1);
  const length = Math.min(random.skewed(4), bytes.length - at);
  const [before, part, after] = [
    bytes.subarray(0, at),
    bytes.subarray(at, at + length),
    bytes.subarray(at + length),
  ];
  switch (random.below(7)) {
    case 0:
      return Buffer.concat([before, part.map(() => random.below(256)), after]);
    case 1:
      return Buffer.concat([before, part.map((byte) => byte ^ (1 << random.below(8))), after]);
    case 2:
      return Buffer.concat([before, after]);
    case 3:
      return Buffer.concat([before, part, part, after]);
    case 4:
      return Buffer.concat([after, part, before]);
    case 5:
      return Buffer.concat([
        before,
        Buffer.alloc(random.skewed(8), random.pick([0, 0xff, 0x80, 0x0a])),
        part,
        after,
      ]);
    default:
      return Buffer.from(random.chance(0.2) ? before : bytes);
  }
}

/** Spoils a JSON value where it is: one of its parts becomes another, is missing, is there twice, or nested. */
export function mutateJson(random: Random, value: unknown): unknown {
  const copy = structuredClone(value);
  for (let edits = 1 + random.below(EDITS_MAX); edits > 0; edits--) {
    const holders = holdersIn(copy);
    if (holders.length === 0) return oddValue(random);
    editHolder(random, random.pick(holders));
  }
  return copy;
}

type Holder = Record<string, unknown> | unknown[];

function holdersIn(value: unknown): Holder[] {
  if (typeof value !== "object" || value === null) return [];
  return [value as Holder, ...Object.values(value).flatMap(holdersIn)];
}

function editHolder(random: Random, holder: Holder): void {
  const keys = Object.keys(holder);
  const fields = holder as Record<string, unknown>;
  const key = keys.length === 0 ? "0" : random.pick(keys);
  switch (random.below(5)) {
    case 0:
      delete fields[key];
      return;
    case 1:
      fields[key] = { [key]: [fields[key]] };
      return;
    case 2:
      if (Array.isArray(holder)) holder.push(...holder.slice(0, 100));
      else fields[random.pick(TEXTS)] = oddValue(random);
      return;
    default:
      fields[key] = near(random, fields[key]);
  }
}

/** Mostly of the same kind, so that what checks kinds lets it pass. */
function near(random: Random, value: unknown): unknown {
  if (typeof value === "number" && random.chance(0.8))
    return random.chance(0.5) ? random.pick(EDGES) : value + random.below(3) - 1;
  if (typeof value === "string" && random.chance(0.8)) {
    return random.chance(0.5) ? random.pick(TEXTS) : mutateBytes(random, Buffer.from(value)).toString();
  }
  return oddValue(random);
}

function oddValue(random: Random): unknown {
  return random.pick<unknown>([null, true, [], {}, "", -1, random.pick(EDGES), random.pick(TEXTS)]);
}
