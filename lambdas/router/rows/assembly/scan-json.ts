import {
  KIND_ABSENT,
  KIND_ARRAY,
  KIND_BOOLEAN,
  KIND_NONE,
  KIND_NUMBER,
  KIND_TEXT,
  MEMBER_BELOW,
  MEMBER_BELOW_END,
  MEMBER_BYTES,
  MEMBER_NAME,
  MEMBER_NAME_LENGTH,
  MEMBER_RIVALS,
  MEMBER_RIVALS_END,
  MEMBER_SLOT,
  PROGRAM,
  PROGRAM_PARTS,
  PROGRAM_PARTS_END,
} from "../layout";
import { numberEnd } from "./number";
import { addExtra, setSpan, spanKind } from "./spans";
import {
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  equals,
  isDigit,
  marks,
  MINUS,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  SPACE,
  textEnd,
} from "./text";

/** Finds the fields of an object that ends at `end`, as plain/scan-json.ts does; false if it is not plain. */
export function scanJson(at: i32, end: i32): bool {
  if (at >= end || load<u8>(at) !== OPEN_BRACE) return false;
  const members = load<i32>(PROGRAM + PROGRAM_PARTS);
  return scanObject(at, end, members, load<i32>(PROGRAM + PROGRAM_PARTS_END), true) === end;
}

/** @returns index after the object, -1 if it is not plain */
function scanObject(at: i32, end: i32, members: i32, membersEnd: i32, isTop: bool): i32 {
  let next = members;
  if (load<u8>(at + 1) === CLOSE_BRACE) return at + 2;
  do {
    at = afterSpace(at + 1);
    if (load<u8>(at) !== QUOTE) return -1;
    // Lines repeat the order of names: the guess is right mostly.
    let nameEnd = next < membersEnd && isNamed(next, at) ? at + load<i32>(next + MEMBER_NAME_LENGTH) : 0;
    if (nameEnd === 0) {
      nameEnd = textEnd(at + 1, end) + 1;
      if (nameEnd <= 0 || load<u8>(nameEnd) !== COLON) return -1;
      nameEnd++;
      for (next = members; next < membersEnd; next += MEMBER_BYTES) {
        if (load<i32>(next + MEMBER_NAME_LENGTH) === nameEnd - at && isNamed(next, at)) break;
      }
    }
    const valueAt = afterSpace(nameEnd);
    if (next >= membersEnd) {
      if (!isTop) return -1;
      at = scanExtra(at, nameEnd - 1, valueAt, end);
      next = members;
    } else {
      at = scanMember(next, valueAt, end);
      next += MEMBER_BYTES;
    }
    if (at < 0) return -1;
  } while (at < end && load<u8>(at) === COMMA);
  return load<u8>(at) === CLOSE_BRACE ? at + 1 : -1;
}

function afterSpace(at: i32): i32 {
  return load<u8>(at) === SPACE ? at + 1 : at;
}

function isNamed(member: i32, at: i32): bool {
  return equals(load<i32>(member + MEMBER_NAME), at, load<i32>(member + MEMBER_NAME_LENGTH));
}

/** The value of a known name. */
function scanMember(member: i32, at: i32, end: i32): i32 {
  const slot = load<i32>(member + MEMBER_SLOT);
  if (slot < 0 || spanKind(slot) !== KIND_ABSENT) return -1;
  const rivalsEnd = load<i32>(member + MEMBER_RIVALS_END);
  for (let rival = load<i32>(member + MEMBER_RIVALS); rival < rivalsEnd; rival += 4) {
    if (spanKind(load<i32>(rival)) !== KIND_ABSENT) return -1;
  }
  const below = load<i32>(member + MEMBER_BELOW);
  const belowEnd = load<i32>(member + MEMBER_BELOW_END);
  if (below !== belowEnd) {
    setSpan(slot, KIND_NONE, at, at, 0);
    return load<u8>(at) === OPEN_BRACE ? scanObject(at, end, below, belowEnd, false) : -1;
  }
  const to = valueEnd(at, end);
  if (to < 0) return -1;
  const kind = kindOf(load<u8>(at));
  if (kind === KIND_TEXT) setSpan(slot, kind, at + 1, to - 1, marks);
  else setSpan(slot, kind, at, to, 0);
  return to;
}

function scanExtra(nameFrom: i32, nameTo: i32, at: i32, end: i32): i32 {
  const to = valueEnd(at, end);
  // JavaScript puts names that are numbers before all others.
  if (to < 0 || isDigit(load<u8>(nameFrom + 1))) return -1;
  return addExtra(nameFrom, nameTo, at, to) ? to : -1;
}

const TRUE: u32 = 0x65757274;
const FALSE: u32 = 0x736c6166;
const NULL: u32 = 0x6c6c756e;
const LETTER_E: u32 = 0x65;

/** @returns index after the value, -1 if it is not plain */
function valueEnd(at: i32, end: i32): i32 {
  const first: u32 = load<u8>(at);
  if (first === QUOTE) {
    const to = textEnd(at + 1, end);
    return to < 0 ? -1 : to + 1;
  }
  if (first === MINUS || isDigit(first)) return numberEnd(at, end);
  if (first === OPEN_BRACKET) return arrayEnd(at, end);
  const four = load<u32>(at);
  if (four === TRUE || four === NULL) return at + 4;
  return four === FALSE && load<u8>(at + 4) === LETTER_E ? at + 5 : -1;
}

function arrayEnd(at: i32, end: i32): i32 {
  if (load<u8>(at + 1) === CLOSE_BRACKET) return at + 2;
  do {
    if (load<u8>(at + 1) === OPEN_BRACKET) return -1;
    at = valueEnd(at + 1, end);
  } while (at > 0 && at < end && load<u8>(at) === COMMA);
  return at > 0 && load<u8>(at) === CLOSE_BRACKET ? at + 1 : -1;
}

/** Kind of a value, by its first byte, where it is known to be one. */
function kindOf(first: u32): i32 {
  if (first === QUOTE) return KIND_TEXT;
  if (first === OPEN_BRACKET) return KIND_ARRAY;
  if (first === 0x6e) return KIND_NONE;
  return first === 0x74 || first === 0x66 ? KIND_BOOLEAN : KIND_NUMBER;
}
