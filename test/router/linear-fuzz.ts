import { Router } from "../../lambdas/router/router.ts";
import type { WeirConfigInput } from "../../wire/config.ts";
import { cpuMs } from "../cpu-time.ts";
import { costsBeyond } from "../linear-time.ts";
import { aggregate, configOf, streamRecord } from "./batch-fixture.ts";

/**
 * Routes long lines of a few repeated pieces, made from a seed, and finds those of which twice the length takes more
 * than about twice the time: of every format, column and time format, in the plain way and in the general one.
 *
 *     npx node test/router/linear-fuzz.ts SEED SECONDS
 */
export interface SlowLine {
  readonly type: string;
  readonly line: string;
  /** CPU ms of a long line, and of one four times as long. */
  readonly costs: readonly number[];
}

type TypeInput = WeirConfigInput["types"][number];
type Parse = TypeInput["parse"];
type TimeFormat = NonNullable<TypeInput["time"]>["format"];

const COLUMNS = [
  "smallint",
  "integer",
  "bigint",
  "real",
  "double precision",
  "decimal(12,2)",
  "decimal(38,10)",
  "boolean",
  "date",
  "timestamp",
  "timestamptz",
  "varchar(65535)",
  "char(400)",
  "super",
];
const TIMES: readonly TimeFormat[] = [
  "iso8601",
  "clf",
  "epoch-seconds",
  "epoch",
  "syslog",
  "%a %b %e %I:%M:%S.%L %p %Z %Y",
];

const APACHE2 = String.raw`^(?<a>[^ ]*) [^ ]* (?<user>[^ ]*) \[(?<t>[^\]]*)\] "(?<method>\S+)(?: +(?<b>(?:[^"]|\\.)*?)(?: +\S*)?)?" (?<code>[^ ]*) (?<size>[^ ]*)(?: "(?<referer>(?:[^"]|\\.)*)" "(?<agent>(?:[^"]|\\.)*)")?$`;

/** One of each kind of thing that an expression does. */
export const VALUES = [
  "a.contains('aab') || a.split('.').exists(t, t.startsWith('x') && t.contains('yx'))",
  "a.replace('0', '11').lower() + a.trim() + a.substring(3)",
  "a.split(' ').join('-')",
  "a.matches('^(x+x+)+y|[0-9]+[.]x') || a.extract('(?:a|aa)+$') == 'aa'",
  "query(a, 'utm_source') + query(_line, 'b')",
  "x.exists(i, i in [1, 'x'] || i.exists(j, j == 5)) || x.all(i, has(i.a))",
  "a in x || b.c in b",
  "int(a) + double(a) + size(a) + a.indexOf('xy') + a.lastIndexOf('0.')",
  "maskIp(a) + maskEmail(a) + maskButLast(a, 4)",
  "lookup('t', a) + hash(a)",
  "userAgent(a, 'browser') + userAgent(_line, 'device')",
  "a == b.c || a < b.c || x == b.c",
];

const PARSERS: Readonly<
  Record<string, { parse: Parse; fields: readonly string[]; values?: readonly string[] }>
> = {
  computed: { parse: { format: "json" }, fields: ["a"], values: VALUES },
  json: { parse: { format: "json" }, fields: ["a", "b.c"] },
  ltsv: { parse: { format: "ltsv" }, fields: ["a"] },
  combined: { parse: { format: "combined" }, fields: ["path", "agent", "bytes", "host"] },
  common: { parse: { format: "common", trailing: "keep", escapes: "decode" }, fields: ["path", "bytes"] },
  nginx: {
    parse: { format: "nginx", logFormat: '$remote_addr:$a [$time_local] "$request" $upstream_addr | $b' },
    fields: ["a", "b"],
  },
  csv: { parse: { format: "csv", fields: ["a", "b"] }, fields: ["a", "b"] },
  tsv: { parse: { format: "tsv", fields: ["a", "b"] }, fields: ["a", "b"] },
  raw: { parse: { format: "raw" }, fields: ["line"] },
  apache2: { parse: { format: "regex", pattern: APACHE2 }, fields: ["a", "b"] },
  words: {
    parse: { format: "regex", pattern: String.raw`(?<a>\w+)\s*=\s*(?<b>.*?),.*?;\s+$` },
    fields: ["a", "b"],
  },
  nested: {
    parse: { format: "regex", pattern: String.raw`^(?<a>(?:\w+\s?)+)$|(?i:(?<b>x+x+)+y)` },
    fields: ["a"],
  },
};

/** A value of its own in each format, where repeated pieces may stand. */
const FRAMES: Readonly<Record<string, readonly (readonly [before: string, after: string])[]>> = {
  json: [
    ["", ""],
    ['{"a":', "}"],
    ['{"a":"', '"}'],
    ['{"b":{"c":', "}}"],
    ['{"a":0.', "1}"],
    ['{"x":[', '0],"a":1}'],
    ["{", '"a":1}'],
    ['{"x":"', '","a":1e400}'],
    ['{"t":"', '"}'],
  ],
  ltsv: [
    ["", ""],
    ["a:", "\tt:1"],
    ["a:0.", "1\tt:1"],
    ["t:", ""],
  ],
  combined: [
    ["", ""],
    ['1.1.1.1 - - [10/Oct/2000:13:55:36 -0700] "GET /', ' HTTP/1.1" 200 5 "-" "-"'],
    ['1.1.1.1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 5 "-" "', '"'],
    ["1.1.1.1 - - [", '] "GET / HTTP/1.1" 200 5 "-" "-"'],
  ],
  csv: [
    ["", ""],
    ['"', '",1'],
    ["0.", "1,1.5"],
    ["1,", ""],
  ],
};

