import { importForward, isForward } from "./fluentd-forward.ts";
import { isGrep } from "./fluentd-grep.ts";
import { includeFiles } from "./fluentd-include.ts";
import { type Events, type Fate, Routes, stores } from "./fluentd-routes.ts";
import { type FluentdSection, INCLUDE, parseFluentd, typeOf } from "./fluentd-syntax.ts";
import { doubt, importTail, milliseconds, nameOf, tailedFiles, wholeLineKey } from "./fluentd-tail.ts";
import { holdsRuby } from "./fluentd-value.ts";
import { type HeldEntry, type Imported, type ImportedFiles, lingerMs, Notes } from "./imported.ts";
import { shownSetting } from "./shown-value.ts";
import { tellOthers } from "./tell-others.ts";

const MATCH_KNOWN = ["@type", "type", "@id", "@label", "stream_name", "region", "flush_interval", "buffer"];
const ROUTED = new Set(["source", "match", "filter", "label", "worker", INCLUDE]);
/** What Fluentd says of itself, and of records that it could not handle. */
const OF_FLUENTD: Readonly<Record<string, string>> = {
  "@FLUENT_LOG": "left out, it is about Fluentd's own log",
  "@ERROR": "left out; lines that do not parse are rejected by their log type, and kept with the reason",
};

/** A source, and the worker that it runs in. */
interface Placed {
  readonly source: FluentdSection;
  readonly worker: string | undefined;
}

/** The configuration as it is carried over, bit by bit. */
interface Import {
  readonly routes: Routes;
  readonly notes: Notes;
  readonly held: HeldEntry[];
  /** What brings events to the stream. */
  readonly used: Set<FluentdSection>;
}

/**
 * `@type tail` and `@type forward` sources whose events go to the Kinesis plugin.
 *
 * @param stream takes only what goes there
 */
export function fromFluentd(text: string, file: string, stream?: string): Imported {
  const notes = new Notes();
  const root = includeFiles(parseFluentd(text, file), file, notes);
  const outputs = new Routes(root, undefined).kinesisOutputs;
  const chosen = stream ?? outputs[0]?.parameters.get("stream_name");
  const target = outputs.find(({ parameters }) => parameters.get("stream_name") === chosen);
  const making: Import = { routes: new Routes(root, chosen), notes, held: [], used: new Set() };
  const sources = placedSources(root);
  const files = sources.flatMap((placed) => followed(placed, making));
  const forward = pushed(sources, making);
  tellTop(root, notes);
  tellRest(root, making, target);
  const region = known(target, "region", notes);
  const settings = {
    ...(stream === undefined ? named(target, notes) : { stream }),
    ...(region === undefined ? {} : { region }),
    ...(target ? buffer(target, notes) : {}),
    ...(forward ? { forward } : {}),
    ...(files.length > 0 ? { files } : {}),
  };
  if (target) tellOthers(`<${`${target.name} ${target.argument}`.trim()}>`, target, MATCH_KNOWN, notes);
  return { settings, notes, held: making.held };
}

function placedSources(root: FluentdSection, worker?: string): Placed[] {
  return root.sections.flatMap((section) => {
    if (section.name === "worker") return placedSources(section, section.argument);
    return section.name === "source" ? [{ source: section, worker }] : [];
  });
}

/** A setting of the output whose value is known. */
function known(target: FluentdSection | undefined, key: string, notes: Notes): string | undefined {
  const value = target?.parameters.get(key);
  // A placeholder stands for something else in each chunk.
  if (value === undefined || value === "" || holdsRuby(value)) return undefined;
  if (!value.includes("${")) return value;
  notes.add(target!.lines.get(key), `${key} ${value}: left out, it is not the same for all events`);
  return undefined;
}

function named(target: FluentdSection | undefined, notes: Notes): { stream?: string } {
  const name = known(target, "stream_name", notes);
  return name === undefined ? {} : { stream: name };
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
  { used, notes, routes }: Import,
  target: FluentdSection | undefined,
): void {
  for (const section of root.sections) {
    const { name, argument, line } = section;
    const why = name === "label" ? OF_FLUENTD[argument] : undefined;
    if (why !== undefined) notes.add(line, `<label ${argument}>: ${why}`);
    else if (name === "label" || name === "worker")
      tellRest(section, { used, notes, routes, held: [] }, target);
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
    const why = "left out, lines are sent as they are; records are shaped in weir.config.ts";
    notes.add(filter.line, `${what}: ${why}`);
  } else if (!used.has(filter))
    notes.add(filter.line, `${what}: is not asked of events that are pushed, nor of others`);
}

