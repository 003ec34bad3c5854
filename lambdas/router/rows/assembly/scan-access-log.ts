import {
  FORM_IDENT,
  FORM_LIST,
  FORM_REQUEST,
  KIND_NONE,
  KIND_TEXT,
  PROGRAM,
  PROGRAM_AFTER,
  PROGRAM_AFTER_LENGTH,
  PROGRAM_PARTS,
  PROGRAM_PARTS_END,
  STEP_BEFORE,
  STEP_BEFORE_LENGTH,
  STEP_BYTES,
  STEP_FORM,
  STEP_HOLDS,
  STEP_MAY_BE_EMPTY,
  STEP_SLOT,
} from "../layout";
import { setSpan } from "./spans";
import { COLON, DOLLAR, equals, isDigit, MINUS, plainEnd, SPACE } from "./text";

/** Finds what plain/scan-access-log.ts does: each field ends at the first byte that it may not hold. False if the line is not plain. */
export function scanAccessLog(at: i32, end: i32): bool {
  const stepsEnd = load<i32>(PROGRAM + PROGRAM_PARTS_END);
  for (let step = load<i32>(PROGRAM + PROGRAM_PARTS); step < stepsEnd; step += STEP_BYTES) {
    const beforeLength = load<i32>(step + STEP_BEFORE_LENGTH);
    if (!equals(load<i32>(step + STEP_BEFORE), at, beforeLength)) return false;
    const from = at + beforeLength;
    if (from > end) return false;
    const holds = load<i32>(step + STEP_HOLDS);
    at = holds === 0 ? plainEnd(from, end) : heldEnd(from, end, holds);
    const form = load<i32>(step + STEP_FORM);
    const slot = load<i32>(step + STEP_SLOT);
    if (form === FORM_REQUEST) {
      if (!scanRequest(from, at, slot)) return false;
      continue;
    }
    if (at === from && load<i32>(step + STEP_MAY_BE_EMPTY) === 0) return false;
    if (form === FORM_IDENT && (isDigit(load<u8>(from)) || load<u8>(from) === DOLLAR)) return false;
    // A list of more than one word, its words in groups.
    if (form === FORM_LIST && load<u8>(at) === SPACE && load<u8>(at + 1) === COLON) return false;
    put(slot, from, at);
  }
  const afterLength = load<i32>(PROGRAM + PROGRAM_AFTER_LENGTH);
  return at + afterLength === end && equals(load<i32>(PROGRAM + PROGRAM_AFTER), at, afterLength);
}

function heldEnd(at: i32, end: i32, holds: i32): i32 {
  while (at < end && load<u8>(holds + load<u8>(at)) !== 0) at++;
  return at;
}

/** `METHOD path PROTOCOL`; any other request is not plain. */
function scanRequest(from: i32, to: i32, slot: i32): bool {
  let methodEnd = from;
  while (methodEnd < to && load<u8>(methodEnd) !== SPACE) methodEnd++;
  let pathEnd = to - 1;
  while (pathEnd > methodEnd && load<u8>(pathEnd) !== SPACE) pathEnd--;
  if (methodEnd === from || pathEnd <= methodEnd || to - pathEnd <= 5) return false;
  // HTTP/
  if (load<u32>(pathEnd + 1) !== 0x50545448 || load<u8>(pathEnd + 5) !== 0x2f) return false;
  setSpan(slot, KIND_TEXT, from, methodEnd, 0);
  setSpan(slot + 1, KIND_TEXT, methodEnd + 1, pathEnd, 0);
  setSpan(slot + 2, KIND_TEXT, pathEnd + 1, to, 0);
  return true;
}

/** "-" is no value. */
function put(slot: i32, from: i32, to: i32): void {
  const isNone = to - from === 1 && load<u8>(from) === MINUS;
  setSpan(slot, isNone ? KIND_NONE : KIND_TEXT, from, to, 0);
}
