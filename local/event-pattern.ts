/**
 * pattern := { field: pattern | [ matcher, ... ] }     every field named must match
 * matcher := a value, or { "prefix": text }            one of them must
 *
 * This is the part of the grammar that Weir's rules use; the rest is refused, not passed over.
 *
 * source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html, read 2026-11
 */
export type EventMatcher = (event: unknown) => boolean;

class EventPatternError extends Error {
  override name = "EventPatternError";
  /** Where in the pattern, as `detail.state`. */
  readonly path: string;

  constructor(path: string, message: string) {
    super(`event pattern, ${path || "at its top"}: ${message}`);
    this.path = path;
  }
}

/** @throws EventPatternError for what is no pattern, and for an operator that is not known here */
export function compileEventPattern(pattern: unknown, path = ""): EventMatcher {
  if (Array.isArray(pattern)) {
    const matchers = pattern.map((matcher: unknown, i) => compileMatcher(matcher, `${path}[${i}]`));
    // A field that holds a list matches with any element of it.
    const one: EventMatcher = (value) => matchers.some((matches) => matches(value));
    return (value) => (Array.isArray(value) ? value.some(one) : one(value));
  }
  if (!isObject(pattern)) throw new EventPatternError(path, "neither an object nor a list of values");
  const fields = Object.entries(pattern).map(([field, nested]) => {
    return [field, compileEventPattern(nested, path === "" ? field : `${path}.${field}`)] as const;
  });
  return (event) => isObject(event) && fields.every(([field, matches]) => matches(event[field]));
}

function compileMatcher(matcher: unknown, path: string): EventMatcher {
  if (!isObject(matcher)) return (value) => value === matcher;
  const { prefix, ...others } = matcher;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new EventPatternError(path, `"${unknown}" is not supported here`);
  if (typeof prefix !== "string") throw new EventPatternError(path, "a prefix that is no text");
  return (value) => typeof value === "string" && value.startsWith(prefix);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
