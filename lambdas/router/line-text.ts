import { isUtf8 } from "node:buffer";
import { Misfit } from "./misfit.ts";

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BYTE_ORDER_MARK = 0xfeff;

/**
 * An event's bytes as text, without a line end (other producers send line feeds, files of Windows have
 * carriage returns) and without a byte order mark. Bytes that are not UTF-8 are refused, not replaced, unless the type
 * says so.
 */
export function lineText(data: Uint8Array, replacesInvalid = false): string | Misfit {
  let end = data.length;
  if (data[end - 1] === LINE_FEED) end--;
  if (data[end - 1] === CARRIAGE_RETURN) end--;
  const text = utf8(data, end);
  // The replacement character may also be the line's own.
  if (!replacesInvalid && text.includes("\ufffd") && !isUtf8(data))
    return new Misfit("unparsed", "not UTF-8");
  return text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text;
}

function utf8(data: Uint8Array, end: number): string {
  const buffer = Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return buffer.toString("utf8", 0, end);
}
