import { readFile } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { ConfigError, parseConfig } from "../wire/config.ts";
import type { WeirConfig } from "../wire/config.ts";

/**
 * Reads `weir.config.ts`, or its equal as .json, and checks it.
 *
 * @param path relative to the working directory, or absolute
 * @throws ConfigError naming the file, and each field at fault
 */
export async function loadConfig(path: string): Promise<WeirConfig> {
  const file = resolve(path);
  let value: unknown;
  try {
    value = extname(file) === ".json" ? JSON.parse(await readFile(file, "utf8")) : await defaultExport(file);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(file, [(error as Error).message]);
  }
  return parseConfig(value, file);
}

async function defaultExport(file: string): Promise<unknown> {
  const module = (await import(pathToFileURL(file).href)) as { default?: unknown };
  if (module.default === undefined) {
    throw new ConfigError(file, ["no default export: it should read `export default defineConfig({ ... })`"]);
  }
  return module.default;
}
