/** Figures as people read them. */

const grouping = new Intl.NumberFormat("en-US");
const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });

/** 1,234,567 */
export const grouped = (value) => grouping.format(Math.round(value));

/** 12.3K */
export const short = (value) => compact.format(value);

/** 1 load, 2 loads */
export const counted = (value, one, many = `${one}s`) => `${grouped(value)} ${value === 1 ? one : many}`;

/** 3.4 MB */
export function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  const value = bytes / 1_000 ** step;
  return `${step === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[step]}`;
}

/** 0.4 s, 12 s, 3 min */
export function duration(ms) {
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  return ms < 120_000 ? `${Math.round(ms / 1_000)} s` : `${Math.round(ms / 60_000)} min`;
}

/** 1:05, 1:02:05 */
export function clock(seconds) {
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
  const text = parts.map((part) => String(part).padStart(2, "0")).join(":");
  return text.replace(/^00:0?/, "");
}
