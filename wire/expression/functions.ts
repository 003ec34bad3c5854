import { closest } from "../closest.ts";
import { Pattern } from "../pattern/pattern.ts";
import { keyedHash, maskButLast, maskEmail, maskIp } from "./privacy.ts";
import { queryParameter } from "./query-string.ts";
import { join, parseNumber, replace, round, seeking, split, substring } from "./text-functions.ts";
import { USER_AGENT_PARTS, userAgentPart, type UserAgentPart } from "./user-agent.ts";
import { numberOf, typeOf, textOf, type ValueType } from "./value.ts";

/** What is looked up: values by key, and the one for keys that are not there. */
export interface Table {
  readonly type: ValueType;
  readonly values: ReadonlyMap<string, string | number | boolean>;
  readonly otherwise: string | number | boolean | undefined;
}

/** What functions know besides their arguments. */
export interface Surroundings {
  readonly tables: ReadonlyMap<string, Table>;
  /** Of `hash`; undefined where the configuration has none. */
  readonly hashSalt: string | undefined;
}

export interface Parameter {
  readonly name: string;
  /** `scalar` is a text, a number, a boolean or a time, which the function gets as text. */
  readonly type: "text" | "number" | "list" | "time" | "scalar" | "any";
  /** It stands in the expression itself, so that it is looked at once. */
  readonly constant?: true;
  readonly optional?: true;
}

export interface ExpressionFunction {
  readonly parameters: readonly Parameter[];
  readonly result: ValueType;
  /** It takes microseconds, however short its arguments are. */
  readonly costly?: true;
  readonly does: string;
  /**
   * @param constants the arguments that are constant, at their places
   * @returns the function. It gives undefined for what it has no value of
   * @throws Error saying what is wrong with a constant or missing in the configuration
   */
  // oxlint-disable-next-line typescript/no-explicit-any -- arguments are checked by `parameters`
  readonly make: (constants: readonly any[], surroundings: Surroundings) => (...args: any[]) => unknown;
  /** What is known of the result when the constants are. */
  readonly resultOf?: (constants: readonly unknown[], surroundings: Surroundings) => ValueType;
}

const text = (name: string): Parameter => ({ name, type: "text" });
const number = (name: string): Parameter => ({ name, type: "number" });
const constant = (parameter: Parameter): Parameter => ({ ...parameter, constant: true });
const optional = (parameter: Parameter): Parameter => ({ ...parameter, optional: true });

const plain = (
  parameters: readonly Parameter[],
  result: ValueType,
  does: string,
  // oxlint-disable-next-line typescript/no-explicit-any -- arguments are checked by `parameters`
  run: (...args: any[]) => unknown,
): ExpressionFunction => ({ parameters, result, does, make: () => run });

const [TEXT, SOUGHT] = [text("text"), text("sought")];
const [TIME, VALUE] = [{ name: "time", type: "time" }, number("number")] as const;

