import { isGrep } from "./fluentd-grep.ts";
import { stores } from "./fluentd-routes.ts";
import { type FluentdSection, INCLUDE, typeOf } from "./fluentd-syntax.ts";
import type { Notes } from "./imported.ts";
import { shownSetting } from "./shown-value.ts";

const ROUTED = new Set(["source", "match", "filter", "label", "worker", INCLUDE]);
/** What Fluentd says of itself, and of records that it could not handle. */
const OF_FLUENTD: Readonly<Record<string, string>> = {
  "@FLUENT_LOG": "left out, it is about Fluentd's own log",
  "@ERROR": "left out; lines that do not parse are rejected by their log type, and kept with the reason",
};

/**
 * Takes note of every section that is not carried over.
 *
 * @param used what brings events to the stream @param target the output that is carried over
 */
export function tellLeftOut(
  root: FluentdSection,
  used: ReadonlySet<FluentdSection>,
  target: FluentdSection | undefined,
  notes: Notes,
): void {
  tellTop(root, notes);
  tellRest(root, used, target, notes);
}

/** Everything at the top that is neither input, filter nor output. */
function tellTop({ sections, parameters, lines }: FluentdSection, notes: Notes): void {
  for (const [key, value] of parameters) notes.add(lines.get(key), `${shownSetting(key, value)}: left out`);
  for (const { name, argument, line } of sections) {
    if (name === "worker")
      notes.add(line, `<worker ${argument}>: its sections are taken, one agent does the work`);
    if (!ROUTED.has(name)) notes.add(line, `<${`${name} ${argument}`.trim()}>: left out`);
  }
}

/** Outputs that nothing is carried over from, and filters. */
function tellRest(
  root: FluentdSection,
  used: ReadonlySet<FluentdSection>,
  target: FluentdSection | undefined,
  notes: Notes,
): void {
  for (const section of root.sections) {
    const { name, argument, line } = section;
    const why = name === "label" ? OF_FLUENTD[argument] : undefined;
    if (why !== undefined) notes.add(line, `<label ${argument}>: ${why}`);
    else if (name === "label" || name === "worker") tellRest(section, used, target, notes);
    else if (name === "filter") tellFilter(section, used, notes);
    else if (name === "match" && section !== target) tellOutput(section, used, notes);
  }
}

function tellOutput(section: FluentdSection, used: ReadonlySet<FluentdSection>, notes: Notes): void {
  const what = `<${`${section.name} ${section.argument}`.trim()}>`;
  const type = typeOf(section);
  if (!used.has(section)) notes.add(section.line, `${what}: left out, ${type || "it has no @type"}`);
  else if (type === "rewrite_tag_filter") {
    notes.add(
      section.line,
      `${what}: tags are not rewritten by what a line holds; lines without the field, which it dropped, are sent`,
    );
  }
  for (const store of used.has(section) ? stores(section) : []) tellOutput(store, used, notes);
}

function tellFilter(filter: FluentdSection, used: ReadonlySet<FluentdSection>, notes: Notes): void {
  const what = `<filter ${filter.argument}> ${typeOf(filter)}`;
  if (!isGrep(filter)) {
    const why =
      "left out, lines are sent as they are; records are shaped in weir.config.ts: --types writes one";
    notes.addOfTypes(filter.line, `${what}: ${why}`);
  } else if (!used.has(filter))
    notes.addOfTypes(filter.line, `${what}: is not asked of events that are pushed, nor of others`);
}
