import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { glob, isDynamicPattern } from "tinyglobby";
import { patternSchema } from "../../agent/framing/pattern.ts";
import type { LogType } from "../../wire/log-type.ts";
import { RunError } from "../run/run-error.ts";

/** Paths or globs by log type, as given on the command line. */
export type LogGlobs = Readonly<Record<string, readonly string[]>>;

/** Patterns of lines that begin an event, by log type, as given on the command line. */
export type LogStarts = Readonly<Record<string, string>>;

/** The files of each type, absolute. */
export type LogFiles = Readonly<Record<string, readonly string[]>>;

/**
 * Finds the files that `--logs` names, before anything is started.
 *
 * @throws RunError for a type that does not exist, globs that match nothing, a file that is unreadable
 */
export async function findLogFiles(globs: LogGlobs, types: readonly LogType[]): Promise<LogFiles> {
  const files: Record<string, readonly string[]> = {};
  for (const [type, patterns] of Object.entries(globs)) {
    if (!types.some(({ name }) => name === type)) {
      const known = types.map(({ name }) => name).join(", ");
      const hint = `The configuration has: ${known}. Name another one with --config.`;
      throw new RunError("UNKNOWN_TYPE", `--logs: there is no log type "${type}"`, hint);
    }
    const found = await Promise.all(patterns.map((pattern) => findFiles(type, pattern)));
    files[type] = [...new Set(found.flat())].sort();
  }
  return files;
}

/** @throws RunError BAD_START */
export function assertStarts(starts: LogStarts, globs: LogGlobs): void {
  for (const [type, start] of Object.entries(starts)) {
    const problem = patternSchema.safeParse(start).error?.issues[0]?.message;
    if (problem !== undefined) {
      const hint = "It is the agent's multi_line.start, a regular expression such as ^\\d{4}-.";
      throw new RunError("BAD_START", `--start ${type}: ${problem}`, hint);
    }
    if (globs[type]) continue;
    const hint = `Name them with --logs ${type}=GLOB; the file of --agent has multi_line of its own.`;
    throw new RunError("BAD_START", `--start ${type}: no files of that type are sent`, hint);
  }
}

/** The tag under which the agent sends lines of a type: the first one that the type takes, without wildcards. */
export function tagOf({ name, match }: LogType): string {
  return match?.tags.find((tag) => !tag.includes("*")) ?? name;
}

async function findFiles(type: string, pattern: string): Promise<string[]> {
  const path = resolve(pattern);
  const files = isDynamicPattern(pattern)
    ? await glob(path, { absolute: true, onlyFiles: true, dot: true, expandDirectories: false })
    : [path];
  if (files.length === 0) {
    const hint = `Is ${dirname(path)} the right folder? A shell may need quotes around the pattern.`;
    throw new RunError("NO_FILES", `--logs ${type}: nothing matches ${path}`, hint);
  }
  for (const file of files) await assertReadable(type, file);
  return files;
}

async function assertReadable(type: string, file: string): Promise<void> {
  try {
    await access(file, constants.R_OK);
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    const message = `--logs ${type}: ${file} ${missing ? "does not exist" : "cannot be read"}`;
    const hint = missing ? "Check the path." : "Give this user the right to read it.";
    throw new RunError(missing ? "NO_FILES" : "UNREADABLE", message, hint, { cause });
  }
}
