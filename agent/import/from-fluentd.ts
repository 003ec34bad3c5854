import picomatch from "picomatch";
import { importForward, isForward } from "./fluentd-forward.ts";
import { importGrep, isGrep } from "./fluentd-grep.ts";
import { importReading, READING_KNOWN } from "./fluentd-reading.ts";
import { type FluentdSection, parseFluentd, typeOf } from "./fluentd-syntax.ts";
import {
  absolutePaths,
  asTag,
  type Imported,
  type ImportedFiles,
  lingerMs,
  Notes,
  pathSetting,
} from "./imported.ts";
import { fromRuby } from "./pattern.ts";
import { tellOthers } from "./tell-others.ts";

const KINESIS_TYPES = new Set(["kinesis_streams", "kinesis_streams_aggregated"]);
const MATCH_KNOWN = ["@type", "type", "@id", "stream_name", "region", "buffer"];
const SOURCE_KNOWN =
  "@type type @id @label path exclude_path tag read_from_head format_firstline multiline_flush_interval".split(
    " ",
  );

/** Everything that events pass, labels taken away. */
interface Route {
  readonly matches: readonly FluentdSection[];
  readonly filters: readonly FluentdSection[];
  /** The one that is carried over. */
  readonly target: FluentdSection | undefined;
}

/**
 * `@type tail` and `@type forward` sources whose events go to the Kinesis plugin.
 *
 * @param stream takes only what goes there
 */
export function fromFluentd(text: string, file: string, stream?: string): Imported {
  const notes = new Notes();
  const sections = flatten(parseFluentd(text, file), notes);
  const named = (name: string) => sections.filter((section) => section.name === name);
  const matches = named("match");
  const ours = matches.filter((match) => KINESIS_TYPES.has(typeOf(match)));
  const chosen = stream ?? ours[0]?.parameters.get("stream_name");
  const target = ours.find(({ parameters }) => parameters.get("stream_name") === chosen);
  const route = { matches, filters: named("filter"), target };
  const files = named("source").flatMap((source) => followed(source, route, notes));
  const forward = pushed(named("source"), route, notes);
  for (const match of matches)
    if (match !== target) notes.add(match.line, `<match ${match.argument}>: left out, ${typeOf(match)}`);
  for (const filter of route.filters) tellFilter(filter, notes);
  const region = target?.parameters.get("region");
  const settings = {
    ...(chosen === undefined ? {} : { stream: chosen }),
    ...(region === undefined ? {} : { region }),
    ...(target ? buffer(target, notes) : {}),
    ...(forward ? { forward } : {}),
    ...(files.length > 0 ? { files } : {}),
  };
  if (target) tellOthers(`<match ${target.argument}>`, target, MATCH_KNOWN, notes);
  return { settings, notes };
}

/** Labels only route events; all that is neither input, filter nor output is told of. */
function flatten({ sections, parameters, lines }: FluentdSection, notes: Notes): FluentdSection[] {
  for (const [key, value] of parameters)
    if (key.startsWith("@")) notes.add(lines.get(key), `${key} ${value}: left out`);
  return sections.flatMap((section) => {
    if (section.name === "label") return flatten(section, notes);
    if (["source", "match", "filter"].includes(section.name)) return [section];
    notes.add(section.line, `<${`${section.name} ${section.argument}`.trim()}>: left out`);
    return [];
  });
}

function tellFilter(filter: FluentdSection, notes: Notes): void {
  if (isGrep(filter)) return;
  const what = `<filter ${filter.argument}> ${typeOf(filter)}`;
  notes.add(
    filter.line,
    `${what}: left out, lines are sent as they are; records are shaped in weir.config.ts`,
  );
}

function followed(source: FluentdSection, route: Route, notes: Notes): ImportedFiles[] {
  const { parameters, lines } = source;
  const paths = (parameters.get("path") ?? "").split(",").map((path) => path.trim());
  const where = `<source> ${paths.join(", ") || typeOf(source)}`;
  if (isForward(source)) return [];
  if (typeOf(source) !== "tail") {
    notes.add(source.line, `${where}: left out, only @type tail and forward are carried over`);
    return [];
  }
  const theirTag = parameters.get("tag") ?? "log";
  const noteTag = notes.at(lines.get("tag"));
  const tag = asTag(theirTag.replace(/\.?\*$/, ""), noteTag);
  if (theirTag.endsWith("*")) noteTag(`tag ${theirTag}: is now "${tag}"; every row knows its path anyway`);
  const taker = route.matches.find(({ argument }) => takes(argument, tag));
  if (taker === undefined || taker !== route.target) {
    notes.add(source.line, `${where}: left out, its tag ${tag} does not go to the stream`);
    return [];
  }
  tellOthers(
    where,
    source,
    [...SOURCE_KNOWN, ...READING_KNOWN, ...(isMultiLine(source) ? ["format"] : [])],
    notes,
  );
  const notePath = notes.at(lines.get("path"));
  for (const path of paths) if (path.includes("%")) notePath(`file "${path}": dates in paths become *`);
  const absolute = absolutePaths(paths, notePath).map((path) => path.replaceAll(/%[A-Za-z]/g, "*"));
  if (absolute.length === 0) return [];
  const exclude = excluded(parameters.get("exclude_path"), notes, lines.get("exclude_path"));
  const multi_line = multiLine(source, where, notes);
  const filters = route.filters.filter((filter) => isGrep(filter) && takes(filter.argument, tag));
  const asked = { wholeLineKey: wholeLineKey(source), isMultiLine: multi_line !== undefined };
  return [
    {
      tag,
      path: pathSetting(absolute),
      ...(exclude ? { exclude } : {}),
      start_at: parameters.get("read_from_head") === "true" ? "head" : "end",
      ...importReading(source, where, notes),
      ...(multi_line ? { multi_line } : {}),
      ...importGrep(filters, asked, notes),
    },
  ];
}

