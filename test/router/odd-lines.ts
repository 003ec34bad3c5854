import type { WeirConfigInput } from "../../wire/config.ts";

type TypeInput = WeirConfigInput["types"][number];

/** Pseudo-random choices, the same for the same seed. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number from 0 to `below` - 1. source: T. Ettinger, mulberry32 */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  }

  pick<T>(of: readonly T[]): T {
    return of[this.below(of.length)]!;
  }

  /** True once in so many times. */
  once(in_: number): boolean {
    return this.below(in_) === 0;
  }
}

/** Column types, and JSON texts of values that fit them. */
const FITTING: Readonly<Record<string, readonly string[]>> = {
  "varchar(6)": words(String.raw`"a" "abcdef" "a\"b" "é" 12 true "\n"`),
  "varchar(300)": [
    '"a text of more than thirty-two bytes"',
    ...words(String.raw`"/a/b?c=d&e=f" "日本語" "a\\b" -0.5`),
  ],
  "char(4)": words(String.raw`"ab" "a\"b" 7`),
  smallint: words('7 "12" -12 32767'),
  integer: words('2147483647 "0" -5'),
  bigint: words('999999999999999 "12" 0'),
  super: words(String.raw`[1,2] ["a","b\"c"] "a" 0.5 true ["é",null,true]`),
  boolean: words('true false "true" 1 "0"'),
  "decimal(6,2)": words('0.5 "0.10" "1.20" 1234.56 7'),
  "decimal(19,4)": words('12.345 "12" "-5"'),
  "decimal(38,10)": words('-0.5 "0.000" 999999999999999'),
  "decimal(2,2)": words('0.5 "0.99"'),
  "double precision": words('12.345 "0.000" 0.000001 "1.20" "0.00000025"'),
  real: words('0.5 -12 "99.99" "0.0000001" "-0.000012"'),
};
const COLUMN_TYPES = Object.keys(FITTING);
const TIMES = ["timestamp", "timestamptz", "date"];
const NULLS = ["-", "", "null", "NA", 'a"b', "é", "0", String.raw`\N`];
const MISFITS = ["truncate", "reject", "extra"] as const;

/** JSON texts of values, and some that are none. */
const VALUES = [
  ...words("0 -0 1 7 -12 32767 32768 -32768 -32769 2147483647 2147483648 999999999999999 1000000000000000"),
  ...words(
    "9007199254740993 9223372036854775807 1e5 1E+2 0.5 -0.5 0.10 1.50 12.345 0.000001 0.0000001 0.0 -0.0",
  ),
  ...words(
    "1234.56 9999.99 99999.5 123456789012345.5 1. .5 01 +1 1-2 true false null True nul [] [1,2] [[1]] {}",
  ),
  ...words(
    '"" "-" "a" "NA" "0" "1" "t" "true" "false" "no" "007" "1.20" "0.000" "-0.00" "12" "-5" "1e3" "99.99"',
  ),
  ...words(
    '"0.99" ".5" "5." "abcdef" "abcdefg" "é" "日本語テキスト" "😀" "10.1.2.3" "/a/b?c=d&e=f#g" "unclosed',
  ),
  ...words(
    String.raw`"a\"b" "a\\b" "\\N" "\n\t\r\b\f" "\/" "\u0041" "\u00e9" "\ud83d\ude00" "\u0000" "\ud800" "\u001f"`,
  ),
  ...words(String.raw`["a","b\"c"] ["é",null,true] {"a":1} {"b":{"c":2}} "2026-11-21T10:00:05.123Z"`),
  "[1, 2]",
  '" 5"',
  ...words('"\u2028" "\u0085" "\u007f" "tab\there" "nul\u0000"'),
  '"a text of more than sixteen and of more than thirty-two bytes, which vectors take in several steps"',
  `"${"x".repeat(299)}é"`,
  `"${String.raw`\"`.repeat(160)}"`,
];

/** Times: first those of good lines. */
const ISO = [
  ...words("2026-11-21T10:00:00.000Z 2026-11-21T10:00:59.999Z 2026-11-21T10:01:00.000Z 2026-11-21T10:00:07Z"),
  ...words(
    "2026-11-21T11:59:59.5Z 2026-11-21T10:00:60.000Z 2026-11-21T24:00:00.000Z 2026-11-21T24:00:01.000Z",
  ),
  ...words(
    "2026-11-21T10:00:01.123456Z 2026-11-21T10:00:01.123457Z 2026-11-21 2026-11-21T10:00:02.000+05:45",
  ),
  ...words("2026-11-21T10:00:03.999+05:45 1969-12-31T23:59:58.001Z tomorrow - 2026-11-21T10:00:0x.000Z"),
  ...words("2026-11-21T10:00:05,250Z 0000-01-01T00:00:00.000Z 9999-12-31T23:59:59.999Z"),
  "2026-11-21 10:00:01.250",
];
const CLF = [
  "21/Nov/2026:10:00:00 +0000",
  "21/Nov/2026:10:00:59 +0000",
  "21/Nov/2026:10:01:00 +0000",
  "21/Nov/2026:10:00:60 +0000",
  "21/Nov/2026:24:00:00 +0000",
  "21/Nov/2026:10:00:01 -0330",
  "21/Xyz/2026:10:00:00 +0000",
  "22/Nov/2026:00:00:00 +0000",
  "-",
  "",
];
const WORDS = [
  ...words(String.raw`- 1 0.001 0.120 200 404 65536 GET 10.0.0.1 ::1 x " \ \" é frank a,b %2f%00`),
  "",
  "a b",
  "1, 2",
  "1 : 2",
  "GET / HTTP/1.1",
  "GET /a b?c HTTP/1.1",
  "POST / SPDY",
  "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
];