function followed({ source, worker }: Placed, making: Import): ImportedFiles[] {
  const { notes, held, used } = making;
  if (isForward(source)) return [];
  if (typeOf(source) !== "tail") {
    const what = `<source> ${typeOf(source) || "without @type"}`;
    notes.add(source.line, `${what}: left out, only @type tail and forward are carried over`);
    return [];
  }
  return tailedFiles(source).flatMap((files) => {
    const fates = fatesOf(source, worker, files.tag, wholeLineKey(source), making);
    const reasons = [...whyNot(fates), ...[doubt(files) ?? []].flat()];
    const where = nameOf(files);
    if (fates.every(({ to }) => to === "elsewhere")) {
      notes.add(
        source.line,
        `${where}: left out, its tag ${files.tag} does not go to the stream: ${reasons.join("; ")}`,
      );
      return [];
    }
    for (const fate of fates) if (fate.to === "stream") for (const section of fate.by) used.add(section);
    for (const fate of fates)
      if (fate.to === "stream") for (const { section } of fate.filters) used.add(section);
    const entry = importTail(files, fates, notes);
    if (entry === undefined) return [];
    if (reasons.length === 0) return [entry];
    notes.add(
      source.line,
      `${where}: commented out, not all of it may have gone to the stream: ${reasons.join("; ")}`,
    );
    held.push({ line: source.line, why: reasons.join("; "), settings: { files: [entry] } });
    return [];
  });
}

function fatesOf(
  { parameters }: FluentdSection,
  worker: string | undefined,
  tag: string,
  wholeLineKey: string | undefined,
  { routes }: Import,
): readonly Fate[] {
  const label = parameters.get("@label");
  const lines = { include: [], exclude: [] };
  const events: Events = { tag, label, worker, filters: [], by: [], lines, wholeLineKey };
  return routes.follow(events);
}

function whyNot(fates: readonly Fate[]): string[] {
  return [...new Set(fates.flatMap((fate) => (fate.to === "stream" ? [] : [fate.why])))];
}

/** There is one forward input, and it takes events of every tag. */
function pushed(sources: readonly Placed[], making: Import) {
  const { notes, held, used } = making;
  const [placed, ...others] = sources.filter(({ source }) => isForward(source));
  for (const { source } of others) {
    notes.add(source.line, "<source> forward: left out, there can be only one");
  }
  if (placed === undefined) return undefined;
  const { source, worker } = placed;
  const { parameters, line } = source;
  const prefix = parameters.get("add_tag_prefix");
  const tag = parameters.get("tag") ?? (prefix === undefined ? "*" : `${prefix}.*`);
  const fates = fatesOf(source, worker, tag, undefined, making);
  const reasons = whyNot(fates);
  if (fates.every(({ to }) => to === "elsewhere")) {
    notes.add(line, `<source> forward: left out, nothing of it goes to the stream: ${reasons.join("; ")}`);
    return undefined;
  }
  for (const fate of fates) if (fate.to === "stream") for (const section of fate.by) used.add(section);
  const forward = importForward(source, notes);
  if (forward === undefined || reasons.length === 0) return forward;
  notes.add(
    line,
    `<source> forward: commented out, events of every tag would go to the stream: ${reasons.join("; ")}`,
  );
  held.push({ line, why: reasons.join("; "), settings: { forward } });
  return undefined;
}

function buffer(match: FluentdSection, notes: Notes): { producer?: { linger_ms: number } } {
  const section = match.sections.find(({ name }) => name === "buffer");
  const interval = (section ?? match).parameters.get("flush_interval");
  if (section) tellOthers("<buffer>", section, ["flush_interval"], notes);
  const flushMs = milliseconds(interval);
  return flushMs === undefined ? {} : { producer: { linger_ms: lingerMs(flushMs) } };
}
