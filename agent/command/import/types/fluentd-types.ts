import { isGrep } from "../fluentd-grep.ts";
import type { Events, Fate } from "../fluentd-events.ts";
import type { Routes } from "../fluentd-routes.ts";
import { type FluentdSection, INCLUDE } from "../fluentd-syntax.ts";
import { wholeLineKey } from "../fluentd-tail.ts";
import type { Notes } from "../imported.ts";
import { destinationsOf } from "./fluentd-destinations.ts";
import { importFormat } from "./fluentd-format.ts";
import { FluentdRecord } from "./fluentd-record.ts";
import { type ImportedFormat, PUSHED, type TypeDraft } from "./imported-format.ts";
import { tagGlobs } from "./tag-globs.ts";
import { draftOf } from "./type-draft.ts";

type Taken = Extract<Fate, { to: "stream" }>;

/** Files that go to the stream. */
export interface TailedRoute {
  readonly source: FluentdSection;
  readonly fates: readonly Fate[];
  /** Tag as the agent sends it. */
  readonly tag: string;
}

/** Events that are pushed, of every tag. */
export interface ForwardedRoute {
  readonly source: FluentdSection;
  readonly events: Events;
}

/** The log types of what a Fluentd sent on, those of the tags that say most first. */
export function fluentdTypes(
  root: FluentdSection,
  routes: Routes,
  tailed: readonly TailedRoute[],
  forwarded: ForwardedRoute | undefined,
  notes: Notes,
): TypeDraft[] {
  return [
    ...tailed.map((route) => tailedType(route, notes)),
    ...(forwarded ? forwardedTypes(root, routes, forwarded, notes) : []),
  ];
}

function tailedType({ source, fates, tag }: TailedRoute, notes: Notes): TypeDraft {
  const taken = fates.filter((fate): fate is Taken => fate.to === "stream");
  const key = wholeLineKey(source);
  return typeOfEvents(importFormat(source), taken, source, [tag], notes, (asked) => asked === key);
}

/** One for all tags that the same filters and outputs take. */
function forwardedTypes(
  root: FluentdSection,
  routes: Routes,
  { source, events }: ForwardedRoute,
  notes: Notes,
): TypeDraft[] {
  const found = new Map<string, { readonly tags: string[]; readonly fate: Taken }>();
  for (const { tag, section } of candidates(root)) {
    const fate = routes.follow({ ...events, tag }).findLast((fate) => leads(fate, section));
    if (fate?.to !== "stream") continue;
    // A pattern of ours takes more than Fluentd's, and so what asks for the very same is sure of it.
    const filters = fate.filters.map(({ section, isSure }) => {
      return { section, isSure: isSure || tagGlobs(section.argument).includes(tag) };
    });
    const passed = filters.filter(({ isSure }) => isSure).map(({ section }) => section);
    const way = [...passed, ...fate.by].map(({ line }) => line).join();
    const same = found.get(way);
    if (same === undefined) found.set(way, { tags: [tag], fate: { ...fate, filters } });
    else if (!same.tags.includes(tag)) same.tags.push(tag);
  }
  if (found.size === 0) return [typeOfEvents(PUSHED, [], source, ["*"], notes, () => false)];
  return [...found.values()]
    .map(({ tags, fate }) => ({ tags: tags.map((tag) => withoutPrefix(tag, source)).toSorted(), fate }))
    .sort((a, b) => literals(b.tags) - literals(a.tags))
    .map(({ tags, fate }) => typeOfEvents(PUSHED, [fate], source, tags, notes, () => false));
}

/** The tag as it is sent: what the source put before it, the agent does not. */
function withoutPrefix(tag: string, { parameters }: FluentdSection): string {
  const prefix = `${parameters.get("add_tag_prefix") ?? ""}.`;
  return prefix !== "." && tag.startsWith(prefix) ? tag.slice(prefix.length) : tag;
}

/** Whether a section has a part in what brings events to the stream. */
function leads(fate: Fate, section: FluentdSection): boolean {
  if (fate.to !== "stream") return false;
  return fate.by.includes(section) || fate.filters.some((passed) => passed.section === section);
}

/** Characters that are no star: of two patterns that take the same tag, the one with more of them comes first. */
const literals = (tags: readonly string[]): number =>
  Math.max(...tags.map((tag) => tag.replaceAll("*", "").length));

/** Tags that any section asks for. */
function candidates({
  sections,
}: FluentdSection): { readonly tag: string; readonly section: FluentdSection }[] {
  return sections.flatMap((section) => {
    if (section.name === "label" || section.name === "worker") return candidates(section);
    if (section.name === INCLUDE || (section.name !== "match" && section.name !== "filter")) return [];
    return tagGlobs(section.argument).map((tag) => ({ tag, section }));
  });
}

function typeOfEvents(
  format: ImportedFormat,
  fates: readonly Taken[],
  source: FluentdSection,
  tags: readonly string[],
  notes: Notes,
  isAsked: (key: string) => boolean,
): TypeDraft {
  const record = new FluentdRecord(format, notes);
  if (format !== PUSHED) record.add(source.parameters.get("path_key"), "_path");
  const [first] = fates;
  for (const { section, isSure } of first?.filters ?? []) {
    if (isSure) record.pass(section, isGrep(section) ? isAsked : () => false);
    else if (format !== PUSHED)
      notes.add(section.line, `<filter ${section.argument}>: left out, it is of some of the files alone`);
  }
  const outputs = [...new Set(fates.flatMap(({ by }) => by))];
  for (const inject of outputs.flatMap(({ sections }) => sections.filter(({ name }) => name === "inject"))) {
    record.add(inject.parameters.get("hostname_key"), "_host");
    record.add(inject.parameters.get("tag_key"), "_tag");
  }
  return draftOf(record, { line: source.line, tags, destinations: destinationsOf(outputs, notes) });
}
