import { CLOCK_LENGTH, CLOCK_TEXT, PROGRAM, PROGRAM_MINUTE_CHARS } from "../layout";
import { COLON, equals, isDigit, POINT, ZERO } from "./text";

/** Result of `isOfMinute`: whether the time has milliseconds, and how many are past the minute. */
export let hasMs: bool = false;
export let msOfMinute: i32 = 0;

/** Says whether a time is like the clock's but for seconds and milliseconds, as PlainTime does. */
export function isOfMinute(from: i32, to: i32): bool {
  const length = load<i32>(CLOCK_LENGTH);
  const minuteChars = load<i32>(PROGRAM + PROGRAM_MINUTE_CHARS);
  if (to - from !== length || length < minuteChars + 3 || !equals(CLOCK_TEXT, from, minuteChars))
    return false;
  const at = from + minuteChars;
  if (load<u8>(at) !== COLON || !isDigit(load<u8>(at + 1)) || !isDigit(load<u8>(at + 2))) return false;
  const seconds = digit(at + 1) * 10 + digit(at + 2);
  if (seconds > 59) return false;
  msOfMinute = seconds * 1_000;
  let rest = minuteChars + 3;
  hasMs = rest < length && load<u8>(CLOCK_TEXT + rest) === POINT;
  if (hasMs) {
    if (load<u8>(at + 3) !== POINT || length < rest + 4) return false;
    for (let i = 4; i < 7; i++) if (!isDigit(load<u8>(at + i))) return false;
    msOfMinute += digit(at + 4) * 100 + digit(at + 5) * 10 + digit(at + 6);
    rest += 4;
  }
  return equals(CLOCK_TEXT + rest, from + rest, length - rest);
}

function digit(at: i32): i32 {
  return load<u8>(at) - ZERO;
}
