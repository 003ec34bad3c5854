import type { ReparsedLines, ReparsedObject, ReparseReason } from "../../../wire/router-command.ts";

/** What has become, or would become, of many objects. */
export interface ReparseTally {
  /** Objects that have a commit of their own now. */
  readonly filed: number;
  /** Objects that are as they would be. */
  readonly unchanged: number;
  /** Objects that could not be read, with why. */
  readonly left: readonly { readonly key: string; readonly error: string }[];
  /** Lines, or records, of those that were read. */
  readonly read: number;
  readonly rows: number;
  readonly rejected: number;
  readonly filtered: number;
  readonly duplicates: number;
  /** Records that still cannot be opened. */
  readonly quarantined: number;
  /** By the types that lines have now. */
  readonly types: Readonly<Record<string, { readonly rows: number; readonly rejected: number }>>;
  /** Why lines are rejected still, the most frequent first. */
  readonly reasons: readonly ReparseReason[];
}

export function tallyOf(objects: readonly ReparsedObject[]): ReparseTally {
  const read = objects.flatMap((one) => (one.outcome === "left" ? [] : [one]));
  const counts = read.flatMap(({ types }) => Object.values(types));
  const sum = (of: keyof (typeof counts)[number]): number =>
    counts.reduce((total, one) => total + one[of], 0);
  return {
    filed: objects.filter(({ outcome }) => outcome === "filed").length,
    unchanged: objects.filter(({ outcome }) => outcome === "unchanged").length,
    left: objects.flatMap((one) => (one.outcome === "left" ? [{ key: one.key, error: one.error }] : [])),
    read: read.reduce((total, one) => total + one.read, 0),
    rows: sum("rows"),
    rejected: sum("rejected"),
    filtered: sum("filtered"),
    duplicates: sum("duplicates"),
    quarantined: read.reduce((total, { quarantined }) => total + quarantined, 0),
    types: typesOf(read),
    reasons: reasonsOf(read),
  };
}

function typesOf(read: readonly ReparsedLines[]): ReparseTally["types"] {
  const types = new Map<string, { rows: number; rejected: number }>();
  for (const [type, { rows, rejected }] of read.flatMap(({ types }) => Object.entries(types))) {
    const known = types.get(type) ?? { rows: 0, rejected: 0 };
    types.set(type, { rows: known.rows + rows, rejected: known.rejected + rejected });
  }
  return Object.fromEntries([...types].filter(([, { rows, rejected }]) => rows + rejected > 0));
}

function reasonsOf(read: readonly ReparsedLines[]): ReparseReason[] {
  const reasons = new Map<string, ReparseReason>();
  for (const one of read.flatMap(({ reasons }) => reasons)) {
    const name = JSON.stringify([one.type, one.reason, one.field]);
    const known = reasons.get(name) ?? one;
    reasons.set(name, known === one ? one : { ...known, count: known.count + one.count });
  }
  return [...reasons.values()].sort((a, b) => b.count - a.count);
}
