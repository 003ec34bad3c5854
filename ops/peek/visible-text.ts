import { isUtf8 } from "node:buffer";

/**
 * What would command a terminal, or change how what stands beside it looks: control characters of both sets, line and
 * paragraph separators, and those that turn the direction of text.
 */
// oxlint-disable-next-line no-control-regex -- they are what this is about
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

const TAB = "\t";

/** Text with whatever is not seen in it as \x1b or \u202e. Tabs stay. */
export function visibleText(text: string): string {
  return text.replaceAll(UNSEEN, (character) => {
    if (character === TAB) return TAB;
    if (character === "\n") return String.raw`\n`;
    if (character === "\r") return String.raw`\r`;
    const hex = character.charCodeAt(0).toString(16);
    return hex.length <= 2 ? `\\x${hex.padStart(2, "0")}` : `\\u${hex.padStart(4, "0")}`;
  });
}

/** Bytes as text. Those that are not UTF-8 are shown as \xff. */
export function visibleBytes(data: Uint8Array): string {
  const buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (isUtf8(buffer)) return visibleText(buffer.toString("utf8"));
  let [text, from] = ["", 0];
  for (let at = 0; at < buffer.length;) {
    const length = characterLength(buffer, at);
    if (length === 0) {
      text += `${visibleText(buffer.toString("utf8", from, at))}\\x${buffer[at]!.toString(16)}`;
      from = at + 1;
    }
    at += length || 1;
  }
  return text + visibleText(buffer.toString("utf8", from));
}

/** Bytes of the UTF-8 character that begins there; 0 if none does. */
function characterLength(buffer: Buffer, at: number): number {
  if (buffer[at]! < 0x80) return 1;
  for (let length = 2; length <= 4 && at + length <= buffer.length; length++) {
    if (isUtf8(buffer.subarray(at, at + length))) return length;
  }
  return 0;
}

/** JSON that a terminal takes no commands from: the same JSON to whoever reads it. */
export function visibleJson(json: string): string {
  return json.replaceAll(
    UNSEEN,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
