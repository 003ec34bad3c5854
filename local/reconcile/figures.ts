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

/** 3.4 MB */
export function sizeText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  const value = bytes / 1_000 ** step;
  return `${step === 0 ? value : value.toFixed(1)} ${units[step]}`;
}