const SAME_FRAMES: Readonly<Record<string, string>> = {
  common: "combined",
  apache2: "combined",
  computed: "json",
};

/** What is repeated, by kind: runs of one kind are what grammars stumble over. */
const PIECES: readonly (readonly string[])[] = [
  ["0", "9", "5", ".", "e", "-", "0.0", "00000000", "99999999", "1e5,", "1E999,", "1234567890123456,"],
  ['"', "\\", '\\"', "\\\\", "\\u0000", "\\ud83d", '""', '" ', '","', "\\N", "'"],
  ["[", "]", "{", "}", "[[[[", "]]]]", '{"a":', '"a":1,', '"#":1,', '"#":"#",', "[],", "{},", ",", ":"],
  ["#:1\t", "a:1\t", "\t", " ", "a=1, ", "word ", ";", "=", "\r", "+", "/", " HTTP/"],
  ["x", "y", "a", "Z", "\0", "\u0001", "\u00e9", "\u{1f600}", "\ufeff", "\u2028"],
  ["2026-11-21T10:00:00Z", "10/Oct/2000:13:55:36 -0700", "Oct 10 13:55:36 ", "2026-", "13:", "+0000"],
];

const BATCH_BYTES = 2 ** 14;

/** As many lines as make a batch; where time is linear, they cost about the same. */
const SHORT_BYTES = 2 ** 10;
const LONG_BYTES = 2 ** 14;

/** Grows by 16 where time is quadratic, and once where V8 takes to its linear engine. */
const SUSPICIOUS_GROWTH = 4;
/** What a collection of garbage may add. */
const NOISE_MS = 10;

/** What one line of four times the bytes may cost: sixteen times where time is quadratic. */
const BOUND = { growth: 9, noiseMs: 10 * NOISE_MS };

/** Pseudo-random numbers below `n`. */
function random(seed: number): (n: number) => number {
  let state = seed | 1;
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
}

/** One type for each format and column, with one time format or none. */
function types(): TypeInput[] {
  return Object.entries(PARSERS).flatMap(([name, { parse, fields, values }]) => {
    if (values) {
      const columns = values.map((value, c) => ({ name: `c${c}`, type: "super", value }));
      return columns.map((column, i): TypeInput => ({ name: `${name}_${i}`, parse, columns: [column] }));
    }
    return COLUMNS.map((type, i): TypeInput => {
      const format = TIMES[i];
      const named = parse.format === "json" || parse.format === "ltsv";
      const time = format && { field: named ? "t" : fields[0]!, format };
      const columns = fields.map((field, c) => ({ name: `c${c}`, field, type }));
      return { name: `${name}_${i}`, parse, columns, ...(time ? { time } : {}) };
    });
  });
}

/** @param progress told of every line that was tried */
export function fuzz(seed: number, until: () => boolean, progress: (lines: number) => void): SlowLine[] {
  const all = types();
  const router = new Router(
    configOf(all, { tables: { t: { entries: { x: "y" } } }, hashSalt: "0".repeat(16) }),
  );
  const next = random(seed);
  const pick = <T>(from: readonly T[]): T => from[next(from.length)]!;
  const slow: SlowLine[] = [];
  for (let lines = 1; !until(); lines++) {
    const type = pick(all).name;
    const format = type.split("_")[0]!;
    const [before, after] = pick(FRAMES[SAME_FRAMES[format] ?? format] ?? [["", ""]]);
    const unit = Array.from({ length: pick([1, 1, 2, 3]) }, () => pick(pick(PIECES))).join("");
    const tail = next(2) === 0 ? "" : pick(pick(PIECES));
    const line = (bytes: number): string => {
      const count = Math.max(1, Math.floor(bytes / unit.length));
      const body = unit.includes("#")
        ? Array.from({ length: count }, (_, i) => unit.replaceAll("#", `${i}`)).join("")
        : unit.repeat(count);
      return before + body + tail + after;
    };
    const costs = slowCosts(router, type, line);
    if (costs) slow.push({ type, line: line(60), costs });
    progress(lines);
  }
  return slow;
}

/** @returns undefined for lines that take linear time */
function slowCosts(
  router: Router,
  type: string,
  line: (bytes: number) => string,
): readonly number[] | undefined {
  const routing = (bytes: number, count = 1) => {
    const data = line(bytes);
    const record = streamRecord(aggregate(Array.from({ length: count }, () => ({ tag: type, data }))));
    return () => router.route([record]);
  };
  const short = cpuMs(routing(SHORT_BYTES, BATCH_BYTES / SHORT_BYTES));
  const long = cpuMs(routing(LONG_BYTES, BATCH_BYTES / LONG_BYTES));
  if (long <= SUSPICIOUS_GROWTH * short + NOISE_MS) return undefined;
  return costsBeyond(BOUND, routing(LONG_BYTES), routing(4 * LONG_BYTES));
}

if (import.meta.main) {
  const [seed = "1", seconds = "60"] = process.argv.slice(2);
  const end = Date.now() + Number(seconds) * 1_000;
  let tried = 0;
  const slow = fuzz(
    Number(seed),
    () => Date.now() >= end,
    (lines) => (tried = lines),
  );
  for (const { type, line, costs } of slow) console.log(type, JSON.stringify(line), costs);
  console.log(`${tried} lines of seed ${seed}, ${slow.length} of them slow`);
  process.exitCode = slow.length > 0 ? 1 : 0;
}
