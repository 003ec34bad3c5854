/** Characters of a tag, as for files. */
const MAX_CHARS = 128;

/**
 * A Fluentd tag as a tag of ours: what is not a letter, a digit, `.`, `_` or `-` becomes `_`, and
 * one that begins with neither letter nor digit gets an `x` before it, so that no peer can speak
 * under the tags that begin with `_`, which are Weir's own.
 */
export function tagOf(bytes: Buffer | string): string {
  const tag = bytes.toString().replace(/[^A-Za-z0-9._-]/g, "_");
  return (/^[A-Za-z0-9]/.test(tag) ? tag : `x${tag}`).slice(0, MAX_CHARS);
}
