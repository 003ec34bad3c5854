import picomatch from "picomatch";
import { type FluentdSection, parseFluentd } from "./fluentd-syntax.ts";
import {
  absolutePaths,
  asTag,
  type Imported,
  type ImportedFiles,
  lingerMs,
  pathSetting,
} from "./imported.ts";

type Note = (text: string) => void;

const KINESIS_TYPES = new Set(["kinesis_streams", "kinesis_streams_aggregated"]);
const MATCH_KNOWN = ["@type", "type", "@id", "stream_name", "region"];
const SOURCE_KNOWN = ["@type", "type", "@id", "@label", "path", "exclude_path", "tag", "read_from_head"];

const NOTES: Readonly<Record<string, string>> = {
  pos_file: "positions are not carried over; the agent keeps its own under state_dir",
  format: "how a line is read is said in weir.config.ts",
  time_key: "where event time is, is said in weir.config.ts",
  partition_key: "lines are spread over the shards by the room that each has",
  compression: 'set producer.compression = "zstd" where every reader unpacks it',
  assume_role_credentials: "give a profile this role_arn and external_id, and name it in aws.profile",
  parse: "how a line is read is said in weir.config.ts",
  format_section: "lines go out as they stand in the file",
};

/** `@type tail` sources whose tag goes to the Kinesis plugin. @param stream takes only what goes there */
export function fromFluentd(text: string, file: string, stream?: string): Imported {
  const notes: string[] = [];
  const note: Note = (text) => void notes.push(text);
  const sections = flatten(parseFluentd(text, file), note);
  const matches = sections.filter(({ name }) => name === "match");
  const ours = matches.filter((match) => KINESIS_TYPES.has(typeOf(match)));
  const chosen = stream ?? ours[0]?.parameters.get("stream_name");
  const target = ours.find(({ parameters }) => parameters.get("stream_name") === chosen);
  const files = sections
    .filter(({ name }) => name === "source")
    .flatMap((source) => followed(source, matches, target, note));
  for (const match of matches)
    if (match !== target) note(`<match ${match.argument}>: left out, ${typeOf(match)}`);
  const region = target?.parameters.get("region");
  const settings = {
    ...(chosen === undefined ? {} : { stream: chosen }),
    ...(region === undefined ? {} : { region }),
    ...(target ? buffer(target, note) : {}),
    files,
  };
  if (target) tellOthers(`<match ${target.argument}>`, target, [...MATCH_KNOWN, "buffer"], note);
  return { settings, notes };
}

/** Labels only route events; filters and all else are told of. */
function flatten({ sections, parameters }: FluentdSection, note: Note): FluentdSection[] {
  for (const [key, value] of parameters) if (key.startsWith("@")) note(`${key} ${value}: left out`);
  return sections.flatMap((section) => {
    if (section.name === "label") return flatten(section, note);
    if (section.name === "source" || section.name === "match") return [section];
    note(`<${`${section.name} ${section.argument}`.trim()}>: left out, lines are sent as they are`);
    return [];
  });
}

function followed(
  source: FluentdSection,
  matches: readonly FluentdSection[],
  target: FluentdSection | undefined,
  note: Note,
): ImportedFiles[] {
  const { parameters } = source;
  const paths = (parameters.get("path") ?? "").split(",").map((path) => path.trim());
  const where = `<source> ${paths.join(", ") || typeOf(source)}`;
  if (typeOf(source) !== "tail") {
    note(`${where}: left out, only @type tail is carried over`);
    return [];
  }
  const theirTag = parameters.get("tag") ?? "log";
  const tag = asTag(theirTag.replace(/\.?\*$/, ""), note);
  if (theirTag.endsWith("*")) note(`tag ${theirTag}: is now "${tag}"; every row knows its path anyway`);
  const taker = matches.find(({ argument }) => takes(argument, tag));
  if (taker === undefined || taker !== target) {
    note(`${where}: left out, its tag ${tag} does not go to the stream`);
    return [];
  }
  tellOthers(where, source, SOURCE_KNOWN, note);
  for (const path of paths) if (path.includes("%")) note(`file "${path}": dates in paths become *`);
  const absolute = absolutePaths(paths, note).map((path) => path.replaceAll(/%[A-Za-z]/g, "*"));
  if (absolute.length === 0) return [];
  const exclude = excluded(parameters.get("exclude_path"), note);
  const start_at = parameters.get("read_from_head") === "true" ? "head" : "end";
  return [{ tag, path: pathSetting(absolute), ...(exclude ? { exclude } : {}), start_at }];
}

/** Patterns of Fluentd: a star is one part of the tag, two are any number; several stand side by side. */
function takes(patterns: string, tag: string): boolean {
  const slashed = tag.replaceAll(".", "/");
  return patterns.split(/\s+/).some((pattern) => picomatch.isMatch(slashed, pattern.replaceAll(".", "/")));
}

function excluded(value: string | undefined, note: Note): string[] | undefined {
  if (value === undefined) return undefined;
  try {
    return (JSON.parse(value) as unknown[]).map(String);
  } catch {
    note(`exclude_path ${value}: left out, not an array of texts`);
    return undefined;
  }
}

const SECONDS: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3_600, d: 86_400 };

function buffer(match: FluentdSection, note: Note): { producer?: { linger_ms: number } } {
  const section = match.sections.find(({ name }) => name === "buffer");
  if (section === undefined) return {};
  tellOthers("<buffer>", section, ["flush_interval"], note);
  const [, amount, unit = ""] =
    /^([\d.]+)([smhd]?)$/.exec(section.parameters.get("flush_interval") ?? "") ?? [];
  return amount === undefined
    ? {}
    : { producer: { linger_ms: lingerMs(Number(amount) * SECONDS[unit]! * 1_000) } };
}

function tellOthers(where: string, section: FluentdSection, known: readonly string[], note: Note): void {
  for (const [key, value] of section.parameters) {
    if (!known.includes(key)) note(`${where}: ${key} ${value}: ${NOTES[key] ?? "left out"}`);
  }
  for (const { name } of section.sections) {
    if (!known.includes(name))
      note(`${where}: <${name}>: ${NOTES[`${name}_section`] ?? NOTES[name] ?? "left out"}`);
  }
}

function typeOf({ parameters }: FluentdSection): string {
  return parameters.get("@type") ?? parameters.get("type") ?? "";
}
