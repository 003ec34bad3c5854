import { CLOSE_BRACKET, MINUS, OPEN_BRACKET, PLAIN, QUOTE, SPACE } from "./bytes.ts";
import { KIND, type Scan, type Spans } from "./spans.ts";

/** The fields in the order of the general path, by slot. */
export const ACCESS_FIELDS = [
  "host",
  "ident",
  "user",
  "time",
  "method",
  "path",
  "protocol",
  "status",
  "bytes",
  "referer",
  "agent",
] as const;
const SLOT = Object.fromEntries(ACCESS_FIELDS.map((name, slot) => [name, slot])) as Record<
  (typeof ACCESS_FIELDS)[number],
  number
>;

/** Where quotes stand in the line: two of the request, and in `combined` two each of referer and agent. */
const quotes = new Int32Array(6);

/** Scans plain lines of the grammar in parse/access-log.ts: printable ASCII, no backslash, quotes only as delimiters. */
export function accessLogScanner(combined: boolean): Scan {
  const count = combined ? 6 : 2;
  return (bytes, end, spans) => {
    if (!findQuotes(bytes, end, count)) return false;
    const [request, requestEnd, referer, refererEnd, agent, agentEnd] = quotes as unknown as number[];
    if (!scanStart(bytes, request!, spans)) return false;
    if (!scanRequest(bytes, request! + 1, requestEnd!, spans)) return false;
    const bytesEnd = combined ? referer! - 1 : end;
    if (!scanNumbers(bytes, requestEnd! + 1, bytesEnd, spans)) return false;
    if (!combined) return true;
    if (bytes[bytesEnd] !== SPACE || agent !== refererEnd! + 2 || agentEnd !== end - 1) return false;
    if (bytes[refererEnd! + 1] !== SPACE) return false;
    put(bytes, spans, SLOT.referer, referer! + 1, refererEnd!);
    put(bytes, spans, SLOT.agent, agent + 1, agentEnd);
    return true;
  };
}

function findQuotes(bytes: Uint8Array, end: number, count: number): boolean {
  let found = 0;
  for (let at = 0; at < end; at++) {
    if (PLAIN[bytes[at]!] === 1) continue;
    if (bytes[at] !== QUOTE || found === count) return false;
    quotes[found++] = at;
  }
  return found === count;
}

/** `host ident user [time] ` up to the request's quote. */
function scanStart(bytes: Uint8Array, quote: number, spans: Spans): boolean {
  const hostEnd = indexOf(bytes, SPACE, 0, quote);
  const identEnd = indexOf(bytes, SPACE, hostEnd + 1, quote);
  let userEnd = identEnd + 1;
  while (userEnd < quote && !(bytes[userEnd] === SPACE && bytes[userEnd + 1] === OPEN_BRACKET)) userEnd++;
  const timeEnd = quote - 2;
  if (
    hostEnd < 1 ||
    userEnd + 2 > timeEnd ||
    bytes[timeEnd] !== CLOSE_BRACKET ||
    bytes[quote - 1] !== SPACE
  ) {
    return false;
  }
  put(bytes, spans, SLOT.host, 0, hostEnd);
  put(bytes, spans, SLOT.ident, hostEnd + 1, identEnd);
  put(bytes, spans, SLOT.user, identEnd + 1, userEnd);
  put(bytes, spans, SLOT.time, userEnd + 2, timeEnd);
  return true;
}

const HTTP = Buffer.from("HTTP/");

/** `METHOD path PROTOCOL`; any other request is not plain. */
function scanRequest(bytes: Uint8Array, from: number, to: number, spans: Spans): boolean {
  const methodEnd = indexOf(bytes, SPACE, from, to);
  let pathEnd = to - 1;
  while (pathEnd > methodEnd && bytes[pathEnd] !== SPACE) pathEnd--;
  if (methodEnd === from || pathEnd <= methodEnd || to - pathEnd <= HTTP.length) return false;
  for (let i = 0; i < HTTP.length; i++) if (bytes[pathEnd + 1 + i] !== HTTP[i]) return false;
  spans.set(SLOT.method, KIND.text, from, methodEnd);
  spans.set(SLOT.path, KIND.text, methodEnd + 1, pathEnd);
  spans.set(SLOT.protocol, KIND.text, pathEnd + 1, to);
  return true;
}

/** ` status bytes` after the request's quote. */
function scanNumbers(bytes: Uint8Array, at: number, bytesEnd: number, spans: Spans): boolean {
  const statusEnd = indexOf(bytes, SPACE, at + 1, bytesEnd);
  if (bytes[at] !== SPACE || statusEnd === at + 1 || statusEnd >= bytesEnd - 1) return false;
  put(bytes, spans, SLOT.status, at + 1, statusEnd);
  put(bytes, spans, SLOT.bytes, statusEnd + 1, bytesEnd);
  return true;
}

/** "-" is no value. */
function put(bytes: Uint8Array, spans: Spans, slot: number, from: number, to: number): void {
  spans.set(slot, to - from === 1 && bytes[from] === MINUS ? KIND.none : KIND.text, from, to);
}

/** @returns `to` if there is none */
function indexOf(bytes: Uint8Array, byte: number, from: number, to: number): number {
  let at = from;
  while (at < to && bytes[at] !== byte) at++;
  return at;
}
