import { type FluentdSection, typeOf } from "./fluentd-syntax.ts";
import type { LineChoice } from "./fluentd-events.ts";
import type { ImportedCondition, Notes } from "./imported.ts";
import { all, fromRuby } from "./pattern.ts";

/** What a filter asks of a field. */
export interface Condition {
  readonly key: string;
  readonly pattern: string;
  readonly line: number | undefined;
}

/** Whether the lines of a source are asked as they stand, by the name of their only field; else they are parsed. */
export interface AskedLines {
  readonly wholeLineKey: string | undefined;
  readonly isMultiLine: boolean;
}

/**
 * `@type grep` filters as patterns of ours, which are asked of the line and not of a field. What could
 * leave out a line that they would keep is not carried over.
 */
export function importGrep(filters: readonly FluentdSection[], asked: AskedLines, notes: Notes): LineChoice {
  return {
    include: filters.flatMap((filter) => wanted(filter, asked, notes)),
    exclude: filters.flatMap((filter) => unwanted(filter, asked, notes)),
  };
}

function wanted(filter: FluentdSection, asked: AskedLines, notes: Notes): string[] {
  const each = [...conditionsOf(filter, "regexp"), ...within(filter, "and", "regexp").flat()];
  const patterns = each.flatMap((condition) => included(condition, asked, notes) ?? []);
  for (const choice of within(filter, "or", "regexp")) {
    const alternatives = choice.map((condition) => included(condition, asked, notes));
    // Without one of them the others would ask for too much.
    if (alternatives.length > 0 && alternatives.every((one) => one !== undefined)) {
      patterns.push(`(?:${alternatives.join("|")})`);
    }
  }
  return patterns;
}

function unwanted(filter: FluentdSection, asked: AskedLines, notes: Notes): ImportedCondition[] {
  const each = [...conditionsOf(filter, "exclude"), ...within(filter, "or", "exclude").flat()];
  const patterns: ImportedCondition[] = each.flatMap((condition) => excluded(condition, asked, notes) ?? []);
  for (const together of within(filter, "and", "exclude")) {
    const parts = together.map((condition) => excluded(condition, asked, notes));
    // Without one of them the others would leave out too much.
    if (parts.length > 0 && parts.every((part) => part !== undefined)) patterns.push(all(parts));
  }
  return patterns;
}

/** A line holds its fields as they are, so that what is found in one is found in the line, if it is not anchored. */
function included(condition: Condition, asked: AskedLines, notes: Notes): string | undefined {
  const isWhole = condition.key === asked.wholeLineKey;
  const source = ours(condition, "regexp", asked, notes);
  if (source === undefined || isWhole) return source;
  if (/[$^]|\\[AbBzZ]/.test(condition.pattern)) {
    tell(
      condition,
      "regexp",
      "left out, it is about the ends of a field, and lines are not parsed here",
      notes,
    );
    return undefined;
  }
  tell(condition, "regexp", "is asked of the whole line now, and may be found elsewhere in it", notes);
  return source;
}

function excluded(condition: Condition, asked: AskedLines, notes: Notes): string | undefined {
  const source = ours(condition, "exclude", asked, notes);
  if (source === undefined || condition.key === asked.wholeLineKey) return source;
  const setting = `exclude_lines = [${JSON.stringify(source)}]`;
  tell(
    condition,
    "exclude",
    `left out, it could be found elsewhere in the line; if it cannot, set ${setting}`,
    notes,
  );
  return undefined;
}

function ours(condition: Condition, kind: string, asked: AskedLines, notes: Notes): string | undefined {
  const source = fromRuby(condition.pattern, asked.isMultiLine);
  if (source === undefined) tell(condition, kind, "left out, it cannot be a pattern of ours", notes);
  return source;
}

function tell({ key, pattern, line }: Condition, kind: string, why: string, notes: Notes): void {
  notes.addOfTypes(line, `<filter> grep: ${kind} ${key} ${pattern}: ${why}`);
}

/** What a filter asks by itself, in either of its forms. */
export function conditionsOf(filter: FluentdSection, kind: "regexp" | "exclude"): Condition[] {
  return [...numbered(filter, kind), ...conditions(filter, kind)];
}

/** `<regexp>` and `<exclude>` sections. */
function conditions(section: FluentdSection, kind: string): Condition[] {
  return section.sections
    .filter(({ name }) => name === kind)
    .map(({ parameters, line }) => {
      return { key: parameters.get("key") ?? "", pattern: parameters.get("pattern") ?? "", line };
    });
}

/** What it asks in sections that say how many must be found. */
export function within(filter: FluentdSection, group: "and" | "or", kind: string): Condition[][] {
  return filter.sections.filter(({ name }) => name === group).map((section) => conditions(section, kind));
}

/** The older `regexp1 key pattern`. */
function numbered({ parameters, lines }: FluentdSection, kind: string): Condition[] {
  return Array.from(parameters).flatMap(([name, value]) => {
    const [, key, pattern] = /^(\S+)\s+(.+)$/.exec(value) ?? [];
    if (!new RegExp(`^${kind}\\d+$`).test(name) || key === undefined || pattern === undefined) return [];
    return [{ key, pattern, line: lines.get(name) }];
  });
}

export function isGrep(filter: FluentdSection): boolean {
  return typeOf(filter) === "grep";
}
