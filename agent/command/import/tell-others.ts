import type { FluentdSection } from "./fluentd-syntax.ts";
import { holdsRuby, variablesOf } from "./fluentd-value.ts";
import type { Notes } from "./imported.ts";
import { shownSetting } from "./shown-value.ts";

const KEYS = "keys do not belong here: give the host a role, or name a profile in aws.profile";

/** Settings that say how lines are read. */
const OF_TYPES = new Set([
  "format",
  "time_key",
  "time_format",
  "types",
  "keep_time_key",
  "timezone",
  "utc",
  "localtime",
  "parse",
  "path_key",
  "inject",
]);

const NOTES: Readonly<Record<string, string>> = {
  pos_file: "weir agent positions carries them over",
  path_key: "every row knows its path",
  format: "how a line is read is said in weir.config.ts: --types writes one",
  time_key: "where event time is, is said in weir.config.ts",
  partition_key: "lines are spread over the shards by the room that each has",
  compression: 'set producer.compression = "zstd" where every reader unpacks it',
  assume_role_credentials: "write its role_arn and external_id into [aws]",
  parse: "how a line is read is said in weir.config.ts: --types writes one",
  aws_key_id: KEYS,
  aws_sec_key: KEYS,
  aws_ses_token: KEYS,
  shared_credentials: "name its profile in aws.profile",
  secondary: "what cannot be delivered waits in its file",
};

/** Of sections whose name is that of a parameter, too. */
const SECTION_NOTES: Readonly<Record<string, string>> = {
  format: "lines go out as they stand in the file",
};

/** Takes note of everything in a section that is not carried over, without the values that may be secrets. */
export function tellOthers(
  where: string,
  section: FluentdSection,
  known: readonly string[],
  notes: Notes,
  why: Readonly<Record<string, string>> = {},
): void {
  for (const [key, value] of section.parameters) {
    const line = section.lines.get(key);
    if (known.includes(key)) tellRuby(`${where}: ${key}`, value, notes, line);
    else {
      const note = `${where}: ${shownSetting(key, value)}: ${why[key] ?? NOTES[key] ?? "left out"}`;
      if (OF_TYPES.has(key) && why[key] === undefined) notes.addOfTypes(line, note);
      else notes.add(line, note);
    }
  }
  for (const { name, line } of section.sections) {
    const reason = why[name] ?? SECTION_NOTES[name] ?? NOTES[name] ?? "left out";
    if (known.includes(name)) continue;
    if (OF_TYPES.has(name)) notes.addOfTypes(line, `${where}: <${name}>: ${reason}`);
    else notes.add(line, `${where}: <${name}>: ${reason}`);
  }
}

function tellRuby(what: string, value: string, notes: Notes, line: number | undefined): void {
  for (const name of variablesOf(value)) {
    const from =
      name === "hostname" ? "is the host's name" : "is read from the environment: /etc/weir/environment";
    notes.add(line, `${what}: \${${name}} ${from}`);
  }
  if (holdsRuby(value)) {
    notes.add(line, `${what} holds Ruby; write its value, or \${NAME} for a variable of the environment`);
  }
}
