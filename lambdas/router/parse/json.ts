import { Misfit } from "../misfit.ts";
import { isObject, jsonWithSource, type Fields } from "./fields.ts";

/**
 * Digits that may not survive a double: sixteen or more of them (a double holds fifteen), or an exponent
 * of three digits. Unrolled because V8 then skips ahead instead of looking at every character.
 */
const DIGIT = String.raw`[\d.]`;
const MAY_LOSE_DIGITS = new RegExp(String.raw`${DIGIT.repeat(16)}|\d[eE][+-]?\d\d\d`);

/**
 * One JSON object. A number keeps its digits whatever their count; of a name that stands twice in one
 * object the last value counts, as everywhere in JSON.parse.
 */
export function parseJson(line: string): Fields | Misfit {
  let value: unknown;
  try {
    value = MAY_LOSE_DIGITS.test(line) ? parseExactly(line) : JSON.parse(line);
  } catch (error) {
    return new Misfit("unparsed", (error as Error).message);
  }
  return isObject(value) ? value : new Misfit("unparsed", "JSON, but not an object");
}

/** About seven times the cost of JSON.parse alone, so only where a number asks for it. */
function parseExactly(line: string): unknown {
  return jsonWithSource.parse(line, (_key, value, { source }) =>
    typeof value === "number" && source !== undefined && MAY_LOSE_DIGITS.test(source)
      ? jsonWithSource.rawJSON(source)
      : value,
  );
}
