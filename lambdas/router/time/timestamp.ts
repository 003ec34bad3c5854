/** The minute written last, as lines come mostly in order of time. Remembered only to be fast. */
let minute = NaN;
let prefix = "";

/**
 * `YYYY-MM-DD HH:MM:SS.mmm` in UTC: what COPY reads with TIMEFORMAT 'auto'.
 *
 * @param epochMs whole, of the years 1 to 9999
 */
export function formatTimestamp(epochMs: number): string {
  const now = Math.floor(epochMs / 60_000);
  if (now !== minute) {
    minute = now;
    prefix = new Date(now * 60_000).toISOString().slice(0, 17).replace("T", " ");
  }
  const ms = epochMs - now * 60_000;
  const seconds = Math.floor(ms / 1_000);
  const rest = ms % 1_000;
  return `${prefix}${seconds < 10 ? "0" : ""}${seconds}.${rest < 10 ? "00" : rest < 100 ? "0" : ""}${rest}`;
}

const TIMESTAMP = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/;

/** Reads what `formatTimestamp` has written, in ms of the epoch; NaN for any other text. */
export function timestampMs(text: string): number {
  return TIMESTAMP.test(text) ? Date.parse(`${text.replace(" ", "T")}Z`) : NaN;
}
