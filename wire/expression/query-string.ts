/**
 * The first value of a parameter in a URL's query, or of a query by itself, decoded as browsers do: "+" is a space, %hh
 * a byte of UTF-8, and what is neither stays as it is.
 *
 * @returns undefined where the parameter is not there
 */
export function queryParameter(url: string, name: string): string | undefined {
  const question = url.indexOf("?");
  const fragment = url.indexOf("#", question + 1);
  const end = fragment < 0 ? url.length : fragment;
  for (let at = question + 1; at < end;) {
    const ampersand = url.indexOf("&", at);
    const pairEnd = ampersand < 0 || ampersand > end ? end : ampersand;
    const pair = url.slice(at, pairEnd);
    const equals = pair.indexOf("=");
    const key = equals < 0 ? pair : pair.slice(0, equals);
    if (key === name || (/[%+]/.test(key) && decoded(key) === name))
      return equals < 0 ? "" : decoded(pair.slice(equals + 1));
    at = pairEnd + 1;
  }
  return undefined;
}

/** What stands there has no "&" that would end it. */
const decoded = (text: string): string =>
  /[%+]/.test(text) ? (new URLSearchParams(`v=${text}`).get("v") ?? "") : text;