const FIELDS = ["id", "n", "s", "deep.a", "deep.b.c", "name", "__proto__", "a b", "x"];
const TEMPLATES = [
  '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" rt=$request_time',
  '$remote_addr [$time_local] $status|$upstream_addr|$http_x_forwarded_for "$request_method $uri" $pipe',
];
const PRESETS = {
  common: '%s %s %s [%t] "%r" %s %s',
  combined: '%s %s %s [%t] "%r" %s %s "%s" "%s"',
  vhost_combined: '%s:%s %s %s %s [%t] "%r" %s %s "%s" "%s"',
  "nginx-main": '%s - %s [%t] "%r" %s %s "%s" "%s" "%s"',
  lighttpd: '%s %s %s [%t] "%r" %s %s "%s" "%s"',
} as const;

function words(text: string): string[] {
  return text.split(" ");
}

/** A log type at random, and what makes lines of it: good ones, odd ones and broken ones. */
export interface OddType {
  readonly type: TypeInput;
  readonly line: () => Buffer;
}

export function oddType(dice: Dice): OddType {
  const [format, shape] = dice.pick([
    ["json", undefined],
    ["json", undefined],
    ["raw", undefined],
    ["nginx", dice.pick(TEMPLATES)],
    ...Object.entries(PRESETS),
  ] as const);
  if (format === "json") return jsonType(dice);
  if (format === "raw") return rawType(dice);
  return accessType(dice, format, shape!);
}

/** Almost all types have columns that the machine can write; some have others, too. */
function columnsOf(
  dice: Dice,
  fields: readonly string[],
  typeOf: (field: string) => string,
): TypeInput["columns"] {
  const columns = fields
    .filter(() => !dice.once(3))
    .map((field, i) => {
      const type = dice.once(60) ? dice.pick(TIMES) : typeOf(field);
      const onMisfit = dice.once(4)
        ? dice.pick(type.includes("char(") ? MISFITS : MISFITS.slice(1))
        : undefined;
      return {
        name: `c${i}`,
        field,
        type,
        ...(onMisfit && { onMisfit }),
        ...(onMisfit !== "extra" && dice.once(6) && { nullable: false }),
        ...(dice.once(4) && { nulls: [dice.pick(NULLS), dice.pick(NULLS)] }),
      };
    });
  return columns.length > 0 ? columns : [{ name: "c", field: fields[0]!, type: "super" }];
}

function jsonType(dice: Dice): OddType {
  const fields = FIELDS.filter(() => !dice.once(3));
  const columns = columnsOf(dice, fields.length > 0 ? fields : ["id"], () => dice.pick(COLUMN_TYPES));
  const hasTime = !dice.once(5);
  const type: TypeInput = {
    name: "t",
    parse: { format: "json" },
    ...(hasTime && { time: { field: "time", format: "iso8601", ...(dice.once(3) && { zone: "+02:00" }) } }),
    ...(dice.once(4) && { nulls: [dice.pick(NULLS)] }),
    columns,
  };
  const space = dice.once(3) ? " " : "";
  const named = [...columns.map(({ field }) => field!), "extra", "other"];
  // Most lines of a type have the same kinds of values.
  const usual = new Map(named.map((name) => [name, dice.pick(VALUES)]));
  for (const { field, type } of columns)
    if (!dice.once(8)) usual.set(field!, dice.pick(FITTING[type] ?? VALUES));
  const member = (name: string, value: string): string => {
    const [first = "", ...rest] = dice.once(20) ? [name] : name.split(".");
    const inner = rest.reduceRight((text, part) => `{${JSON.stringify(part)}:${space}${text}}`, value);
    return `${JSON.stringify(first)}:${space}${inner}`;
  };
  const line = (): Buffer => {
    const members = hasTime
      ? [member("time", JSON.stringify(dice.pick(dice.once(6) ? ISO : ISO.slice(0, 3))))]
      : [];
    for (const name of named) {
      if (dice.once(8)) continue;
      members.push(member(name, dice.once(12) ? dice.pick(VALUES) : usual.get(name)!));
    }
    if (dice.once(30)) members.push(dice.pick(members));
    if (dice.once(30)) members.push(`"7":1`, `"\\u0078":2`);
    if (dice.once(10)) members.reverse();
    return altered(dice, `{${members.join(`,${space}`)}}`);
  };
  return { type, line };
}

