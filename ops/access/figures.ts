const grouping = new Intl.NumberFormat("en-US");

/** 1,234,567 */
export function grouped(value: number): string {
  return grouping.format(value);
}

/** [1,200, 1,322) */
export function rangeText(from: number, to: number): string {
  return `[${grouped(from)}, ${grouped(to)})`;
}

/** 1 line, 2 lines */
export function counted(value: number, noun: string): string {
  return `${grouped(value)} ${noun}${value === 1 ? "" : "s"}`;
}
