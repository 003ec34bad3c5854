import { parse } from "node:path";

/**
 * What rotation puts into a file's name: a number, a date or time, or one of the customary words.
 * Compressed copies have one more ending, and so are not among them.
 */
const MARK = /^[.\-_]?(?:\d[\d.\-_T:Z]*|old|bak|prev)$/;

/** True for `access.log.1`, `access.log-20261101`, `access-20261101.log` and `access.1.log` of `access.log`. */
export function isRotatedName(name: string, original: string): boolean {
  const { name: stem, ext } = parse(original);
  if (name.startsWith(original)) return MARK.test(name.slice(original.length));
  return (
    ext !== "" &&
    name.startsWith(stem) &&
    name.endsWith(ext) &&
    MARK.test(name.slice(stem.length, name.length - ext.length))
  );
}
