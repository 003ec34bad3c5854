import { toDotPath } from "zod/v4/core";
import { isSecret } from "./setting-value.ts";

/** A digit is a part of a file's path, which a tag may name. */
const REFERENCE = /\$(\$\{)|\$\{(?![1-9]\})([^}]*)\}/g;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Puts values for `${NAME}` into every text of a configuration. `$${` stands for `${`. A name that
 * has no value is a problem and not an empty text: a path must not become another by a typing error.
 *
 * @param valueOf undefined where there is none
 * @param problem is told of each field at fault
 */
export function interpolate(
  value: unknown,
  valueOf: (name: string) => string | undefined,
  problem: (text: string) => void,
  path: readonly PropertyKey[] = [],
): unknown {
  if (typeof value === "string") {
    return value.replaceAll(REFERENCE, (reference: string, escaped: string | undefined, name = "") => {
      if (escaped !== undefined) return escaped;
      const found = NAME.test(name) ? valueOf(name) : undefined;
      if (found === undefined) problem(`${toDotPath([...path])}: ${unknown(path, value, reference)}`);
      return found ?? reference;
    });
  }
  if (Array.isArray(value)) {
    return value.map((item, i) => interpolate(item, valueOf, problem, [...path, i]));
  }
  if (value === null || typeof value !== "object" || value instanceof Date) return value;
  const fields = Object.entries(value);
  return Object.fromEntries(
    fields.map(([key, field]) => [key, interpolate(field, valueOf, problem, [...path, key])]),
  );
}

/** In a secret, what looks like a reference may be a part of it, if it is not all there is. */
function unknown(path: readonly PropertyKey[], value: string, reference: string): string {
  const isAll = value === reference && NAME.test(reference.slice(2, -1));
  const isTold = isAll || !path.some((key) => isSecret(String(key)));
  return isTold
    ? `${reference} has no value`
    : "holds ${...} that has no value; write $${ where it is a part of the secret";
}
