import type { Events, Fate, LineChoice } from "./fluentd-events.ts";
import { isGrep } from "./fluentd-grep.ts";
import type { FluentdSection } from "./fluentd-syntax.ts";
import { withVariables } from "./fluentd-value.ts";
import { fromRuby } from "./pattern.ts";

interface Rule {
  readonly key: string;
  readonly pattern: string;
  readonly isInverted: boolean;
  readonly tag: string;
  readonly label: string | undefined;
}

/** A rule, and what becomes of the events that it takes. */
interface Taken {
  readonly rule: Rule;
  readonly fates: readonly Fate[];
}

/** Finds something in every text. */
const FINDS_ALL = /^\/?\^?\(?(?:\.[*+]?|)\)?\$?\/?$/;

/**
 * `@type rewrite_tag_filter`: the first rule whose field matches gives events another tag; what no rule takes is
 * dropped.
 *
 * @param on what becomes of events that go on with another tag
 */
export function rewrites(
  section: FluentdSection,
  events: Events,
  on: (next: Partial<Events>) => Fate[],
): Fate[] {
  const label = section.parameters.get("@label") ?? events.label;
  const keepsTag = ["remove_tag_prefix", "remove_tag_regexp"].every((name) => !section.parameters.has(name));
  const taken: Taken[] = [];
  for (const rule of [...rules(section), ...numbered(section)]) {
    const tag = rewritten(rule.tag, keepsTag ? events.tag : "*");
    taken.push({ rule, fates: on({ tag, label: rule.label ?? label }) });
    if (findsAll(rule)) return chosen(taken, events, section);
  }
  return chosen([...taken, DROPPED(section)], events, section);
}

const DROPPED = ({ line }: FluentdSection): Taken => ({
  rule: { key: "", pattern: "", isInverted: false, tag: "", label: undefined },
  fates: [
    { to: "elsewhere", why: `rewrite_tag_filter of line ${line} drops what matches none of its rules` },
  ],
});

/**
 * Where the rules ask the whole line, the lines that go to the stream can be chosen by their patterns, if those that
 * do not come before and after them.
 */
function chosen(taken: readonly Taken[], events: Events, { line }: FluentdSection): Fate[] {
  const all = taken.flatMap(({ fates }) => fates);
  const goesOn = ({ fates }: Taken) => fates.length > 0 && fates.every(({ to }) => to === "stream");
  if (taken.every(goesOn)) return withOneTag(all, events.tag);
  const first = taken.findIndex(goesOn);
  if (first < 0) return all;
  const rest = taken.slice(first);
  const end = rest.findIndex((one) => !goesOn(one));
  const [before, sent] = [taken.slice(0, first), end < 0 ? rest : rest.slice(0, end)];
  const isInOrder =
    end < 0 || !rest.slice(end).some(({ fates }) => fates.some(({ to }) => to !== "elsewhere"));
  const isElsewhere = before.every(({ fates }) => fates.every(({ to }) => to === "elsewhere"));
  const [exclude, include] = [
    patterns(before, events),
    findsAll(sent.at(-1)!.rule) ? [] : patterns(sent, events),
  ];
  if (!isInOrder || !isElsewhere || !exclude || !include) {
    const why = `rewrite_tag_filter of line ${line} chooses among them by their contents`;
    return [...all, { to: "unknown", why }];
  }
  const any = include.length > 1 ? [`(?:${include.join("|")})`] : include;
  const choice: LineChoice = { include: any, exclude };
  return withOneTag(
    sent.flatMap(({ fates }) => fates),
    events.tag,
  ).map((fate) => (fate.to === "stream" ? { ...fate, lines: joined(fate.lines, choice) } : fate));
}

/** @returns undefined where they are not about the line as it stands */
function patterns(taken: readonly Taken[], { wholeLineKey, filters }: Events): string[] | undefined {
  const isWhole = filters.every(({ section }) => isGrep(section));
  const sources = taken.map(({ rule }) =>
    isWhole && rule.key === wholeLineKey && !rule.isInverted ? fromRuby(rule.pattern) : undefined,
  );
  return sources.every((source) => source !== undefined) ? sources : undefined;
}

function joined(a: LineChoice, b: LineChoice): LineChoice {
  return { include: [...a.include, ...b.include], exclude: [...a.exclude, ...b.exclude] };
}

/** An entry has one tag: where the rules give several, it keeps the one that it had. */
function withOneTag(fates: readonly Fate[], tag: string): Fate[] {
  const tags = new Set(fates.map((fate) => (fate.to === "stream" ? fate.tag : undefined)));
  if (tags.size === 1) return [...fates];
  return fates.map((fate) => (fate.to === "stream" ? { ...fate, tag } : fate));
}

function rules({ sections }: FluentdSection): Rule[] {
  return sections
    .filter(({ name }) => name === "rule")
    .map(({ parameters }) => ({
      key: parameters.get("key") ?? "",
      pattern: parameters.get("pattern") ?? "",
      isInverted: parameters.get("invert") === "true",
      tag: parameters.get("tag") ?? "",
      label: parameters.get("label") ?? parameters.get("@label"),
    }));
}

/** The older `rewriterule1 key pattern tag`. */
function numbered({ parameters }: FluentdSection): Rule[] {
  return [...parameters]
    .map(([name, value]) => ({ number: /^rewriterule(\d+)$/.exec(name)?.[1], value }))
    .filter(({ number }) => number !== undefined)
    .sort((a, b) => Number(a.number) - Number(b.number))
    .map(({ value }) => {
      const [, key = "", pattern = "", tag = ""] = /^(\S+)\s+(.+?)\s+(\S+)$/.exec(value) ?? [];
      const isInverted = pattern.startsWith("!");
      return { key, pattern: isInverted ? pattern.slice(1) : pattern, isInverted, tag, label: undefined };
    });
}

function findsAll({ pattern, isInverted, key }: Rule): boolean {
  return key !== "" && !isInverted && FINDS_ALL.test(pattern);
}

/** The tag that a rule gives, with a star for what only its events know. */
function rewritten(template: string, tag: string): string {
  const parts = tag.split(".");
  return withVariables(template, () => "*")
    .replaceAll(/\$\{tag\}|__TAG__/g, tag)
    .replaceAll(/\$\{tag_parts\[(\d+)\]\}|__TAG_PARTS\[(\d+)\]__/g, (_, a?: string, b?: string) => {
      return tag.includes("*") ? "*" : (parts[Number(a ?? b)] ?? "");
    })
    .replaceAll(/[$#]\{[^}]*\}|__[A-Z_]+(?:\[[^\]]*\])?__|\$\d/g, "*");
}
