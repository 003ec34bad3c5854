import { type Condition, conditionsOf, within } from "../fluentd-grep.ts";
import type { FluentdSection } from "../fluentd-syntax.ts";
import type { Notes } from "../imported.ts";
import { translatePattern } from "./ruby-pattern.ts";
import { expressionOf, quoted, type TranslatedValue } from "./ruby-value.ts";

/**
 * What `grep` leaves out, as conditions for `drop`.
 *
 * @param find a field of the record by its key
 * @param isAsked whether the agent asks the condition of the line as it stands
 */
export function dropConditions(
  filter: FluentdSection,
  find: (key: string) => TranslatedValue | undefined,
  isAsked: (key: string) => boolean,
  notes: Notes,
): string[] {
  const asked = (conditions: readonly Condition[]) => conditions.filter(({ key }) => !isAsked(key));
  const test = (condition: Condition) => matches(condition, find, notes);
  const tests = (conditions: readonly Condition[]) => {
    const each = conditions.map(test);
    return each.length > 0 && each.every((one) => one !== undefined) ? each : undefined;
  };
  const wanted = [...conditionsOf(filter, "regexp"), ...within(filter, "and", "regexp").flat()];
  const unwanted = [...conditionsOf(filter, "exclude"), ...within(filter, "or", "exclude").flat()];
  const isOpen = (group: readonly Condition[]) => asked(group).length === group.length;
  return [
    ...asked(wanted).flatMap((condition) => negated(test(condition)) ?? []),
    // Without one of them the others would ask for too much.
    ...within(filter, "or", "regexp")
      .filter(isOpen)
      .flatMap((group) => negated(tests(group)?.join(" || ")) ?? []),
    ...asked(unwanted).flatMap((condition) => test(condition) ?? []),
    ...within(filter, "and", "exclude")
      .filter(isOpen)
      .flatMap((group) => bracketed(tests(group)?.join(" && ")) ?? []),
  ];
}

const negated = (condition: string | undefined) => condition && `!(${condition})`;
const bracketed = (condition: string | undefined) => condition && `(${condition})`;

/** What has no such field does not match. */
function matches(
  { key, pattern, line }: Condition,
  find: (key: string) => TranslatedValue | undefined,
  notes: Notes,
): string | undefined {
  const value = find(key);
  const translated = translatePattern(pattern);
  if (value === undefined || translated === undefined || translated.backtracking) {
    const why = value === undefined ? "there is no such field" : "its pattern cannot be one of ours";
    notes.add(line, `<filter> grep: ${key} ${pattern}: left out, ${why}`);
    return undefined;
  }
  const text = expressionOf(value);
  const sought = /["\n]/.test(translated.source) ? quoted(translated.source) : `r"${translated.source}"`;
  const test = `string(${text}).matches(${sought})`;
  return "field" in value && !value.field.startsWith("_") ? `has(${text}) && ${test}` : test;
}
