const ESCAPE = /((?:\\x[0-9A-Fa-f]{2})+)|\\(["\\nrtbv])/g;

const CHARACTERS: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", v: "\v" };

/**
 * The text that a server has escaped: \" and \\, \n and its kind of Apache, and \xhh, a byte of UTF-8. What no column
 * could hold stays as the server wrote it: bytes that are no UTF-8, and NUL.
 *
 * sources: https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#format-notes, ngx_http_log_module; read 2026-11
 */
export function decodeEscapes(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replaceAll(ESCAPE, (all, bytes: string | undefined, letter: string) =>
    bytes === undefined ? (CHARACTERS[letter] ?? letter) : (decodeBytes(bytes) ?? all),
  );
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodeBytes(escapes: string): string | undefined {
  try {
    const text = UTF8.decode(Buffer.from(escapes.replaceAll(String.raw`\x`, ""), "hex"));
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}