function rawType(dice: Dice): OddType {
  const type: TypeInput = {
    name: "t",
    parse: { format: "raw" },
    ...(dice.once(4) && { nulls: [dice.pick(NULLS)] }),
    ...(dice.once(5) && { skip: { blank: dice.once(2) } }),
    columns: [
      {
        name: "c",
        ...(!dice.once(4) && { field: "line" }),
        type: dice.once(3) ? dice.pick(COLUMN_TYPES) : "varchar(300)",
      },
    ],
  };
  const line = (): Buffer => {
    const text = Array.from({ length: dice.below(5) }, () => dice.pick(dice.once(2) ? VALUES : WORDS)).join(
      " ",
    );
    return altered(dice, text);
  };
  return { type, line };
}

function accessType(dice: Dice, format: string, shape: string): OddType {
  const isTemplate = format === "nginx";
  const names = isTemplate
    ? [...shape.matchAll(/\$(\w+)/g)].flatMap(([, name]) =>
        name === "request" ? ["method", "path"] : [name!],
      )
    : ["host", "user", "method", "path", "protocol", "status", "bytes"];
  const time = isTemplate ? "time_local" : "time";
  const type = {
    name: "t",
    parse: isTemplate ? { format, logFormat: shape } : { format },
    ...(!dice.once(6) && { time: { field: time, format: "clf" } }),
    columns: columnsOf(dice, names, (field) => accessColumn(dice, field)),
  } as TypeInput;
  const usual = new Map<number, string>();
  const line = (): Buffer => {
    let n = 0;
    const text = shape.replaceAll(
      /\$(\w+)|%(\w)/g,
      (_, name: string | undefined, letter: string | undefined) => {
        n++;
        if (name === "time_local" || letter === "t") return dice.pick(dice.once(10) ? CLF : CLF.slice(0, 3));
        const isRequest = name === "request" || letter === "r";
        if (isRequest && !dice.once(5)) return `GET /${dice.pick(["a", "b/c?d=e", ""])} HTTP/1.1`;
        if (!usual.has(n)) usual.set(n, dice.pick(WORDS.slice(0, 8)));
        return dice.once(6) ? dice.pick(WORDS) : usual.get(n)!;
      },
    );
    return altered(dice, text);
  };
  return { type, line };
}

function accessColumn(dice: Dice, field: string): string {
  if (dice.once(8)) return dice.pick(COLUMN_TYPES);
  if (/status|bytes/.test(field)) return dice.pick(["smallint", "bigint", "char(4)"]);
  if (field === "request_time") return dice.pick(["decimal(6,2)", "decimal(8,3)", "real"]);
  return dice.pick(["varchar(300)", "varchar(300)", "super"]);
}

/** A line as it is, or cut, with bytes changed, or with another end. */
function altered(dice: Dice, text: string): Buffer {
  const line = Buffer.from(text);
  if (!dice.once(15)) return line;
  switch (dice.below(7)) {
    case 0:
      return Buffer.concat([line, Buffer.from("\r")]);
    case 1:
      return Buffer.concat([line, Buffer.from(dice.pick(["\n", "\r\n", " ", "x", "\r\r"]))]);
    case 2:
      return line.subarray(0, dice.below(line.length + 1));
    case 3:
      return Buffer.concat([Buffer.from("\ufeff"), line]);
    case 4:
      return Buffer.concat([line, Buffer.alloc(dice.pick([1_990, 2_001, 40_000, 70_000]), "y")]);
    case 5:
      return Buffer.alloc(0);
    default: {
      const changed = Buffer.from(line);
      for (let i = 0; i <= dice.below(3); i++)
        if (changed.length > 0) changed[dice.below(changed.length)] = dice.below(256);
      return changed;
    }
  }
}
