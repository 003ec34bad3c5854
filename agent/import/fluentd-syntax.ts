import { ConfigError } from "../../wire/config.ts";

/** A section of Fluentd's configuration: `<name argument> ... </name>`. */
export interface FluentdSection {
  readonly name: string;
  readonly argument: string;
  readonly parameters: Map<string, string>;
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
  const root: FluentdSection = { name: "", argument: "", parameters: new Map(), sections: [] };
  const open = [root];
  for (const [i, whole] of text.split(/\r?\n/).entries()) {
    const line = whole.replace(/(^|\s)#(?!\{).*$/, "").trim();
    if (line === "") continue;
    const here = open.at(-1)!;
    const [, opened, argument = ""] = OPEN.exec(line) ?? [];
    const [, closed] = CLOSE.exec(line) ?? [];
    const [, key, value = ""] = PARAMETER.exec(line) ?? [];
    if (opened !== undefined) {
      const section = { name: opened, argument, parameters: new Map<string, string>(), sections: [] };
      here.sections.push(section);
      open.push(section);
    } else if (closed !== undefined && closed === here.name) open.pop();
    else if (key !== undefined) here.parameters.set(key, unquote(value));
    else throw new ConfigError(file, [`line ${i + 1}: ${line}`]);
  }
  if (open.length > 1) throw new ConfigError(file, [`<${open.at(-1)!.name}> is not closed`]);
  return root;
}

function unquote(value: string): string {
  const [, double, single] = /^(?:"(.*)"|'(.*)')$/.exec(value) ?? [];
  return double ?? single ?? value;
}
