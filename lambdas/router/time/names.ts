const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** @returns 1 to 12, 0 for a text that is no month's first three letters */
export const monthOf = (name: string): number => MONTHS.indexOf(name) + 1;

const MONTH_NAMES =
  "January February March April May June July August September October November December".split(" ");
const WEEKDAY_NAMES = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");

/** Whole names before short ones, of which they begin with one. In any case of letters. */
const alternatives = (names: readonly string[]): RegExp =>
  new RegExp([...names, ...names.map((name) => name.slice(0, 3))].join("|"), "iy");

export const MONTH_NAME = alternatives(MONTH_NAMES);
export const WEEKDAY_NAME = alternatives(WEEKDAY_NAMES);

/** @param name as MONTH_NAME has found it */
export function monthNumber(name: string): number {
  const short = name.slice(0, 3).toLowerCase();
  return monthOf(short.charAt(0).toUpperCase() + short.slice(1));
}
