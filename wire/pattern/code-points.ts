/** Code points from, to and including; sorted, apart from one another, and never surrogates. */
export type CodePoints = readonly (readonly [from: number, to: number])[];

/** What the characters of a text are: code points, or the bytes of its UTF-8 one by one. */
export type Alphabet = "unicode" | "bytes";

const FIRST_SURROGATE = 0xd800;
const AFTER_SURROGATES = 0xe000;
const FIRST_ASTRAL = 0x1_0000;
const LOW_FIRST = 0xdc00;
const LOW_LAST = 0xdfff;

export const EVERY: Readonly<Record<Alphabet, CodePoints>> = {
  bytes: [[0, 0xff]],
  unicode: [
    [0, FIRST_SURROGATE - 1],
    [AFTER_SURROGATES, 0x10_ffff],
  ],
};

export function union(sets: readonly CodePoints[]): CodePoints {
  const merged: [number, number][] = [];
  for (const [from, to] of sets.flat().sort(([a], [b]) => a - b)) {
    const last = merged.at(-1);
    if (last === undefined || from > last[1] + 1) merged.push([from, to]);
    else last[1] = Math.max(last[1], to);
  }
  return merged;
}

export function complement(points: CodePoints, alphabet: Alphabet): CodePoints {
  return EVERY[alphabet].flatMap(([first, last]) => {
    const left: [number, number][] = [];
    let at = first;
    for (const [from, to] of points) {
      if (to < at || from > last) continue;
      if (from > at) left.push([at, from - 1]);
      at = to + 1;
    }
    return at > last ? left : [...left, [at, last] as const];
  });
}

const everyText: Partial<Record<Alphabet, string>> = {};

/** Finds which characters a pattern of one character matches: V8 itself is asked about each there is. */
export function matchedBy(source: string, flags: string, alphabet: Alphabet): CodePoints {
  const all = (everyText[alphabet] ??= textOf(EVERY[alphabet]));
  return [...all.matchAll(new RegExp(`(?:${source})+`, `g${flags}`))].flatMap(([run]) => {
    const last = run.codePointAt(run.length - 2) ?? 0;
    const to = last >= FIRST_ASTRAL ? last : run.charCodeAt(run.length - 1);
    return withoutSurrogates(run.codePointAt(0)!, to);
  });
}

function textOf(points: CodePoints): string {
  const units = new Uint16Array(points.reduce((sum, [from, to]) => sum + 2 * (to - from + 1), 0));
  let at = 0;
  for (const [from, to] of points) {
    for (let point = from; point <= to; point++) {
      if (point >= FIRST_ASTRAL) units[at++] = 0xd800 + ((point - FIRST_ASTRAL) >> 10);
      units[at++] = point < FIRST_ASTRAL ? point : LOW_FIRST + ((point - FIRST_ASTRAL) & 0x3ff);
    }
  }
  return Buffer.from(units.buffer, 0, at * 2).toString("utf16le");
}

/** Neighbours in that text may have the surrogates between them, which are not in it. */
export function withoutSurrogates(from: number, to: number): CodePoints {
  if (from >= AFTER_SURROGATES || to < FIRST_SURROGATE) return [[from, to]];
  return [
    ...(from < FIRST_SURROGATE ? [[from, FIRST_SURROGATE - 1] as const] : []),
    ...(to >= AFTER_SURROGATES ? [[AFTER_SURROGATES, to] as const] : []),
  ];
}

/** These code points as a pattern without flags, of a text that is well-formed. */
export function printCodePoints(points: CodePoints): string {
  const basic = points.filter(([from]) => from < FIRST_ASTRAL);
  const astral = points.filter(([, to]) => to >= FIRST_ASTRAL);
  const set = basic.map(([from, to]) => range(from, Math.min(to, FIRST_ASTRAL - 1))).join("");
  if (astral.length === 0) return `[${set}]`;
  const alternatives = astral.flatMap(([from, to]) => pairsOf(Math.max(from, FIRST_ASTRAL), to));
  return `(?:${[...(set === "" ? [] : [`[${set}]`]), ...alternatives].join("|")})`;
}

/** Surrogate pairs from, to and including: only the first and the last high surrogate may lack low ones. */
function pairsOf(from: number, to: number): string[] {
  const [high, low] = halves(from);
  const [lastHigh, lastLow] = halves(to);
  if (high === lastHigh) return [pairs(high, high, low, lastLow)];
  const first = low === LOW_FIRST ? high : high + 1;
  const last = lastLow === LOW_LAST ? lastHigh : lastHigh - 1;
  return [
    ...(first > high ? [pairs(high, high, low, LOW_LAST)] : []),
    ...(first <= last ? [pairs(first, last, LOW_FIRST, LOW_LAST)] : []),
    ...(last < lastHigh ? [pairs(lastHigh, lastHigh, LOW_FIRST, lastLow)] : []),
  ];
}

function halves(point: number): [high: number, low: number] {
  const text = String.fromCodePoint(point);
  return [text.charCodeAt(0), text.charCodeAt(1)];
}

function pairs(high: number, lastHigh: number, low: number, lastLow: number): string {
  return `[${range(high, lastHigh)}][${range(low, lastLow)}]`;
}

function range(from: number, to: number): string {
  return from === to ? unit(from) : `${unit(from)}-${unit(to)}`;
}

function unit(code: number): string {
  const character = String.fromCharCode(code);
  if (/[\w ]/.test(character)) return character;
  const digits = code.toString(16);
  return code <= 0xff ? `\\x${digits.padStart(2, "0")}` : `\\u${digits.padStart(4, "0")}`;
}
