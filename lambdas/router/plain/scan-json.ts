import type { FieldPath } from "../field-path.ts";
import {
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  equalBytes,
  isDigit,
  MINUS,
  numberEnd,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  SPACE,
  textEnd,
} from "./bytes.ts";
import { EXTRAS_MAX, KIND, type Kind, type Scan, type Spans } from "./spans.ts";

/** A name that the type knows: its slot, and for an object of which only fields below are taken, those. */
export interface Member {
  readonly name: Buffer;
  readonly slot: number;
  readonly below: Member[];
  /** Slots of the same paths in another form: a line that has both is not plain. */
  readonly rivals: number[];
}

/** The slot of a name with dots in which only part of a path is written. */
const NOT_PLAIN = -1;

/** The names that a type knows of an object, and how many slots their values take. */
interface Members {
  readonly top: readonly Member[];
  readonly slots: number;
}

/** Members are searched one after the other. */
const MEMBERS_MAX = 64;

/**
 * Scans plain JSON objects: ASCII without escapes, at most one space after colons and commas, no name twice,
 * no objects but those that columns reach into.
 */
export function jsonScanner({ top }: Members): Scan {
  return (bytes, end, spans) =>
    bytes[0] === OPEN_BRACE && scanObject(bytes, 0, end, spans, top, true) === end;
}

/**
 * @param paths by slot; slots after them are the scanner's own
 * @returns undefined where plain lines cannot tell the paths apart from one another
 */
export function jsonMembers(paths: readonly FieldPath[]): Members | undefined {
  let slots = paths.length;
  const top: Member[] = [];
  for (const [slot, path] of paths.entries()) {
    let members = top;
    for (const [depth, name] of path.entries()) {
      const last = depth === path.length - 1;
      let member = members.find((member) => member.name.equals(Buffer.from(name)));
      // A field both taken whole and reached into, or taken twice.
      if (member && (last || member.slot < paths.length)) return undefined;
      if (!member)
        members.push(
          (member = { name: Buffer.from(name), slot: last ? slot : slots++, below: [], rivals: [] }),
        );
      members = member.below;
    }
  }
  // Last, since lines mostly have the objects.
  for (const { root, member } of dottedMembers(paths)) {
    if (top.some(({ name }) => name.equals(member.name))) return undefined;
    const object = top.find(({ name }) => name.equals(root))!;
    object.rivals.push(member.slot);
    member.rivals.push(object.slot);
    top.push(member);
  }
  return top.length > MEMBERS_MAX ? undefined : { top, slots };
}

/** Names with dots in them that a path may be written in, the whole of it or only its begin. */
function dottedMembers(paths: readonly FieldPath[]): { readonly root: Buffer; readonly member: Member }[] {
  return paths.flatMap((path, slot) =>
    path.slice(1).map((_, i) => {
      const name = Buffer.from(path.slice(0, i + 2).join("."));
      const isWhole = i + 2 === path.length;
      const member = { name, slot: isWhole ? slot : NOT_PLAIN, below: [], rivals: [] };
      return { root: Buffer.from(path[0]), member };
    }),
  );
}

/** @returns index after the object, -1 if it is not plain */
function scanObject(
  bytes: Uint8Array,
  at: number,
  end: number,
  spans: Spans,
  members: readonly Member[],
  isTop: boolean,
): number {
  let next = 0;
  if (bytes[at + 1] === CLOSE_BRACE) return at + 2;
  do {
    at = afterSpace(bytes, at + 1);
    const nameTo = bytes[at] === QUOTE ? textEnd(bytes, at + 1, end) : -1;
    if (nameTo < 0 || bytes[nameTo + 1] !== COLON) return -1;
    const valueAt = afterSpace(bytes, nameTo + 2);
    next = find(bytes, at + 1, nameTo, members, next);
    const member = members[next];
    let to: number;
    if (member === undefined) {
      to = isTop ? scanExtra(bytes, at, nameTo + 1, valueAt, end, spans) : -1;
      next = 0;
    } else {
      if (member.slot === NOT_PLAIN || spans.kind[member.slot] !== KIND.absent) return -1;
      for (const rival of member.rivals) if (rival >= 0 && spans.kind[rival] !== KIND.absent) return -1;
      if (member.below.length === 0) {
        to = scanValue(bytes, valueAt, end, spans, member.slot);
      } else {
        spans.kind[member.slot] = KIND.none;
        to = bytes[valueAt] === OPEN_BRACE ? scanObject(bytes, valueAt, end, spans, member.below, false) : -1;
      }
      next++;
    }
    if (to < 0) return -1;
    at = to;
  } while (bytes[at] === COMMA && at < end);
  return bytes[at] === CLOSE_BRACE ? at + 1 : -1;
}

