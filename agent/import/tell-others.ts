import type { FluentdSection } from "./fluentd-syntax.ts";
import type { Notes } from "./imported.ts";

const NOTES: Readonly<Record<string, string>> = {
  pos_file: "positions are not carried over; the agent keeps its own under state_dir",
  format: "how a line is read is said in weir.config.ts",
  time_key: "where event time is, is said in weir.config.ts",
  partition_key: "lines are spread over the shards by the room that each has",
  compression: 'set producer.compression = "zstd" where every reader unpacks it',
  assume_role_credentials: "give a profile this role_arn and external_id, and name it in aws.profile",
  parse: "how a line is read is said in weir.config.ts",
};

/** Of sections whose name is that of a parameter, too. */
const SECTION_NOTES: Readonly<Record<string, string>> = {
  format: "lines go out as they stand in the file",
};

/** Takes note of everything in a section that is not carried over. */
export function tellOthers(
  where: string,
  section: FluentdSection,
  known: readonly string[],
  notes: Notes,
  why: Readonly<Record<string, string>> = {},
): void {
  for (const [key, value] of section.parameters) {
    if (known.includes(key)) tellRuby(`${where}: ${key}`, value, notes, section.lines.get(key));
    else
      notes.add(section.lines.get(key), `${where}: ${key} ${value}: ${why[key] ?? NOTES[key] ?? "left out"}`);
  }
  for (const { name, line } of section.sections) {
    const reason = why[name] ?? SECTION_NOTES[name] ?? NOTES[name] ?? "left out";
    if (!known.includes(name)) notes.add(line, `${where}: <${name}>: ${reason}`);
  }
}

function tellRuby(what: string, value: string, notes: Notes, line: number | undefined): void {
  if (value.includes("#{")) {
    notes.add(line, `${what} holds Ruby; write its value, or \${NAME} for a variable of the environment`);
  }
}
