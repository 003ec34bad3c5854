import { KIND_TEXT, MARK_ESCAPE, MARK_WIDE } from "../layout";
import { setSpan } from "./spans";
import { BACKSLASH, characterBytes, plainEnd, QUOTE } from "./text";

const TAB: u32 = 0x09;

/** A whole line as one text; false if it holds control characters but tabs, or begins with a byte order mark. */
export function scanRaw(at: i32, end: i32): bool {
  const from = at;
  let marks = 0;
  if ((load<u32>(at) & 0xffffff) === 0xbfbbef) return false;
  for (at = plainEnd(at, end); at < end; at = plainEnd(at, end)) {
    const byte: u32 = load<u8>(at);
    if (byte === QUOTE || byte === BACKSLASH || byte === TAB) {
      marks += MARK_ESCAPE;
      at++;
    } else {
      const length = characterBytes(at, end);
      if (length === 0) return false;
      marks |= MARK_WIDE;
      at += length;
    }
  }
  setSpan(0, KIND_TEXT, from, end, marks);
  return true;
}
