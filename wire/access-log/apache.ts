import type { AccessField, AccessFormat } from "./format.ts";
import { formatOf, type TemplatePart } from "./template.ts";

type Value = readonly [name: string, form?: AccessField["form"]];

/** Names are those of the presets where they have one. source: mod_log_config of Apache 2.4, read 2026-11 */
const VALUES: Readonly<Record<string, Value>> = {
  a: ["client_ip", "host"],
  A: ["local_ip", "host"],
  b: ["bytes"],
  B: ["bytes"],
  D: ["duration_us"],
  f: ["filename"],
  h: ["host", "host"],
  H: ["protocol"],
  I: ["bytes_received"],
  k: ["keepalive_requests"],
  l: ["ident", "ident"],
  L: ["log_id"],
  m: ["method"],
  O: ["bytes_sent"],
  p: ["port"],
  P: ["process_id"],
  q: ["query"],
  r: ["request", "request"],
  R: ["handler"],
  s: ["status"],
  S: ["bytes_transferred"],
  T: ["duration_s"],
  u: ["user", "user"],
  U: ["path"],
  v: ["vhost", "vhost"],
  V: ["server_name", "vhost"],
  X: ["connection_status"],
};

/** `%{NAME}x`: prefixes of their fields. Headers of a request have none, as in the presets. */
const NAMED: Readonly<Record<string, string>> = {
  i: "",
  o: "response_",
  C: "cookie_",
  e: "env_",
  n: "note_",
};

const HEADERS: Readonly<Record<string, string>> = { user_agent: "agent" };

const PART = /%[!\d,]*[<>]?(?:\{([^}]*)\})?(\^?[A-Za-z]{1,2}|%)|[^%]+|%/g;
const DIRECTIVE = /^\s*(?:Log|Custom)Format\s+"((?:[^"\\]|\\.)*)"/;
const LONG = /^(?:\^ti|\^to)/;

/**
 * An access log's format as Apache has it: the string of a LogFormat, or the whole directive.
 *
 * source: https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats, read 2026-11
 * @throws TypeError where it cannot be read
 */
export function apacheFormat(text: string): AccessFormat {
  const string = DIRECTIVE.exec(text)?.[1] ?? text;
  const template = string.replaceAll(/\\(["\\])/g, "$1");
  return formatOf([...template.matchAll(PART)].flatMap(partsOf));
}

function partsOf([all, argument, letters]: RegExpExecArray): TemplatePart[] {
  if (letters === undefined) {
    if (all === "%") throw new TypeError("has a % that begins no value");
    return [{ text: all }];
  }
  if (letters === "%") return [{ text: "%" }];
  const letter = LONG.test(letters) ? letters : letters.charAt(0);
  const rest = letters.slice(letter.length);
  const part = letter === "t" ? timeParts(argument) : [valueOf(letter, argument)];
  return rest === "" ? part : [...part, { text: rest }];
}

/** `%t` has brackets of its own; `%{...}t` has none, and is in the form of strftime. */
function timeParts(argument: string | undefined): TemplatePart[] {
  if (argument === undefined) return [{ text: "[" }, { name: "time", form: "time" }, { text: "]" }];
  return [{ name: "time", form: argument.includes(" ") ? "until" : undefined }];
}

function valueOf(letter: string, argument: string | undefined): TemplatePart {
  if (argument !== undefined && Object.hasOwn(NAMED, letter)) {
    const name = argument.toLowerCase().replaceAll(/[^a-z0-9_]/g, "_");
    return { name: NAMED[letter]! + (HEADERS[name] ?? name), form: undefined };
  }
  if (!Object.hasOwn(VALUES, letter)) throw new TypeError(`%${letter} is no value that is known`);
  const [name, form] = VALUES[letter]!;
  if (letter === "T" && argument !== undefined) return { name: `duration_${argument}`, form };
  return { name, form };
}
