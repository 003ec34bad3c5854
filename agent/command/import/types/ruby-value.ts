import { holdsRuby, variablesOf, withVariables } from "../fluentd-value.ts";

/** A value of a record as an expression, or as the one field that it is. */
export type TranslatedValue = { readonly field: string } | { readonly value: string };

/** Methods of Ruby's that a function of expressions does. */
const METHODS: Readonly<Record<string, (of: string) => string>> = {
  to_s: (of) => `string(${of})`,
  to_i: (of) => `int(${of})`,
  to_f: (of) => `double(${of})`,
  downcase: (of) => `lower(${of})`,
  upcase: (of) => `upper(${of})`,
  strip: (of) => `trim(${of})`,
  chomp: (of) => `trim(${of})`,
  length: (of) => `size(${of})`,
  size: (of) => `size(${of})`,
};

const PART = /\$\{((?:[^{}]|\{[^{}]*\})*)\}/g;
const HOST = "\u0000host\u0000";

/**
 * A value of `<record>`: texts, and what is between `${` and `}`.
 *
 * @param fieldOf the expression of a field of the record, undefined where it has none of that name
 * @returns undefined for Ruby that has no equal
 */
export function translateValue(
  text: string,
  fieldOf: (path: readonly string[]) => TranslatedValue | undefined,
): TranslatedValue | undefined {
  if (holdsRuby(text) || variablesOf(text).some((name) => name !== "hostname")) return undefined;
  const theirs = withVariables(text, () => HOST).replaceAll(HOST, "${hostname}");
  const parts: TranslatedValue[] = [];
  let end = 0;
  for (const { 0: all, 1: code, index } of theirs.matchAll(PART)) {
    const part = translateCode(code!.trim(), fieldOf);
    if (part === undefined) return undefined;
    if (index > end) parts.push({ value: quoted(theirs.slice(end, index)) });
    parts.push(part);
    end = index + all.length;
  }
  if (end < theirs.length || parts.length === 0) parts.push({ value: quoted(theirs.slice(end)) });
  if (parts.length === 1) return parts[0];
  return { value: parts.map((part) => ("field" in part ? textOf(part.field) : part.value)).join(" + ") };
}

/** A field in an expression. */
export function expressionOf(value: TranslatedValue): string {
  if ("value" in value) return value.value;
  return /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/.test(value.field) && !WORDS.test(value.field)
    ? value.field
    : `field(${quoted(value.field)})`;
}

/** Names that expressions have for something else. */
const WORDS = /^(?:true|false|null|in|has|field)$/;

function textOf(field: string): string {
  return field.startsWith("_") ? field : `string(${expressionOf({ field })})`;
}

/** A text as expressions have it. */
export const quoted = (text: string): string =>
  /['\\\p{Cc}]/u.test(text) ? JSON.stringify(text) : `'${text}'`;

const ACCESS =
  /^record((?:\[\s*(?:"[^"]*"|'[^']*')\s*\])+|\.dig\((?:\s*(?:"[^"]*"|'[^']*')\s*,?)+\))((?:\.\w+)*)$/;

function translateCode(
  code: string,
  fieldOf: (path: readonly string[]) => TranslatedValue | undefined,
): TranslatedValue | undefined {
  if (code === "tag") return { field: "_tag" };
  if (code === "hostname" || /^Socket\.gethostname(?:\(\))?$/.test(code)) return { field: "_host" };
  const part = /^tag_parts\[(\d+)\]$/.exec(code)?.[1];
  if (part !== undefined) return { value: `_tag.split('.')[${part}]` };
  if (code === "time") return { value: "string(_time)" };
  if (/^time\.to_[if]$/.test(code))
    return { value: code.endsWith("i") ? "int(epoch(_time))" : "epoch(_time)" };
  const [, path, methods] = ACCESS.exec(code) ?? [];
  // The older form names the field alone.
  const names = path === undefined ? (/^[a-z_]\w*$/i.test(code) ? [code] : undefined) : keysOf(path);
  const field = names && fieldOf(names);
  if (field === undefined) return undefined;
  let value = field;
  for (const method of (methods ?? "").split(".").filter(Boolean)) {
    if (!Object.hasOwn(METHODS, method)) return undefined;
    value = { value: METHODS[method]!(expressionOf(value)) };
  }
  return value;
}

function keysOf(path: string): string[] {
  return [...path.matchAll(/"([^"]*)"|'([^']*)'/g)].map(([, double, single]) => double ?? single!);
}
