import { readdir, readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { isAbsolute, join } from "node:path";
import type * as z from "zod";
import { toDotPath } from "zod/v4/core";
import { ConfigError } from "../../wire/config.ts";
import { issueMessage } from "../../wire/issue-message.ts";
import { AgentError, systemReason } from "../agent-error.ts";
import { type AgentConfig, agentConfigSchema, includedFileSchema } from "./config.ts";
import { ConfigProblems } from "./config-problems.ts";
import { type LineOf, tomlLines } from "./setting-lines.ts";
import { interpolate } from "./interpolate.ts";
import { parseToml } from "./toml.ts";

type Environment = Readonly<Record<string, string | undefined>>;
type Table = Readonly<Record<string, unknown>>;

const EMPTY =
  'the file is empty: write stream = "logs" and region = "eu-west-1", and under [[files]] a tag and a path';

/** A file with the values of the environment in it, and where its settings stand. */
interface ReadFile {
  readonly table: Table;
  readonly lineOf: LineOf;
}

/**
 * Reads the agent's TOML file and the files that it includes, and puts in the values of the
 * environment.
 *
 * @throws AgentError CONFIG_UNREADABLE, ConfigError naming file and field
 */
export async function readAgentConfig(
  file: string,
  environment: Environment = process.env,
): Promise<AgentConfig> {
  const { table, lineOf } = await readTable(file, environment);
  if (Object.keys(table).length === 0) throw new ConfigError(file, [EMPTY]);
  const included: unknown[] = [];
  for (const path of await includedFiles(table, file)) {
    const part = await readTable(path, environment);
    parseAs(includedFileSchema, part.table, path, part.lineOf);
    included.push(...(part.table["files"] as unknown[]));
  }
  const { files = [] } = table;
  const merged = Array.isArray(files) ? { ...table, files: [...files, ...included] } : table;
  return parseAs(agentConfigSchema, merged, file, lineOf);
}

/** @throws ConfigError with each field at fault, its line, and what to write */
function parseAs<S extends z.ZodType>(schema: S, table: Table, file: string, lineOf: LineOf): z.output<S> {
  const result = schema.safeParse(table, {
    error: (issue) => (issue.code === "invalid_value" ? issueMessage(issue) : undefined),
  });
  if (result.success) return result.data;
  const problems = new ConfigProblems(agentConfigSchema, table);
  throw new ConfigError(
    file,
    problems.texts(result.error.issues, (path) => lineText(path, lineOf)),
  );
}

/** The line of a field, or of the table that it is missing in. */
function lineText(path: readonly PropertyKey[], lineOf: LineOf): string {
  for (let length = path.length; length > 0; length--) {
    const field = toDotPath(path.slice(0, length));
    const line = lineOf(field) ?? lineOf(`${field}[0]`);
    if (line !== undefined) return `line ${line}: `;
  }
  return "";
}

async function readTable(file: string, environment: Environment): Promise<ReadFile> {
  const problems: string[] = [];
  const valueOf = (name: string) => (name === "hostname" ? hostname() : environment[name]);
  const text = await readConfigText(file);
  const knows = (name: string) => new ConfigProblems(agentConfigSchema, {}).knows(name);
  const written = parseToml(text, file, knows);
  const table = interpolate(written, valueOf, (problem) => problems.push(problem));
  if (problems.length > 0) throw new ConfigError(file, problems);
  return { table: table as Table, lineOf: tomlLines(text) };
}

/** @throws AgentError CONFIG_UNREADABLE */
export async function readConfigText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    const hint = "Name a file that can be read.";
    throw new AgentError("CONFIG_UNREADABLE", file, systemReason(cause), hint, { cause });
  }
}

/** In the order of their names. */
async function includedFiles({ include }: Table, file: string): Promise<string[]> {
  // Anything but an absolute path is the schema's to complain about.
  if (typeof include !== "string" || !isAbsolute(include)) return [];
  try {
    const names = await readdir(include);
    return names
      .filter((name) => name.endsWith(".toml"))
      .sort()
      .map((name) => join(include, name));
  } catch (cause) {
    throw new ConfigError(file, [`include: ${systemReason(cause)}`]);
  }
}