/** Under flag v a slash has to be escaped within brackets, and may be elsewhere: patterns of paths are full of them. */
const linear = (pattern: string): Pattern =>
  new Pattern(
    pattern.replaceAll(/\\[^]|\//g, (part) => (part === "/" ? "\\/" : part)),
    { alphabet: "unicode" },
  );

function tableOf(name: string, { tables }: Surroundings): Table {
  const table = tables.get(name);
  if (table) return table;
  const near = closest(name, [...tables.keys()]);
  throw new Error(`no table "${name}"${near === undefined ? "" : `, but "${near}"`}`);
}

function int(value: unknown): number | undefined {
  const number = typeof value === "string" ? parseNumber(value) : numberOf(value);
  const whole = number === undefined ? undefined : Math.trunc(number);
  return whole !== undefined && Number.isSafeInteger(whole) ? whole + 0 : undefined;
}

function characters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** By name. `exists`, `all`, `has` and `field` are part of the language, in compile.ts. */
export const FUNCTIONS: Readonly<Record<string, ExpressionFunction>> = {
  size: plain(
    [{ name: "value", type: "any" }],
    "number",
    "characters of a text, or items of a list",
    (value) =>
      typeof value === "string" ? characters(value) : Array.isArray(value) ? value.length : undefined,
  ),
  contains: plain(
    [TEXT, SOUGHT],
    "bool",
    "whether the text holds another",
    seeking((a, b) => a.includes(b)),
  ),
  startsWith: plain([TEXT, SOUGHT], "bool", "whether it begins so", (a: string, b: string) =>
    a.startsWith(b),
  ),
  endsWith: plain([TEXT, SOUGHT], "bool", "whether it ends so", (a: string, b: string) => a.endsWith(b)),
  indexOf: plain(
    [TEXT, SOUGHT],
    "number",
    "where it is first found, -1 for nowhere",
    seeking((a, b) => a.indexOf(b)),
  ),
  lastIndexOf: plain(
    [TEXT, SOUGHT],
    "number",
    "where it is last found",
    seeking((a, b) => a.lastIndexOf(b)),
  ),
  matches: {
    parameters: [TEXT, constant(text("pattern"))],
    result: "bool",
    does: "whether a regular expression matches somewhere; those of `parse` are meant, in linear time",
    make: ([, pattern]) => {
      const compiled = linear(pattern as string);
      return (text: string) => compiled.test(text);
    },
  },
  extract: {
    parameters: [TEXT, constant(text("pattern"))],
    result: "text",
    does: "what the first group of a regular expression matches, or all of it where it has none",
    make: ([, pattern]) => {
      const compiled = linear(pattern as string);
      return (text: string) => {
        const match = compiled.exec(text);
        return match?.length === 1 ? match[0] : match?.[1];
      };
    },
  },
  lower: plain([TEXT], "text", "in small letters", (a: string) => a.toLowerCase()),
  upper: plain([TEXT], "text", "in capital letters", (a: string) => a.toUpperCase()),
  trim: plain([TEXT], "text", "without white space at its ends", (a: string) => a.trim()),
  substring: plain(
    [TEXT, number("from"), optional(number("to"))],
    "text",
    "from one index up to before another, both counted from 0; of a shorter text what there is",
    substring,
  ),
  replace: plain([TEXT, SOUGHT, text("by")], "text", "with each `sought` replaced", replace),
  split: plain([TEXT, text("separator")], "list", 'its parts: `path.split("/")[1]`', split),
  join: plain(
    [{ name: "list", type: "list" }, optional(text("separator"))],
    "text",
    "a list of texts as one",
    join,
  ),
  int: plain(
    [{ name: "value", type: "any" }],
    "number",
    "of a text or a number its whole number, the fraction cut off",
    int,
  ),
  double: plain([{ name: "value", type: "any" }], "number", "the number that a text is", (value) =>
    typeof value === "string" ? parseNumber(value) : numberOf(value),
  ),
  string: plain(
    [{ name: "value", type: "scalar" }],
    "text",
    "as text: of times in ISO 8601",
    (value: string) => value,
  ),
  round: plain(
    [VALUE, optional(constant(number("digits")))],
    "number",
    "to so many digits after the point, halves away from zero",
    round,
  ),
  floor: plain([VALUE], "number", "the next whole number below", Math.floor),
  ceil: plain([VALUE], "number", "the next whole number above", Math.ceil),
  abs: plain([VALUE], "number", "without its sign", Math.abs),
  min: plain([number("a"), number("b")], "number", "the smaller of two", Math.min),
  max: plain([number("a"), number("b")], "number", "the greater of two", Math.max),
  epoch: plain(
    [TIME],
    "number",
    "seconds since 1970, with a fraction",
    (time: Date) => time.getTime() / 1_000,
  ),
  getFullYear: plain([TIME], "number", "in UTC, as those that follow", (time: Date) => time.getUTCFullYear()),
  getMonth: plain([TIME], "number", "0 for January, as in CEL", (time: Date) => time.getUTCMonth()),
  getDate: plain([TIME], "number", "day of the month, from 1", (time: Date) => time.getUTCDate()),
  getDayOfWeek: plain([TIME], "number", "0 for Sunday", (time: Date) => time.getUTCDay()),
  getHours: plain([TIME], "number", "0 to 23", (time: Date) => time.getUTCHours()),
  getMinutes: plain([TIME], "number", "0 to 59", (time: Date) => time.getUTCMinutes()),
  lookup: {
    parameters: [
      constant(text("table")),
      { name: "key", type: "scalar" },
      optional(constant({ name: "otherwise", type: "any" })),
    ],
    result: "any",
    does: "the value of a key in one of `tables`; of a key that is not there `otherwise`, or the table's own default",
    make: ([name, , otherwise], surroundings) => {
      const { values, ...table } = tableOf(name as string, surroundings);
      const missing: unknown = otherwise ?? table.otherwise;
      return (_name: string, key: string) => values.get(key) ?? missing;
    },
    resultOf: ([name, , otherwise], surroundings) => {
      const { type } = tableOf(name as string, surroundings);
      return otherwise === undefined || typeOf(otherwise) === type ? type : "any";
    },
  },
  query: {
    parameters: [text("url"), constant(text("name"))],
    result: "text",
    does: "the first value of a parameter of a URL's query, decoded",
    make:
      ([, name]) =>
      (url: string) =>
        queryParameter(url, name as string),
  },
  userAgent: {
    parameters: [TEXT, constant(text("part"))],
    result: "text",
    costly: true,
    does: `of a browser's user agent ${USER_AGENT_PARTS.map((part) => `"${part}"`).join(", ")}, the last of which is desktop, mobile, tablet, tv or bot`,
    make: ([, part]) => {
      if (!USER_AGENT_PARTS.includes(part as UserAgentPart))
        throw new Error(`no part "${part}" of a user agent, but ${USER_AGENT_PARTS.join(", ")}`);
      return (text: string) => userAgentPart(text, part as UserAgentPart);
    },
  },
  hash: {
    parameters: [{ name: "value", type: "scalar" }],
    result: "text",
    costly: true,
    does: "SHA-256 under `hashSalt` as its key (HMAC), 64 hexadecimal digits: the same for the same value",
    make: (_, { hashSalt }) => {
      if (hashSalt === undefined) throw new Error("hash() needs hashSalt in the configuration");
      return (value: string) => keyedHash(hashSalt, value);
    },
  },
  maskIp: plain([TEXT], "text", "an address of which the last 8 bits are 0, or the last 80 of IPv6", maskIp),
  maskEmail: plain(
    [TEXT],
    "text",
    "an e-mail address of which the domain is left: `***@example.com`",
    maskEmail,
  ),
  maskButLast: plain(
    [{ name: "value", type: "scalar" }, number("kept")],
    "text",
    "a star for each character but the last few",
    maskButLast,
  ),
};

/** What a parameter takes, as its function gets it; undefined for what it does not take. */
export const TAKES: Readonly<Record<Parameter["type"], (value: unknown) => unknown>> = {
  text: (value) => (typeof value === "string" ? value : undefined),
  number: numberOf,
  list: (value) => (Array.isArray(value) ? value : undefined),
  time: (value) => (value instanceof Date ? value : undefined),
  scalar: textOf,
  any: (value) => value ?? undefined,
};

/** Whether an argument of this type may be one that the parameter takes. */
export function takesType({ type }: Parameter, given: ValueType): boolean {
  if (given === "any" || type === "any") return true;
  return type === "scalar" ? given !== "list" && given !== "map" : given === type;
}
