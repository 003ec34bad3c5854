/**
 * The proleptic Gregorian calendar in UTC, years 1 to 9999: what both Redshift and a partition's four-digit
 * year can hold.
 */
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** The calendar repeats after 400 years, of 146,097 days. */
const CYCLE_YEARS = 400;
const CYCLE_MS = 146_097 * DAY_MS;

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

export const FIRST_MS = civilMs(1, 1, 1);
export const LAST_MS = civilMs(9999, 12, 31) + DAY_MS - 1;

export function isDate(year: number, month: number, day: number): boolean {
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= DAYS[month - 1]! + (leap ? 1 : 0);
}

/** Midnight of a date, in ms of the epoch. Date.UTC alone takes the years 0 to 99 for 1900 to 1999. */
function civilMs(year: number, month: number, day: number): number {
  const cycles = Math.floor(year / CYCLE_YEARS) - 5;
  return Date.UTC(2000 + (year % CYCLE_YEARS), month - 1, day) + cycles * CYCLE_MS;
}

/**
 * @returns what a clock shows at a minute's begin, in ms as if it were UTC; NaN where the calendar has no such minute.
 *   24:00 is the next day's midnight
 */
export function wallMs(year: number, month: number, day: number, hour: number, minute: number): number {
  const isMidnight = hour === 24 && minute === 0;
  if (!isDate(year, month, day) || (hour > 23 && !isMidnight) || minute > 59) return NaN;
  return civilMs(year, month, day) + (hour * 60 + minute) * MINUTE_MS;
}
