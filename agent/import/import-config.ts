import { parse as parseToml, stringify } from "smol-toml";
import { ConfigError } from "../../wire/config.ts";
import { systemReason } from "../agent-error.ts";
import { fromFluentd } from "./from-fluentd.ts";
import { fromHydra } from "./from-hydra.ts";
import { fromKinesisAgent } from "./from-kinesis-agent.ts";
import type { Imported, ImportedSettings } from "./imported.ts";
import { jsonLines, tomlLines } from "./setting-lines.ts";

/** Stands where the other configuration names no stream; the agent refuses to start until it is set. */
const STREAM_OF_THE_ENVIRONMENT = "${WEIR_STREAM}";

/**
 * Makes a configuration of ours from fluent-agent-hydra's TOML, amazon-kinesis-agent's JSON or
 * Fluentd's own syntax. Which of them it is shows in the text.
 *
 * @param stream takes only what goes to it, where the other configuration names several
 * @returns our TOML, and what could not be carried over, item by item with its line
 * @throws ConfigError when it is none of them
 */
export function importConfig(text: string, file: string, stream?: string): { toml: string; notes: string[] } {
  const imported = read(text, file, stream);
  const notes = imported.notes.texts;
  const { stream: named = stream, ...others } = literal(imported.settings);
  if (!others.files && !others.forward && !others.stdin) {
    throw new ConfigError(file, ["there is nothing to follow", ...notes]);
  }
  const toml = stringify({ stream: named ?? STREAM_OF_THE_ENVIRONMENT, ...others });
  const unnamed = "stream: none is named; set WEIR_STREAM, or write the name into the file";
  return { toml: `${toml}\n`, notes: named === undefined ? [unnamed, ...notes] : notes };
}

function read(text: string, file: string, stream: string | undefined): Imported {
  if (/^\s*\{/.test(text)) {
    return fromKinesisAgent(parse(JSON.parse, text, file), jsonLines(text), file, stream);
  }
  if (/^\s*<\w/m.test(text)) return fromFluentd(text, file, stream);
  return fromHydra(parse(parseToml, text, file), tomlLines(text), file);
}

function parse(parser: (text: string) => unknown, text: string, file: string): unknown {
  try {
    return parser(text);
  } catch (cause) {
    throw new ConfigError(file, [systemReason(cause)]);
  }
}

/** To them, a dollar and a brace in a password or a pattern meant nothing. */
function literal(settings: ImportedSettings): ImportedSettings {
  const text = JSON.stringify(settings, (_, value: unknown) =>
    typeof value === "string" ? value.replaceAll("${", () => "$${") : value,
  );
  return JSON.parse(text) as ImportedSettings;
}
