/**
 * A time's form in the directives of strptime, as Fluentd, Fluent Bit, Python and Ruby have them:
 *
 * pattern   := { directive | white space | character }
 * directive := "%" letter                    one of DIRECTIVES or of SHORT_FORMS; "%%" is a percent sign
 *
 * White space stands for any run of blanks and tabs; any other character for itself.
 *
 * source: https://pubs.opengroup.org/onlinepubs/9799919799/functions/strptime.html; %f is Python's, %L, %N and %Q are
 * Ruby's; read 2026-11
 */
export type TimeToken =
  | { readonly kind: "directive"; readonly letter: Directive }
  | { readonly kind: "space" }
  | { readonly kind: "text"; readonly text: string };

const DIRECTIVES = {
  Y: "year of four digits",
  y: "year of two digits: 69 to 99 are of the 20th century",
  m: "month, 1 to 12",
  b: "English name of a month, whole or its first three letters",
  d: "day of the month",
  j: "day of the year, 1 to 366",
  a: "English name of a weekday, whole or its first three letters; not checked",
  H: "hour, 0 to 24: 24:00 is the next day's midnight",
  I: "hour, 1 to 12, with %p",
  p: "AM or PM",
  M: "minute",
  S: "second; 60 counts as the next minute's first",
  L: "digits of a second's fraction, 1 to 12",
  z: "offset of the zone: Z, +09:00, -0700, +09 or +9:00",
  Z: "name or abbreviation of the zone, such as UTC, CET or Europe/Berlin",
  s: "seconds since 1970",
  Q: "milliseconds since 1970",
} as const;

export type Directive = keyof typeof DIRECTIVES;

/** Other letters for the same, and what stands for several. */
const SHORT_FORMS: Readonly<Record<string, string>> = {
  B: "%b",
  h: "%b",
  e: "%d",
  A: "%a",
  k: "%H",
  l: "%I",
  P: "%p",
  f: "%L",
  N: "%L",
  T: "%H:%M:%S",
  R: "%H:%M",
  F: "%Y-%m-%d",
  D: "%m/%d/%y",
  n: " ",
  t: " ",
};

/** For the reference of the configuration. */
export const DIRECTIVES_TEXT = Object.entries(DIRECTIVES)
  .map(([letter, what]) => `%${letter} ${what}`)
  .join("; ");

const TOKEN = /%(.?)|\s+|[^%\s]+/gsu;

/** @throws TypeError that says what is wrong with the pattern, and what would be right */
export function parseTimePattern(pattern: string): TimeToken[] {
  const tokens = tokensOf(pattern);
  const problem = patternProblem(tokens);
  if (problem !== undefined) throw new TypeError(problem);
  return tokens;
}

function tokensOf(pattern: string): TimeToken[] {
  return [...pattern.matchAll(TOKEN)].flatMap(([text, letter]): TimeToken[] => {
    if (letter === undefined) return [text.trim() === "" ? { kind: "space" } : { kind: "text", text }];
    if (letter === "%") return [{ kind: "text", text: "%" }];
    const short = SHORT_FORMS[letter];
    if (short !== undefined && letter !== "") return tokensOf(short);
    if (Object.hasOwn(DIRECTIVES, letter)) return [{ kind: "directive", letter: letter as Directive }];
    throw new TypeError(`%${letter} is no directive that is known: ${DIRECTIVES_TEXT}`);
  });
}

function patternProblem(tokens: readonly TimeToken[]): string | undefined {
  const letters = tokens.flatMap((token) => (token.kind === "directive" ? [token.letter] : []));
  const has = (letter: Directive): boolean => letters.includes(letter);
  const twice = letters.find((letter, i) => letters.indexOf(letter) !== i);
  if (letters.length === 0) return "has no directive of strptime, such as %Y-%m-%d %H:%M:%S";
  if (twice !== undefined) return `has %${twice} twice, which may say two things`;
  if (has("I") !== has("p")) return "%I and %p need each other";
  if (has("H") && has("I")) return "has an hour of 24 and one of 12";
  const isEpoch = has("s") || has("Q");
  const isDay = has("j") ? has("Y") || has("y") : has("d") && (has("m") || has("b"));
  if (!isEpoch && !isDay) return "does not say the day: it needs %d and %m or %b, or %Y and %j, or %s";
  if ((has("Y") && has("y")) || (has("m") && has("b")) || (has("z") && has("Z")))
    return "says a year, a month or a zone in two ways";
  return undefined;
}
