import { isDeepStrictEqual } from "node:util";
import { importForward, isForward } from "./fluentd-forward.ts";
import { includeFiles } from "./fluentd-include.ts";
import { tellLeftOut } from "./fluentd-left-out.ts";
import { replacedRegion, tellReplaced } from "./fluentd-replaced.ts";
import type { Events, Fate } from "./fluentd-events.ts";
import { Routes } from "./fluentd-routes.ts";
import { type FluentdSection, parseFluentd, typeOf } from "./fluentd-syntax.ts";
import {
  doubt,
  hasUnread,
  importTail,
  nameOf,
  type TailedFiles,
  tailedFiles,
  wholeLineKey,
} from "./fluentd-tail.ts";
import { holdsRuby } from "./fluentd-value.ts";
import { type HeldEntry, type Imported, type ImportedFiles, lingerMs, Notes } from "./imported.ts";
import { milliseconds } from "./interval.ts";
import { tellOthers } from "./tell-others.ts";
import type { ForwardedRoute, TailedRoute } from "./types/fluentd-types.ts";

const MATCH_KNOWN = ["@type", "type", "@id", "@label", "stream_name", "region", "flush_interval", "buffer"];
/** A source, and the worker that it runs in. */
interface Placed {
  readonly source: FluentdSection;
  readonly worker: string | undefined;
}

/** The configuration as it is carried over, bit by bit. */
interface Import {
  readonly routes: Routes;
  /** Whether the stream takes the place of outputs that are none of Kinesis. */
  readonly replaces: boolean;
  readonly notes: Notes;
  readonly held: HeldEntry[];
  /** What brings events to the stream. */
  readonly used: Set<FluentdSection>;
  /** What log types are made of. */
  readonly tailed: TailedRoute[];
  forwarded?: ForwardedRoute;
}

/**
 * `@type tail` and `@type forward` sources whose events go to the Kinesis plugin.
 *
 * @param stream takes only what goes there; where no Kinesis output names it, it stands for what Fluentd forwards, or
 *   brings to S3, Redshift and Firehose
 */
export function fromFluentd(text: string, file: string, stream?: string): Imported {
  const notes = new Notes();
  const root = includeFiles(parseFluentd(text, file), file, notes);
  const outputs = new Routes(root, { stream, replaces: false }).kinesisOutputs;
  const chosen = stream ?? outputs[0]?.parameters.get("stream_name");
  const target = outputs.find(({ parameters }) => parameters.get("stream_name") === chosen);
  const replaces = stream !== undefined && target === undefined;
  const routes = new Routes(root, { stream: chosen, replaces });
  const making: Import = { routes, replaces, notes, held: [], used: new Set(), tailed: [] };
  const sources = placedSources(root);
  const files = sources.flatMap((placed) => followed(placed, making));
  const forward = pushed(sources, making);
  tellLeftOut(root, making.used, target, notes);
  if (replaces) tellReplaced(making.used, stream, notes);
  const region = replaces ? replacedRegion(making.used, notes) : known(target, "region", notes);
  const settings = {
    ...(stream === undefined ? named(target, notes) : { stream }),
    ...(region === undefined ? {} : { region }),
    ...(target ? buffer(target, notes) : {}),
    ...(forward ? { forward } : {}),
    ...(files.length > 0 ? { files } : {}),
  };
  if (target) tellOthers(`<${`${target.name} ${target.argument}`.trim()}>`, target, MATCH_KNOWN, notes);
  return { settings, notes, held: making.held, types: (notes) => typesOf(root, making, notes) };
}

