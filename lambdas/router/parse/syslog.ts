import { Misfit } from "../misfit.ts";
import type { Fields } from "./fields.ts";

/** Adds what the priority says, and reads structured data. "-" is no value. sources: RFC 3164, RFC 5424 */
export function syslogFields(fields: Fields | Misfit): Fields | Misfit {
  if (fields instanceof Misfit) return fields;
  const read: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) read[name] = value === "-" ? null : value;
  const priority = fields["priority"];
  if (typeof priority === "string") {
    read["facility"] = Number(priority) >> 3;
    read["severity"] = Number(priority) & 7;
  }
  const data = read["structured_data"];
  if (typeof data === "string") read["structured_data"] = structuredData(data);
  return read;
}

const ELEMENT = /\[([^\s\]="]+)((?:[^\]"]|"(?:[^"\\]|\\[^])*")*)\]/g;
const PARAMETER = /([^\s="]+)="((?:[^"\\]|\\[^])*)"/g;

/** `[id name="value" ...]...` as an object of objects. In values only `"`, `\` and `]` are escaped. */
function structuredData(text: string): Fields {
  return Object.fromEntries(
    [...text.matchAll(ELEMENT)].map(([, id, parameters]) => [
      id!,
      Object.fromEntries(
        [...parameters!.matchAll(PARAMETER)].map(([, name, value]) => [
          name!,
          value!.replaceAll(/\\(["\\\]])/g, "$1"),
        ]),
      ),
    ]),
  );
}
