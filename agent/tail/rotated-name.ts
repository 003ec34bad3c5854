import { parse } from "node:path";

/**
 * What rotation puts into a file's name: a number, a date or time, or one of the customary words.
 * Compressed copies have one more ending, and so are not among them.
 */
const MARK = /^[.\-_]?(?:\d[\d.\-_T:Z]*|old|bak|prev)$/;

/**
 * What stands after a whole name only where rotation has put it. `worker-1` is more likely to be another
 * worker's than an earlier `worker`.
 */
const APPENDED_MARK =
  /^(?:\.\d[\d.\-_T:Z]*|[-_]?\d{8}[\d.\-_T:Z]*|[-_]\d{4}-\d\d[\d.\-_T:Z]*|[.\-_](?:old|bak|prev))$/;

const TWO_DIGITS = /^\d\d$/;

/** True for `access.log.1`, `access.log-20261101`, `access-20261101.log` and `access.1.log` of `access.log`. */
export function isRotatedName(name: string, original: string): boolean {
  return originalNames(name).includes(original);
}

/** True for `access.log.1` and `access.log-20261101` of `access.log`, whose original can be no other. */
export function isAppendedMark(name: string, original: string): boolean {
  return name.startsWith(original) && APPENDED_MARK.test(name.slice(original.length));
}

/** Every name of which rotation may have made this one. */
export function originalNames(name: string): string[] {
  const { name: stem, ext } = parse(name);
  return [...unmarked(name, ""), ...(ext === "" ? [] : unmarked(stem, ext))];
}

function unmarked(marked: string, ext: string): string[] {
  const names: string[] = [];
  for (let end = marked.length - 1; end > 0; end--) {
    // `app10.log` is none of `app1.log`.
    const isWithinNumber = TWO_DIGITS.test(marked.slice(end - 1, end + 1));
    if (!isWithinNumber && MARK.test(marked.slice(end))) names.push(marked.slice(0, end) + ext);
  }
  return names;
}
