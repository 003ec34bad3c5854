/** Digits of a second's fraction, as ms and microseconds past them. Those past the microsecond are cut off. */
export function fractionOf(digits: string): { readonly ms: number; readonly micros: number } {
  const ms = Number(digits.slice(0, 3).padEnd(3, "0"));
  return { ms, micros: digits.length > 3 ? Number(digits.slice(3, 6).padEnd(3, "0")) : 0 };
}
