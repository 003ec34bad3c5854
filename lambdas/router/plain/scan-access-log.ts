import { accessFieldNames, type AccessForm, type AccessFormat } from "../../../wire/access-log/format.ts";
import { COLON, DOLLAR, equalBytes, isDigit, MINUS, PLAIN, SPACE } from "./bytes.ts";
import { KIND, type Scan, type Spans } from "./spans.ts";

/** 1 for each byte that a plain text of this form may hold. All are part of what the general path takes. */
const HOLDS: Readonly<Record<AccessForm, Uint8Array>> = {
  host: only(/[\w.:%*/[\]-]/),
  vhost: only(/[\w.*-]/),
  digits: only(/\d/),
  ident: only(/[\w$-]/),
  user: only(/[^ ]/),
  word: only(/[^ ]/),
  list: only(/[^ ,]/),
  until: PLAIN,
  time: only(/[^[\]]/),
  quoted: PLAIN,
  request: PLAIN,
};

const MAY_BE_EMPTY: ReadonlySet<AccessForm> = new Set(["time", "quoted", "until"]);

/** A field of a format, and the text before it. */
export interface Step {
  readonly before: Buffer;
  readonly form: AccessForm;
  readonly holds: Uint8Array;
  readonly isRequest: boolean;
  readonly mayBeEmpty: boolean;
  /** Slot of the field, or of the first of a request's fields. */
  readonly slot: number;
}

/**
 * Scans plain lines of a format: printable ASCII, no backslash, quotes only as delimiters. Each field ends
 * at the first byte that it may not hold, so that nothing is looked at twice.
 *
 * Slots are the fields' places in `accessFieldNames`.
 */
export function accessLogScanner(format: AccessFormat): Scan {
  const steps = accessSteps(format);
  const after = Buffer.from(format.after);
  return (bytes, end, spans) => {
    let at = 0;
    for (let i = 0; i < steps.length; i++) {
      const { before, form, holds, isRequest, mayBeEmpty, slot } = steps[i]!;
      if (!equalBytes(before, 0, bytes, at, before.length)) return false;
      const from = at + before.length;
      at = from;
      while (at < end && holds[bytes[at]!] === 1) at++;
      if (isRequest) {
        if (!scanRequest(bytes, from, at, spans, slot)) return false;
        continue;
      }
      if (at <= from && !(at === from && mayBeEmpty)) return false;
      if (form === "ident" && (isDigit(bytes[from]) || bytes[from] === DOLLAR)) return false;
      if (form === "list" && mayGoOn(bytes, at)) return false;
      put(bytes, spans, slot, from, at);
    }
    return at + after.length === end && equalBytes(after, 0, bytes, at, after.length);
  };
}

export function accessSteps(format: AccessFormat): Step[] {
  const names = accessFieldNames(format);
  return format.fields.map(({ before, name, form }, i) => ({
    before: Buffer.from(before),
    form,
    holds: form === "until" ? butFor(format.fields[i + 1]?.before ?? format.after) : HOLDS[form],
    isRequest: form === "request",
    mayBeEmpty: MAY_BE_EMPTY.has(form),
    slot: names.indexOf(form === "request" ? "method" : name),
  }));
}

/** A list of more than one word, its words in groups. */
const mayGoOn = (bytes: Uint8Array, at: number): boolean => bytes[at] === SPACE && bytes[at + 1] === COLON;

/** Plain bytes that a value may hold which ends where `next` begins. */
function butFor(next: string): Uint8Array {
  const holds = Uint8Array.from(PLAIN);
  if (next !== "") holds[next.charCodeAt(0)] = 0;
  return holds;
}

/** Plain bytes that match, as a table. */
function only(pattern: RegExp): Uint8Array {
  return PLAIN.map((plain, byte) => (plain === 1 && pattern.test(String.fromCharCode(byte)) ? 1 : 0));
}

const HTTP = Buffer.from("HTTP/");

/** `METHOD path PROTOCOL`; any other request is not plain. */
function scanRequest(bytes: Uint8Array, from: number, to: number, spans: Spans, slot: number): boolean {
  let methodEnd = from;
  while (methodEnd < to && bytes[methodEnd] !== SPACE) methodEnd++;
  let pathEnd = to - 1;
  while (pathEnd > methodEnd && bytes[pathEnd] !== SPACE) pathEnd--;
  if (methodEnd === from || pathEnd <= methodEnd || to - pathEnd <= HTTP.length) return false;
  if (!equalBytes(HTTP, 0, bytes, pathEnd + 1, HTTP.length)) return false;
  spans.set(slot, KIND.text, from, methodEnd);
  spans.set(slot + 1, KIND.text, methodEnd + 1, pathEnd);
  spans.set(slot + 2, KIND.text, pathEnd + 1, to);
  return true;
}

/** "-" is no value. */
function put(bytes: Uint8Array, spans: Spans, slot: number, from: number, to: number): void {
  spans.set(slot, to - from === 1 && bytes[from] === MINUS ? KIND.none : KIND.text, from, to);
}