/** There is one forward input, and it takes events of every tag. */
function pushed(sources: readonly FluentdSection[], { matches, filters, target }: Route, notes: Notes) {
  const [source, ...others] = sources.filter(isForward);
  for (const { line } of others) notes.add(line, "<source> forward: left out, there can be only one");
  if (source === undefined) return undefined;
  if (target === undefined) {
    notes.add(source.line, "<source> forward: left out, nothing goes to a stream");
    return undefined;
  }
  const isAll = matches.length === 1 && target.argument === "**";
  if (!isAll) notes.add(source.line, "<source> forward: events of every tag that it takes go to the stream");
  for (const filter of filters.filter(isGrep)) {
    notes.add(filter.line, `<filter ${filter.argument}> grep: is not asked of events that are pushed`);
  }
  return importForward(source, notes);
}

/** Patterns of Fluentd: a star is one part of the tag, two are any number; several stand side by side. */
function takes(patterns: string, tag: string): boolean {
  const slashed = tag.replaceAll(".", "/");
  return patterns.split(/\s+/).some((pattern) => picomatch.isMatch(slashed, pattern.replaceAll(".", "/")));
}

function excluded(value: string | undefined, notes: Notes, line: number | undefined): string[] | undefined {
  if (value === undefined) return undefined;
  try {
    return (JSON.parse(value) as unknown[]).map(String);
  } catch {
    notes.add(line, `exclude_path ${value}: left out, not an array of texts`);
    return undefined;
  }
}

/** The `<parse>` section, or the source itself, where it was before there were sections. */
function parser(source: FluentdSection): FluentdSection {
  return source.sections.find(({ name }) => name === "parse") ?? source;
}

function formatOf(source: FluentdSection): string | undefined {
  const section = parser(source);
  return section === source ? source.parameters.get("format") : typeOf(section);
}

function isMultiLine(source: FluentdSection): boolean {
  return formatOf(source) === "multiline";
}

/** Without a format, the only field of a record is the line. */
function wholeLineKey(source: FluentdSection): string | undefined {
  const isNone = (formatOf(source) ?? "none") === "none";
  return isNone ? (parser(source).parameters.get("message_key") ?? "message") : undefined;
}

function multiLine(source: FluentdSection, where: string, notes: Notes): ImportedFiles["multi_line"] {
  if (!isMultiLine(source)) return undefined;
  const { parameters, lines, line } = parser(source);
  const first = parameters.get("format_firstline");
  if (first === undefined) {
    notes.add(line, `${where}: multiline without format_firstline: each line is an event of its own`);
    return undefined;
  }
  const start = fromRuby(first);
  if (start === undefined) {
    const note = `${where}: format_firstline ${first}: left out, JavaScript does not know it`;
    notes.add(lines.get("format_firstline"), note);
    return undefined;
  }
  const idleMs = milliseconds(source.parameters.get("multiline_flush_interval"));
  return { start, ...(idleMs === undefined ? {} : { idle_ms: Math.max(10, idleMs) }) };
}

const SECONDS: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3_600, d: 86_400 };

function milliseconds(interval = ""): number | undefined {
  const [, amount, unit = ""] = /^([\d.]+)([smhd]?)$/.exec(interval) ?? [];
  return amount === undefined ? undefined : Math.round(Number(amount) * SECONDS[unit]! * 1_000);
}

function buffer(match: FluentdSection, notes: Notes): { producer?: { linger_ms: number } } {
  const section = match.sections.find(({ name }) => name === "buffer");
  if (section === undefined) return {};
  tellOthers("<buffer>", section, ["flush_interval"], notes);
  const flushMs = milliseconds(section.parameters.get("flush_interval"));
  return flushMs === undefined ? {} : { producer: { linger_ms: lingerMs(flushMs) } };
}