/** Loaded late: an agent on a host makes no types. */
async function typesOf(root: FluentdSection, { routes, tailed, forwarded }: Import, notes: Notes) {
  const { fluentdTypes } = await import("./types/fluentd-types.ts");
  return fluentdTypes(root, routes, tailed, forwarded, notes);
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

function followed(placed: Placed, making: Import): ImportedFiles[] {
  const { source } = placed;
  const { notes, held, used } = making;
  if (isForward(source)) return [];
  if (typeOf(source) !== "tail") {
    const what = `<source> ${typeOf(source) || "without @type"}`;
    notes.add(source.line, `${what}: left out, only @type tail and forward are carried over`);
    return [];
  }
  return decided(placed, making).flatMap(({ files, fates, reasons }) => {
    const where = nameOf(files);
    if (fates.every(({ to }) => to === "elsewhere")) {
      const why = `its tag ${files.tag} does not go to the stream: ${reasons.join("; ")}`;
      notes.add(source.line, `${where}: left out, ${why}`);
      return [];
    }
    markUsed(fates, used);
    const entry = importTail(files, fates, notes);
    if (entry === undefined) return [];
    making.tailed.push({ source, fates, tag: entry.tag });
    if (reasons.length === 0) return [entry];
    const why = reasons.join("; ");
    notes.add(source.line, `${where}: commented out, not all of it may have gone to the stream: ${why}`);
    held.push({ line: source.line, why, settings: { files: [entry] } });
    return [];
  });
}

/** Files of a source that go the same way. */
interface Decided {
  readonly files: TailedFiles;
  readonly fates: readonly Fate[];
  /** Why not all of their events go to the stream. */
  readonly reasons: readonly string[];
}

/** Paths of one source with the same fate are one entry. */
function decided({ source, worker }: Placed, making: Import): Decided[] {
  const found: Decided[] = [];
  for (const files of tailedFiles(source)) {
    const fates = making.routes.follow(eventsOf(source, worker, files.tag, wholeLineKey(source)));
    const reasons = [...whyNot(fates), ...[doubt(files) ?? []].flat()];
    const same = found.findIndex((one) => isSame(one, fates, reasons));
    if (same < 0) found.push({ files, fates, reasons });
    else {
      const { files: first, ...rest } = found[same]!;
      found[same] = { ...rest, files: { ...first, paths: [...first.paths, ...files.paths] } };
    }
  }
  return found;
}

function isSame(one: Decided, fates: readonly Fate[], reasons: readonly string[]): boolean {
  const ways = (fates: readonly Fate[]) =>
    fates.map((fate) =>
      fate.to === "stream" ? [fate.filters.map(({ section }) => section.line), fate.lines] : fate,
    );
  return isDeepStrictEqual([ways(one.fates), one.reasons], [ways(fates), reasons]);
}

function markUsed(fates: readonly Fate[], used: Set<FluentdSection>): void {
  for (const fate of fates) {
    if (fate.to !== "stream") continue;
    for (const section of fate.by) used.add(section);
    for (const { section } of fate.filters) used.add(section);
  }
}

function eventsOf(
  { parameters }: FluentdSection,
  worker: string | undefined,
  tag: string,
  wholeLineKey: string | undefined,
): Events {
  const label = parameters.get("@label");
  const lines = { include: [], exclude: [] };
  return { tag, label, worker, filters: [], by: [], lines, wholeLineKey };
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
  const events = eventsOf(source, worker, tag, undefined);
  const fates = forwardedFates(making.routes.follow(events), making, line);
  const reasons = [...whyNot(fates), ...(hasUnread(source) ? ["it includes a file that is not here"] : [])];
  if (fates.every(({ to }) => to === "elsewhere")) {
    notes.add(line, `<source> forward: left out, nothing of it goes to the stream: ${reasons.join("; ")}`);
    return undefined;
  }
  markUsed(fates, used);
  const forward = importForward(source, notes);
  making.forwarded = { source, events };
  if (forward === undefined || reasons.length === 0) return forward;
  notes.add(
    line,
    `<source> forward: commented out, events of every tag would go to the stream: ${reasons.join("; ")}`,
  );
  held.push({ line, why: reasons.join("; "), settings: { forward } });
  return undefined;
}

/** Tags that no section took were dropped and not kept, and an aggregator seldom has one for every tag. */
function forwardedFates(fates: readonly Fate[], { replaces, notes }: Import, line: number): readonly Fate[] {
  const taken = fates.filter((fate) => fate.to === "stream" || !fate.isDropped);
  if (!replaces || taken.length === 0 || taken.length === fates.length) return fates;
  notes.add(
    line,
    "<source> forward: events of tags that no <match> takes, which Fluentd dropped, are sent, too",
  );
  return taken;
}

function buffer(match: FluentdSection, notes: Notes): { producer?: { linger_ms: number } } {
  const section = match.sections.find(({ name }) => name === "buffer");
  const interval = (section ?? match).parameters.get("flush_interval");
  if (section) tellOthers("<buffer>", section, ["flush_interval"], notes);
  const flushMs = milliseconds(interval);
  return flushMs === undefined ? {} : { producer: { linger_ms: lingerMs(flushMs) } };
}
