import type { Wrapper } from "../../../wire/wrapper.ts";
import { fieldPath, fieldReader, TakenFields } from "../field-path.ts";
import { Misfit } from "../misfit.ts";
import type { Fields } from "./fields.ts";
import { parseJson } from "./json.ts";
import type { Parse } from "./parser.ts";
import { SKIPPED } from "./skipped.ts";

/**
 * A line in a field of another one. The fields of both are the row's; of a name that both have, the outer one's value is
 * kept under `outer`.
 *
 * @param outer reads wrapping lines
 * @param inner reads what is in them
 */
export function parseWrapped(from: Wrapper, outer: Parse, inner: Parse): Parse {
  const { field, format } = typeof from === "string" ? { field: from, format: "json" as const } : from;
  const path = fieldPath(field, format === "json" || format === "rfc5424");
  const read = fieldReader(path);
  const taken = TakenFields.of([path]);
  return (line) => {
    const wrapping = outer(line);
    if (wrapping instanceof Misfit || wrapping === SKIPPED) return wrapping;
    const text = read(wrapping);
    if (typeof text !== "string") {
      return new Misfit(
        "unparsed",
        text === undefined ? "no such field, or it is empty" : "is no text",
        field,
      );
    }
    const fields = inner(withoutLineEnd(text));
    if (fields === SKIPPED) return SKIPPED;
    if (fields instanceof Misfit)
      return new Misfit(fields.reason, `in ${field}: ${fields.detail}`, fields.field);
    const others = rest(wrapping, path[0], taken);
    return others instanceof Misfit ? others : mergedFields(others, fields);
  };
}

const withoutLineEnd = (text: string): string => text.replace(/\r?\n$/, "");

/** The other fields of the wrapping line, numbers with all their digits. */
function rest(wrapping: Fields, first: string, taken: TakenFields): Fields | Misfit {
  const { [first]: _, ...others } = wrapping;
  const left = taken.leftOver({ [first]: wrapping[first] });
  if (left === undefined) return others;
  const below = left instanceof Misfit ? left : parseJson(left);
  return below instanceof Misfit ? below : { ...others, ...below };
}

/** Fields of both; of a name that both have, the outer value is kept under `outer`, and so is a field of that name. */
export function mergedFields(outer: Fields, inner: Fields): Fields {
  const all = { ...outer, ...inner };
  const both = Object.keys(inner).filter((name) => Object.hasOwn(outer, name) && outer[name] !== inner[name]);
  if (both.length === 0) return all;
  const kept = both.map((name) => [name, outer[name]]);
  return {
    ...all,
    outer: { ...(Object.hasOwn(all, "outer") && { outer: all["outer"] }), ...Object.fromEntries(kept) },
  };
}
