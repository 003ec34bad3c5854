/**
 * The patterns of a `<match>` or `<filter>` as those of log types, in which a star stands for any characters.
 *
 * @returns none for what only Fluentd knows: Ruby, regular expressions
 */
export function tagGlobs(patterns: string): string[] {
  const each = patterns.trim() === "" ? ["**"] : patterns.trim().split(/\s+/);
  return [
    ...new Set(
      each
        .filter((one) => !/#\{|\/|[\uE000\uE001]/.test(one))
        .flatMap(alternatives)
        .flatMap(globs),
    ),
  ];
}

/** `{a,b}.c` is two patterns. */
function alternatives(pattern: string): string[] {
  const [all, before, inner, after] = /^([^{}]*)\{([^{}]*)\}(.*)$/.exec(pattern) ?? [];
  if (all === undefined) return [pattern];
  return inner!.split(",").flatMap((one) => alternatives(`${before}${one}${after}`));
}

/** `**` stands for no part, too. */
function globs(pattern: string): string[] {
  if (/^[*.]+$/.test(pattern)) return ["*"];
  const without = pattern.replaceAll(/\.\*\*(?=\.|$)|^\*\*\./g, "");
  const withAny = pattern.replaceAll(/\*+/g, "*");
  return pattern.includes("**") && without !== pattern
    ? [without.replaceAll(/\*+/g, "*"), withAny]
    : [withAny];
}