function afterSpace(bytes: Uint8Array, at: number): number {
  return bytes[at] === SPACE ? at + 1 : at;
}

/** Index of the member of that name, -1 if there is none. Lines repeat the order of names: `guess` is right mostly. */
function find(
  bytes: Uint8Array,
  from: number,
  to: number,
  members: readonly Member[],
  guess: number,
): number {
  if (guess < members.length && isNamed(members[guess]!, bytes, from, to)) return guess;
  for (let i = 0; i < members.length; i++) if (isNamed(members[i]!, bytes, from, to)) return i;
  return -1;
}

function isNamed({ name }: Member, bytes: Uint8Array, from: number, to: number): boolean {
  return name.length === to - from && equalBytes(name, 0, bytes, from, to - from);
}

/** A value into its slot. @returns index after it, -1 if it is not plain */
function scanValue(bytes: Uint8Array, at: number, end: number, spans: Spans, slot: number): number {
  const to = valueEnd(bytes, at, end);
  if (to < 0) return -1;
  const kind = kindOf(bytes[at]!);
  if (kind === KIND.text) spans.set(slot, kind, at + 1, to - 1);
  else spans.set(slot, kind, at, to);
  return to;
}

function scanExtra(
  bytes: Uint8Array,
  nameFrom: number,
  nameTo: number,
  at: number,
  end: number,
  spans: Spans,
): number {
  const to = valueEnd(bytes, at, end);
  // JavaScript puts names that are numbers before all others.
  if (to < 0 || isDigit(bytes[nameFrom + 1]) || spans.extraCount === EXTRAS_MAX) return -1;
  for (let i = 0; i < spans.extraCount; i++) {
    const { nameFrom: from, nameTo: to } = spans.extras[i]!;
    if (to - from === nameTo - nameFrom && equalBytes(bytes, from, bytes, nameFrom, to - from)) return -1;
  }
  const extra = spans.extras[spans.extraCount++]!;
  extra.nameFrom = nameFrom;
  extra.nameTo = nameTo;
  extra.from = at;
  extra.to = to;
  return to;
}

const LITERALS = ["true", "false", "null"].map((text) => Buffer.from(text));

/** @returns index after the value, -1 if it is not plain */
function valueEnd(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at];
  if (first === QUOTE) return textEnd(bytes, at + 1, end) + 1 || -1;
  if (first === MINUS || isDigit(first)) return numberEnd(bytes, at, end);
  if (first === OPEN_BRACKET) return arrayEnd(bytes, at, end);
  const literal = LITERALS.find((literal) => literal[0] === first);
  return literal && equalBytes(literal, 0, bytes, at, literal.length) ? at + literal.length : -1;
}

function arrayEnd(bytes: Uint8Array, at: number, end: number): number {
  if (bytes[at + 1] === CLOSE_BRACKET) return at + 2;
  do {
    if (bytes[at + 1] === OPEN_BRACKET) return -1;
    at = valueEnd(bytes, at + 1, end);
  } while (at > 0 && at < end && bytes[at] === COMMA);
  return at > 0 && bytes[at] === CLOSE_BRACKET ? at + 1 : -1;
}

/** Kind of a value, by its first byte, where it is known to be one. */
function kindOf(first: number): Kind {
  if (first === QUOTE) return KIND.text;
  if (first === OPEN_BRACKET) return KIND.array;
  if (first === 0x6e) return KIND.none;
  return first === 0x74 || first === 0x66 ? KIND.boolean : KIND.number;
}
