import { parse as parseToml, stringify } from "smol-toml";
import { ConfigError } from "../../wire/config.ts";
import { systemReason } from "../agent-error.ts";
import { fromFluentd } from "./from-fluentd.ts";
import { fromHydra } from "./from-hydra.ts";
import { fromKinesisAgent } from "./from-kinesis-agent.ts";
import type { Imported } from "./imported.ts";

/** Stands where the other configuration names no stream; the agent refuses to start until it is set. */
const STREAM_OF_THE_ENVIRONMENT = "${WEIR_STREAM}";

/**
 * Makes a configuration of ours from fluent-agent-hydra's TOML, amazon-kinesis-agent's JSON or
 * Fluentd's own syntax. Which of them it is shows in the text.
 *
 * @param stream takes only what goes to it, where the other configuration names several
 * @returns our TOML, and what could not be carried over, item by item
 * @throws ConfigError when it is none of them
 */
export function importConfig(text: string, file: string, stream?: string): { toml: string; notes: string[] } {
  const { settings, notes } = read(text, file, stream);
  if (settings.files.length === 0) throw new ConfigError(file, ["there is nothing to follow", ...notes]);
  const { stream: named = stream, ...others } = settings;
  const toml = stringify({ stream: named ?? STREAM_OF_THE_ENVIRONMENT, ...others });
  const unnamed = "stream: none is named; set WEIR_STREAM, or write the name into the file";
  return { toml: `${toml}\n`, notes: named === undefined ? [unnamed, ...notes] : [...notes] };
}

function read(text: string, file: string, stream: string | undefined): Imported {
  if (/^\s*\{/.test(text)) return fromKinesisAgent(parse(JSON.parse, text, file), file, stream);
  if (/^\s*<\w/m.test(text)) return fromFluentd(text, file, stream);
  return fromHydra(parse(parseToml, text, file), file);
}

function parse(parser: (text: string) => unknown, text: string, file: string): unknown {
  try {
    return parser(text);
  } catch (cause) {
    throw new ConfigError(file, [systemReason(cause)]);
  }
}
