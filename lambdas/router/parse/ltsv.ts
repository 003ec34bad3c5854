import { Misfit } from "../misfit.ts";
import type { Fields } from "./fields.ts";

const LABEL = /^[\w.-]+$/;

/**
 * line  := field { TAB field }
 * field := label ":" value          label of [0-9A-Za-z_.-], value of anything but TAB and LF
 *
 * source: http://ltsv.org, read 2026-11
 *
 * Much text begins with a word and a colon, times among them (`10:00:01 started`). A line of one field is
 * read as LTSV only if the type knows its label.
 *
 * @param known fields that the type's columns and time are filled from; any when absent
 */
export function parseLtsv(known?: ReadonlySet<string>): (line: string) => Fields | Misfit {
  return (line) => {
    if (line.includes("\n")) return new Misfit("unparsed", `line feed at character ${line.indexOf("\n")}`);
    const fields = readFields(line);
    if (fields instanceof Misfit || !known || line.includes("\t")) return fields;
    const [label = ""] = Object.keys(fields);
    return known.has(label) ? fields : new Misfit("unparsed", "one field only, and no column takes it");
  };
}

function readFields(line: string): Fields | Misfit {
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
