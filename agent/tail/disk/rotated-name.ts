import { parse } from "node:path";

/**
 * What rotation puts into a file's name: a number, a date or time, or one of the customary words.
 * Compressed copies have one more ending, and so are not among them.
 */
const MARK = /^[.\-_]?(?:\d[\d.\-_T:Z]*|old|bak|prev)$/;

/**
 * Those that tools give which copy a file before they truncate it. `worker-1.log` is likely to be another
 * worker's, and is an earlier `worker.log` only if that was renamed.
 */
const COPY_MARK =
  /^(?:\.\d[\d.\-_T:Z]*|[-_]?\d{6}[\d.\-_T:Z]*|[-_]\d{4}-\d\d[\d.\-_T:Z]*|[.\-_](?:old|bak|prev))$/;

const TWO_DIGITS = /^\d\d$/;

/** True for `access.log.1`, `access.log-20261101`, `access-20261101.log` and `access.1.log` of `access.log`. */
export function isRotatedName(name: string, original: string): boolean {
  return originalNames(name).includes(original);
}

/** Every name of which rotation may have made this one. */
export function originalNames(name: string): string[] {
  return unmarkedNames(name, MARK);
}

/** Every name of which copying before a truncation may have made this one. */
export function copiedNames(name: string): string[] {
  return unmarkedNames(name, COPY_MARK);
}

/** True for `access.log.1` and `access.log-20261101` of `access.log`, whose original can be no other. */
export function isAppendedMark(name: string, original: string): boolean {
  return name.startsWith(original) && COPY_MARK.test(name.slice(original.length));
}

function unmarkedNames(name: string, mark: RegExp): string[] {
  const { name: stem, ext } = parse(name);
  return [...unmarked(name, "", mark), ...(ext === "" ? [] : unmarked(stem, ext, mark))];
}

function unmarked(marked: string, ext: string, mark: RegExp): string[] {
  const names: string[] = [];
  for (let end = marked.length - 1; end > 0; end--) {
    // `app10.log` is none of `app1.log`.
    const isWithinNumber = TWO_DIGITS.test(marked.slice(end - 1, end + 1));
    if (!isWithinNumber && mark.test(marked.slice(end))) names.push(marked.slice(0, end) + ext);
  }
  return names;
}
