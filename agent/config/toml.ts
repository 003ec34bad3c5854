import { parse, TomlError } from "smol-toml";
import { ConfigError } from "../../wire/config.ts";

/**
 * Parses TOML as people write it: a byte order mark is passed over.
 *
 * @param knows whether a name is one of a setting, and may be told
 * @throws ConfigError naming line and column, and never what is there: it may be a key or a password
 */
export function parseToml(
  text: string,
  file: string,
  knows: (name: string) => boolean = () => false,
): Record<string, unknown> {
  const toml = text.replace(/^\uFEFF/, "");
  try {
    return parse(toml);
  } catch (error) {
    if (!(error instanceof TomlError)) throw new ConfigError(file, ["this is not TOML"]);
    const { line, column } = error;
    const at = toml.split(/\r?\n/)[line - 1] ?? "";
    const key = /^\s*([\w-]+)\s*=/.exec(at)?.[1];
    const where = key !== undefined && knows(key) ? `, at ${key}` : "";
    throw new ConfigError(file, [`line ${line}, column ${column}${where}: not TOML: ${advice(error, at)}`]);
  }
}

/** What people write most, and what it should be; then the parser's own words. */
const ADVICE: readonly (readonly [line: RegExp, advice: string])[] = [
  [/^\s*\{/, "this looks like JSON; of another agent's file, import makes a configuration"],
  [/^\s*<\w/, "this looks like Fluentd's own syntax, of which import makes a configuration"],
  [/[\u2018-\u201F\u00AB\u00BB]/, 'texts stand in straight quotes, as in tag = "access"'],
  [
    /=\s*\d[\d_.]*\s*[kmgt]i?b?\s*(?:#|$)/i,
    'sizes are numbers of bytes, or stand in quotes with their unit: "5 MiB"',
  ],
  [
    /=\s*\d[\d_.]*\s*(?:ms|s|min|h|d)\s*(?:#|$)/i,
    'times are numbers of milliseconds, or stand in quotes with their unit: "5 s"',
  ],
  [/=\s*(?:True|False|TRUE|FALSE|yes|no|on|off)\s*(?:#|$)/, "write true or false"],
  [/=\s*(?:#|$)/, "there is no value"],
  [/^\s*[\w.-]+\s*:/, 'a setting is written with an equals sign, as in tag = "access"'],
  [/^\s*\[+[^\]]*\]?\s*$/, "a table is written [forward], and one of several [[files]]"],
];

function advice({ message }: TomlError, line: string): string {
  const said = /^Invalid TOML document: ([a-z][a-z ,:;'-]*)/.exec(message)?.[1] ?? "it cannot be read";
  if (said.startsWith("trying to redefine")) {
    const [, table] = /^\s*\[(\w+)\]/.exec(line) ?? [];
    const more =
      table === "files" || table === "line_sockets" ? `, or write [[${table}]] for another one` : "";
    return `this is there already, further up; keep one of the two${more}`;
  }
  if (said === "unfinished string" || said.startsWith("control characters"))
    return "a closing quote is missing";
  const common = ADVICE.find(([pattern]) => pattern.test(line));
  if (common) return common[1];
  if (said === "invalid value")
    return 'texts stand in quotes, as in tag = "access"; numbers, true and false do not';
  return said;
}
