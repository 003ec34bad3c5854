/**
 * Patterns are matched against bytes, one character each (latin1): nothing of UTF-8 is decoded, and a line
 * that is not UTF-8 matches like any other. A pattern's own characters are taken as their UTF-8 bytes, so text
 * matches text; only within brackets, as in [äö], each byte stands for itself.
 *
 * @throws SyntaxError
 */
export function bytePattern(source: string, flags = ""): RegExp {
  return new RegExp(Buffer.from(source, "utf8").toString("latin1"), flags);
}
