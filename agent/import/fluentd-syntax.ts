import { ConfigError } from "../../wire/config.ts";

/** A section of Fluentd's configuration: `<name argument> ... </name>`. */
export interface FluentdSection {
  readonly name: string;
  readonly argument: string;
  /** At which it begins. */
  readonly line: number;
  readonly parameters: Map<string, string>;
  /** Of each parameter. */
  readonly lines: Map<string, number>;
  readonly sections: FluentdSection[];
}

const OPEN = /^<([a-z_]+)(?:\s+([^>]*?))?\s*>$/;
const CLOSE = /^<\/([a-z_]+)\s*>$/;
const PARAMETER = /^(@?[\w@.]+)(?:\s+(.*))?$/;

/**
 * Reads Fluentd's own configuration syntax.
 *
 * ```
 * file      := { line "\n" }
 * line      := "<" name [ argument ] ">" | "</" name ">" | key value | "#" comment | ""
 * value     := text | '"' text '"' | "'" text "'", with "#" comment after white space
 * ```
 *
 * @throws ConfigError naming the line
 */
export function parseFluentd(text: string, file: string): FluentdSection {
  const root = newSection("", "", 1);
  const open = [root];
  for (const [i, whole] of text.split(/\r?\n/).entries()) {
    const line = whole.replace(/(^|\s)#(?!\{).*$/, "").trim();
    if (line === "") continue;
    const here = open.at(-1)!;
    const [, opened, argument = ""] = OPEN.exec(line) ?? [];
    const [, closed] = CLOSE.exec(line) ?? [];
    const [, key, value = ""] = PARAMETER.exec(line) ?? [];
    if (opened !== undefined) {
      const section = newSection(opened, argument, i + 1);
      here.sections.push(section);
      open.push(section);
    } else if (closed !== undefined && closed === here.name) open.pop();
    else if (key !== undefined) {
      here.parameters.set(key, unquote(value));
      here.lines.set(key, i + 1);
    } else throw new ConfigError(file, [`line ${i + 1}: ${line}`]);
  }
  if (open.length > 1)
    throw new ConfigError(file, [`line ${open.at(-1)!.line}: <${open.at(-1)!.name}> is not closed`]);
  return root;
}

function newSection(name: string, argument: string, line: number): FluentdSection {
  return { name, argument, line, parameters: new Map(), lines: new Map(), sections: [] };
}

function unquote(value: string): string {
  const [, double, single] = /^(?:"(.*)"|'(.*)')$/.exec(value) ?? [];
  return double ?? single ?? value;
}

/** Of a plugin. */
export function typeOf({ parameters }: FluentdSection): string {
  return parameters.get("@type") ?? parameters.get("type") ?? "";
}
