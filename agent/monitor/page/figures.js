/** Figures as people read them. */

const grouping = new Intl.NumberFormat("en-US");
const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });

/** 1,234,567 */
export const grouped = (value) => grouping.format(Math.round(value));

/** 12.3K */
export const short = (value) => compact.format(value);

/** 12.3K/s, 2.4/s, and of what is rarer than one a second 28/min or 3/h. @param unit such as "lines" */
export function rate(perSecond, unit = "") {
  const of = unit && ` ${unit}`;
  if (perSecond >= 10) return `${short(Math.round(perSecond))}${of}/s`;
  if (perSecond >= 1) return `${Math.round(perSecond * 10) / 10}${of}/s`;
  if (perSecond * 60 >= 0.5) return `${Math.round(perSecond * 60)}${of}/min`;
  return perSecond > 0 ? `${Math.max(1, Math.round(perSecond * 3_600))}${of}/h` : `0${of}/s`;
}

/** 3.4 MB */
export function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  const value = bytes / 1_000 ** step;
  return `${step === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[step]}`;
}

/** 0.4 s, 12 s, 3 min, 5 h */
export function duration(seconds) {
  if (seconds === 0) return "0 s";
  if (seconds < 0.1) return `${Math.max(1, Math.round(seconds * 1_000))} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}
