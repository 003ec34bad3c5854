import { bytePattern } from "../../framing/pattern.ts";

/** Of Ruby and of Java, with what JavaScript says instead. Hexadecimal digits are `\h` in Ruby only. */
const ANCHORS: readonly (readonly [RegExp, string])[] = [
  [/\\A/g, "(?-m:^)"],
  [/\\[zZ]/g, "(?-m:$)"],
];

/**
 * A regular expression of Ruby as one of ours, `/.../` with flags or bare.
 *
 * @param isMultiLine whether it is asked of several lines at once: to Ruby, ^ and $ are those of each
 * @returns undefined for what JavaScript does not know, and for what takes more than linear time
 */
export function fromRuby(text: string, isMultiLine = false): string | undefined {
  const [, body = text, flags = ""] = /^\/(.*)\/([a-z]*)$/s.exec(text) ?? [];
  const source = body.replaceAll("\\/", "/").replaceAll("\\h", "[0-9a-fA-F]");
  const hasLines = isMultiLine && /[$^]/.test(source);
  const ours = `${flags.includes("i") ? "i" : ""}${flags.includes("m") ? "s" : ""}${hasLines ? "m" : ""}`;
  return flags.includes("x") ? undefined : known(ours === "" ? source : `(?${ours}:${source})`);
}

/** One of Java that has to match from the start of a line, as `lookingAt` does. */
export function fromJava(source: string): string | undefined {
  return known(source.startsWith("^") && !source.includes("|") ? source : `^(?:${source})`);
}

/** What finds all of these, wherever each stands. */
export function all(patterns: readonly string[]): string | { all: readonly string[] } {
  return patterns.length === 1 ? patterns[0]! : { all: patterns };
}

function known(source: string): string | undefined {
  let ours = source;
  for (const [theirs, instead] of ANCHORS) ours = ours.replaceAll(theirs, instead);
  try {
    bytePattern(ours);
    return ours;
  } catch {
    return undefined;
  }
}
