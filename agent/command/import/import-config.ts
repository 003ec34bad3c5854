import { stringify } from "smol-toml";
import { ConfigError } from "../../../wire/config.ts";
import { parseToml } from "../../config/toml.ts";
import { shownVariables } from "./fluentd-value.ts";
import { fromFluentd } from "./from-fluentd.ts";
import { fromHydra } from "./from-hydra.ts";
import { fromKinesisAgent } from "./from-kinesis-agent.ts";
import type { HeldEntry, Imported } from "./imported.ts";
import { parseJson, withoutComments } from "./json.ts";
import { jsonLines, tomlLines } from "../../config/setting-lines.ts";

/** Stands where the other configuration names no stream; the agent refuses to start until it is set. */
const STREAM_OF_THE_ENVIRONMENT = "${WEIR_STREAM}";

export interface ImportedConfig {
  readonly toml: string;
  readonly notes: string[];
  /** What log types are made of. */
  readonly imported: Imported;
}

/**
 * Makes a configuration of ours from fluent-agent-hydra's TOML, amazon-kinesis-agent's JSON or
 * Fluentd's own syntax. Which of them it is shows in the text.
 *
 * @param stream takes only what goes to it, where the other configuration names several
 * @returns our TOML, and what could not be carried over, item by item with its line
 * @throws ConfigError when it is none of them
 */
export function importConfig(text: string, file: string, stream?: string): ImportedConfig {
  const imported = read(text.replace(/^\uFEFF/, ""), file, stream);
  const { settings, notes, held = [] } = imported;
  const { stream: named = stream, ...others } = literal(settings);
  const isIdle = !others.files && !others.forward && !others.stdin;
  if (isIdle && held.length === 0) {
    throw new ConfigError(file, ["there is nothing to follow", ...notes.texts]);
  }
  if (isIdle) {
    notes.add(undefined, "nothing is followed until one of the entries that are commented out is taken in");
  }
  if (named === undefined) {
    notes.add(undefined, "stream: none is named; set WEIR_STREAM, or write the name into the file");
  }
  const toml = stringify({ stream: named ?? STREAM_OF_THE_ENVIRONMENT, ...others });
  const written = [`${toml}\n`, ...held.map(commentedOut)].join("\n");
  return { toml: written, notes: notes.texts, imported };
}

function read(text: string, file: string, stream: string | undefined): Imported {
  const json = withoutComments(text);
  if (/^\s*\{/.test(json)) return fromKinesisAgent(parseJson(json, file), jsonLines(json), file, stream);
  if (/^\s*(?:<\w|@include\s)/m.test(text)) return fromFluentd(text, file, stream);
  return fromHydra(parseToml(text, file), tomlLines(text), file);
}

/** Comments an entry out, for the end of the file, where it can be taken in as it stands. */
function commentedOut({ line, why, settings }: HeldEntry): string {
  const text = `line ${line}: ${shownVariables(why)}\n${stringify(literal(settings)).trim()}`;
  return text.replaceAll(/^/gm, "# ").replaceAll(/ +$/gm, "") + "\n";
}

/** To them, a dollar and a brace in a password or a pattern meant nothing, and a variable had another form. */
function literal<T extends object>(settings: T): T {
  const text = JSON.stringify(settings, (_, value: unknown) =>
    typeof value === "string" ? shownVariables(value.replaceAll("${", () => "$${")) : value,
  );
  return JSON.parse(text) as T;
}
