import { type FluentdSection, INCLUDE, typeOf } from "./fluentd-syntax.ts";
import { importGrep, isGrep } from "./fluentd-grep.ts";
import { importReading, READING_KNOWN } from "./fluentd-reading.ts";
import type { Fate } from "./fluentd-events.ts";
import { holdsRuby, withVariables } from "./fluentd-value.ts";
import { milliseconds } from "./interval.ts";
import { absolutePaths, asTag, type ImportedFiles, type Notes, pathSetting } from "./imported.ts";
import { all, fromRuby } from "./pattern.ts";
import { tellOthers } from "./tell-others.ts";

const KNOWN =
  "@type type @id @label path exclude_path tag read_from_head format_firstline multiline_flush_interval".split(
    " ",
  );

/** Files of a `tail` source whose events have one way through the configuration. */
export interface TailedFiles {
  readonly source: FluentdSection;
  readonly paths: readonly string[];
  /** A star in it stands for any text. */
  readonly tag: string;
}

/** The paths of a source. Where its tag has a star, that stands for the path: each has a tag of its own. */
export function tailedFiles(source: FluentdSection): TailedFiles[] {
  const paths = (source.parameters.get("path") ?? "")
    .split(",")
    .map((path) => path.trim())
    .filter((path) => path !== "");
  const theirs = source.parameters.get("tag") ?? "log";
  if (!theirs.includes("*")) return [{ source, paths, tag: open(theirs) }];
  return paths.map((path) => ({
    source,
    paths: [path],
    tag: open(theirs.replace("*", () => tagOfPath(path))),
  }));
}

/** What variables and Ruby make of a text is not known here. */
function open(text: string): string {
  return withVariables(text, () => "*").replaceAll(/#\{[^}]*\}/g, "*");
}

/** source: `tag` of lib/fluent/plugin/in_tail.rb, read 2026-11 */
function tagOfPath(path: string): string {
  return open(path)
    .replaceAll(/%-?[A-Za-z]|\*+|\?|\[[^\]]*\]|\{[^}]*\}/g, "*")
    .replaceAll("/", ".")
    .replaceAll(/\.+/g, ".")
    .replace(/^\./, "");
}

export function nameOf({ source, paths }: TailedFiles): string {
  return `<source> ${paths.join(", ") || typeOf(source)}`;
}

/** What keeps an entry from being sent although it is known where its events went. */
export function doubt({ source, paths }: TailedFiles): string | undefined {
  if (hasUnread(source)) return "it includes a file that is not here";
  if (paths.some(holdsRuby)) return "its path holds Ruby; write its value";
  const value = source.parameters.get("exclude_path");
  if (value === undefined) return undefined;
  if (holdsRuby(value)) return "its exclude_path holds Ruby; write its value";
  return excluded(value) === undefined
    ? "its exclude_path is no array of texts; write exclude = [...]"
    : undefined;
}

/** Whether a file that was not read may say more of a source, such as its label. */
export function hasUnread({ sections }: FluentdSection): boolean {
  return sections.some(({ name }) => name === INCLUDE);
}

/** @param fates all of those that bring its events to the stream; of an entry in doubt there may be none */
export function importTail(
  files: TailedFiles,
  fates: readonly Fate[],
  notes: Notes,
): ImportedFiles | undefined {
  const { source, paths } = files;
  const { parameters, lines } = source;
  const where = nameOf(files);
  const format = isMultiLine(source) ? ["format"] : [];
  tellOthers(where, source, [...KNOWN, ...READING_KNOWN, ...format], notes);
  if (paths.length === 0) notes.add(source.line, `${where}: left out, it has no path`);
  const notePath = notes.at(lines.get("path"));
  for (const path of paths) if (path.includes("%")) notePath(`file "${path}": dates in paths become *`);
  const absolute = absolutePaths(paths, notePath).map(withoutDates);
  if (absolute.length === 0) return undefined;
  const exclude = excluded(parameters.get("exclude_path") ?? "[]")?.map(withoutDates) ?? [];
  const multi_line = multiLine(source, where, notes);
  const { filters, choice } = passed(fates);
  const asked = { wholeLineKey: wholeLineKey(source), isMultiLine: multi_line !== undefined };
  const grep = importGrep(filters, asked, notes);
  const [include, leaveOut] = [
    [...choice.include, ...grep.include],
    [...choice.exclude, ...grep.exclude],
  ];
  return {
    tag: finalTag(files, fates, notes),
    path: pathSetting(absolute),
    ...(parameters.has("exclude_path") && exclude.length > 0 ? { exclude } : {}),
    start_at: parameters.get("read_from_head") === "true" ? "head" : "end",
    ...importReading(source, where, notes),
    ...(multi_line ? { multi_line } : {}),
    // Each must be found; of several include_lines one is enough.
    ...(include.length > 0 ? { include_lines: [all(include)] } : {}),
    ...(leaveOut.length > 0 ? { exclude_lines: leaveOut } : {}),
  };
}

/** The filters and choices of lines that all of its events pass. */
function passed(fates: readonly Fate[]) {
  const first = fates.find((fate) => fate.to === "stream");
  const filters = first?.filters.filter(({ section, isSure }) => isSure && isGrep(section)) ?? [];
  const choice = first?.lines ?? { include: [], exclude: [] };
  return { filters: filters.map(({ section }) => section), choice };
}

/** The tag with which its events reach the stream, as far as that is one. */
function finalTag({ source, tag }: TailedFiles, fates: readonly Fate[], notes: Notes): string {
  const note = notes.at(source.lines.get("tag") ?? source.line);
  const theirs = source.parameters.get("tag") ?? "log";
  const tags = new Set(fates.flatMap((fate) => (fate.to === "stream" ? [fate.tag] : [])));
  const last = tags.size === 1 ? [...tags][0]! : tag;
  const isRewritten = last !== tag && !last.includes("*");
  const template = isRewritten || !theirs.includes("*") ? last : theirs;
  const plain =
    template
      .replaceAll("*", "")
      .replaceAll(/\.+/g, ".")
      .replaceAll(/^\.|\.$/g, "") || "log";
  const ours = asTag(plain, note);
  if (isRewritten) note(`tag ${open(theirs)}: is now "${ours}", as it was when it reached the stream`);
  else if (template.includes("*")) note(`tag ${template}: is now "${ours}"; every row knows its path anyway`);
  return ours;
}

function withoutDates(path: string): string {
  return path.replaceAll(/%-?[A-Za-z]/g, "*");
}

/** An array in JSON, or texts with commas between them. */
function excluded(value: string): string[] | undefined {
  if (!value.startsWith("[")) return value.split(",").map((path) => path.trim());
  try {
    return (JSON.parse(value) as unknown[]).map(String);
  } catch {
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
export function wholeLineKey(source: FluentdSection): string | undefined {
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
  return { start, ...(idleMs === undefined ? {} : { idle_ms: Math.max(10, Math.min(86_400_000, idleMs)) }) };
}
