import { accessFieldNames, type AccessField, type AccessFormat } from "./format.ts";

/** A format as a server's configuration has it, cut into texts and what stands for a value. */
export type TemplatePart =
  | { readonly text: string }
  | { readonly name: string; readonly form: AccessField["form"] | undefined };

/**
 * The format of a template. Within quotes of its own a value may hold anything. Elsewhere one that has no form of its
 * own ends where the next text begins, and is a word where that is a space.
 *
 * @throws TypeError where a line of the template could be read in two ways
 */
export function formatOf(parts: readonly TemplatePart[]): AccessFormat {
  const fields: AccessField[] = [];
  let before = "";
  parts.forEach((part, i) => {
    if ("text" in part) {
      before += part.text;
      return;
    }
    const next = parts[i + 1];
    const after = next === undefined ? "" : "text" in next ? next.text : undefined;
    if (after === undefined) {
      throw new TypeError(
        `no text between ${part.name} and ${(next as { name: string }).name}: nobody can tell where one ends`,
      );
    }
    const between = formBetween(before, after);
    if (part.form === "request" && between !== "quoted") {
      throw new TypeError("needs quotes about the request, which holds spaces");
    }
    const isOwn =
      part.form === "request" || (between !== "quoted" && !(part.form === "list" && between === "until"));
    fields.push({ before, name: part.name, form: isOwn ? (part.form ?? between) : between });
    before = "";
  });
  const format = { fields, after: before };
  checkNames(format);
  return format;
}

function formBetween(before: string, after: string): AccessField["form"] {
  if (before.endsWith('"') && after.startsWith('"')) return "quoted";
  if (before.endsWith("[") && after.startsWith("]")) return "time";
  return after === "" || after.startsWith(" ") ? "word" : "until";
}

function checkNames(format: AccessFormat): void {
  const names = accessFieldNames(format);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (names.length === 0) throw new TypeError("names no value");
  if (twice !== undefined) throw new TypeError(`has ${twice} twice: its first value would be lost`);
}
