import { ConfigError } from "../../../wire/config.ts";
import { isBalanced, readQuoted, withoutComment } from "./fluentd-value.ts";

/** A section of Fluentd's configuration: `<name argument> ... </name>`, or a line that includes a file. */
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

/** The name of the section that stands for a line that includes a file, its argument. */
export const INCLUDE = "@include";

const OPEN = /^<([a-z_]+)(?:\s+(.*?))?\s*>$/;
const CLOSE = /^<\/([a-z_]+)\s*>$/;
const PARAMETER = /^([^\s<]\S*)(?:\s+(.*))?$/s;
const COMMENT = /(^|\s)#(?!\{).*$/;

/** Lines that are still to be read. */
interface Source {
  readonly file: string;
  readonly lines: readonly string[];
  next: number;
}

/**
 * Reads Fluentd's own configuration syntax.
 *
 * ```
 * file      := { line "\n" }
 * line      := "<" name [ argument ] ">" | "</" name ">" | key value | "@include" path | "#" comment | ""
 * value     := text | '"' text '"' | "'" text "'" | "[" ... "]" | "{" ... "}", with "#" comment after white space
 * ```
 *
 * Texts in quotes, arrays and hashes may go on over several lines.
 *
 * @throws ConfigError naming the line, and never what it holds
 */
export function parseFluentd(text: string, file: string): FluentdSection {
  const root = newSection("", "", 1);
  const open = [root];
  const source: Source = { file, lines: text.split(/\r?\n/), next: 0 };
  while (source.next < source.lines.length) {
    const number = source.next + 1;
    const line = source.lines[source.next++]!.trim();
    const bare = line.replace(COMMENT, "").trim();
    if (bare === "") continue;
    const here = open.at(-1)!;
    const [, opened, argument = ""] = OPEN.exec(bare) ?? [];
    const [, closed] = CLOSE.exec(bare) ?? [];
    const [, key, rest = ""] = PARAMETER.exec(line) ?? [];
    if (opened !== undefined) {
      const section = newSection(opened, argumentOf(argument), number);
      here.sections.push(section);
      open.push(section);
    } else if (closed !== undefined && closed === here.name && open.length > 1) open.pop();
    else if (closed !== undefined) throw misplaced(file, number, closed, here);
    else if (key === undefined)
      throw new ConfigError(file, [`line ${number}: neither a section nor a setting`]);
    else {
      const value = valueOf(rest, source, number, key);
      if (key === INCLUDE || (key === "include" && value !== "")) {
        here.sections.push(newSection(INCLUDE, value, number));
      } else {
        here.parameters.set(key, value);
        here.lines.set(key, number);
      }
    }
  }
  const last = open.at(-1)!;
  if (open.length > 1) throw new ConfigError(file, [`line ${last.line}: <${last.name}> is not closed`]);
  return root;
}

function misplaced(
  file: string,
  line: number,
  closed: string,
  { name, line: opened }: FluentdSection,
): ConfigError {
  const open = name === "" ? "no section is open" : `<${name}> of line ${opened} is open`;
  return new ConfigError(file, [`line ${line}: </${closed}>, and ${open}`]);
}

function newSection(name: string, argument: string, line: number): FluentdSection {
  return { name, argument, line, parameters: new Map(), lines: new Map(), sections: [] };
}

/** It may be in quotes, as where it holds Ruby. */
function argumentOf(text: string): string {
  return readQuoted(text)?.value ?? text;
}

/** Reads on where the value does. */
function valueOf(rest: string, source: Source, line: number, key: string): string {
  const first = rest[0] ?? "";
  if (first === '"' || first === "'") return quoted(rest, source, line, key);
  if (first !== "[" && first !== "{") return rest.replace(COMMENT, "").trim();
  let value = withoutComment(rest);
  // A regular expression may begin with a bracket, too, and stands on one line.
  if (isBalanced(value)) return value;
  const from = source.next;
  while (source.next < source.lines.length) {
    value += `\n${withoutComment(source.lines[source.next++]!)}`;
    if (isBalanced(value)) return value;
  }
  source.next = from;
  throw new ConfigError(source.file, [`line ${line}: ${key} begins an array or a hash that is not closed`]);
}

function quoted(rest: string, source: Source, line: number, key: string): string {
  let text = rest;
  for (;;) {
    const read = readQuoted(text);
    // What follows the quote makes it a part of a text, as in "a" or "b".
    if (read) return /^\s*(?:#.*)?$/.test(read.rest) ? read.value : text.replace(COMMENT, "").trim();
    if (source.next === source.lines.length) {
      throw new ConfigError(source.file, [`line ${line}: the quotes of ${key} are not closed`]);
    }
    text += `\n${source.lines[source.next++]!}`;
  }
}

/** Of a plugin. */
export function typeOf({ parameters }: FluentdSection): string {
  return parameters.get("@type") ?? parameters.get("type") ?? "";
}
