import type { WeirConfig } from "../../wire/config.ts";
import { fieldPath, fieldReader } from "./field-path.ts";
import { LINE_MAX_BYTES } from "./file-line.ts";
import { lineText } from "./line-text.ts";
import { Misfit } from "./misfit.ts";
import { parseJson } from "./parse/json.ts";

/**
 * Reads the tag of another producer's event, where the configuration says it stands in a field.
 *
 * @returns undefined for an event whose tag is its partition key
 */
export function foreignTagReader({ tag }: WeirConfig["foreign"]): (data: Uint8Array) => string | undefined {
  if (tag === "partition-key") return () => undefined;
  const read = fieldReader(fieldPath(tag.field, true));
  return (data) => {
    const line = data.length > LINE_MAX_BYTES ? undefined : lineText(data);
    const fields = typeof line === "string" ? parseJson(line) : line;
    const found = fields === undefined || fields instanceof Misfit ? undefined : read(fields);
    return typeof found === "string" ? found : undefined;
  };
}
