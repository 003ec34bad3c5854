import { globSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { systemReason } from "../../agent-error.ts";
import { type FluentdSection, INCLUDE, parseFluentd } from "./fluentd-syntax.ts";
import { holdsRuby, variablesOf } from "./fluentd-value.ts";
import type { Notes } from "./imported.ts";

/** Files that include one another would never end. */
const DEPTH_MAX = 10;

/**
 * Puts the files that a configuration includes into it, as Fluentd does. What cannot be read stays as a section
 * that stands for it. Everything of an included file counts as being on the line that includes it.
 *
 * @throws ConfigError of an included file
 */
export function includeFiles(section: FluentdSection, file: string, notes: Notes, depth = 0): FluentdSection {
  const sections: FluentdSection[] = [];
  const parameters = new Map(section.parameters);
  const lines = new Map(section.lines);
  for (const inner of section.sections) {
    if (inner.name !== INCLUDE) {
      sections.push(includeFiles(inner, file, notes, depth));
      continue;
    }
    const { argument, line } = inner;
    const found = depth < DEPTH_MAX ? includedFiles(argument, file) : undefined;
    if (found === undefined)
      notes.add(line, `${INCLUDE} ${shownPath(argument)}: is not here; import where its files are`);
    else if (found.length === 0) notes.add(line, `${INCLUDE} ${argument}: there is no such file`);
    for (const path of found ?? []) {
      const text = readIncluded(path, line, notes);
      if (text === undefined) {
        sections.push(inner);
        continue;
      }
      const included = includeFiles(parseFluentd(text, path), path, notes, depth + 1);
      for (const [key, value] of included.parameters) {
        parameters.set(key, value);
        lines.set(key, line);
      }
      sections.push(...included.sections.map((section) => onLine(section, line)));
    }
    if (found === undefined) sections.push(inner);
  }
  return { ...section, sections, parameters, lines };
}

/** @returns undefined where it cannot be told from here which they are */
function includedFiles(path: string, from: string): string[] | undefined {
  if (path.includes("://") || holdsRuby(path) || variablesOf(path).length > 0) return undefined;
  const whole = resolve(dirname(from), path);
  const found = globSync(whole).sort();
  // A directory that is not here may well be where the configuration came from.
  const isHere = found.length > 0 || (/[*?[{]/.test(path) && globSync(dirname(whole)).length > 0);
  return isHere ? found : undefined;
}

function readIncluded(path: string, line: number, notes: Notes): string | undefined {
  try {
    return readFileSync(path, "utf8").replace(/^\uFEFF/, "");
  } catch (error) {
    notes.add(line, `${INCLUDE} ${path}: is not read: ${systemReason(error)}`);
    return undefined;
  }
}

function onLine(section: FluentdSection, line: number): FluentdSection {
  const lines = new Map(Array.from(section.lines.keys(), (key) => [key, line]));
  return { ...section, line, lines, sections: section.sections.map((inner) => onLine(inner, line)) };
}

/** A URL may hold a password. */
export function shownPath(path: string): string {
  return path.includes("://") ? "of a URL" : path;
}
