/** What a segment's head says of its commits: log types, hours of their rows, and hosts. */
export interface CommitSummary {
  readonly types: readonly string[];
  readonly hours: readonly string[];
  readonly hosts: readonly string[];
}

/** data/type=<type>/dt=<date>/hr=<hour>/...: grammar in wire/keys.ts. */
const HOUR = /\/dt=(\d{4}-\d\d-\d\d)\/hr=(\d\d)\//;

/**
 * Takes from a commit what the head needs. Whether it is a commit in all else is for its readers to say, of this
 * version and of later ones.
 *
 * @returns undefined for JSON of another shape
 */
export function summaryOf(commit: unknown): CommitSummary | undefined {
  const { types, objects, sources } = (commit ?? {}) as Record<string, unknown>;
  if (typeof types !== "object" || types === null || Array.isArray(types)) return undefined;
  const keys = texts(objects, "key");
  const hosts = texts(sources, "host");
  if (!keys || !hosts) return undefined;
  const hours = keys.flatMap((key) => {
    const [, date, hour] = HOUR.exec(key) ?? [];
    return date === undefined ? [] : [`${date}T${hour}`];
  });
  return { types: Object.keys(types), hours, hosts };
}

/** A field of each object of a list; undefined when any is no text. */
function texts(list: unknown, field: string): string[] | undefined {
  if (!Array.isArray(list)) return undefined;
  const values = list.map((item: unknown) => (item as Record<string, unknown> | null)?.[field]);
  return values.every((value) => typeof value === "string") ? values : undefined;
}
