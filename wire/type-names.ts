import type { LogType } from "./log-type.ts";

type Named = Pick<LogType, "name" | "formerNames">;

/** Names that would leave open where rows of theirs belong. */
export function* typeNameProblems(
  types: readonly Named[],
  retired: readonly { readonly type: string }[],
): Generator<{ readonly path: readonly (string | number)[]; readonly message: string }> {
  const present = new Set(types.map(({ name }) => name));
  const former = new Map<string, string>();
  for (const [i, { name, formerNames }] of types.entries()) {
    for (const [j, formerName] of formerNames.entries()) {
      const path = ["types", i, "formerNames", j];
      const other = former.get(formerName);
      if (formerName === name) yield { path, message: "its present name" };
      else if (present.has(formerName)) {
        const message =
          `"${formerName}" is the name of a type: rows under it are that type's own. To swap two names, give one type ` +
          `a third name first, and go on once nothing waits under the old one`;
        yield { path, message };
      } else if (other !== undefined) {
        yield { path, message: `"${formerName}" twice: it is a former name of "${other}" already` };
      }
      former.set(formerName, name);
    }
  }
  const seen = new Set<string>();
  for (const [i, { type }] of retired.entries()) {
    const path = ["retired", i, "type"];
    if (present.has(type)) yield { path, message: `"${type}" is among the types` };
    else if (former.has(type)) yield { path, message: `"${type}" is a former name of "${former.get(type)}"` };
    if (seen.has(type)) yield { path, message: `"${type}" twice` };
    seen.add(type);
  }
}
