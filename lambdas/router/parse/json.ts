import { Misfit } from "../misfit.ts";
import { isObject, jsonWithSource, type Fields } from "./fields.ts";

/**
 * Digits that may not survive a double: sixteen or more of them (a double holds fifteen), or an exponent
 * of three digits. The first pattern is quick to say no; ids in texts make it say yes, so the second asks
 * whether they stand where a number does. Unrolled, since V8 then skips ahead instead of looking at every
 * character.
 */
const MANY_DIGITS = new RegExp(String.raw`${String.raw`[\d.]`.repeat(16)}|\d[eE][+-]?\d\d\d`);
const NUMBER_OF_MANY_DIGITS = /(?:^|[:,[\s])-?(?:[\d.]{16}|[\d.]+[eE][+-]?\d\d\d)/;

/**
 * One JSON object. A number keeps its digits whatever their count; of a name that stands twice in one
 * object the last value counts, as everywhere in JSON.parse.
 */
export function parseJson(line: string): Fields | Misfit {
  let value: unknown;
  try {
    value = mayLoseDigits(line) ? parseExactly(line) : JSON.parse(line);
  } catch (error) {
    return new Misfit("unparsed", (error as Error).message);
  }
  return isObject(value) ? value : new Misfit("unparsed", "JSON, but not an object");
}

/** About seven times the cost of JSON.parse alone, so only where a number asks for it. */
function parseExactly(line: string): unknown {
  return jsonWithSource.parse(line, (_key, value, { source }) =>
    typeof value === "number" && source !== undefined && mayLoseDigits(source)
      ? jsonWithSource.rawJSON(source)
      : value,
  );
}

function mayLoseDigits(json: string): boolean {
  return MANY_DIGITS.test(json) && NUMBER_OF_MANY_DIGITS.test(json);
}
