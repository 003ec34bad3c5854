import { readFile } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { ConfigError, parseConfig, placeText } from "../wire/config.ts";
import type { FieldProblem, Place, PlaceOf, ReadConfig, WeirConfig } from "../wire/config.ts";
import { ConfigSource } from "./config-source.ts";

/**
 * Reads `weir.config.ts`, or its equal as .json, and checks it.
 *
 * @param path relative to the working directory, or absolute
 * @throws ConfigError naming the file, and each field at fault with its line
 */
export async function loadConfig(path: string): Promise<WeirConfig> {
  const { file, text, value } = await valueOf(path);
  try {
    return parseConfig(value, file);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return parseConfig(value, file, await placesIn(file, text, value));
  }
}

/** Loads what `loadConfig` does, with where its parts are written. @throws ConfigError */
export async function readConfig(path: string): Promise<ReadConfig> {
  const { file, text, value } = await valueOf(path);
  const placeOf = await placesIn(file, text, value);
  return { config: parseConfig(value, file, placeOf), placeOf };
}

async function placesIn(file: string, text: string, value: unknown): Promise<PlaceOf> {
  const source = await ConfigSource.parse(file, text);
  return (path) => source?.placeOf(path, value);
}

async function valueOf(path: string): Promise<{ file: string; text: string; value: unknown }> {
  const file = resolve(path);
  const text = await readText(file);
  try {
    const isJson = extname(file) === ".json";
    return { file, text, value: isJson ? JSON.parse(text) : await defaultExport(file) };
  } catch (error) {
    throw error instanceof ConfigError ? error : await unreadable(file, text, error as Error);
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new ConfigError(file, [code === "ENOENT" ? "there is no such file" : message]);
  }
}

async function defaultExport(file: string): Promise<unknown> {
  const module = (await import(pathToFileURL(file).href)) as { default?: unknown };
  if (module.default === undefined || isEmptyCommonJs(module)) {
    throw new ConfigError(file, ["no default export: it should read `export default defineConfig({ ... })`"]);
  }
  return module.default;
}

/**
 * Whether a file exports nothing though it has a default export: Node.js takes what neither imports nor exports for
 * CommonJS, and hands out its `module.exports`.
 */
function isEmptyCommonJs(module: { default?: unknown }): boolean {
  return "module.exports" in module && isDeepStrictEqual(module.default, {});
}

/** A file that is no TypeScript, imports what there is not, or throws while it is read. */
async function unreadable(file: string, text: string, error: Error): Promise<ConfigError> {
  const source = await ConfigSource.parse(file, text);
  const errors = extname(file) === ".json" ? [] : (source?.syntaxErrors() ?? []);
  const found: (Partial<Place> & { readonly message: string })[] = errors.map(({ message, ...place }) => ({
    ...place,
    message: `not TypeScript: ${message}`,
  }));
  if (found.length === 0) {
    const place = importAt(file, source, error) ?? thrownAt(file, error) ?? jsonAt(error);
    found.push({ ...place, message: error.message });
  }
  const told = found.map(({ message, ...place }) => placeText(place) + message);
  const fields: FieldProblem[] = found.map((problem) => ({ field: "", name: "", ...problem }));
  return new ConfigError(file, told, { fields });
}

/** Node names the module that it did not find. */
function importAt(file: string, source: ConfigSource | undefined, error: Error): Place | undefined {
  const { url } = error as { url?: string };
  if (url === undefined) return undefined;
  return source?.placeOfImport((specifier) => URL.parse(specifier, pathToFileURL(file).href)?.href === url);
}

/** Types are blanked out before a file runs, so that lines and columns are the file's own. */
function thrownAt(file: string, { stack = "" }: Error): Place | undefined {
  const [, line, column] =
    new RegExp(`${RegExp.escape(pathToFileURL(file).href)}:(\\d+):(\\d+)`).exec(stack) ?? [];
  return line === undefined ? undefined : { line: Number(line), column: Number(column) };
}

function jsonAt({ message }: Error): Place | undefined {
  const [, line, column] = /\(line (\d+) column (\d+)\)$/.exec(message) ?? [];
  return line === undefined ? undefined : { line: Number(line), column: Number(column) };
}
