import type * as z from "zod";
import { closest } from "./closest.ts";
import { issueMessage, keysOf, MISSING, optionsOf, unknownKey } from "./issue-message.ts";

type Path = readonly PropertyKey[];
type Issue = z.core.$ZodIssue;

/** A place of a configuration that does not fit its schema. */
export interface ConfigProblem {
  readonly path: Path;
  /** Key of the object at the path, where it is this key that is unknown. */
  readonly key?: string;
  readonly message: string;
}

/**
 * All problems at once. A wrong key hides what is below it, and checks of the whole: so it is looked again, as long
 * as that helps, with the keys and names that were meant, and without what means nothing.
 *
 * @param isApart whether the value at a path can be left out without anything else being wrong then
 */
export function configProblems(
  schema: z.ZodType,
  given: unknown,
  isApart: (path: Path) => boolean = () => false,
): ConfigProblem[] {
  const problems = new Map<string, ConfigProblem>();
  const config = new MendedConfig(given);
  for (;;) {
    const { error } = schema.safeParse(config.value, { error: config.message });
    const issues = (error?.issues ?? [])
      .flatMap(innermost)
      .map((issue) => config.misspelt(issue) ?? issue)
      .filter(({ path }) => !config.isChanged(path));
    const mended = config.mend(issues, isApart);
    // What checks of several settings say may come of a misspelt one, and what does not they say again.
    const told = mended.length > 0 ? issues.filter(({ code }) => code !== "custom") : issues;
    for (const problem of told.flatMap(problemsOf)) {
      // What is there under another name is not missing.
      if (mended.some((path) => isSame(path, problem.path)) && problem.message.startsWith(MISSING)) continue;
      const path = config.asGiven(problem.path);
      problems.set(JSON.stringify([path, problem.key, problem.message]), { ...problem, path });
    }
    if (mended.length === 0) break;
  }
  return [...problems.values()];
}

/** A union says what each of its alternatives lacks: the one that was meant is told, or else all. */
function innermost(issue: Issue): Issue[] {
  if (issue.code !== "invalid_union" || issue.errors.length === 0) return [issue];
  const alternatives = issue.errors.map((issues) =>
    issues.flatMap((inner) => innermost({ ...inner, path: [...issue.path, ...inner.path] })),
  );
  const isMeant = ([first]: readonly Issue[]): boolean =>
    first !== undefined &&
    (first.path.length > issue.path.length ||
      first.code === "unrecognized_keys" ||
      first.message.includes("did you mean"));
  const meant = alternatives.find(isMeant);
  if (meant) return meant;
  const message = alternatives.map(([first]) => first!.message).join("; or ");
  return [{ code: "custom", path: issue.path, message, params: {} }];
}

function problemsOf(issue: Issue): ConfigProblem[] {
  const { path, message } = issue;
  // What is wrong with a name says more than that something is.
  if (issue.code === "invalid_key") return [{ path, message: issue.issues[0]!.message }];
  if (issue.code !== "unrecognized_keys") return [{ path, message }];
  const lines = message.split("\n");
  const isEach = lines.length === issue.keys.length;
  return lines.map((message, i) => ({ path, message, ...(isEach && { key: issue.keys[i]! }) }));
}

const isSame = (a: Path, b: Path): boolean => a.length === b.length && startsWith(a, b);
const startsWith = (path: Path, start: Path): boolean => start.every((key, i) => path[i] === key);

/** A copy of a configuration in which keys and names are as they were meant. */
class MendedConfig {
  readonly value: unknown;
  /** Names that the objects with unknown keys have. */
  readonly #names = new WeakMap<readonly string[], readonly string[]>();
  readonly #renamed: { readonly path: Path; readonly givenAs: string }[] = [];
  readonly #changed: Path[] = [];

  constructor(given: unknown) {
    this.value = copyOf(given);
  }

  readonly message = (issue: z.core.$ZodRawIssue): string => {
    if (issue.code === "unrecognized_keys") this.#names.set(issue.keys, keysOf(issue.inst));
    return issueMessage(issue);
  };

  /** A misspelt key by which objects are told apart leaves all their keys unread. */
  misspelt(issue: Issue): Issue | undefined {
    if (issue.code !== "invalid_union" || valueAt(this.value, issue.path) !== undefined) return undefined;
    const path = issue.path.slice(0, -1);
    const missing = String(issue.path.at(-1));
    const key = Object.keys(Object(valueAt(this.value, path))).find((key) => closest(key, [missing]));
    if (key === undefined) return undefined;
    const keys = [key];
    this.#names.set(keys, [missing]);
    return { code: "unrecognized_keys", path, keys, message: unknownKey(key, [missing]) };
  }

  /** Whether what is at a path is not what was given. */
  isChanged(path: Path): boolean {
    return this.#changed.some((changed) => startsWith(path, changed));
  }

  asGiven(path: Path): Path {
    return path.map((key, i) => {
      const renamed = this.#renamed.find((renamed) => isSame(renamed.path, path.slice(0, i + 1)));
      return renamed?.givenAs ?? key;
    });
  }

  /** @returns where something is now as it was meant, or nothing any more */
  mend(issues: readonly Issue[], isApart: (path: Path) => boolean): Path[] {
    return issues.flatMap((issue) =>
      issue.code === "unrecognized_keys" ? this.#mendKeys(issue) : this.#mendValue(issue, isApart),
    );
  }

  #mendKeys({ path, keys }: Extract<Issue, { code: "unrecognized_keys" }>): Path[] {
    const object = valueAt(this.value, path) as Record<string, unknown>;
    return keys.map((key) => {
      const names = (this.#names.get(keys) ?? []).filter((name) => !Object.hasOwn(object, name));
      const meant = closest(key, names);
      if (meant !== undefined) {
        object[meant] = object[key];
        this.#renamed.push({ path: [...path, meant], givenAs: key });
      }
      delete object[key];
      return [...path, meant ?? key];
    });
  }

  #mendValue(issue: Issue, isApart: (path: Path) => boolean): Path[] {
    const { path } = issue;
    const [holder, key] = [valueAt(this.value, path.slice(0, -1)), path.at(-1)];
    const value = valueAt(this.value, path);
    if (typeof holder !== "object" || holder === null || key === undefined || value === undefined) return [];
    const meant = typeof value === "string" ? closest(value, optionsOf(issue)) : undefined;
    if (meant !== undefined) Reflect.set(holder, key, meant);
    else if (issue.code !== "custom" && isApart(path)) Reflect.deleteProperty(holder, key);
    else return [];
    this.#changed.push(path);
    return [path];
  }
}

/** Only of what is looked into: objects and arrays. */
function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copyOf(inner)]));
}

export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === "object" && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined,
    value,
  );
}

/** `types[2] "access" columns[3] "status" type`: who counts to the 17th column? */
export function fieldText(path: Path, given: unknown): string {
  return path.reduce<string>((text, key, i) => {
    if (typeof key !== "number")
      return text === "" ? String(key) : text + (text.endsWith('"') ? " " : ".") + String(key);
    const name = valueAt(given, [...path.slice(0, i + 1), "name"]);
    return `${text}[${key}]${typeof name === "string" ? ` ${JSON.stringify(name)}` : ""}`;
  }, "");
}
