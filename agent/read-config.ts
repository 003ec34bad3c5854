import { readdir, readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { parse as parseToml } from "smol-toml";
import { ConfigError, parseWith } from "../wire/config.ts";
import { AgentError, systemReason } from "./agent-error.ts";
import { type AgentConfig, agentConfigSchema, includedFileSchema } from "./config.ts";
import { interpolate } from "./interpolate.ts";

type Environment = Readonly<Record<string, string | undefined>>;
type Table = Readonly<Record<string, unknown>>;

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
  const table = await readTable(file, environment);
  const included: unknown[] = [];
  for (const path of await includedFiles(table, file)) {
    const part = await readTable(path, environment);
    parseWith(includedFileSchema, part, path);
    included.push(...(part["files"] as unknown[]));
  }
  const { files = [] } = table;
  const merged = Array.isArray(files) ? { ...table, files: [...files, ...included] } : table;
  return parseWith(agentConfigSchema, merged, file);
}

async function readTable(file: string, environment: Environment): Promise<Table> {
  const problems: string[] = [];
  const valueOf = (name: string) => (name === "hostname" ? hostname() : environment[name]);
  const table = interpolate(parse(await readConfigText(file), file), valueOf, (problem) =>
    problems.push(problem),
  );
  if (problems.length > 0) throw new ConfigError(file, problems);
  return table as Table;
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

function parse(toml: string, file: string): unknown {
  try {
    return parseToml(toml);
  } catch (cause) {
    throw new ConfigError(file, [systemReason(cause)]);
  }
}

/** In the order of their names. */
async function includedFiles({ include }: Table, file: string): Promise<string[]> {
  // Anything but a text is the schema's to complain about.
  if (typeof include !== "string") return [];
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
