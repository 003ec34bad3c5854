/** Counted each on its own. Whoever may push lines names their tags, as many as they like. */
export const MAX_COUNTED_TAGS = 200;

/** The tags after those, together: so that no count ever changes its meaning. */
export const OTHER_TAGS = "_weir.other";

/** @returns the name under which a tag is counted */
export function countedTag(counts: ReadonlyMap<string, unknown>, tag: string): string {
  return counts.has(tag) || counts.size < MAX_COUNTED_TAGS ? tag : OTHER_TAGS;
}
