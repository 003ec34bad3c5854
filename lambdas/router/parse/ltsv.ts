import { Misfit } from "../misfit.ts";
import type { Fields } from "./fields.ts";

/**
 * line  := field { TAB field }
 * field := label ":" value          label of [0-9A-Za-z_.-], value of anything but TAB
 *
 * source: http://ltsv.org, read 2026-11
 */
const LABEL = /^[\w.-]+$/;

export function parseLtsv(line: string): Fields | Misfit {
  const fields: Record<string, string> = {};
  let at = 0;
  while (at <= line.length) {
    let end = line.indexOf("\t", at);
    if (end < 0) end = line.length;
    const colon = line.indexOf(":", at);
    if (colon < 0 || colon > end) return new Misfit("unparsed", `no ":" in field at character ${at}`);
    const label = line.slice(at, colon);
    if (!LABEL.test(label)) return new Misfit("unparsed", `bad label at character ${at}`);
    if (Object.hasOwn(fields, label)) return new Misfit("unparsed", "label stands twice", label);
    set(fields, label, line.slice(colon + 1, end));
    at = end + 1;
  }
  return fields;
}

/** An assignment to `__proto__` would set the prototype instead. */
function set(fields: Record<string, string>, label: string, value: string): void {
  if (label === "__proto__") {
    Object.defineProperty(fields, label, { value, enumerable: true, writable: true, configurable: true });
  } else {
    fields[label] = value;
  }
}
