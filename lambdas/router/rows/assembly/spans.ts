import { SPAN_BYTES, SPAN_FROM, SPAN_KIND, SPAN_MARKS, SPAN_TO, SPANS } from "../layout";

/** Places of the fields of the line at hand, by slot, as in plain/spans.ts. */
export function clearSpans(slots: i32): void {
  for (let slot = 0; slot < slots; slot++) v128.store(SPANS + slot * SPAN_BYTES, i32x4.splat(0));
}

export function setSpan(slot: i32, kind: i32, from: i32, to: i32, marks: i32): void {
  const span = SPANS + slot * SPAN_BYTES;
  store<i32>(span + SPAN_KIND, kind);
  store<i32>(span + SPAN_FROM, from);
  store<i32>(span + SPAN_TO, to);
  store<i32>(span + SPAN_MARKS, marks);
}

export function spanKind(slot: i32): i32 {
  return load<i32>(SPANS + slot * SPAN_BYTES + SPAN_KIND);
}

export function spanFrom(slot: i32): i32 {
  return load<i32>(SPANS + slot * SPAN_BYTES + SPAN_FROM);
}

export function spanTo(slot: i32): i32 {
  return load<i32>(SPANS + slot * SPAN_BYTES + SPAN_TO);
}

export function spanMarks(slot: i32): i32 {
  return load<i32>(SPANS + slot * SPAN_BYTES + SPAN_MARKS);
}

/** More fields without a column than this are for the general path. */
export const EXTRAS_MAX = 8;

/** Fields without a slot, after those of all slots: name with its quotes in place of a kind, and value. */
const EXTRAS = SPANS + 512 * SPAN_BYTES;
export let extraCount: i32 = 0;

export function clearExtras(): void {
  extraCount = 0;
}

/** @returns false where there is one of that name already, or no room */
export function addExtra(nameFrom: i32, nameTo: i32, from: i32, to: i32): bool {
  if (extraCount === EXTRAS_MAX) return false;
  for (let i = 0; i < extraCount; i++) {
    const length = extraNameTo(i) - extraNameFrom(i);
    if (length === nameTo - nameFrom && sameText(extraNameFrom(i), nameFrom, length)) return false;
  }
  const extra = EXTRAS + extraCount++ * SPAN_BYTES;
  store<i32>(extra, nameFrom);
  store<i32>(extra + 4, nameTo);
  store<i32>(extra + 8, from);
  store<i32>(extra + 12, to);
  return true;
}

function sameText(a: i32, b: i32, length: i32): bool {
  for (let i = 0; i < length; i++) if (load<u8>(a + i) !== load<u8>(b + i)) return false;
  return true;
}

export function extraNameFrom(i: i32): i32 {
  return load<i32>(EXTRAS + i * SPAN_BYTES);
}

export function extraNameTo(i: i32): i32 {
  return load<i32>(EXTRAS + i * SPAN_BYTES + 4);
}

export function extraFrom(i: i32): i32 {
  return load<i32>(EXTRAS + i * SPAN_BYTES + 8);
}

export function extraTo(i: i32): i32 {
  return load<i32>(EXTRAS + i * SPAN_BYTES + 12);
}
